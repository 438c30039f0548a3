"""The batch of every step: pictures to look at, then packed questions about them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from seestep import families
from seestep.errors import DataError
from seestep.models.processor import Patches
from seestep.train.base.config import PretrainConfig, Stage
from seestep.train.base.corpus import (
    HEADS,
    IGNORE,
    Corpus,
    Question,
    joined,
    mirrored,
    moved,
    relit,
)
from seestep.train.base.pack import Packed, Packer
from seestep.train.base.reading import Mentions, in_letters, in_words, is_native, listings
from seestep.train.collate import Batch

# How pictures of the vision stage vary; questions are about pictures as they are.
MIRRORED = 0.5  # of them
MOVED = 1  # of BINS either way
JOINED = 0.5  # of the steps show pictures of two halves
LIGHT = 0.15  # brighter or darker by up to this share
NOISE = 3.0  # standard deviation, of 255


class Steps(Dataset[int]):
    """The steps of a run, by number; ``Lessons`` makes their batches."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, step: int) -> int:
        return step


class Lessons:
    """The engine's collator for pretraining: a step's number in, its batch out.

    Step k of a stage draws from (seed, stage, k) alone, so a run that was killed and goes on sees
    what an uninterrupted one sees. A batch holds ``cells`` (visual tokens, heads) beside the
    engine's inputs, and ``named`` (names, 6) where there are questions; one of the vision stage has
    pictures only, and no ``targets``.
    """

    def __init__(
        self, config: PretrainConfig, corpus: Corpus, packer: Packer, patches: Patches
    ) -> None:
        self.config, self.corpus, self.packer, self.patches = config, corpus, packer, patches
        single = [g for g in corpus.groups if len(g[0].views) == 1]
        single = [[*g, *listings(corpus, g), *self._worded(g)] for g in single]
        family = families.get(config.family)
        native = [[q for q in g if is_native(q, family)] for g in single]
        kept = ([[q for q in g if q.ability in p.weights] for g in native] for p in config.phases)
        self.phases = [[g for g in groups if g] for groups in kept]
        for phase, groups in zip(config.phases, self.phases, strict=True):
            if not groups:
                raise DataError("no question of a phase", wanted=", ".join(sorted(phase.weights)))
        self.pools = single, [g for g in corpus.groups if len(g[0].views) > 1]
        self.mentions = Mentions(packer.encode_known)

    def _worded(self, group: Sequence[Question]) -> list[Question]:
        """Choices in the family's own form, asked in words or with their answer told as well."""
        family = families.get(self.config.family)
        plain = [q for q in group if is_native(q, family)]
        made = [in_words(q) for q in plain if q.ability in self.config.words]
        made += [in_letters(q) for q in plain if q.ability in self.config.letters]
        return [q for q in made if q is not None]

    def __call__(self, steps: Sequence[int]) -> Batch:
        (step,) = steps
        number, k = self.config.place(step)
        name, stage = self.config.stages[number]
        rng = np.random.default_rng([self.config.seed, number, k])
        if name == "vision":
            batch = self._look(stage, rng)
        else:
            batch = self._ask(stage, rng, self.config.phase(k) if name == "joint" else None)
        return batch | {"ids": [f"{name} {k + 1}"], "aux": stage.aux}

    def _look(self, stage: Stage, rng: np.random.Generator) -> Batch:
        views = rng.integers(len(self.corpus.pictures), size=stage.batch)
        pictures, told = self.corpus.pictures[views], self.corpus.cells[views]
        flip = rng.random(stage.batch) < MIRRORED
        pictures[flip], told[flip] = mirrored(pictures[flip], told[flip])
        across, down = rng.integers(-MOVED, MOVED + 1, size=2)
        pictures, told = moved(pictures, told, int(across), int(down))
        if rng.random() < JOINED:
            grid = math.isqrt(told.shape[1])
            cut = int(rng.integers(1, grid)) if grid > 1 else 0
            pictures, told = joined(pictures, told, rng.permutation(stage.batch), cut)
        return self._see(relit(pictures, rng, LIGHT, NOISE), told)

    def _ask(self, stage: Stage, rng: np.random.Generator, phase: int | None) -> Batch:
        groups = self._draw(stage, rng, phase)
        packed = self.packer(groups)
        seen = self._see(self.corpus.pictures[packed.views], self.corpus.cells[packed.views])
        return seen | inputs(packed) | {"named": self._named(groups, packed)}

    def _named(self, groups: list[list[Question]], packed: Packed) -> Tensor:
        """(n, 6) row and position of names in the batch, then what ``Mentions`` knows of them."""
        found = [
            (row, int(packed.slots[row, number, at]), *place)
            for row, group in enumerate(groups)
            for number, question in enumerate(group)
            if len(question.views) == 1
            for at, *place in self.mentions(self.corpus, question)
        ]
        return torch.tensor(found, dtype=torch.long).reshape(-1, 6)

    def _see(self, pictures: NDArray[np.uint8], told: NDArray[np.int16]) -> Batch:
        pixels, grid = self.patches(pictures)
        cells = told.reshape(-1, len(HEADS)).astype(np.int64)
        return {
            "pixel_values": pixels,
            "image_grid_thw": grid,
            "cells": torch.from_numpy(cells),
        }

    def _draw(
        self, stage: Stage, rng: np.random.Generator, phase: int | None
    ) -> list[list[Question]]:
        """Groups, all about one picture or all about several, and a few questions of each."""
        if phase is not None:
            weights, pool = self.config.phases[phase].weights, self.phases[phase]
        else:
            several = bool(self.pools[1]) and rng.random() < self.config.pairs
            weights, pool = stage.weights or self.config.ability_weights, self.pools[several]
        drawn = []
        for index in rng.integers(len(pool), size=stage.batch):
            group = pool[index]
            weight = np.array([weights.get(q.ability, 1.0) for q in group])
            most = min(self.config.questions, int((weight > 0).sum()))
            picks = rng.choice(len(group), size=most, replace=False, p=weight / weight.sum())
            drawn.append([group[i] for i in picks])
        return drawn


def inputs(packed: Packed) -> Batch:
    """Packed questions as the engine's batch: logits at the positions before taught tokens."""
    taught = packed.labels[:, 1:] != IGNORE
    return {
        "input_ids": packed.input_ids,
        "attention_mask": packed.mask,
        "position_ids": packed.positions,
        "slots": packed.slots,
        "in_prefix": packed.owner == 0,
        "logits_to_keep": torch.nn.functional.pad(taught, (0, 1)),
        "targets": packed.labels[:, 1:][taught],
        "weights": packed.weights[:, 1:][taught],
    }
