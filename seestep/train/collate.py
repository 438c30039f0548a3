"""Encoded samples to model inputs: padded rows, exact positions, pictures decoded and counted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from seestep import media as files
from seestep.errors import DataError
from seestep.models.processor import Patches
from seestep.train.config import Average
from seestep.train.encode import Encoded, Encoder, Picture, positions

Batch = dict[str, Any]


class Samples(Dataset[Encoded]):
    """The encoded samples in the order of a schedule: position i of the run -> its sample."""

    def __init__(self, encoded: Sequence[Encoded], indices: NDArray[np.int64]) -> None:
        self._encoded, self._indices = encoded, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, position: int) -> Encoded:
        return self._encoded[int(self._indices[position])]


class Pictures:
    """Decodes, resizes and keeps pictures: uint8 arrays up to ``cache_mb``, oldest out first."""

    def __init__(self, encoder: Encoder, image_processor: Any, *, cache_mb: int = 512) -> None:
        self._roots, self._resample = encoder.roots, image_processor.resample
        self.patches = Patches(image_processor)
        self._cache: OrderedDict[tuple[str, str, int, int], NDArray[np.uint8]] = OrderedDict()
        self._room = cache_mb * 2**20

    def pixels(self, picture: Picture) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 at the size the model sees."""
        width, height = picture.resize.resized_width, picture.resize.resized_height
        key = (picture.media.root, picture.media.path, width, height)
        found = self._cache.get(key)
        if found is not None:
            self._cache.move_to_end(key)
            return found
        image = files.open_image(picture.media, self._roots)
        if (image.width, image.height) != (picture.resize.width, picture.resize.height):
            raise DataError(
                "the image has another size than its record says",
                file=picture.media.path,
                wanted=f"{picture.resize.width}x{picture.resize.height}",
                got=f"{image.width}x{image.height}",
            )
        # The same call as transformers' PIL image processor makes.
        found = np.asarray(image.resize((width, height), resample=self._resample))
        self._cache[key] = found
        self._room -= found.nbytes
        while self._room < 0 and len(self._cache) > 1:
            self._room += self._cache.popitem(last=False)[1].nbytes
        return found

    def values(self, pictures: Sequence[Picture]) -> tuple[Tensor, Tensor]:
        """pixel_values (patches, C*T*P*P) float32 and image_grid_thw (n, 3) of some pictures."""
        out = [self.patches(self.pixels(p)[None]) for p in pictures]
        return torch.cat([o[0] for o in out]), torch.cat([o[1] for o in out])


class Collator:
    """Right-padded batches for one forward pass.

    The batch holds ``ids`` (record ids), ``input_ids`` (B, L), ``attention_mask`` (B, L), or
    (B, 1, L, L) bool in the shared layout, ``position_ids`` (3, B, L), ``mm_token_type_ids``
    (B, L), ``pixel_values`` and ``image_grid_thw`` when there are pictures; and for the loss:
    ``logits_to_keep`` (B, L) bool, the N positions that predict a completion token, in row order;
    ``targets`` (N,) the tokens they must predict; ``rows`` (N,) completion each belongs to,
    numbered over the batch (sample 0's completions first).

    ``layout`` "split" makes a row of every completion. "shared" puts prompt and all completions
    of a sample in one row under a tree mask, so the prompt and its pictures are computed once;
    each branch starts with a copy of the prompt's last token.

    ``replayed`` (N,) bool is there where a sample is (``Encoded.replayed``): whose targets are.

    ``average`` other than "token" adds ``weights`` (N,) of the targets, see ``SftConfig``.

    ``dummy_vision``: a batch without pictures gets one masked visual token, so that every rank
    runs the vision tower and none waits for gradients that never come.
    """

    def __init__(
        self,
        encoder: Encoder,
        pictures: Pictures,
        *,
        layout: str = "split",
        average: Average = "token",
        dummy_vision: bool = False,
    ) -> None:
        self._encoder, self._pictures, self._average = encoder, pictures, average
        self._shared, self._dummy = layout == "shared", dummy_vision

    def __call__(self, samples: Sequence[Encoded]) -> Batch:
        rows: list[_Row] = []
        shown: list[Picture] = []
        for sample in samples:
            made = self._shared_row(sample) if self._shared else self._rows(sample)
            rows.extend(made)
            shown.extend(list(sample.pictures) * len(made))
        dummy = self._dummy and not shown
        length = max(len(r.ids) for r in rows) + dummy
        batch = self._tensors(rows, length)
        batch["ids"] = [s.id for s in samples]
        if any(s.replayed for s in samples):
            again = torch.tensor([s.replayed for s in samples for _ in s.completions])
            batch["replayed"] = again[batch["rows"]]
        if self._average != "token":
            batch["weights"] = answer_weights(batch["rows"], self._average)
        if shown:
            batch["pixel_values"], batch["image_grid_thw"] = self._pictures.values(shown)
            self._check(samples, batch)
        elif dummy:
            self._add_dummy(batch)
        return batch

    def _rows(self, sample: Encoded) -> list[_Row]:
        place, after = self._positions(sample)
        made = []
        for number, completion in enumerate(sample.completions):
            tail = np.broadcast_to(after + np.arange(len(completion)), (3, len(completion)))
            row = _Row(
                np.concatenate([sample.prompt, completion]), np.concatenate([place, tail], axis=1)
            )
            row.mark(len(sample.prompt) - 1, completion, number)
            made.append(row)
        return made

    def _shared_row(self, sample: Encoded) -> list[_Row]:
        place, after = self._positions(sample)
        stem = len(sample.prompt) - 1
        ids, where = [sample.prompt[:-1]], [place[:, :-1]]
        branch = [np.full(stem, -1)]
        for number, completion in enumerate(sample.completions):
            ids += [sample.prompt[-1:], completion]
            span = after - 1 + np.arange(len(completion) + 1)
            where.append(np.broadcast_to(span, (3, len(span))))
            branch.append(np.full(len(span), number))
        row = _Row(
            np.concatenate(ids), np.concatenate(where, axis=1), branch=np.concatenate(branch)
        )
        at = stem
        for number, completion in enumerate(sample.completions):
            row.mark(at, completion, number)
            at += len(completion) + 1
        return [row]

    def _positions(self, sample: Encoded) -> tuple[NDArray[np.int64], int]:
        return positions(
            sample.prompt,
            sample.grids,
            image_token=self._encoder.image_token,
            merge=sample.merge,
        )

    def _tensors(self, rows: Sequence[_Row], length: int) -> Batch:
        count = len(rows)
        ids = np.full((count, length), self._encoder.pad_token, dtype=np.int64)
        mask = np.zeros((count, length), dtype=np.int64)
        where = np.zeros((3, count, length), dtype=np.int64)
        keep = np.zeros((count, length), dtype=bool)
        targets: list[NDArray[np.int64]] = []
        owners: list[NDArray[np.int64]] = []
        first = 0
        for i, row in enumerate(rows):
            n = len(row.ids)
            ids[i, :n], mask[i, :n], where[:, i, :n] = row.ids, 1, row.places
            for start, completion, number in row.marks:
                keep[i, start : start + len(completion)] = True
                targets.append(completion)
                owners.append(np.full(len(completion), first + (number if self._shared else 0)))
            first += len(row.marks)
        batch: Batch = {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "position_ids": torch.from_numpy(where),
            "mm_token_type_ids": torch.from_numpy(
                (ids == self._encoder.image_token).astype(np.int64)
            ),
            "logits_to_keep": torch.from_numpy(keep),
            "targets": torch.from_numpy(np.concatenate(targets)),
            "rows": torch.from_numpy(np.concatenate(owners)),
        }
        if self._shared:
            batch["attention_mask"] = _tree_mask(rows, length)
        return batch

    def _check(self, samples: Sequence[Encoded], batch: Batch) -> None:
        """Image tokens must equal image features, sample by sample, before the model sees them."""
        features = iter(batch["image_grid_thw"].prod(dim=1).tolist())
        for sample in samples:
            for _ in range(1 if self._shared else len(sample.completions)):
                got = sum(next(features) // sample.merge**2 for _ in sample.pictures)
                wanted = int((sample.prompt == self._encoder.image_token).sum())
                if got != wanted:
                    raise DataError(
                        "image tokens and image features do not match",
                        record=sample.id,
                        wanted=f"{wanted} features",
                        got=str(got),
                    )

    def _add_dummy(self, batch: Batch) -> None:
        patches = self._pictures.patches
        side = patches.patch * patches.merge
        values, grid = patches(np.zeros((1, side, side, 3), dtype=np.uint8))
        batch["input_ids"][0, -1] = self._encoder.image_token
        batch["mm_token_type_ids"][0, -1] = 1
        batch["pixel_values"], batch["image_grid_thw"] = values, grid


class _Row:
    """One sequence: ids, positions, and where its completions start to be predicted."""

    def __init__(
        self,
        ids: NDArray[np.int64],
        places: NDArray[np.int64],
        branch: NDArray[np.int64] | None = None,
    ) -> None:
        self.ids, self.places, self.branch = ids, places, branch
        self.marks: list[tuple[int, NDArray[np.int64], int]] = []

    def mark(self, start: int, completion: NDArray[np.int64], number: int) -> None:
        self.marks.append((start, completion, number))


def answer_weights(rows: Tensor, average: Average) -> Tensor:
    """What each target token (N,) of the completions ``rows`` (N,) weighs in the loss."""
    tokens = torch.bincount(rows)[rows].float()
    power = {"token": 0.0, "square": -0.5, "sample": -1.0}[average]
    return tokens**power


def _tree_mask(rows: Sequence[_Row], length: int) -> Tensor:
    """(B, 1, L, L) bool: a token sees the stem and its own branch, up to itself."""
    branch = np.full((len(rows), length), -2)
    for i, row in enumerate(rows):
        if row.branch is not None:
            branch[i, : len(row.branch)] = row.branch
    b = torch.from_numpy(branch)
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    seen = (b[:, None, :] == -1) | (b[:, :, None] == b[:, None, :])
    # A padding query must see something, or its softmax is 0/0.
    return ((causal & seen) | torch.eye(length, dtype=torch.bool))[:, None]
