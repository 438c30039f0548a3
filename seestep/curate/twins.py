"""Which rows are near rows that are kept: minhash buckets in which only kept rows stand.

Rows are offered best first. Each is compared with the kept rows of its buckets, exactly, and then
kept or not by whoever asks. What is gone is compared with nothing, so a thousand copies of one text
cost a thousand comparisons and not half a million, and no row goes for being near a row that went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seestep.errors import need

FEW = 32  # rows of a group that are all compared with each other: nothing can be missed there
GOLD = np.uint64(0x9E3779B97F4A7C15)  # spreads small numbers over 64 bits (Knuth)
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
        from seestep.curate import buckets, kernels

        self._search = buckets
        tokens, starts = _points(texts)
        if shingle.unit == "word":
            tokens, starts = kernels.word_tokens(tokens, starts)
        codes, starts = kernels.shingle_codes(tokens, starts, shingle.size)
        del tokens
        number = {group: i for i, group in enumerate(dict.fromkeys(groups))}
        numbers = np.fromiter(map(number.__getitem__, groups), np.int64, len(groups))
        few = np.bincount(numbers, minlength=1)[numbers] <= FEW
        many = np.flatnonzero(~few)
        prints = np.zeros(len(texts), dtype=np.uint64)
        tables = _Tables(len(texts))
        if len(many):
            prints = kernels.simhashes(codes, starts)
            for block in range(BLOCKS):
                bits = prints[many] >> np.uint64(64 // BLOCKS * block) & np.uint64(0xFFFF)
                tables.add(bits | numbers[many].astype(np.uint64) << np.uint64(16), many)
        self._minhash = tables.count  # the first bucket of those of minhashes
        if len(many):
            rng = np.random.default_rng(seed)
            odd = rng.integers(0, 1 << 31, permutations, dtype=np.uint32) * np.uint32(
                2
            ) + np.uint32(1)
            add = rng.integers(0, 1 << 32, permutations, dtype=np.uint32)
            keys = kernels.band_keys(codes, starts, many, numbers, odd, add, band)
            for one in keys:
                tables.add(one, many)
            del keys
        self._group = tables.count  # the first of those of whole groups
        if few.any():
            rows = np.flatnonzero(few)
            tables.add(numbers[rows].astype(np.uint64), rows)
        self._tables = tables.arrays()
        self._ranks = np.zeros(len(texts), dtype=np.int64)  # of kept rows, in their order
        self._kept = 0
        cards = np.empty((len(texts), 8), dtype=np.uint64)
        kernels.cards(codes, starts, numbers, prints, cards)
        stamps = np.full(len(texts), -1, dtype=np.int32)
        room = kernels.table_room(int(np.diff(starts).max(initial=0)))
        slots, marks = np.empty(room, dtype=np.uint64), np.full(room, -1, dtype=np.int64)
        found = np.empty(MOST, dtype=np.int64), np.empty(MOST), np.empty(MOST, dtype=np.int64)
        self._arrays: tuple[Any, ...] = (
            least, codes, starts, cards, self._minhash, APART, *self._tables, stamps, slots, marks,
            *found,
        )  # fmt: skip

    def near(self, row: int) -> list[Near]:
        """Kept rows near this one, the most similar first, equals in the order they were kept.

        Of more than ``MOST``, those that were found first.
        """
        found = self._search.near_kept(row, *self._arrays)
        if found == 0:
            return []
        columns = (column[: min(found, MOST)].tolist() for column in self._arrays[-3:])
        near = [Near(r, s, self._tier(b)) for r, s, b in zip(*columns, strict=True)]
        return sorted(near, key=lambda n: (-n.similarity, self._ranks[n.row]))

    def keep(self, row: int) -> None:
        """From now on other rows may be near this one."""
        self._ranks[row] = self._kept
        self._kept += 1
        self._search.keep(row, *self._tables)

    def sweep(self, order: Sequence[int]) -> list[Near | None]:
        """``near`` and ``keep`` for a whole ``order`` of all rows, compiled: for each the kept row
        it is most like, None where it is kept."""
        told = np.asarray(order, dtype=np.int64)
        columns = self._search.sweep(told, self._ranks, *self._arrays)
        found = zip(*(column.tolist() for column in columns), strict=True)
        return [None if r < 0 else Near(r, s, self._tier(b)) for r, s, b in found]

    def _tier(self, bucket: int) -> Literal["simhash", "minhash", "group"]:
        if bucket >= self._group:
            return "group"
        return "simhash" if bucket < self._minhash else "minhash"


class _Tables:
    """Hash tables with all their buckets in one array: who stands alone in a table has none."""

    def __init__(self, rows: int) -> None:
        from seestep.curate import buckets

        self._search = buckets
        self._rows = rows
        self._who = [np.empty(0, dtype=np.int32)]
        self._sizes = [np.empty(0, dtype=np.int32)]
        self.count = 0  # of buckets

    def add(self, keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> None:
        """A table in which ``rows`` with equal ``keys`` share a bucket.

        Sorted are the first bits of the keys' hashes with the rows' numbers in place of the rest,
        which is three times as fast as finding the order of keys. Of many millions of rows two may
        meet by chance: they are compared once in vain.
        """
        bits = len(rows).bit_length()
        high = keys * GOLD >> np.uint64(bits) << np.uint64(bits)
        told = high | np.arange(len(rows), dtype=np.uint64)
        told.sort()
        who, sizes = self._search.shared(told, bits, rows)
        self._who.append(who)
        self._sizes.append(sizes)
        self.count += len(sizes)

    def arrays(self) -> tuple[NDArray[np.int32 | np.int64], ...]:
        """Buckets row by row, where each row's begin; of each bucket where those in it begin and
        end, nobody so far; who they are."""
        who, sizes = np.concatenate(self._who), np.concatenate(self._sizes)
        own, owns = self._search.by_row(who, sizes, self._rows)
        begins = np.cumsum(sizes, dtype=np.int64) - sizes
        return own, owns, np.stack((begins, begins), axis=1), np.empty_like(who)


def _points(texts: Sequence[str]) -> tuple[NDArray[np.uint8 | np.uint32], NDArray[np.int64]]:
    """All code points in one array, and where each text's begin."""
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=starts[1:])
    whole = "".join(texts)
    if whole.isascii():
        return np.frombuffer(whole.encode(), dtype=np.uint8), starts
    return np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), dtype=np.uint32), starts


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
