"""Whether two pictures show the same photograph: saved anew, scaled, mirrored or cropped.

A perceptual hash (Zauner 2010, the DCT hash of pHash.org) of each picture, of its mirror image and
of crops of both finds candidates by Hamming distance; each is then verified on the grey values
themselves, so that a flat wall is not every flat wall, and on the colours, so that a red bed is no
blue one. Scaling an interval of the picture to 32 rows and taking their lowest frequencies are both
linear, so one small matrix an interval makes the hashes of all crops at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seestep.media import pixel_sha256

Grey = NDArray[np.float32]
Hashes = NDArray[np.uint64]
View = tuple[bool, float, float, float, float]  # mirrored, then left, top, width, height of a crop

SIDE = 32  # of the grey picture whose 8 x 8 lowest frequencies are the hash
THUMB = 128  # pixels of the square copy in which crops are taken
CROPS = {0.92: 3, 0.84: 4, 0.76: 5, 0.68: 6, 0.6: 7}  # share of the sides: places along each
STRIPS = {0.88: 3, 0.75: 4, 0.66: 5, 0.57: 6}  # likewise where one side alone is cropped
HALF = 0.5  # of a side: less of a picture is not told from another one's
NEAR = 12  # bits of 64 a candidate may differ in
ALIKE = 0.96  # correlation of grey values from which on a candidate is the same picture
STEPS = (0.04, 0.02, 0.01)  # by which a crop is moved to fit, coarse to fine
HOPE = (0.7, 0.85)  # correlation as found, and after the first step, that a copy reaches at least
CHROMA = 32  # by so many values of Cb and of Cr
TINT = 0.4, 4.0  # how far colours may lie apart: a share of how strong they are, and on top of it
COLORLESS = 2.0  # mean strength (of 255) of colours below which a picture may be a grey copy
FLAT = 4.0  # standard deviation of grey values (of 255) below which a picture shows nothing


@dataclass(frozen=True, slots=True)
class Look:
    """One picture: hash of its pixels, and a perceptual hash of each of ``VIEWS``."""

    sha256: str
    hashes: Hashes  # (views,)
    flat: bool


def _views() -> Iterator[View]:
    for mirrored in (False, True):
        yield mirrored, 0.0, 0.0, 1.0, 1.0
        for side, places in CROPS.items():
            starts = [k * (1 - side) / (places - 1) for k in range(places)]
            for left, top in product(starts, repeat=2):
                yield mirrored, left, top, side, side
        for side, places in STRIPS.items():  # 4:3 made square, or wide
            for k in range(places):
                start = k * (1 - side) / (places - 1)
                yield mirrored, start, 0.0, side, 1.0
                yield mirrored, 0.0, start, 1.0, side


VIEWS: tuple[View, ...] = tuple(_views())
"""The whole picture first; the second half are mirror images."""


def look(image: Image.Image, copy: NDArray[np.uint8]) -> Look:
    """Hashes of an upright RGB picture; ``copy`` is its ``small``."""
    return Look(pixel_sha256(image), _hashes(copy), bool(copy[:THUMB].std() < FLAT))


def small(image: Image.Image) -> NDArray[np.uint8]:
    """The copy that is compared; its sides are shares of the picture's. THUMB rows of THUMB grey
    values, then the rows of Cb and Cr (CHROMA x CHROMA each) behind one another."""
    y, *colors = image.convert("YCbCr").split()
    planes = [np.asarray(c.resize((CHROMA, CHROMA), Image.Resampling.BOX)) for c in colors]
    grey = np.asarray(y.resize((THUMB, THUMB), Image.Resampling.BOX))
    return np.concatenate([grey, np.stack(planes).reshape(-1, THUMB)])


def same(one: NDArray[np.uint8], other: NDArray[np.uint8], views: tuple[int, int]) -> float:
    """Correlation of two pictures of ``small``, seen as ``views`` of VIEWS, in [-1, 1]; 0 where
    their colours differ.

    Real crops lie between those of VIEWS: the one that is cropped is moved and scaled a little to
    where the two agree best.
    """
    cropped = 0 if views[0] else 1
    theirs, full = (one, other)[1 - cropped], VIEWS[views[1 - cropped]]
    whole = _unit(_seen(theirs, full))
    if whole is None:
        return 0.0
    image, at = (one, other)[cropped], VIEWS[views[cropped]]
    best = _correlation(_seen(image, at), whole)
    for step, least in zip(STEPS, (*HOPE, 0.0), strict=True) if min(at[3:]) < 1 else ():
        better = best >= least
        while better:
            better = False
            for near in _beside(at, step):
                score = _correlation(_seen(image, near), whole)
                if score > best:
                    best, at, better = score, near, True
    return best if tinted_alike(_colors(image, at), _colors(theirs, full)) else 0.0


def candidates(
    mine: Sequence[Look], theirs: Sequence[Look], *, near: int = NEAR, rows: int = 64
) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """(my number, their number, views that agree) of pictures within ``near`` bits of each other.

    One of the two is taken whole, so that a crop of mine is found in theirs and the other way
    round; of several views the closest is told. Flat pictures are nobody's candidate.
    """
    if not mine or not theirs:
        return
    a, b = np.stack([x.hashes for x in mine]), np.stack([x.hashes for x in theirs])
    dull = np.array([x.flat for x in theirs])
    for start in range(0, len(a), rows):
        part = a[start : start + rows]
        whole = np.bitwise_count(part[:, None, None, 0] ^ b[None])  # (rows, theirs, views)
        crops = np.bitwise_count(part[:, None, :] ^ b[None, :, None, 0])
        distance = np.minimum(whole.min(2), crops.min(2))
        close = (distance <= near) & ~dull[None]
        for i, j in zip(*np.nonzero(close), strict=True):
            if mine[start + int(i)].flat:
                continue
            w, c = whole[i, j], crops[i, j]
            pair = (0, int(w.argmin())) if w.min() <= c.min() else (int(c.argmin()), 0)
            yield start + int(i), int(j), pair


def told(views: tuple[int, int]) -> str:
    """Which views agree, in words."""
    words = []
    for name, k in zip(("ours", "theirs"), views, strict=True):
        mirrored, left, top, *sides = VIEWS[k]
        if mirrored:
            words.append(f"{name} mirrored")
        if min(sides) < 1:
            size = " x ".join(f"{side:g}" for side in dict.fromkeys(sides))
            words.append(f"{name} cropped to {size} at about ({left:.2f}, {top:.2f})")
    return ", ".join(words) or "as they are"


# --- sums -------------------------------------------------------------------------------------


@lru_cache(4096)
def _averages(start: float, side: float, parts: int = SIDE, pixels: int = THUMB) -> Grey:
    """(parts, pixels): the mean of each of equal parts of an interval of so many pixels."""
    edges = (start + side * np.arange(parts + 1) / parts) * pixels
    low, high = edges[:-1, None], edges[1:, None]
    at = np.arange(pixels)[None]
    inside = np.clip(np.minimum(high, at + 1) - np.maximum(low, at), 0, None)
    out: Grey = (inside / inside.sum(1, keepdims=True)).astype(np.float32)
    return out


@cache
def _dct() -> Grey:
    """The 8 lowest rows of the orthonormal DCT-II matrix."""
    k, n = np.arange(8)[:, None], np.arange(SIDE)[None]
    rows = np.cos(math.pi * (2 * n + 1) * k / (2 * SIDE)) * math.sqrt(2 / SIDE)
    rows[0] /= math.sqrt(2)
    out: Grey = rows.astype(np.float32)
    return out


@cache
def _plan() -> tuple[Grey, NDArray[np.int64]]:
    """(intervals * 8, THUMB) low frequencies of every interval, and (half the views, 2) which
    intervals are across and down in each view that is not mirrored."""
    half = VIEWS[: len(VIEWS) // 2]
    across = [(left, width) for _, left, _, width, _ in half]
    down = [(top, height) for _, _, top, _, height in half]
    spans = sorted({*across, *down})
    rows: Grey = np.concatenate([_dct() @ _averages(*span) for span in spans])
    which = [tuple(map(spans.index, pair)) for pair in zip(across, down, strict=True)]
    return rows, np.array(which)


def dct_hashes(grey: Grey) -> Hashes:
    """(n,) hashes of whole pictures, (n, SIDE, SIDE) grey values: that of the first view."""
    low: Grey = np.asarray(_dct() @ grey @ _dct().T, dtype=np.float32).reshape(len(grey), 64)
    return _bits(low)


def _bits(values: Grey) -> Hashes:
    bits = values > np.median(values[:, 1:], axis=1, keepdims=True)
    bits[:, 0] = False
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()


def _hashes(copy: NDArray[np.uint8]) -> Hashes:
    """(views,): which of 64 frequencies lie above their median; the mean is left out."""
    rows, which = _plan()
    spans = len(rows) // 8
    every = (rows @ copy[:THUMB].astype(np.float32) @ rows.T).reshape(spans, 8, spans, 8)
    low = every[which[:, 1], :, which[:, 0], :]  # (half the views, 8 down, 8 across)
    odd = np.where(np.arange(8) % 2, -1, 1).astype(np.float32)  # a mirror image turns odd waves
    values: Grey = np.concatenate([low, low * odd]).reshape(len(VIEWS), 64)
    return _bits(values)


def _seen(copy: NDArray[np.uint8], view: View) -> Grey:
    mirrored, left, top, width, height = view
    down, across = _averages(top, height), _averages(left, width)
    values: Grey = down @ copy[:THUMB].astype(np.float32) @ across.T
    return values[:, ::-1] if mirrored else values


def _colors(copy: NDArray[np.uint8], view: View) -> Grey:
    """(2, 8, 8) Cb and Cr, 0 where there is no colour."""
    mirrored, left, top, width, height = view
    planes = copy[THUMB:].reshape(2, CHROMA, CHROMA).astype(np.float32) - np.float32(128)
    across = _averages(left, width, CHROMA // 4, CHROMA)
    down = _averages(top, height, CHROMA // 4, CHROMA)
    values: Grey = down @ planes @ across.T
    return values[..., ::-1] if mirrored else values


def tinted_alike(one: Grey, other: Grey) -> bool:
    """Whether (2, 8, 8) colours around 0 differ by no more than a copy's; one may have none."""
    strong = [float(np.hypot(*v).mean()) for v in (one, other)]
    apart = float(np.hypot(*(one - other)).mean())
    return min(strong) < COLORLESS or apart <= TINT[0] * max(strong) + TINT[1]


def _beside(view: View, step: float) -> Iterator[View]:
    """Crops a step away in place or size, inside the picture."""
    mirrored, left, top, *sides = view
    for x, y, s in product((-step, 0.0, step), repeat=3):
        width, height = (side if side == 1 else _kept(side + s) for side in sides)
        x0, y0 = min(max(left + x, 0.0), 1 - width), min(max(top + y, 0.0), 1 - height)
        yield mirrored, round(x0, 4), round(y0, 4), width, height


def _kept(side: float) -> float:
    return round(min(1.0, max(HALF, side)), 4)


def _unit(values: Grey) -> Grey | None:
    """(SIDE * SIDE,) with mean 0 and length 1; None for one that shows nothing."""
    flat = values.ravel() - values.mean()
    length = math.sqrt(float(flat @ flat))
    return flat / length if length >= FLAT * SIDE else None


def _correlation(values: Grey, whole: Grey) -> float:
    unit = _unit(values)
    return float(unit @ whole) if unit is not None else 0.0
