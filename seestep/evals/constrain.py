"""Token masks that hold greedy decoding to a grammar (llguidance).

A grammar is compiled once for each distinct text and copied for every answer; a mask depends on
what that answer has said so far, never on the picture or the right answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seestep.errors import SeestepError, need
from seestep.thought.grammar import TAGS

if TYPE_CHECKING:
    from seestep.thought.grammar import Names


class Grammars:
    """The grammars of one tokenizer. ``vocabulary`` is the width of the model's logits."""

    def __init__(self, tokenizer: Any, *, vocabulary: int, stop_ids: Collection[int]) -> None:
        need("llguidance", "evals")
        import llguidance
        from llguidance.hf import from_tokenizer

        self._tokenizer = tokenizer
        self._matcher: Any = llguidance.LLMatcher
        self._bridge = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=sorted(stop_ids))
        self._vocabulary = vocabulary
        self._compiled: dict[tuple[str, str], Any] = {}

    @property
    def tag_tokens(self) -> frozenset[str]:
        """Those of the think and answer tags that are special tokens of this tokenizer."""
        ids = {tag: self._tokenizer.convert_tokens_to_ids(tag) for tag in TAGS}
        unknown = (None, self._tokenizer.unk_token_id)
        known = {tag: i for tag, i in ids.items() if i not in unknown}
        return frozenset(tag for tag, i in known.items() if self._bridge.is_special_token(i))

    def start(self, grammar: str, said: str = "") -> Any:
        """A matcher at the end of ``said``, the part of the answer that the prompt puts there.

        Raises ``SeestepError`` for a grammar that does not compile or does not begin so.
        """
        if (grammar, said) not in self._compiled:
            matcher = self._matcher(self._bridge, self._matcher.grammar_from_lark(grammar))
            if said:
                matcher.consume_tokens(self._tokenizer.encode(said, add_special_tokens=False))
            if matcher.is_error():
                raise SeestepError(
                    f"no answer can be decoded under this grammar: {matcher.get_error()}",
                    got=grammar[:300],
                )
            self._compiled[grammar, said] = matcher
        return self._compiled[grammar, said].deep_copy()

    def masks(self, grammars: Sequence[str], said: Sequence[str]) -> Masks:
        """Masks of a batch, a grammar and a beginning a row; "" leaves a row free."""
        starts = [self.start(g, s) if g else None for g, s in zip(grammars, said, strict=True)]
        return Masks(starts, self._vocabulary)


class Masks:
    """Where every row of a batch stands in its grammar; rows are numbered as the batch began."""

    def __init__(self, matchers: Sequence[Any], vocabulary: int) -> None:
        self._matchers = list(matchers)
        self._vocabulary = vocabulary

    def apply(self, logits: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """``logits`` (len(rows), vocabulary) with -inf for every token that may not come next."""
        held = [(i, row) for i, row in enumerate(rows) if self._matchers[row] is not None]
        if not held:
            return logits
        words = [np.frombuffer(self._matchers[row].compute_bitmask(), np.uint8) for _, row in held]
        bits = np.unpackbits(np.stack(words), axis=1, bitorder="little")[:, : self._vocabulary]
        banned = torch.from_numpy(bits == 0).to(logits.device)
        masked = logits.clone()
        where = [i for i, _ in held]
        masked[where] = masked[where].masked_fill(banned, -torch.inf)
        return masked

    def advance(self, tokens: Sequence[int], rows: Sequence[int]) -> None:
        """Take note of the token that each row said next."""
        for token, row in zip(tokens, rows, strict=True):
            matcher = self._matchers[row]
            if matcher is not None and not matcher.consume_token(token):
                raise SeestepError(f"a masked token was said all the same: {matcher.get_error()}")


def home_names() -> Names:
    """Every word that a thing of the embedded homes can be called, whatever home is shown."""
    from seestep.act.vocabulary import words
    from seestep.world.room.catalog import KINDS
    from seestep.world.room.shapes import COLORS, SCALES

    kinds = sorted(words(kind) for kind in KINDS)
    return (tuple(SCALES), tuple(COLORS), (*kinds, *(f"sliced {kind}" for kind in kinds)))
