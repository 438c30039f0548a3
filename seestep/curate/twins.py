"""Which rows are near rows that are kept: minhash buckets in which only kept rows stand.

Rows are offered best first. Each is compared with the kept rows of its buckets, exactly, and then
kept or not by whoever asks. What is gone is compared with nothing, so a thousand copies of one text
cost a thousand comparisons and not half a million, and no row goes for being near a row that went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seestep.errors import need

FEW = 32  # rows of a group that are all compared with each other: nothing can be missed there
BLOCKS, APART = 4, 3  # blocks of a simhash: within 3 bits of each other two have one in common
MOST = 4096  # near rows of one row that are told


class Shingle(NamedTuple):
    """What a set of a text's parts is made of: so many neighbouring signs, or words."""

    unit: Literal["char", "word"] = "char"
    size: int = 5

    @classmethod
    def parse(cls, text: str) -> Shingle:
        """ "char:5" or "word:3"; ``ValueError`` for anything else."""
        unit, _, size = text.partition(":")
        if unit == "char" and size.isdecimal() and int(size) > 0:
            return cls("char", int(size))
        if unit == "word" and size.isdecimal() and int(size) > 0:
            return cls("word", int(size))
        raise ValueError(f"a shingle is char:N or word:N, got {text!r}")

    def __str__(self) -> str:
        return f"{self.unit}:{self.size}"


class Near(NamedTuple):
    """A kept row, how similar it is, and the tier that brought the two together."""

    row: int
    similarity: float
    tier: Literal["simhash", "minhash", "group"]


class Twins:
    """Texts in groups; only rows of one group can be twins.

    ``least`` is the Jaccard similarity of shingle sets from which two texts are near. In groups of
    up to ``FEW`` rows all pairs are compared. In larger ones a pair is compared when its simhashes
    are within ``APART`` bits or one of ``permutations / band`` bands of its minhash signatures
    agrees: with 252 and 6 a pair of similarity 0.7 is found with probability 0.995, one of 0.8 with
    1 - 3e-6. Similarities are of 64-bit codes of shingles, two of which collide once in 2^64.
    """

    def __init__(
        self,
        texts: Sequence[str],
        groups: Sequence[str],
        *,
        least: float,
        shingle: Shingle = Shingle(),  # noqa: B008
        permutations: int = 252,
        band: int = 6,
        seed: int = 0,
    ) -> None:
        need("numba", "curate")
        from seestep.curate import kernels

        self._kernels = kernels
        tokens, starts = _points(texts)
        if shingle.unit == "word":
            tokens, starts = kernels.word_tokens(tokens, starts)
        self._codes, self._starts = kernels.shingle_codes(tokens, starts, shingle.size)
        del tokens
        number: dict[str, int] = {}
        told = [number.setdefault(group, len(number)) for group in groups]
        self._groups = np.asarray(told, dtype=np.int64)
        few = np.bincount(self._groups, minlength=1)[self._groups] <= FEW
        many = np.flatnonzero(~few)
        self._prints = np.zeros(len(texts), dtype=np.uint64)
        self._blocks = BLOCKS if len(many) else 0
        if len(many):
            self._prints = kernels.simhashes(self._codes, self._starts)
        tables = _Tables(len(texts))
        for block in range(self._blocks):
            tables.add(self._block(block, many), many)
        if len(many):
            rng = np.random.default_rng(seed)
            odd = rng.integers(0, 1 << 31, permutations, dtype=np.uint32) * np.uint32(
                2
            ) + np.uint32(1)
            add = rng.integers(0, 1 << 32, permutations, dtype=np.uint32)
            keys = kernels.band_keys(self._codes, self._starts, many, self._groups, odd, add, band)
            for one in keys:
                tables.add(one, many)
            del keys
        if few.any():
            rows = np.flatnonzero(few)
            tables.add(self._groups[rows].astype(np.uint64), rows)
        self._last = tables.count - 1 if few.any() else tables.count  # the table of whole groups
        self._tables = tables.arrays()
        self._ranks = np.zeros(len(texts), dtype=np.int64)  # of kept rows, in their order
        self._kept = 0
        stamps = np.full(len(texts), -1, dtype=np.int64)
        found = np.empty(MOST, dtype=np.int64), np.empty(MOST), np.empty(MOST, dtype=np.int64)
        self._arrays = (
            least, self._codes, self._starts, self._groups, self._prints, self._blocks, APART,
            *self._tables, stamps, *found,
        )  # fmt: skip

    def near(self, row: int) -> list[Near]:
        """Kept rows near this one, the most similar first, equals in the order they were kept.

        Of more than ``MOST``, those that were found first.
        """
        found = self._kernels.near_kept(row, *self._arrays)
        if found == 0:
            return []
        rows, similar, table = (column[: min(found, MOST)].tolist() for column in self._arrays[-3:])
        near = [Near(r, s, self._tier(t)) for r, s, t in zip(rows, similar, table, strict=True)]
        return sorted(near, key=lambda n: (-n.similarity, self._ranks[n.row]))

    def keep(self, row: int) -> None:
        """From now on other rows may be near this one."""
        self._ranks[row] = self._kept
        self._kept += 1
        self._kernels.keep(row, *self._tables)

    def sweep(self, order: Sequence[int]) -> list[Near | None]:
        """``near`` and ``keep`` for a whole ``order`` of all rows, compiled: for each the kept row
        it is most like, None where it is kept."""
        told = np.asarray(order, dtype=np.int64)
        rows, similar, tables = self._kernels.sweep(told, *self._arrays, self._ranks)
        found = zip(rows.tolist(), similar.tolist(), tables.tolist(), strict=True)
        return [None if r < 0 else Near(r, s, self._tier(t)) for r, s, t in found]

    def _tier(self, table: int) -> Literal["simhash", "minhash", "group"]:
        if table == self._last:
            return "group"
        return "simhash" if table < self._blocks else "minhash"

    def _block(self, block: int, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        bits = (self._prints[rows] >> np.uint64(64 // BLOCKS * block)) & np.uint64(0xFFFF)
        return bits | (self._groups[rows].astype(np.uint64) << np.uint64(16))


class _Tables:
    """Hash tables with all their buckets in one array: who stands alone in a table has none."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._tables: list[NDArray[np.int32]] = []
        self._sizes: list[NDArray[np.int64]] = []
        self._next = 0

    @property
    def count(self) -> int:
        return len(self._tables)

    def add(self, keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> None:
        """A table in which ``rows`` with equal ``keys`` share a bucket."""
        order = np.argsort(keys)  # which of equal keys comes first decides nothing
        told = keys[order]
        begins = np.flatnonzero(np.concatenate([[True], told[1:] != told[:-1]]))
        sizes = np.diff(np.append(begins, len(told)))
        shared = sizes > 1
        numbers = np.full(len(begins), -1, dtype=np.int32)
        numbers[shared] = self._next + np.arange(shared.sum())
        table = np.full(self._rows, -1, dtype=np.int32)
        table[rows[order]] = np.repeat(numbers, sizes)
        self._tables.append(table)
        self._sizes.append(sizes[shared])
        self._next += int(shared.sum())

    def arrays(
        self,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """Bucket by (table, row), where each bucket begins, how many it holds, who stands there."""
        sizes = np.concatenate([np.zeros(0, dtype=np.int64), *self._sizes])
        begins = np.cumsum(sizes) - sizes
        members = np.empty(int(sizes.sum()), dtype=np.int32)
        buckets = np.stack(self._tables) if self._tables else np.empty((0, self._rows), np.int32)
        return buckets, begins, np.zeros(len(sizes), dtype=np.int32), members


def _points(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """All code points in one array, and where each text's begin."""
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    encoded = "".join(texts).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(encoded, dtype=np.uint32), starts


def best_first(quality: Sequence[float], ids: Sequence[str]) -> list[int]:
    """Rows by quality descending, then id: an order that no shard or worker count changes."""
    scores = quality or (0.0,) * len(ids)
    return sorted(range(len(ids)), key=lambda i: (-scores[i], ids[i]))


def sweep(
    twins: Twins, order: Sequence[int], same: Callable[[int, int], bool] | None = None
) -> Iterator[tuple[int, Near | None]]:
    """Every row of ``order`` with the kept row it is a twin of, None for those that are kept.

    A twin is the most similar of the near rows that ``same`` also calls the same.
    """
    if same is None:
        yield from zip(order, twins.sweep(order), strict=True)
        return
    for row in order:
        near = twins.near(row)
        twin = next((n for n in near if same(row, n.row)), None)
        if twin is None:
            twins.keep(row)
        yield row, twin
