"""Which unit vectors are near ones that are kept: every one, or those that share a cell.

Rows come best first, a block at a time. A block is compared with the rows that are kept, then its
rows with each other; what is gone is compared with nothing. So memory grows with the rows, and a
thousand copies of one text cost a thousand comparisons, not half a million.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

CELLS_FROM = 200_000  # rows: all pairs of so many take some minutes
BLOCK = 2048  # rows of a block: 16 MB of cosines
PAIRS = 16_384  # pairs whose cosines are found at a time in float64
CELL = 4000  # rows of a cell, about
OVERLAP = 4  # cells that a row stands in
ROUNDS = 10
SLACK = 1e-5  # what float32 may add to a cosine or take from it, and more
SAME = 1e-6  # cosines are told apart from here on: those of equal vectors are 1


class Twin(NamedTuple):
    """A kept row and the cosine of the two."""

    row: int
    cosine: float


def stars(
    vectors: Vectors,
    least: float,
    same: Callable[[int, int], bool] = lambda row, kept: True,
    *,
    exact_up_to: int = CELLS_FROM,
    seed: int = 0,
) -> list[Twin | None]:
    """Of each row of ``vectors`` (n, width), best first, the kept row it is a twin of; None where
    it is kept.

    A twin has a cosine of ``least`` or more and is the ``same``; of several the most like one, then
    the first. Up to ``exact_up_to`` rows all are compared; beyond that those that share one of the
    nearest cells of both.
    """
    few = len(vectors) <= max(1, exact_up_to)
    cells = np.zeros((len(vectors), 1), np.int64) if few else _cells(vectors, seed)
    kept: list[Rows] = [np.zeros(0, np.int64) for _ in range(int(cells.max(initial=0)) + 1)]
    found = _Stars(vectors, least, same)
    for start in range(0, len(vectors), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(vectors)))
        own = cells[block]
        for cell in np.unique(own):
            inside = block[(own == cell).any(axis=1)]
            for at in range(0, len(kept[cell]), BLOCK):
                found.compare(inside, kept[cell][at : at + BLOCK])
        new = found.settle(block, cells)
        for cell in np.unique(cells[new]):
            kept[cell] = np.append(kept[cell], new[(cells[new] == cell).any(axis=1)])
    return found.twins


class _Stars:
    """The twin of each row so far."""

    def __init__(self, vectors: Vectors, least: float, same: Callable[[int, int], bool]) -> None:
        self.twins: list[Twin | None] = [None] * len(vectors)
        self._vectors, self._least, self._same = vectors, least, same
        self._squares = np.concatenate(
            [_dots(part, part) for part in np.array_split(vectors, len(vectors) // PAIRS + 1)]
        )

    def compare(self, rows: Rows, kept: Rows) -> None:
        """Look for twins of ``rows`` among ``kept``, both ascending."""
        a, b = np.nonzero(self._vectors[rows] @ self._vectors[kept].T >= self._least - SLACK)
        for at in range(0, len(a), PAIRS):
            self._offer(rows[a[at : at + PAIRS]], kept[b[at : at + PAIRS]])

    def settle(self, block: Rows, cells: Rows) -> Rows:
        """Look for twins of the rows of a block within it; returns those that are kept."""
        open_ = np.array([row for row in block.tolist() if self.twins[row] is None], np.int64)
        near = self._vectors[block] @ self._vectors[open_].T >= self._least - SLACK
        near &= open_[None, :] < block[:, None]
        stays = np.ones(len(open_), np.bool_)
        for i in np.flatnonzero(near.any(axis=1)).tolist():
            row = int(block[i])
            others = open_[near[i] & stays]
            if cells.shape[1] > 1:
                shared = (cells[others][:, :, None] == cells[row]).any(axis=(1, 2))
                others = others[shared]
            for at in range(0, len(others), PAIRS):
                self._offer(np.full(len(others[at : at + PAIRS]), row), others[at : at + PAIRS])
            if self.twins[row] is not None:
                stays[open_ == row] = False
        return open_[stays]

    def _offer(self, rows: Rows, kept: Rows) -> None:
        cosine = self._cosines(rows, kept)
        near = cosine >= self._least - SAME
        rows, kept, cosine = rows[near], kept[near], cosine[near]
        order = np.lexsort((kept, -cosine, rows))
        done = -1
        for row, other, likeness in zip(
            rows[order].tolist(), kept[order].tolist(), cosine[order].tolist(), strict=True
        ):
            if row == done:
                continue
            twin = self.twins[row]
            if twin is not None and (-twin.cosine, twin.row) <= (-likeness, other):
                done = row
            elif self._same(row, other):
                self.twins[row], done = Twin(other, likeness), row

    def _cosines(self, rows: Rows, kept: Rows) -> NDArray[np.float32]:
        """Found in float64: a float32 product depends on the rows that stand around."""
        lengths = np.sqrt(self._squares[rows] * self._squares[kept])
        found = _dots(self._vectors[rows], self._vectors[kept]) / np.maximum(lengths, 1e-300)
        cosine: NDArray[np.float32] = found.astype(np.float32)
        return cosine


def _dots(left: Vectors, right: Vectors) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (left.astype(np.float64) * right.astype(np.float64)).sum(axis=1)
    return found


def _cells(vectors: Vectors, seed: int) -> Rows:
    """(n, overlap) the nearest cells of each row."""
    centres = _centres(vectors, min(len(vectors), max(2, len(vectors) // CELL)), seed)
    overlap = min(OVERLAP, len(centres))
    return np.concatenate(
        [
            np.argpartition(-(vectors[s : s + BLOCK] @ centres.T), overlap - 1, axis=1)[:, :overlap]
            for s in range(0, len(vectors), BLOCK)
        ]
    )


def _centres(vectors: Vectors, count: int, seed: int) -> Vectors:
    """Spherical k-means over a sample of 64 rows a centre."""
    rng = np.random.default_rng(seed)
    sample = vectors[
        np.sort(rng.choice(len(vectors), min(len(vectors), 64 * count), replace=False))
    ]
    centres = sample[np.sort(rng.choice(len(sample), count, replace=False))].copy()
    for _ in range(ROUNDS):
        nearest = np.concatenate(
            [
                (sample[s : s + BLOCK] @ centres.T).argmax(axis=1)
                for s in range(0, len(sample), BLOCK)
            ]
        )
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, sample)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(length > 0, sums / np.maximum(length, 1e-12), centres)
    return centres
