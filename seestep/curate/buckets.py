"""Compiled search among buckets: who shares one, and which of those are near, exactly.

A row is compared with the kept rows of its buckets. Buckets are numbered table by table, so that a
number tells of which kind a bucket is: those before ``first`` hold rows whose simhashes may be
within ``apart`` bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seestep.compiled import kernel
from seestep.curate.kernels import GROUP, PRINT, SIZE, SKETCH, ones, slot_of, table_room

Array = NDArray[Any]


@kernel
def shared(told: Array, bits: int, rows: Array) -> tuple[Array, Array]:
    """Rows of the buckets of two or more, bucket by bucket, and how many each bucket has.

    ``told`` is sorted: a key, and in its last ``bits`` bits the index in ``rows`` of who has it.
    """
    last = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    who = np.empty(len(told), dtype=np.int32)
    sizes = np.empty(len(told) // 2, dtype=np.int32)
    members = buckets = begin = 0
    for end in range(1, len(told) + 1):
        if end < len(told) and told[end] | last == told[begin] | last:
            continue
        if end - begin > 1:
            for i in range(begin, end):
                who[members] = rows[np.int64(told[i] & last)]
                members += 1
            sizes[buckets] = end - begin
            buckets += 1
        begin = end
    return who[:members].copy(), sizes[:buckets].copy()


@kernel
def by_row(who: Array, sizes: Array, rows: int) -> tuple[Array, Array]:
    """The buckets of each row, in order, and where a row's begin; ``who`` as ``shared`` tells."""
    starts = np.zeros(rows + 1, dtype=np.int64)
    for row in who:
        starts[row + 1] += 1
    for row in range(rows):
        starts[row + 1] += starts[row]
    at = starts[:-1].copy()
    buckets = np.empty(len(who), dtype=np.int32)
    i = 0
    for bucket in range(len(sizes)):
        for _ in range(sizes[bucket]):
            buckets[at[who[i]]] = bucket
            at[who[i]] += 1
            i += 1
    return buckets, starts


@kernel
def _most_common(cards: Array, a: int, b: int) -> Any:
    """More shingles than two rows have in common there cannot be: a bit that one has alone is of
    a shingle that it has alone."""
    only_a = only_b = 0
    for word in range(SKETCH, 8):
        x, y = cards[a, word], cards[b, word]
        only_a += ones(x & ~y)
        only_b += ones(y & ~x)
    return min(np.int64(cards[a, SIZE]) - only_a, np.int64(cards[b, SIZE]) - only_b)


@kernel
def near_kept(
    row: int, least: float, codes: Array, starts: Array, cards: Array, first: int, apart: int,
    own: Array, owns: Array, stands: Array, members: Array, stamps: Array,
    slots: Array, marks: Array, out_rows: Array, out_similar: Array, out_bucket: Array,
) -> int:  # fmt: skip
    """Kept rows of the row's buckets whose similarity is ``least`` or more; returns how many."""
    found = 0
    size = starts[row + 1] - starts[row]
    last = table_room(size) - 1
    ready = False  # the hash table of the row's codes, for who needs to be looked at closely
    for e in range(owns[row], owns[row + 1]):
        bucket = own[e]
        for k in range(stands[bucket, 0], stands[bucket, 1]):
            other = members[k]
            if stamps[other] == row or cards[other, GROUP] != cards[row, GROUP]:
                continue
            if bucket < first and ones(cards[row, PRINT] ^ cards[other, PRINT]) > apart:
                continue
            stamps[other] = row
            its = np.int64(cards[other, SIZE])
            if min(size, its) < least * max(size, its):
                continue
            wanted = least / (1 + least) * (size + its) - 1e-9
            if _most_common(cards, row, other) < wanted:
                continue
            if not ready:
                for i in range(starts[row], starts[row + 1]):
                    slot = slot_of(codes[i], last)
                    while marks[slot] == row and slots[slot] != codes[i]:
                        slot = (slot + 1) & last
                    marks[slot], slots[slot] = row, codes[i]
                ready = True
            common = its
            for i in range(starts[other], starts[other + 1]):
                slot = slot_of(codes[i], last)
                while marks[slot] == row and slots[slot] != codes[i]:
                    slot = (slot + 1) & last
                if marks[slot] != row:
                    common -= 1
                    if common < wanted:
                        break
            similar = common / (size + its - common)
            if similar >= least:
                if found < len(out_rows):
                    out_rows[found], out_similar[found] = other, similar
                    out_bucket[found] = bucket
                found += 1
    return found


@kernel
def keep(row: int, own: Array, owns: Array, stands: Array, members: Array) -> None:
    """Put a row into all its buckets."""
    for e in range(owns[row], owns[row + 1]):
        bucket = own[e]
        members[stands[bucket, 1]] = row
        stands[bucket, 1] += 1


@kernel
def sweep(
    order: Array, ranks: Array, least: float, codes: Array, starts: Array, cards: Array,
    first: int, apart: int, own: Array, owns: Array, stands: Array,
    members: Array, stamps: Array, slots: Array, marks: Array,
    out_rows: Array, out_similar: Array, out_bucket: Array,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """For every row of ``order``: the kept row it is most like (-1 if none: it is kept), how much,
    and the bucket that brought them together. Among equals the row that was kept first."""
    twins = np.full(len(order), -1, dtype=np.int64)
    similar = np.zeros(len(order))
    buckets = np.zeros(len(order), dtype=np.int64)
    kept = 0
    for at in range(len(order)):
        row = order[at]
        found = near_kept(
            row, least, codes, starts, cards, first, apart, own, owns, stands, members,
            stamps, slots, marks, out_rows, out_similar, out_bucket,
        )  # fmt: skip
        if found == 0:
            keep(row, own, owns, stands, members)
            ranks[row] = kept
            kept += 1
        for k in range(min(found, len(out_rows))):
            other = out_rows[k]
            if (
                twins[at] < 0
                or out_similar[k] > similar[at]
                or (out_similar[k] == similar[at] and ranks[other] < ranks[twins[at]])
            ):
                twins[at], similar[at], buckets[at] = other, out_similar[k], out_bucket[k]
    return twins, similar, buckets
