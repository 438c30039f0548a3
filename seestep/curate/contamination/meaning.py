"""Questions that are near in a text encoder's eyes; what it does not read is told, not compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from seestep.curate.embed import Encoder

Told: TypeAlias = tuple[str, str]  # question; options and answer
ROWS = 1024  # compared at once


class Meanings:
    """Texts for an encoder: ``scripts`` has for each the script or language for which it is not
    read, or "", and ``read`` the places of all others."""

    def __init__(self, texts: Sequence[Told], encoder: Encoder) -> None:
        asked, said = [ask for ask, _ in texts], [word for _, word in texts]
        self.scripts = encoder.unread_pairs(asked, said)
        self.read = [n for n, script in enumerate(self.scripts) if not script]
        self._texts = [" ".join(texts[n]) for n in self.read]
        self._encoder = encoder

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(n, width) unit vectors of those that are ``read``."""
        return self._encoder.vectors(self._texts)

    def near(self, other: Meanings, least: float) -> Iterator[tuple[int, int, float]]:
        """Texts of the two that are alike by ``least``: place here, nearest there, their cosine."""
        if self.read and other.read:
            for mine, theirs, cosine in nearest(self.vectors, other.vectors, least):
                yield self.read[mine], other.read[theirs], cosine


def nearest(
    mine: NDArray[np.float32], theirs: NDArray[np.float32], least: float
) -> Iterator[tuple[int, int, float]]:
    """For each of my unit vectors near one of theirs: its row, the row of the nearest, the cosine.

    Neither may be empty.
    """
    for start in range(0, len(mine), ROWS):
        near = mine[start : start + ROWS] @ theirs.T
        for k in np.flatnonzero(near.max(1) >= least):
            best = int(near[k].argmax())
            yield start + int(k), best, float(near[k, best])


def told_unread(records: Iterable[str], questions: Iterable[str]) -> str:
    """How many are not read, by their scripts ("" for one that is read); "" if all are."""
    parts = []
    for scripts, kind in ((records, "records"), (questions, "questions of the benchmark")):
        count = Counter(script for script in scripts if script)
        if count:
            parts.append(f"{count.total():,} {kind} in {', '.join(sorted(count))}")
    return f"{' and '.join(parts)}, which the encoder does not read" if parts else ""
