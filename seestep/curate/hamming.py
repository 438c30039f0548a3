"""All pairs of 64-bit hashes within a few bits of each other, found without holding all pairs.

Multi-index hashing (Norouzi, Punjani and Fleet 2012): of two hashes that differ in at most
``near`` bits, one of the four parts of 16 bits differs in few (the pigeonhole principle), so
whoever looks up each part, and all parts that close to it, in a table misses nobody. The work
grows with the pairs that share such a part: about a hundredth of all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seestep.compiled import kernel
from seestep.curate.kernels import ones

Array = NDArray[Any]

PARTS, BITS = 4, 16

_PART = np.uint64((1 << BITS) - 1)


class Close:
    """Hashes that were put into tables; ``pairs`` tells who is close to some of them."""

    def __init__(self, hashes: NDArray[np.uint64], near: int) -> None:
        """``hashes`` (n,); two are close that differ in at most ``near`` bits, 0 to 63."""
        if not 0 <= near < PARTS * BITS:
            raise ValueError(f"near must be in 0..{PARTS * BITS - 1} bits, got {near}")
        self._hashes, self._near = np.ascontiguousarray(hashes, dtype=np.uint64), near
        # the sum of (reach + 1) over all parts is near + 1: all parts beyond theirs are too many
        self._reach = np.array([(near - part) // PARTS for part in range(PARTS)])
        keys = np.arange(1 << BITS, dtype=np.uint64)
        weight = np.bitwise_count(keys)
        self._changes = keys[np.argsort(weight, kind="stable")]
        self._upto = np.searchsorted(np.sort(weight), self._reach, side="right")
        self._rows = np.empty((PARTS, len(hashes)), dtype=np.int32)
        self._held = np.empty((PARTS, len(hashes)), dtype=np.uint64)  # whole hashes of those rows
        self._starts = np.empty((PARTS, (1 << BITS) + 1), dtype=np.int32)
        for part in range(PARTS):
            key = (self._hashes >> np.uint64(BITS * part)) & _PART
            self._rows[part] = np.argsort(key, kind="stable")
            self._held[part] = self._hashes[self._rows[part]]
            self._starts[part] = np.searchsorted(key[self._rows[part]], np.arange(len(keys) + 1))

    def pairs(self, start: int, stop: int, live: NDArray[np.bool_]) -> tuple[Array, Array]:
        """(row, later row) of all close pairs of live rows, sorted; rows are of start..stop."""
        counts, later = _pairs(
            self._hashes, self._rows, self._held, self._starts, self._changes, self._upto,
            self._reach, self._near, start, min(stop, len(self._hashes)), live,
        )  # fmt: skip
        return np.repeat(np.arange(start, start + len(counts)), counts), later


@kernel
def _pairs(
    hashes: Array,
    rows: Array,
    held: Array,
    starts: Array,
    changes: Array,
    upto: Array,
    reach: Array,
    near: int,
    start: int,
    stop: int,
    live: Array,
) -> tuple[Array, Array]:
    """How many later rows each row of start..stop is close to, and those, ascending."""
    counts = np.zeros(stop - start, dtype=np.int64)
    found = np.empty(1024, dtype=np.int64)
    at = 0
    for row in range(start, stop):
        if not live[row]:
            continue
        first = at
        for part in range(len(rows)):
            shift = np.uint64(BITS * part)
            own = (hashes[row] >> shift) & _PART
            for change in changes[: upto[part]]:
                key = np.int64(own ^ change)
                for i in range(starts[part, key + 1] - 1, starts[part, key] - 1, -1):
                    apart = hashes[row] ^ held[part, i]
                    if ones(apart) > near:
                        continue
                    other = rows[part, i]
                    if other <= row:
                        break
                    if not live[other]:
                        continue
                    told = False  # by an earlier part
                    for before in range(part):
                        differ = (apart >> np.uint64(BITS * before)) & _PART
                        told = told or ones(differ) <= reach[before]
                    if told:
                        continue
                    if at == len(found):
                        larger = np.empty(2 * at, dtype=np.int64)
                        larger[:at] = found
                        found = larger
                    found[at] = other
                    at += 1
        found[first:at].sort()
        counts[row - start] = at - first
    return counts, found[:at].copy()
