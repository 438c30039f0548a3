"""Finding room for a thing on or in another, without physics."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seestep.world.room.axes import Vec
from seestep.world.room.furniture import surfaces as furniture_surfaces
from seestep.world.room.shapes import SCALES
from seestep.world.room.thing import Surface, Thing

GAP = 0.02  # metres kept free around a thing
# Furniture whose surfaces are clear by construction: its bounds also enclose what stands inside it.
_FRAMES = frozenset(
    [
        "CounterTop",
        "DiningTable",
        "CoffeeTable",
        "SideTable",
        "Desk",
        "TVStand",
        "Dresser",
        "Shelf",
        "Sofa",
        "ArmChair",
        "Bed",
        "Chair",
        "Fridge",
        "Cabinet",
        "Drawer",
        "SinkBasin",
        "StoveBurner",
        "StoveKnob",
        "Painting",
        "Window",
        "GarbageCan",
    ]
)
_CUPS = {"Mug": (0.044, 0.013), "Cup": (0.032, 0.012), "Bowl": (0.06, 0.014), "Plate": (0.08, 0.01),
         "Pan": (0.09, 0.01), "Pot": (0.09, 0.012)}  # fmt: skip


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
    if host.type in _CUPS and any(t.parent == host.id for t in things.values()):
        return None
    low, high = _extent(thing, host)
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
        slack = 0.035 if host.type in _CUPS or host.type == "StoveBurner" else 0.0
        if host.type in _CUPS or host.type == "StoveBurner":
            x0 = x1 = y0 = y1 = 0.0
        elif x1 < x0 - slack or y1 < y0 - slack:
            continue
        if rng is not None:
            spots = [(float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1))) for _ in range(tries)]
        else:
            grid = [(x, y) for y in _middle_out(y0, y1)[::1] for x in _middle_out(x0, x1)]
            spots = sorted(grid, key=lambda p: (round((y1 - p[1]) * 0.6 + abs(p[0]), 6), p))
        for x, y in spots:
            at = host.world((x, y, surface.z))
            if not any(_clash(thing, at, low, high, host, b) for b in others):
                return at
    return None


def settle(thing: Thing, host: Thing, at: Vec) -> None:
    """Stand ``thing`` at ``at``, in or on ``host``."""
    thing.pos, thing.parent = at, host.id


def thing_height(thing: Thing) -> float:
    low, high = thing.bounds()
    return float(high[2] - low[2])


def _extent(thing: Thing, host: Thing) -> tuple[Vec, Vec]:
    """Bounds of the thing around its own base, seen along the host's axes."""
    from seestep.world.room.thing import bounds_of

    return bounds_of(thing.parts(), np.zeros(3), thing.yaw - host.yaw)


def _clash(thing: Thing, at: Vec, low: Vec, high: Vec, host: Thing, other: tuple[Vec, Vec]) -> bool:
    from seestep.world.room.axes import yaw_matrix

    turn = np.abs(yaw_matrix(host.yaw))
    centre = yaw_matrix(host.yaw) @ ((low + high) / 2)
    half = turn @ ((high - low) / 2)
    a, b = at + centre - half, at + centre + half
    a[2] = at[2] + 0.004
    return bool(
        np.all(a[:2] - GAP < other[1][:2])
        and np.all(b[:2] + GAP > other[0][:2])
        and a[2] < other[1][2]
        and b[2] > other[0][2]
    )


def _middle_out(low: float, high: float, step: float = 0.06) -> list[float]:
    if high <= low:
        return [(low + high) / 2]
    count = max(1, int((high - low) / step))
    return [float(v) for v in np.linspace(low, high, count + 1)]
