"""Finding room for a thing on or in another, without physics."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from seestep.world.room.axes import Vec, yaw_matrix
from seestep.world.room.furniture import surfaces as furniture_surfaces
from seestep.world.room.shapes import SCALES
from seestep.world.room.thing import Surface, Thing, bounds_of

_HEAP = 6  # things that fit in a garbage can
GAP = 0.02  # metres kept free around a thing
# Furniture whose surfaces are clear by construction: its bounds also enclose what stands inside it.
# fmt: off
_FRAMES = frozenset((
    "CounterTop", "DiningTable", "CoffeeTable", "SideTable", "Desk", "TVStand", "Dresser", "Shelf",
    "Sofa", "ArmChair", "Bed", "Chair", "Fridge", "Cabinet", "Drawer", "SinkBasin", "StoveBurner",
    "StoveKnob", "Painting", "Window", "GarbageCan",
))
# fmt: on
_CUPS = {
    "Mug": (0.044, 0.013),
    "Cup": (0.032, 0.012),
    "Bowl": (0.06, 0.014),
    "Plate": (0.08, 0.01),
    "Pan": (0.09, 0.01),
    "Pot": (0.09, 0.012),
}  # fmt: skip


def surfaces(host: Thing) -> list[Surface]:
    """Where things can stand in or on ``host``, in its own frame."""
    if host.type in _CUPS:
        half, z = (v * SCALES[host.size] for v in _CUPS[host.type])
        return [Surface(-half, half, -half, half, z)]
    if host.type == "Box":
        s = SCALES[host.size]
        return [Surface(-0.095 * s, 0.095 * s, -0.07 * s, 0.07 * s, 0.008)]
    return furniture_surfaces(host)


def find_spot(
    things: Mapping[str, Thing],
    host: Thing,
    thing: Thing,
    rng: np.random.Generator | None = None,
    tries: int = 40,
) -> Vec | None:
    """A free base position (home frame) for ``thing`` on ``host``; None if there is none.

    With ``rng`` spots are drawn at random (laying out a home); without it a fixed grid is walked
    from the front middle outwards, so that the same action always ends the same way.
    """
    single = host.type in _CUPS or host.type == "StoveBurner"
    inside = sum(t.parent == host.id for t in things.values())
    if host.type == "GarbageCan":  # a heap: what comes in falls on top
        return host.world((0.0, 0.0, 0.015 + 0.05 * inside)) if inside < _HEAP else None
    if host.type in _CUPS and inside:
        return None
    low, high = bounds_of(thing.parts(), np.zeros(3), thing.yaw - host.yaw)
    others = [
        t.bounds()
        for t in things.values()
        if t is not thing and t is not host and not t.held and t.type not in _FRAMES
    ]
    for surface in surfaces(host):
        if thing_height(thing) > surface.height:
            continue
        x0, x1 = surface.x0 - low[0], surface.x1 - high[0]
        y0, y1 = surface.y0 - low[1], surface.y1 - high[1]
        if single:
            spots = np.zeros((1, 2))
        elif x1 < x0 or y1 < y0:
            continue
        elif rng is not None:
            spots = rng.uniform((x0, y0), (x1, y1), size=(tries, 2))
        else:
            x, y = np.meshgrid(_ticks(x0, x1), _ticks(y0, y1))
            spots = np.stack([x.ravel(), y.ravel()], axis=1)
            order = np.round((y1 - spots[:, 1]) * 0.6 + np.abs(spots[:, 0]), 6)
            spots = spots[np.lexsort((spots[:, 1], spots[:, 0], order))]
        at = np.column_stack([spots, np.full(len(spots), surface.z)])
        at = host.pos + at @ yaw_matrix(host.yaw).T
        free = np.flatnonzero(~_clashes(at, low, high, host.yaw, others))
        if len(free):
            found: Vec = at[free[0]]
            return found
    return None


def _clashes(
    at: Vec, low: Vec, high: Vec, yaw: float, others: list[tuple[Vec, Vec]]
) -> NDArray[np.bool_]:
    """(n,) which of the base positions ``at`` (n, 3) would run into one of ``others``."""
    if not others:
        return np.zeros(len(at), dtype=np.bool_)
    turn = yaw_matrix(yaw)
    centre, half = turn @ ((low + high) / 2), np.abs(turn) @ ((high - low) / 2)
    a, b = at + centre - half - GAP, at + centre + half + GAP
    a[:, 2], b[:, 2] = at[:, 2] + 0.004, b[:, 2] - GAP
    lows, highs = (np.array(side) for side in zip(*others, strict=True))
    apart = np.any((a[:, None] >= highs) | (b[:, None] <= lows), axis=2)
    clash: NDArray[np.bool_] = ~np.all(apart, axis=1)
    return clash


def settle(thing: Thing, host: Thing, at: Vec) -> None:
    """Stand ``thing`` at ``at``, in or on ``host``."""
    thing.pos, thing.parent = at, host.id


def thing_height(thing: Thing) -> float:
    low, high = thing.bounds()
    return float(high[2] - low[2])


def _ticks(low: float, high: float, step: float = 0.06) -> Vec:
    return np.linspace(low, high, max(1, int((high - low) / step)) + 1)
