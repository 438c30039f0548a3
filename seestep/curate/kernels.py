"""Compiled inner loops of the search for twins: shingles, their hashes, buckets, exact overlap.

Everything is an array over all texts; ``starts`` (n + 1,) says where each text's part begins. The
first call compiles for some seconds, later processes load what was compiled from a cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seestep.compiled import kernel

Array = NDArray[Any]
Starts = NDArray[np.int64]

_FNV = np.uint64(0x100000001B3)
_GOLD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_HALF = np.uint64(32)


@kernel
def _mixed(code: Any) -> Any:
    code ^= code >> _HALF
    code *= _GOLD
    code ^= code >> _SHIFT
    return code * _FNV


@kernel
def word_tokens(points: Array, starts: Starts) -> tuple[Array, Starts]:
    """Code points -> one 64-bit token a word (split at spaces; a CJK sign is a word)."""
    tokens = np.empty(len(points), dtype=np.uint64)
    found = np.empty(len(starts), dtype=np.int64)
    at = 0
    for text in range(len(starts) - 1):
        found[text] = at
        code, inside = np.uint64(0), False
        for i in range(starts[text], starts[text + 1]):
            point = points[i]
            sign = 0x3040 <= point <= 0x9FFF or 0xAC00 <= point <= 0xD7AF or point >= 0x20000
            if (point == 32 or sign) and inside:
                tokens[at] = code
                at += 1
                code, inside = np.uint64(0), False
            if sign:
                tokens[at] = _mixed(np.uint64(point))
                at += 1
            elif point != 32:
                code = _mixed(code ^ np.uint64(point))
                inside = True
        if inside:
            tokens[at] = code
            at += 1
    found[len(starts) - 1] = at
    return tokens[:at].copy(), found


@kernel
def shingle_codes(tokens: Array, starts: Starts, size: int) -> tuple[Array, Starts]:
    """The different shingles of every text as sorted 64-bit codes, and where each text's begin.

    A text of ``size`` tokens or fewer has one shingle, itself.
    """
    most = 0
    for text in range(len(starts) - 1):
        most += max(1, starts[text + 1] - starts[text] - size + 1)
    codes = np.empty(most, dtype=np.uint64)
    found = np.empty(len(starts), dtype=np.int64)
    at = 0
    for text in range(len(starts) - 1):
        found[text] = at
        begin, end = starts[text], starts[text + 1]
        if end - begin <= size:
            code = np.uint64(end - begin + 1)
            for i in range(begin, end):
                code = _mixed(code ^ np.uint64(tokens[i]))
            codes[at] = _mixed(code ^ _GOLD)
            at += 1
            continue
        first = at
        for i in range(begin, end - size + 1):
            code = np.uint64(0)
            for k in range(size):
                code = _mixed(code ^ np.uint64(tokens[i + k]))
            codes[at] = code
            at += 1
        codes[first:at].sort()
        last = first
        for i in range(first + 1, at):
            if codes[i] != codes[last]:
                last += 1
                codes[last] = codes[i]
        at = last + 1
    found[len(starts) - 1] = at
    return codes[:at].copy(), found


@kernel
def band_keys(
    codes: Array, starts: Starts, rows: Array, groups: Array, odd: Array, add: Array, band: int
) -> Array:
    """(bands, rows) minhash keys: two rows of a group share a key where ``band`` minima agree."""
    count = len(odd)
    bands = count // band
    keys = np.empty((bands, len(rows)), dtype=np.uint64)
    least = np.empty(count, dtype=np.uint32)
    for n in range(len(rows)):
        row = rows[n]
        least[:] = np.uint32(0xFFFFFFFF)
        for i in range(starts[row], starts[row + 1]):
            code = np.uint32(codes[i] >> _HALF)
            for p in range(count):
                least[p] = min(least[p], np.uint32(code * odd[p] + add[p]))
        for b in range(bands):
            key = np.uint64(groups[row]) + np.uint64(1)
            for p in range(b * band, (b + 1) * band):
                key = _mixed(key ^ np.uint64(least[p]))
            keys[b, n] = key
    return keys


@kernel
def simhashes(codes: Array, starts: Starts) -> Array:
    """64-bit simhash of every text."""
    made = np.empty(len(starts) - 1, dtype=np.uint64)
    votes = np.empty(64, dtype=np.int32)
    for row in range(len(made)):
        votes[:] = 0
        for i in range(starts[row], starts[row + 1]):
            code = codes[i]
            for bit in range(64):
                votes[bit] += np.int32((code >> np.uint64(bit)) & np.uint64(1))
        half = (starts[row + 1] - starts[row]) / 2
        out = np.uint64(0)
        for bit in range(64):
            if votes[bit] > half:
                out |= np.uint64(1) << np.uint64(bit)
        made[row] = out
    return made


@kernel
def jaccard_sorted(codes: Array, starts: Starts, a: int, b: int, least: float) -> float:
    """Exact Jaccard similarity of two rows; 0 as soon as it cannot reach ``least``."""
    i, end_i, j, end_j = starts[a], starts[a + 1], starts[b], starts[b + 1]
    both = end_i - i + end_j - j
    wanted = least / (1 + least) * both - 1e-9
    common = 0
    while i < end_i and j < end_j:
        x, y = codes[i], codes[j]
        if x == y:
            common += 1
            i += 1
            j += 1
        elif x < y:
            i += 1
        else:
            j += 1
        if common + min(end_i - i, end_j - j) < wanted:
            return 0.0
    similarity: float = common / (both - common)
    return similarity


@kernel
def _bits(x: Any) -> int:
    count = 0
    while x:
        x &= x - np.uint64(1)
        count += 1
    return count


@kernel
def near_kept(
    row: int, least: float, codes: Array, starts: Starts, groups: Array, prints: Array,
    blocks: int, apart: int, buckets: Array, begins: Array, filled: Array, members: Array,
    stamps: Array, out_rows: Array, out_similar: Array, out_table: Array,
) -> int:  # fmt: skip
    """Kept rows of the row's buckets whose similarity is ``least`` or more; returns how many.

    Buckets of the first ``blocks`` tables hold rows that may be within ``apart`` bits of simhash.
    """
    found = 0
    own = starts[row + 1] - starts[row]
    for table in range(len(buckets)):
        bucket = buckets[table, row]
        if bucket < 0:
            continue
        for k in range(begins[bucket], begins[bucket] + filled[bucket]):
            other = members[k]
            if stamps[other] == row or groups[other] != groups[row]:
                continue
            if table < blocks and _bits(prints[row] ^ prints[other]) > apart:
                continue
            stamps[other] = row
            size = starts[other + 1] - starts[other]
            if min(own, size) < least * max(own, size):
                continue
            similar = jaccard_sorted(codes, starts, row, other, least)
            if similar >= least:
                if found < len(out_rows):
                    out_rows[found], out_similar[found] = other, similar
                    out_table[found] = table
                found += 1
    return found


@kernel
def keep(row: int, buckets: Array, begins: Array, filled: Array, members: Array) -> None:
    """Put a row into all its buckets."""
    for table in range(len(buckets)):
        bucket = buckets[table, row]
        if bucket >= 0:
            members[begins[bucket] + filled[bucket]] = row
            filled[bucket] += 1


@kernel
def sweep(
    order: Array, least: float, codes: Array, starts: Starts, groups: Array, prints: Array,
    blocks: int, apart: int, buckets: Array, begins: Array, filled: Array, members: Array,
    stamps: Array, out_rows: Array, out_similar: Array, out_table: Array, ranks: Array,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """For every row of ``order``: the kept row it is most like (-1 if none: it is kept), how much,
    and the table that brought them together. Among equals the row that was kept first."""
    twins = np.full(len(order), -1, dtype=np.int64)
    similar = np.zeros(len(order))
    tables = np.zeros(len(order), dtype=np.int64)
    kept = 0
    for at in range(len(order)):
        row = order[at]
        found = near_kept(
            row, least, codes, starts, groups, prints, blocks, apart, buckets, begins, filled,
            members, stamps, out_rows, out_similar, out_table,
        )  # fmt: skip
        if found == 0:
            keep(row, buckets, begins, filled, members)
            ranks[row] = kept
            kept += 1
        for k in range(min(found, len(out_rows))):
            other = out_rows[k]
            if (
                twins[at] < 0
                or out_similar[k] > similar[at]
                or (out_similar[k] == similar[at] and ranks[other] < ranks[twins[at]])
            ):
                twins[at], similar[at], tables[at] = other, out_similar[k], out_table[k]
    return twins, similar, tables
