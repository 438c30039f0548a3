"""Many questions on one look: [pictures] once, then each question sees the pictures and itself.

Positions restart after the pictures and a 4-D mask keeps the questions apart, so every question
is computed as if it had been asked alone, while its pictures are paid for once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seestep.train.base.corpus import IGNORE, Question

Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class Packed:
    """Model inputs and targets for B groups; L tokens, padded on the right.

    ``input_ids`` (B, L); ``mask`` (B, 1, L, L) bool, True = may look; ``positions`` (3, B, L) of
    time, height, width; ``labels`` (B, L), -100 where nothing is taught; ``weights`` (B, L) of the
    loss; ``owner`` (B, L): 0 prefix, k for the k-th question, -1 padding; ``slots`` (B, Q, N):
    where the tokens of each question are, L for padding; ``views`` picture indices in the order of
    the placeholders.
    """

    input_ids: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor
    owner: torch.Tensor
    slots: torch.Tensor
    views: NDArray[np.int64]


class Packer:
    """Packs groups of questions for a model with ``grid`` x ``grid`` visual tokens a picture."""

    def __init__(
        self, encode: Encode, *, image_id: int, pad_id: int, grid: int, form_weight: float
    ) -> None:
        self.encode, self.image_id, self.pad_id, self.grid = encode, image_id, pad_id, grid
        self.form_weight = form_weight
        self.known: dict[str, list[int]] = {}

    def __call__(self, groups: Sequence[Sequence[Question]]) -> Packed:
        rows = [self._row(group) for group in groups]
        length = -(-max(len(r[0]) for r in rows) // 16) * 16
        shape = (len(rows), length)
        ids = torch.full(shape, self.pad_id)
        owner = torch.full(shape, -1)
        labels = torch.full(shape, IGNORE)
        weights = torch.zeros(shape)
        positions = torch.zeros((3, *shape), dtype=torch.long)
        for i, (tokens, places, owns, targets, loss) in enumerate(rows):
            n = len(tokens)
            ids[i, :n], owner[i, :n] = torch.tensor(tokens), torch.tensor(owns)
            labels[i, :n], weights[i, :n] = torch.tensor(targets), torch.tensor(loss)
            positions[:, i, :n] = places
        views = np.array([v for g in groups for v in g[0].views], dtype=np.int64)
        slots = question_slots(owner)
        return Packed(ids, block_mask(owner), positions, labels, weights, owner, slots, views)

    def _row(
        self, group: Sequence[Question]
    ) -> tuple[list[int], torch.Tensor, list[int], list[int], list[float]]:
        prefix = self.expand(self.encode_known(group[0].prefix))
        places = [prefix_positions(prefix, self.image_id, self.grid)]
        start = int(places[0].max()) + 1 if prefix else 0
        tokens, owns = list(prefix), [0] * len(prefix)
        targets, loss = [IGNORE] * len(prefix), [0.0] * len(prefix)
        for k, q in enumerate(group, 1):
            if q.prefix != group[0].prefix or q.views != group[0].views:
                raise ValueError("questions of one group must share pictures and prefix")
            asked, said = self.encode_known(q.suffix), self.encode_known(q.completion)
            n = len(asked) + len(said)
            tokens += asked + said
            owns += [k] * n
            targets += [IGNORE] * len(asked) + said
            loss += [0.0] * len(asked) + self._weigh(said)
            places.append(torch.arange(start, start + n).expand(3, n))
        return tokens, torch.cat(places, dim=1), owns, targets, loss

    def expand(self, tokens: Sequence[int]) -> list[int]:
        """One picture placeholder becomes grid x grid of them, as the processor does."""
        times = {self.image_id: self.grid * self.grid}
        return [t for token in tokens for t in [token] * times.get(token, 1)]

    def _weigh(self, said: Sequence[int]) -> list[float]:
        # Every answer has the same tags around it; what stands between them shares one over the
        # root of its length, so that a long answer counts more than a letter but not by length.
        head, tail = self._form()
        inner = len(said) - head - tail
        if inner <= 0:
            return [self.form_weight] * len(said)
        return [self.form_weight] * head + [inner**-0.5] * inner + [self.form_weight] * tail

    def _form(self) -> tuple[int, int]:
        head = len(self.encode_known("<think></think><answer>"))
        return head, len(self.encode_known("</answer><|im_end|>"))

    def encode_known(self, text: str) -> list[int]:
        found = self.known.get(text)
        if found is None:
            found = self.known[text] = self.encode(text)
        return found


def block_mask(owner: torch.Tensor) -> torch.Tensor:
    """(B, 1, L, L) bool: causal, and only to the prefix (owner 0) and to the own question.

    Padding looks at itself, because a row that looks nowhere is NaN in softmax.
    """
    length = owner.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    same = owner[:, :, None] == owner[:, None, :]
    prefix = (owner == 0)[:, None, :]
    real = (owner >= 0)[:, None, :]
    mask = causal & (same | prefix) & real
    return (mask | torch.eye(length, dtype=torch.bool))[:, None]


def question_slots(owner: torch.Tensor) -> torch.Tensor:
    """(B, Q, N) index of the n-th token of each question in its row, L where there is none."""
    length = owner.shape[1]
    counts = torch.stack([(owner == k).sum(1) for k in range(1, int(owner.max()) + 1)], dim=1)
    first = (owner == 0).sum(1, keepdim=True) + counts.cumsum(1) - counts
    steps = torch.arange(int(counts.max()))
    slots = first[:, :, None] + steps
    return slots.masked_fill(steps >= counts[:, :, None], length)


def prefix_positions(tokens: Sequence[int], image_id: int, grid: int) -> torch.Tensor:
    """(3, n) positions of text and pictures, as ``get_rope_index`` of Qwen2-VL and Qwen3-VL.

    A picture stands at one time; its rows and columns count up from there, and the text after it
    goes on behind its longer side.
    """
    out, at, i = [], 0, 0
    cells = torch.arange(grid * grid)
    while i < len(tokens):
        if tokens[i] == image_id:
            time = torch.full((grid * grid,), at)
            out.append(torch.stack([time, at + cells // grid, at + cells % grid]))
            at, i = at + grid, i + grid * grid
        else:
            out.append(torch.full((3, 1), at))
            at, i = at + 1, i + 1
    return torch.cat(out, dim=1) if out else torch.zeros((3, 0), dtype=torch.long)
