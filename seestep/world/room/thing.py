"""A thing of the home: what it is, where it is, what state it is in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seestep.world.room.axes import Vec, yaw_matrix
from seestep.world.room.shapes import Part, Rgb


@dataclass(frozen=True, slots=True)
class Surface:
    """A rectangle where things can stand, in its owner's frame; ``height`` is the room above."""

    x0: float
    x1: float
    y0: float
    y1: float
    z: float
    height: float = 2.0


@dataclass(slots=True)
class Thing:
    """Position is that of the centre of the base, in MuJoCo's frame; yaw counter-clockwise."""

    type: str
    color: str
    size: str
    rgb: Rgb
    pos: Vec
    yaw: float = 0.0
    dims: tuple[float, float, float] = (0.0, 0.0, 0.0)  # furniture: width, depth, height
    look: str = "plain"
    variant: int = 0
    id: str = ""
    parent: str = ""
    controls: tuple[str, ...] = ()
    openness: float = 0.0
    toggled: bool = False
    sliced: bool = False
    cooked: bool = False
    dirty: bool = False
    filled: str = ""
    held: bool = False
    temperature: str = "RoomTemp"
    _parts: tuple[object, list[Part]] | None = field(default=None, repr=False)
    _bounds: tuple[object, tuple[Vec, Vec]] | None = field(default=None, repr=False)
    _placed: tuple[object, dict[str, Any]] | None = field(default=None, repr=False)

    def looks(self) -> tuple[object, ...]:
        """All that the parts depend on."""
        return (self.openness, self.toggled, self.sliced, self.cooked, self.dirty, self.filled)

    def parts(self) -> list[Part]:
        from seestep.world.room.catalog import build  # the catalogue builds Things too

        key = self.looks()
        if self._parts is None or self._parts[0] != key:
            self._parts = (key, build(self))
        return self._parts[1]

    def world(self, local: Sequence[float] | Vec) -> Vec:
        """A point of the thing's own frame in the home's frame."""
        point: Vec = self.pos + yaw_matrix(self.yaw) @ np.asarray(local, dtype=np.float64)
        return point

    def bounds(self) -> tuple[Vec, Vec]:
        """(low, high) corners of the axis-aligned box around all parts, in the home's frame."""
        key = self._pose()
        if self._bounds is None or self._bounds[0] != key:
            self._bounds = (key, bounds_of(self.parts(), self.pos, self.yaw))
        return self._bounds[1]

    def placed(self, compute: Callable[[Thing], dict[str, Any]]) -> dict[str, Any]:
        """``compute(self)``, kept until the thing moves or changes its shape."""
        key = self._pose()
        if self._placed is None or self._placed[0] != key:
            self._placed = (key, compute(self))
        return self._placed[1]

    def _pose(self) -> tuple[object, ...]:
        return (*self.looks(), *self.pos.tolist(), self.yaw)

    def reach_deg(self, point: Vec) -> float:
        """Angle in degrees between the thing's front (+y) and the direction to ``point``."""
        dx, dy = point[0] - self.pos[0], point[1] - self.pos[1]
        front = yaw_matrix(self.yaw) @ np.array([0.0, 1.0, 0.0])
        norm = math.hypot(dx, dy) or 1e-9
        cosine = (dx * front[0] + dy * front[1]) / norm
        return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def bounds_of(parts: Sequence[Part], pos: Vec, yaw: float) -> tuple[Vec, Vec]:
    """Axis-aligned bounds of parts placed at ``pos`` with ``yaw``.

    Each part counts as its oriented box, except that round upright parts do not grow when turned.
    """
    turn = yaw_matrix(yaw)
    lows, highs = [], []
    for part in parts:
        centre = np.asarray(part.pos, dtype=np.float64)
        round_part = part.shape != "box" and part.turn is None
        if ":" in part.shape:
            centre = centre + part.rotation @ np.array([0.0, 0.0, part.size[2]])
        middle = pos + turn @ centre
        if round_part and part.size[0] == part.size[1]:
            half = np.asarray(part.size)
        else:
            half = np.abs(turn @ part.rotation) @ np.asarray(part.size)
        lows.append(middle - half)
        highs.append(middle + half)
    return np.min(lows, axis=0), np.max(highs, axis=0)
