"""Which frame a number is in, and how an image was resized for a model.

One convention everywhere: coordinates are continuous, origin at the top-left corner of the
top-left pixel, so an image of width W spans 0 to W, pixel i covers [i, i + 1) and its centre is
i + 0.5. Boxes and polygons are edges; a point lies in pixel ``floor(x)``.
"""

from __future__ import annotations

from dataclasses import dataclass

from seestep.errors import GeometryError
from seestep.records import FRAMES

DECIMALS = {"pixel": 0, "pixel_resized": 0, "unit": 3, "permille": 0, "percent": 1}
"""Digits written after the point. Molmo writes percent with one; three for unit is a permille."""

CELL_FRAMES = frozenset({"pixel", "pixel_resized"})
"""Frames in which an integer point names a pixel, not a position."""

_FIXED = {"unit": 1.0, "permille": 1000.0, "percent": 100.0}


@dataclass(frozen=True, slots=True)
class Resize:
    """An upright original of ``width`` x ``height`` and the size a model sees it at, in pixels."""

    width: int
    height: int
    resized_width: int
    resized_height: int

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.resized_width, self.resized_height) < 1:
            raise GeometryError("an image needs a positive width and height", got=str(self))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the original."""
        return self.width, self.height

    def extent(self, frame: str) -> tuple[float, float]:
        """The value of the right and of the bottom edge of the image in ``frame``."""
        if frame == "pixel":
            return float(self.width), float(self.height)
        if frame == "pixel_resized":
            return float(self.resized_width), float(self.resized_height)
        if frame in _FIXED:
            return _FIXED[frame], _FIXED[frame]
        raise GeometryError("unknown frame", wanted=" | ".join(FRAMES), got=str(frame))


def same_size(size: tuple[int, int]) -> Resize:
    """The Resize of an image of ``size`` = (width, height) that is left as it is."""
    return Resize(size[0], size[1], size[0], size[1])


def step(frame: str) -> float:
    """The smallest difference written in ``frame``: 1 pixel, 1 permille, 0.001, 0.1 percent."""
    if frame not in DECIMALS:
        raise GeometryError("unknown frame", wanted=" | ".join(FRAMES), got=str(frame))
    return float(10.0 ** -DECIMALS[frame])
