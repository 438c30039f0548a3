"""Which frame a data set's coordinates are in, told from the numbers and the pictures' sizes.

A frame is refuted by numbers beyond its edge. Of those that are left the right one is the one
whose edge the numbers reach: things stand at the right border of some pictures in every data set
of some size. Where two are reached alike (pictures of about 1000 pixels, pictures that a model
does not resize) the numbers cannot tell, and that is said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from seestep.families import Family
from seestep.geometry.frames import Resize
from seestep.geometry.parse import Parsed, parse
from seestep.records import FRAMES

FEW = 20  # answers below which no frame is told
ALIKE = 0.06  # of a side: pixels before and after such a resize cannot be told apart, nor matter
SHIFTS = (0.11, 0.23, 0.37, 0.53, 0.71)  # of all answers, by which sizes are dealt out anew
STRAY = 0.02  # share of answers that may lie outside: annotations have errors
REACHED = 0.93  # of its edge, by the answers that reach furthest
APART = 0.05  # by which one frame must reach further than another
FURTHEST = 0.98  # quantile of the reach of single answers
PIXELS = frozenset({"pixel", "pixel_resized"})
MIXED = 0.06  # more of the answers inside their own picture than inside another one
SHAPES = ("box", "points")
_FRACTIONS = re.compile(
    r"between 0 and 1(?!\.?\d)|normali[sz]ed|\[0, ?1\]|0[-\u2013]1 range"
    r"|in the range 0 to 1(?!\.?\d)",
    re.IGNORECASE,
)
_BARE = "bare"
NAMES = {
    "pixel": "pixels of the picture",
    "pixel_resized": "pixels of the resized picture",
    "permille": "0 to 1000",
    "percent": "0 to 100",
    "unit": "fractions, 0 to 1",
}


@dataclass(frozen=True)
class Told:
    """What the numbers of a group of answers say of their frame."""

    answers: int
    sized: int  # of these, answers about one picture of known size
    fits: tuple[str, ...]  # frames not refuted, the best first
    sure: bool  # the first is the only one that fits
    outside: dict[str, float]  # share of answers with numbers beyond the frame's edge
    largest: float
    resized: float  # the most that a picture's side changes by the resize, as a share of it
    own: float  # share of answers whose numbers stay inside their picture's pixels
    others: float  # and share that would if the pictures' sizes were dealt out anew

    @property
    def mixed(self) -> bool:
        """Whether numbers from 0 to 1000 know their picture's size: some of them are pixels."""
        return self.frame == "permille" and self.own - self.others > MIXED

    @property
    def frame(self) -> str | None:
        return self.fits[0] if self.sure and self.fits else None


def coordinates(text: str) -> Parsed | None:
    """Coordinates in an answer; a plain list of numbers is none."""
    for shape in SHAPES:
        found = parse(text, shape, frame="pixel")
        if found is not None and not found.rule.startswith(_BARE):
            return found
    return None


def asks_for_fractions(asked: str) -> bool:
    """Whether a question says that it wants numbers from 0 to 1."""
    return bool(_FRACTIONS.search(asked))


@dataclass
class Witness:
    """Collects answers and says what frame they are in."""

    family: Family
    answers: int = 0
    sized: int = 0
    fractions: int = 0  # answers with a decimal between 0 and 1
    largest: float = 0.0
    resized: float = 0.0
    _corners: list[tuple[float, float]] = field(default_factory=list)
    _sizes: list[tuple[int, int]] = field(default_factory=list)
    _beyond: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _reach: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def see(self, found: Parsed, size: tuple[int, int] | None) -> None:
        """One answer's coordinates, about a picture of ``size`` (width, height) or None."""
        self.answers += 1
        top = max(found.values)
        self.largest = max(self.largest, top)
        self.fractions += not found.integral and top <= 1
        if size is not None:
            self.sized += 1
        resize = self.family.resize(size) if size is not None else None
        if resize is not None:
            self._corners.append((max(found.values[::2]), max(found.values[1::2])))
            self._sizes.append(resize.size)
            sides = ((resize.resized_width, resize.width), (resize.resized_height, resize.height))
            self.resized = max(self.resized, *(abs(new / old - 1) for new, old in sides))
        for frame in FRAMES:
            if (reach := _reach(found, frame, resize)) is None:
                continue
            self._beyond[frame] += reach > 1 + 1e-9 or min(found.values) < 0
            self._reach[frame].append(reach)

    def tell(self) -> Told | None:
        """None if there were too few answers."""
        if self.answers < FEW:
            return None
        share = {f: self._beyond[f] / max(1, len(self._reach[f])) for f in FRAMES}
        outside = {f: share[f] for f in FRAMES if self._reach[f]}
        if self.fractions >= (1 - STRAY) * self.answers:
            return self._told(("unit",), True, outside)
        left = [f for f in FRAMES if f != "unit" and self._reach[f] and share[f] <= STRAY]
        reach = {f: _quantile(self._reach[f]) for f in left}
        order = {f: i for i, f in enumerate(("permille", "pixel", "pixel_resized", "percent"))}
        left.sort(key=lambda f: (-round(reach[f], 2), order[f]))
        near = [f for f in left if reach[f] >= reach[left[0]] - APART]
        unseen = not self.sized and bool(left)  # no size, so pixels can be neither kept nor refuted
        sure = len(near) == 1 and reach[near[0]] >= REACHED and not unseen
        if unseen:
            near = [*near, *sorted(PIXELS)] if reach[near[0]] >= REACHED else sorted(PIXELS)
        if not left:
            near = sorted(PIXELS) if not self.sized else []
        return self._told(tuple(near), sure, outside)

    def _told(self, fits: tuple[str, ...], sure: bool, outside: dict[str, float]) -> Told:
        own, others = self._inside()
        return Told(
            self.answers, self.sized, fits, sure, outside, self.largest, self.resized, own, others
        )

    def _inside(self) -> tuple[float, float]:
        """Shares of numbers inside their own picture and inside those of other answers."""
        count = len(self._sizes)
        if not count:
            return 0.0, 0.0
        steps = [max(1, round(count * share)) for share in SHIFTS]

        def share(step: int) -> float:
            sizes = self._sizes[step:] + self._sizes[:step]
            pairs = zip(self._corners, sizes, strict=True)
            return sum(x <= w and y <= h for (x, y), (w, h) in pairs) / count

        return share(0), sum(share(step % count) for step in steps) / len(steps)


def _reach(found: Parsed, frame: str, resize: Resize | None) -> float | None:
    """How far the numbers go towards the edge of ``frame``, 1 at it; None if it is not known."""
    if resize is None:
        if frame in PIXELS:
            return None
        edge = {"unit": 1.0, "permille": 1000.0, "percent": 100.0}[frame]
        return max(found.values) / edge
    width, height = resize.extent(frame)
    xs, ys = found.values[::2], found.values[1::2]
    return max(max(xs) / width, max(ys) / height)


def _quantile(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(FURTHEST * len(ordered)))]
