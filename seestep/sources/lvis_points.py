"""LVIS's outlines: a point inside the only thing of its category, and its instances in columns.

An annotation file has a million outlines, of which no more than one is in memory at a time: they
are read once more when it is known which are asked for. The other numbers are kept in columns.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from seestep.records import Form, Geometry, Media, Points, Provenance, Record, Verdict
from seestep.sources import bad, make

LEVELS = (0.5, 0.25, 0.75)  # of an outline's height, at which its width is looked at
WIDE = 1 / 3  # of the outline's own width: a level this wide will do
Asked = tuple[str, Media, str, Provenance]  # id, picture, name of the thing, where
_END: Any = object()


class Outline(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An instance's outline: rings of x, y, x, y in pixels."""

    id: int
    segmentation: Any = None


class Columns:
    """Rows of numbers by the image they are of: 64 bytes each, where objects take 300."""

    def __init__(self) -> None:
        self._whole, self._real = array("q"), array("d")

    def add(self, image: int, whole: tuple[int, int], real: Sequence[float]) -> None:
        """A row of 2 integers and 5 numbers."""
        self._whole.extend((image, *whole))
        self._real.extend(real)

    def sort(self) -> None:
        """Once all are added; rows of one image keep their order."""
        self._numbers = np.frombuffer(self._whole, np.int64).reshape(-1, 3)
        self._floats = np.frombuffer(self._real, np.float64).reshape(-1, 5)
        self._order = np.argsort(self._numbers[:, 0], kind="stable")
        self._images = self._numbers[self._order, 0]

    def images(self) -> list[int]:
        """Every image that has rows, in the order of their numbers."""
        found: list[int] = np.unique(self._images).tolist()
        return found

    def of(self, image: int) -> Iterator[tuple[list[int], list[float]]]:
        """The rows of one image: image and the 2 integers, the 5 numbers."""
        if not -(2**63) <= image < 2**63:
            return
        first, last = np.searchsorted(self._images, [image, image + 1])
        rows = self._order[first:last]
        yield from zip(self._numbers[rows].tolist(), self._floats[rows].tolist(), strict=True)


def points(outlines: Iterable[Outline], asked: dict[int, Asked]) -> Iterator[Record | Verdict]:
    """Pointing at every thing of ``asked``, which is by the ids of ``outlines``.

    What cannot be read here could not be read before, and is told already.
    """
    rows = iter(outlines)
    while asked:
        with bad.unheard():
            row = next(rows, _END)
        if row is _END:
            return
        if (found := asked.pop(row.id, None)) is not None:
            yield _point(row, *found)


def _point(row: Outline, id: str, picture: Media, name: str, at: Provenance) -> Record | Verdict:
    rings = _rings(row.segmentation)
    point = deep(rings[0]) if rings else None
    width, height = picture.size or (0, 0)
    if point is None or not (0 <= point[0] < width and 0 <= point[1] < height):
        return make.dropped(id, "mask", "its outline holds no point of the picture", name)
    area = Geometry(
        key="area",
        kind="polygon",
        media="im",
        frame="pixel",
        values=rings[0],
        rings=tuple(rings[1:]),
        label=name,
    )
    place = Geometry(key="point", kind="points", media="im", frame="pixel", values=point)
    return make.record(
        id,
        "pointing",
        picture,
        f"Point to the {name}.",
        Points(geometry="point", region="area"),
        form=Form(kind="point"),
        geometry=(place, area),
        provenance=at,
    )


def _rings(told: Any) -> list[tuple[float, ...]]:
    """The rings of an outline, the widest first; none where it is no list of rings."""
    if not isinstance(told, list) or not all(isinstance(ring, list) for ring in told):
        return []
    rings = [
        tuple(map(float, ring))
        for ring in told
        if len(ring) >= 6 and len(ring) % 2 == 0 and set(map(type, ring)) <= {int, float}
    ]
    return sorted(rings, key=_area, reverse=True) if len(rings) > 1 else rings


def _area(ring: Sequence[float]) -> float:
    xs, ys = ring[::2], ring[1::2]
    return abs(sum(xs[i - 1] * ys[i] - xs[i] * ys[i - 1] for i in range(len(xs)))) / 2


def deep(ring: Sequence[float]) -> tuple[float, float] | None:
    """A point well inside ``ring``: the middle of a wide level, then of its height there.

    Not the deepest, as that of a mask is, and a hundred times as fast.
    """
    xs, ys = ring[::2], ring[1::2]
    low, high = min(ys), max(ys)
    enough = WIDE * (max(xs) - min(xs))
    wide, x, y = 0.0, 0.0, 0.0
    for share in LEVELS:
        level = low + (high - low) * share
        for left, right in _inside(ys, xs, level):
            if right - left > wide:
                wide, x, y = right - left, (left + right) / 2, level
        if wide >= enough:
            break
    for top, bottom in _inside(xs, ys, x) if wide else ():
        if top < y < bottom:
            return x, (top + bottom) / 2
    return None


def _inside(along: Sequence[float], across: Sequence[float], at: float) -> list[Any]:
    """The stretches of a line inside a ring, by the rule of even and odd."""
    below = [v <= at for v in along]
    found = []
    for i, c in enumerate(along):
        if below[i] != below[i - 1]:
            a, b = along[i - 1], across[i - 1]
            found.append(b + (at - a) * (across[i] - b) / (c - a))
    found.sort()
    return list(zip(found[::2], found[1::2], strict=False))
