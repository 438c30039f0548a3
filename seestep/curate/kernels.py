"""Compiled inner loops of the search for twins: texts, their shingles, and hashes of these.

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
_1, _2, _4, _56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_PAIRS, _FOURS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_EIGHTS, _SUM = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)

DIGIT, LETTER, SIGN, POINT, MINUS, OTHER = range(6)  # what an ASCII sign is to ``normalised``
KINDS = np.full(128, OTHER, dtype=np.uint8)
for _kind, _signs in (
    (LETTER, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"),
    (DIGIT, b"0123456789"),
    (SIGN, b"%"),
    (POINT, b".,"),
    (MINUS, b"-"),
):
    KINDS[list(_signs)] = _kind
LOWER = np.frombuffer(bytes(range(128)).lower(), dtype=np.uint8)


PRINT, GROUP, SIZE, SKETCH = range(4)  # columns of ``cards``; the last begins at SKETCH


@kernel
def _mixed(code: Any) -> Any:
    code ^= code >> _HALF
    code *= _GOLD
    code ^= code >> _SHIFT
    return code * _FNV


@kernel
def normalised(signs: Array, starts: Starts) -> tuple[Array, Starts]:
    """ASCII texts as ``near.normalise`` makes them: what is dropped leaves a gap between words."""
    out = np.empty(len(signs), dtype=np.uint8)
    found = np.empty(len(starts), dtype=np.int64)
    at = 0
    for text in range(len(starts) - 1):
        found[text] = first = at
        begin, end = starts[text], starts[text + 1]
        gap = 0
        for i in range(begin, end):
            kind = KINDS[signs[i]]
            stays = int(kind <= SIGN)
            if kind in (POINT, MINUS):
                after = KINDS[signs[i + 1]] if i + 1 < end else OTHER
                before = KINDS[signs[i - 1]] if i > begin else OTHER
                fits = before == DIGIT if kind == POINT else before > LETTER
                stays = int(fits and after == DIGIT)
            # written in any case, and counted where it stays: no branch to guess wrong
            out[at] = 32
            at += stays & gap & int(at > first)
            out[at] = LOWER[signs[i]]
            at += stays
            gap = 1 - stays
    found[len(starts) - 1] = at
    return out[:at].copy(), found


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


def shingle_codes(tokens: Array, starts: Starts, size: int) -> tuple[Array, Starts]:
    """The different shingles of every text as 64-bit codes, and where each text's begin.

    A text of ``size`` tokens or fewer has one shingle, itself.
    """
    counts = np.maximum(1, np.diff(starts) - size + 1)
    # large arrays are numpy's own: it asks for huge pages, and the first touch of a small one costs
    codes = np.empty(int(counts.sum()), dtype=np.uint64)
    found = np.empty(len(starts), dtype=np.int64)
    room = table_room(int(counts.max(initial=0)))
    return codes[: _shingle_codes(tokens, starts, size, room, codes, found)], found


@kernel
def _shingle_codes(
    tokens: Array, starts: Starts, size: int, room: int, codes: Array, found: Starts
) -> int:
    """Fill ``codes`` and ``found``; returns how many codes there are. Which were seen is known by a
    hash table that is never emptied: an entry is of the text whose number it has."""
    slots, marks = np.empty(room, dtype=np.uint64), np.full(room, -1, dtype=np.int64)
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
        first, count = at, end - begin - size + 1
        for i in range(count):  # apart from what follows: hashes of neighbours overlap in time
            codes[first + i] = _shingle(tokens, begin + i, size)
        last = table_room(count) - 1
        for i in range(first, first + count):
            code = codes[i]
            slot = slot_of(code, last)
            while marks[slot] == text and slots[slot] != code:
                slot = (slot + 1) & last
            if marks[slot] != text:
                marks[slot], slots[slot] = text, code
                codes[at] = code
                at += 1
    found[len(starts) - 1] = at
    return at


@kernel
def _shingle(tokens: Array, i: int, size: int) -> Any:
    if size == 5:  # the usual size, without a loop: twice as fast
        code = _mixed(np.uint64(tokens[i]))
        code = _mixed(code ^ np.uint64(tokens[i + 1]))
        code = _mixed(code ^ np.uint64(tokens[i + 2]))
        code = _mixed(code ^ np.uint64(tokens[i + 3]))
        return _mixed(code ^ np.uint64(tokens[i + 4]))
    code = np.uint64(0)
    for k in range(size):
        code = _mixed(code ^ np.uint64(tokens[i + k]))
    return code


@kernel
def table_room(count: int) -> int:
    """Slots of a hash table for ``count`` codes, a power of two: half of them stay free."""
    room = 16
    while room < 2 * count:
        room *= 2
    return room


@kernel
def slot_of(code: Any, last: int) -> Any:
    """Where a code is looked for first in a table of ``last`` + 1 slots."""
    return np.int64(code >> _HALF) & last


def band_keys(
    codes: Array, starts: Starts, rows: Array, groups: Array, odd: Array, add: Array, band: int
) -> Array:
    """(bands, rows) minhash keys: two rows of a group share a key where ``band`` minima agree."""
    keys = np.empty((len(odd) // band, len(rows)), dtype=np.uint64)
    _band_keys(codes, starts, rows, groups, odd, add, band, keys)
    return keys


@kernel
def _band_keys(
    codes: Array, starts: Starts, rows: Array, groups: Array, odd: Array, add: Array, band: int,
    keys: Array,
) -> None:  # fmt: skip
    count = len(odd)
    wide = (count + 7) // 8 * 8  # a multiple of what a processor takes at a time
    times, plus = np.zeros(wide, dtype=np.uint32), np.zeros(wide, dtype=np.uint32)
    times[:count], plus[:count] = odd, add
    least = np.empty(wide, dtype=np.uint32)
    for n in range(len(rows)):
        row = rows[n]
        least[:] = np.uint32(0xFFFFFFFF)
        i, end = starts[row], starts[row + 1]
        while i < end:
            # four at a time; the last comes again where there are fewer, which changes no minimum
            a = np.uint32(codes[i] >> _HALF)
            b = np.uint32(codes[min(i + 1, end - 1)] >> _HALF)
            c = np.uint32(codes[min(i + 2, end - 1)] >> _HALF)
            d = np.uint32(codes[min(i + 3, end - 1)] >> _HALF)
            i += 4
            for p in range(wide):
                x, y = times[p], plus[p]
                low = min(np.uint32(a * x + y), np.uint32(b * x + y))
                other = min(np.uint32(c * x + y), np.uint32(d * x + y))
                least[p] = min(least[p], min(low, other))
        for k in range(len(keys)):
            key = np.uint64(groups[row]) + np.uint64(1)
            for p in range(k * band, (k + 1) * band):
                key = _mixed(key ^ np.uint64(least[p]))
            keys[k, n] = key


@kernel
def simhashes(codes: Array, starts: Starts) -> Array:
    """64-bit simhash of every text: the bits that more than half of its codes have.

    All 64 are counted at once: bit b of ``planes[p]`` is digit p of the count of bit b.
    """
    made = np.empty(len(starts) - 1, dtype=np.uint64)
    planes = np.empty(64, dtype=np.uint64)
    for row in range(len(made)):
        i, end = starts[row], starts[row + 1]
        half = (end - i) // 2
        depth = 1
        while 1 << depth <= end - i:
            depth += 1
        planes[:depth] = 0
        if (end - i) % 2:
            planes[0] = codes[i]
            i += 1
        while i < end:
            a, b = codes[i], codes[i + 1]
            i += 2
            odd = planes[0] ^ a
            carry = (planes[0] & a) | (odd & b)
            planes[0] = odd ^ b
            for p in range(1, depth):
                digit = planes[p]
                planes[p] = digit ^ carry
                carry &= digit
        more, same = np.uint64(0), ~np.uint64(0)  # than half, by the digits so far; as many
        for p in range(depth - 1, -1, -1):
            if half >> p & 1:
                same &= planes[p]
            else:
                more |= same & planes[p]
                same &= ~planes[p]
        made[row] = more
    return made


@kernel
def ones(bits: Any) -> Any:
    """How many bits of 64 are set, pairs, fours and eights of them counted at once."""
    bits = bits - ((bits >> _1) & _PAIRS)
    bits = (bits & _FOURS) + ((bits >> _2) & _FOURS)
    return np.int64((((bits + (bits >> _4)) & _EIGHTS) * _SUM) >> _56)


@kernel
def cards(codes: Array, starts: Starts, groups: Array, prints: Array, made: Array) -> None:
    """Fill ``made`` (texts, 8): what a text is first compared by, in one line of a cache.

    Its simhash, its group, the number of its codes; of 320 bits those that its codes fall on.
    """
    for row in range(len(made)):
        made[row] = 0
        made[row, PRINT], made[row, GROUP] = prints[row], groups[row]
        made[row, SIZE] = starts[row + 1] - starts[row]
        for i in range(starts[row], starts[row + 1]):
            bit = (codes[i] >> _HALF) * np.uint64(64 * (8 - SKETCH)) >> _HALF
            made[row, SKETCH + np.int64(bit >> np.uint64(6))] |= np.uint64(1) << (
                bit & np.uint64(63)
            )
