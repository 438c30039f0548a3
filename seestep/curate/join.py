"""All pairs of unit vectors from a cosine on: every one, block by block, or those within cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]

CELLS_FROM = 200_000  # rows: all pairs of so many take some minutes
BLOCK = 2048  # rows of a block: 16 MB of cosines
CELL = 4000  # rows of a cell, about
OVERLAP = 4  # cells that a row stands in
ROUNDS = 10
SLACK = 1e-5  # what float32 may add to a cosine or take from it, and more
SAME = 1e-6  # cosines are told apart from here on: those of equal vectors are 1


def near_pairs(
    vectors: Vectors, least: float, exact_up_to: int = CELLS_FROM, seed: int = 0
) -> Pairs:
    """(left, right, cosine) of pairs of rows of ``vectors`` (n, width) with a cosine of ``least``
    or more, left < right, in order. Up to ``exact_up_to`` rows all of them are found; beyond that
    those that share one of the nearest cells of both."""
    if len(vectors) <= max(1, exact_up_to):
        return _all(vectors, least)
    return _within_cells(vectors, least, seed)


def _all(vectors: Vectors, least: float) -> Pairs:
    left: list[NDArray[np.int64]] = []
    right: list[NDArray[np.int64]] = []
    cosine: list[NDArray[np.float32]] = []
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        for other in range(start, len(vectors), BLOCK):
            likeness = block @ vectors[other : other + BLOCK].T
            a, b = np.nonzero(likeness >= least - SLACK)
            found = a + start < b + other
            a, b = a[found] + start, b[found] + other
            exact = cosines(vectors[a], vectors[b])
            found = exact >= least - SAME
            left.append(a[found])
            right.append(b[found])
            cosine.append(exact[found])
    return _sorted(left, right, cosine)


def cosines(left: Vectors, right: Vectors) -> NDArray[np.float32]:
    """Row by row, found in float64: a float32 product depends on the rows that stand around."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    lengths = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    found: NDArray[np.float64] = (a * b).sum(axis=1) / np.maximum(lengths, 1e-300)
    return found.astype(np.float32)


def _within_cells(vectors: Vectors, least: float, seed: int) -> Pairs:
    centres = _centres(vectors, min(len(vectors), max(2, len(vectors) // CELL)), seed)
    overlap = min(OVERLAP, len(centres))
    cells = np.concatenate(
        [
            np.argpartition(-(vectors[s : s + BLOCK] @ centres.T), overlap - 1, axis=1)[:, :overlap]
            for s in range(0, len(vectors), BLOCK)
        ]
    )
    left, right, cosine = [], [], []
    for cell in range(len(centres)):
        rows = np.flatnonzero((cells == cell).any(axis=1))
        a, b, likeness = _all(vectors[rows], least)
        left.append(rows[a])
        right.append(rows[b])
        cosine.append(likeness)
    a, b, likeness = _sorted(left, right, cosine)
    first = np.ones(len(a), dtype=np.bool_)
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])  # one pair of two cells counts once
    return a[first], b[first], likeness[first]


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


def _sorted(
    left: list[NDArray[np.int64]], right: list[NDArray[np.int64]], cosine: list[NDArray[np.float32]]
) -> Pairs:
    if not left:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    a, b, likeness = np.concatenate(left), np.concatenate(right), np.concatenate(cosine)
    order = np.lexsort((b, a))
    return a[order].astype(np.int64), b[order].astype(np.int64), likeness[order]
