"""Close hashes are those that holding all against all finds, whatever the hashes are."""

from __future__ import annotations

import numpy as np
import pytest

from seestep.curate.hamming import Close

RNG = np.random.default_rng(7)


def drawn(n: int) -> np.ndarray:
    return RNG.integers(0, 2**64, n, dtype=np.uint64)


def flipped(hashes: np.ndarray, bits: int) -> np.ndarray:
    """Each with exactly so many of its bits changed."""
    where = np.argsort(RNG.random((len(hashes), 64)), axis=1)[:, :bits].astype(np.uint64)
    return hashes ^ np.bitwise_or.reduce(np.uint64(1) << where, axis=1) if bits else hashes


def clustered() -> np.ndarray:
    """Centres, and copies of them at every distance around the radius."""
    centres = drawn(25)
    return RNG.permutation(np.concatenate([flipped(centres, k) for k in range(14)]))


def at_the_edge() -> np.ndarray:
    """Around one hash: differences spread over the four parts in every way that makes 9 to 12."""
    spread = [
        (a, b, c, d)
        for a in range(13) for b in range(13 - a) for c in range(13 - a - b)
        for d in [max(0, 10 - a - b - c), 11 - a - b - c] if d >= 0
    ]  # fmt: skip
    center = drawn(1)[0]
    masks = [sum(((1 << k) - 1) << (16 * part) for part, k in enumerate(s)) for s in spread]
    return np.array([center, *(center ^ np.uint64(mask) for mask in masks)], dtype=np.uint64)


SETS = {
    "random": drawn(700),
    "clustered": clustered(),
    "edge": at_the_edge(),
    "equal": np.repeat(drawn(3), 60),
    "one part alike": (drawn(400) << np.uint64(16)) | np.uint64(0xBEEF),
    "few ones": np.uint64(1) << RNG.integers(0, 64, 200).astype(np.uint64),
    "extremes": np.array([0, 2**64 - 1, 0, 2**64 - 1, 1, 2**63], dtype=np.uint64),
    "one": drawn(1),
    "none": drawn(0),
}


def brute(hashes: np.ndarray, near: int, live: np.ndarray) -> list[tuple[int, int]]:
    return [
        (a, b)
        for a in range(len(hashes))
        for b in range(a + 1, len(hashes))
        if live[a] and live[b] and (int(hashes[a]) ^ int(hashes[b])).bit_count() <= near
    ]


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("near", [0, 3, 10])
def test_the_same_pairs_in_the_same_order_as_all_against_all(kind, near):
    hashes = SETS[kind]
    live = RNG.random(len(hashes)) < 0.8
    close = Close(hashes, near)
    found = []
    for start in range(0, len(hashes), 64):
        found += zip(*(side.tolist() for side in close.pairs(start, start + 64, live)), strict=True)
    assert found == brute(hashes, near, live)


def test_the_sets_have_pairs_on_both_sides_of_the_radius():
    every = SETS["clustered"]
    apart = [(int(a) ^ int(b)).bit_count() for a in every for b in every]
    assert {9, 10, 11, 12} <= set(apart)


def test_a_radius_of_all_bits_is_refused():
    with pytest.raises(ValueError, match=r"0\.\.63 bits, got 64"):
        Close(drawn(2), 64)
