"""Answers from a model in this process: greedy, batched, left-padded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from seestep.errors import DataError
from seestep.evals.constrain import Grammars, Masks
from seestep.evals.engines.base import Ask, Reply
from seestep.evals.engines.greedy import Pictures, decode, obstacle
from seestep.thought.grammar import Names, Think, completion_grammar

if TYPE_CHECKING:
    from seestep.families import Family
    from seestep.models.load import Loaded
    from seestep.records import Item


class LocalEngine:
    """Greedy generation with a loaded checkpoint.

    Asks are sorted by kind and length inside one call, so that a batch pads little and its answers
    end at about the same time; replies come back in the order of the asks. ``obstacle`` says why
    a checkpoint is left to transformers' own, slower ``generate``; "" if it is not.
    """

    def __init__(self, loaded: Loaded, *, batch_size: int = 16, fingerprint: str = "") -> None:
        self._loaded = loaded
        self._batch_size = batch_size
        self._fingerprint = fingerprint
        loaded.model.eval()
        self.obstacle = obstacle(loaded.model)
        tokenizer = loaded.processor.tokenizer
        self._stop_ids = {
            i
            for i in (tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|im_end|>"))
            if i is not None and i != tokenizer.unk_token_id
        }

    @property
    def family(self) -> Family:
        return self._loaded.family

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @cached_property
    def _grammars(self) -> Grammars:
        vocabulary = self._loaded.model.get_output_embeddings().weight.shape[0]
        return Grammars(
            self._loaded.processor.tokenizer, vocabulary=vocabulary, stop_ids=self._stop_ids
        )

    def grammar(self, item: Item, *, think: Think, names: Names) -> str:
        """Lark grammar of an answer in this checkpoint's wire style; "empty" has the tags."""
        return completion_grammar(
            item,
            self.family,
            think=think,
            style="tags" if think == "empty" else self._loaded.card.wire,
            tags_are_tokens=self._grammars.tag_tokens,
            names=names,
        )

    def generate(self, asks: Sequence[Ask], *, max_new_tokens: int) -> list[Reply]:
        """One greedy reply an ask; an ask whose images and mentions differ is a ``DataError``."""
        processor = self._loaded.processor
        texts = []
        for ask in asks:
            mentioned = sum(p["type"] == "image" for m in ask.messages for p in m["content"])
            if mentioned != len(ask.images):
                raise DataError(
                    "a prompt mentions another number of images than it brings",
                    wanted=str(mentioned),
                    got=str(len(ask.images)),
                )
            text = processor.apply_chat_template(
                ask.messages, tokenize=False, add_generation_prompt=True
            )
            texts.append(text + ask.prefix)
        order = sorted(range(len(asks)), key=lambda i: _place(asks[i], texts[i]))
        replies: dict[int, Reply] = {}
        pictures = Pictures(self._loaded.model)
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            for i, reply in zip(
                batch,
                self._batch(
                    [texts[i] for i in batch], [asks[i] for i in batch], max_new_tokens, pictures
                ),
                strict=True,
            ):
                replies[i] = reply
        return [replies[i] for i in range(len(asks))]

    def _batch(
        self, texts: list[str], asks: list[Ask], max_new_tokens: int, pictures: Pictures
    ) -> list[Reply]:
        processor = self._loaded.processor
        images = [list(ask.images) for ask in asks]
        inputs: Any = processor(
            text=texts,
            images=images if any(images) else None,
            padding=True,
            padding_side="left",
            return_tensors="pt",
        ).to(self._loaded.model.device)
        masks = None
        if any(ask.grammar for ask in asks):
            masks = self._grammars.masks([a.grammar for a in asks], [a.prefix for a in asks])
        if self.obstacle:
            said = self._generate(inputs, max_new_tokens, masks)
        else:
            said = decode(
                self._loaded.model,
                inputs,
                pictures if any(images) else None,
                [image for row in images for image in row],
                max_new_tokens=max_new_tokens,
                stop_ids=self._stop_ids,
                masks=masks,
            )
        prompt_lengths = inputs["attention_mask"].sum(dim=1).tolist()
        replies = []
        for row, ask, prompt in zip(said, asks, prompt_lengths, strict=True):
            end = next((i for i, token in enumerate(row) if token in self._stop_ids), None)
            kept = row if end is None else row[:end]
            text = processor.tokenizer.decode(kept, skip_special_tokens=False)
            finish = "length" if end is None else "stop"
            replies.append(Reply(ask.prefix + text, finish, int(prompt), len(kept)))
        return replies

    @torch.inference_mode()
    def _generate(self, inputs: Any, max_new_tokens: int, masks: Masks | None) -> list[list[int]]:
        out: torch.Tensor = self._loaded.model.generate(
            **inputs,
            logits_processor=[_Held(masks, self._stop_ids)] if masks else None,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            eos_token_id=sorted(self._stop_ids),
            pad_token_id=self._loaded.processor.tokenizer.pad_token_id,
        )
        said: list[list[int]] = out[:, inputs["input_ids"].shape[1] :].tolist()
        return said


class _Held:
    """``Masks`` as a logits processor of ``transformers``: what was said comes with every call."""

    def __init__(self, masks: Masks, stop_ids: set[int]) -> None:
        self._masks, self._stop_ids = masks, stop_ids
        self._rows: list[int] | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if self._rows is None:
            self._rows = list(range(len(input_ids)))
        else:
            last = input_ids[:, -1].tolist()
            self._rows = [row for row in self._rows if last[row] not in self._stop_ids]
            self._masks.advance([last[row] for row in self._rows], self._rows)
        held = scores.clone()
        held[self._rows] = self._masks.apply(scores[self._rows], self._rows)
        return held


def _place(ask: Ask, text: str) -> tuple[str, int, int]:
    return ask.kind, len(ask.images), len(text)
