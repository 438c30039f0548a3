"""Where to put the camera in a home to get pictures worth asking about.

A home is looked at in *shots*: one view, or several that belong together. Planning shots needs
metadata only, so nothing is rendered that is not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

# AI2-THOR types that can be looked at from all around; the rest stand against walls
_FREE_STANDING = ("DiningTable", "CoffeeTable")


class ViewConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many views of a home, and of what size. A home with few surfaces gives fewer."""

    size: int = 96  # side of the picture in pixels
    supersample: int = 2  # drawn this many times finer, then averaged down
    fov: float = 60.0
    close: int = 5  # views of a surface with things on it
    wide: int = 2  # views of the room from where an agent can stand
    orbits: int = 1  # a second close view from another side: a shot of two
    turns: int = 1  # a shot of two from one place, the camera turned in between
    tours: int = 0  # a shot of ``tour_views`` from one place, panning over the room
    tour_views: int = 4
    near_m: float = 0.65
    far_m: float = 1.1

    def __post_init__(self) -> None:
        if self.size < 16 or self.supersample < 1 or self.tour_views < 2:
            raise ValueError("size must be >= 16, supersample >= 1 and tour_views >= 2")


@dataclass(frozen=True, slots=True)
class Camera:
    """A simulator action that puts the camera somewhere; its Event is the view."""

    action: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shot:
    """Views that belong together. ``kind``: close, wide, orbit, turn or tour."""

    kind: str
    cameras: tuple[Camera, ...]


def plan_shots(
    metadata: Mapping[str, Any],
    positions: Sequence[Mapping[str, float]],
    rng: np.random.Generator,
    config: ViewConfig,
) -> list[Shot]:
    """The shots of a home, from its metadata and the positions an agent can reach.

    Surfaces with more things on them come first; a surface is looked at again, from elsewhere,
    only when every other one has been. Turns stand before a surface, wide views and tours
    anywhere. Cameras in orbit shots differ by 30 to 70 degrees, turns by 15 to 40.
    """
    surfaces = _surfaces(metadata)
    shots = []
    if surfaces:
        ranked = sorted(surfaces, key=lambda s: (-surfaces[s], s))
        spread = ranked * (config.close // len(ranked) + 1)
        for surface in spread[: config.close]:
            shots.append(Shot("close", (_close(surface, metadata, rng, config),)))
        for i in range(config.orbits):
            surface = ranked[i % len(ranked)]
            shots.append(Shot("orbit", _orbit(surface, metadata, rng, config)))
    if positions:
        for i in range(config.turns if surfaces else 0):
            shots.append(Shot("turn", _turn(ranked[i % len(ranked)], metadata, positions, rng)))
        shots += [Shot("wide", (_stand(positions, metadata, rng),)) for _ in range(config.wide)]
        shots += [
            Shot("tour", _tour(positions, metadata, rng, config)) for _ in range(config.tours)
        ]
    return shots


def _surfaces(metadata: Mapping[str, Any]) -> dict[str, int]:
    """Places in the open that bear things, and how many they bear."""
    places = {
        o["objectId"]: o
        for o in metadata["objects"]
        if o["receptacle"] and not o["pickupable"] and not o["openable"]
    }
    tally: dict[str, int] = {}
    for thing in metadata["objects"]:
        for parent in (thing.get("parentReceptacles") or ())[:1]:
            if thing["pickupable"] and parent in places:
                tally[parent] = tally.get(parent, 0) + 1
    return tally


def _close(
    surface: str, metadata: Mapping[str, Any], rng: np.random.Generator, config: ViewConfig
) -> Camera:
    around = 180.0 if surface.split("|")[0] in _FREE_STANDING else 35.0
    return Camera(
        "LookAt",
        {
            "objectId": surface,
            "distance": round(float(rng.uniform(config.near_m, config.far_m)), 3),
            "azimuth": round(float(rng.uniform(-around, around)), 2),
            "elevation": round(float(rng.uniform(28.0, 58.0)), 2),
        },
    )


def _orbit(
    surface: str, metadata: Mapping[str, Any], rng: np.random.Generator, config: ViewConfig
) -> tuple[Camera, ...]:
    first = _close(surface, metadata, rng, config)
    apart = float(rng.uniform(30.0, 70.0))
    side = float(rng.choice((-1.0, 1.0)))
    azimuth = first.arguments["azimuth"]
    if surface.split("|")[0] not in _FREE_STANDING:  # stay in front of the wall
        azimuth = -side * apart / 2
    turned = [
        Camera("LookAt", {**first.arguments, "azimuth": round(azimuth + add, 2)})
        for add in (0.0, side * apart)
    ]
    return tuple(turned)


def _turn(
    surface: str,
    metadata: Mapping[str, Any],
    positions: Sequence[Mapping[str, float]],
    rng: np.random.Generator,
) -> tuple[Camera, ...]:
    """Two headings from the reachable place nearest to 1.1 m from the surface's middle."""
    middle = next(o for o in metadata["objects"] if o["objectId"] == surface)["position"]
    place = min(positions, key=lambda p: (abs(_floor_gap(p, middle) - 1.1), p["x"], p["z"]))
    heading = _heading(place, middle)
    apart = float(rng.uniform(15.0, 40.0)) * float(rng.choice((-1.0, 1.0)))
    start = heading - apart / 2 + float(rng.uniform(-5.0, 5.0))
    horizon = round(float(rng.uniform(28.0, 42.0)), 2)
    return tuple(_teleport(place, start + add, horizon) for add in (0.0, apart))


def _stand(
    positions: Sequence[Mapping[str, float]], metadata: Mapping[str, Any], rng: np.random.Generator
) -> Camera:
    """Somewhere, looking roughly at a piece of furniture 1.2 m away or more."""
    place = positions[int(rng.integers(len(positions)))]
    far = [
        o["position"]
        for o in metadata["objects"]
        if o["receptacle"] and not o["pickupable"] and _floor_gap(place, o["position"]) > 1.2
    ]
    heading = float(rng.uniform(0, 360))
    if far:
        heading = _heading(place, far[int(rng.integers(len(far)))])
    return _teleport(place, heading + float(rng.uniform(-12, 12)), float(rng.uniform(8.0, 28.0)))


def _tour(
    positions: Sequence[Mapping[str, float]],
    metadata: Mapping[str, Any],
    rng: np.random.Generator,
    config: ViewConfig,
) -> tuple[Camera, ...]:
    """A pan in one direction, 35 degrees a view, from a place with room in front of it."""
    first = _stand(positions, metadata, rng)
    place = first.arguments
    step = 35.0 * float(rng.choice((-1.0, 1.0)))
    heading = place["rotation"] - step * (config.tour_views - 1) / 2
    return tuple(
        _teleport(place, heading + step * i, place["horizon"]) for i in range(config.tour_views)
    )


def _teleport(place: Mapping[str, float], rotation: float, horizon: float) -> Camera:
    return Camera(
        "TeleportFull",
        {
            **{k: place[k] for k in "xyz"},
            "rotation": round(rotation % 360.0, 2),
            "horizon": round(horizon, 2),
            "standing": True,
        },
    )


def _floor_gap(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    return float(np.hypot(a["x"] - b["x"], a["z"] - b["z"]))


def _heading(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """AI2-THOR rotation that faces b from a: 0 along +z, clockwise seen from above."""
    return float(np.degrees(np.arctan2(b["x"] - a["x"], b["z"] - a["z"])))
