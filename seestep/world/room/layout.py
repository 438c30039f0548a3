"""Homes: a room, its furniture along the walls, and things set out on the furniture."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from seestep.act.vocabulary import holds
from seestep.errors import DataError
from seestep.world.room.catalog import KINDS
from seestep.world.room.home import Builder, Home, register, shade
from seestep.world.room.place import find_spot, settle
from seestep.world.room.rooms import FURNISH
from seestep.world.room.thing import Thing

ROOMS = ("kitchen", "living", "bedroom", "study")
# fmt: off
_MIX = {
    "kitchen": (
        "Mug", "Cup", "Bowl", "Plate", "Bottle", "Pan", "Pot", "Kettle", "Apple", "Tomato",
        "Potato", "Bread", "Lettuce", "Egg", "Knife", "Spoon", "SoapBar", "SoapBottle", "Vase",
        "Box",
    ),
    "living": (
        "Mug", "Cup", "Bowl", "Plate", "Bottle", "Vase", "Apple", "Book", "Laptop", "CellPhone",
        "RemoteControl", "Box", "Candle", "TissueBox", "BasketBall", "AlarmClock",
    ),
    "bedroom": (
        "Book", "Laptop", "CellPhone", "AlarmClock", "Mug", "Cup", "Vase", "Candle", "TissueBox",
        "Box", "BasketBall", "Bottle", "SoapBar", "Bowl",
    ),
    "study": (
        "Book", "Laptop", "CellPhone", "Mug", "Cup", "Bottle", "Vase", "AlarmClock", "Box",
        "Candle", "Bowl", "Apple", "RemoteControl", "Plate", "TissueBox", "Kettle",
    ),
}
# fmt: on
_ALWAYS = {
    "kitchen": ["Knife", "Apple", "Mug", "Plate", "Pan"],
    "living": ["Book", "RemoteControl"],
    "bedroom": ["Book", "AlarmClock"],
    "study": ["Book", "Laptop"],
}


def build_home(seed: int, kind: str | None = None, clutter: float = 1.0) -> Home:
    """The home of this seed: the same, byte for byte, on every call and in every process.

    ``kind`` is one of ROOMS, or None to let the seed choose; ``clutter`` multiplies the number of
    small things. Raises DataError for an unknown kind.
    """
    if kind is not None and kind not in ROOMS:
        raise DataError(f"no home of kind {kind!r}", wanted=" | ".join(ROOMS), got=kind)
    if seed < 0:
        raise DataError("the seed of a home is 0 or more", got=str(seed))
    plan, looks, goods = (np.random.default_rng([seed, part]) for part in range(3))
    chosen = kind or ROOMS[seed % len(ROOMS)]
    width, depth = float(plan.uniform(4.8, 5.4)), float(plan.uniform(3.9, 4.6))
    name = f"home-{seed}" if kind is None else f"home-{seed}-{kind}"
    home = Home(name, chosen, (width, depth))
    builder = Builder(home, plan, looks)
    FURNISH[chosen](builder)
    builder.finish()
    _set_out(home, goods, clutter)
    return home


# --- things on the furniture ------------------------------------------------------------------

_OPEN_TOPS = ("DiningTable", "CounterTop", "CoffeeTable", "Desk", "Dresser", "TVStand", "SideTable",
              "Shelf", "Bed", "Sofa", "ArmChair")  # fmt: skip
_CLOSED = ("Fridge", "Cabinet", "Drawer", "Microwave")
_SHARE = {"DiningTable": (3, 6), "CounterTop": (2, 4), "CoffeeTable": (3, 5), "Desk": (2, 4),
          "Dresser": (2, 4), "TVStand": (0, 2), "SideTable": (1, 2), "Shelf": (1, 3), "Bed": (0, 2),
          "Sofa": (0, 2), "ArmChair": (0, 1)}  # fmt: skip


def _set_out(home: Home, rng: np.random.Generator, clutter: float) -> None:
    """Put things where they may stand; no two share type, colour and size."""
    taken = {(t.type, t.color, t.size) for t in home.things.values()}
    owed = list(_ALWAYS[home.kind])
    hosts = [t for t in home.things.values() if t.type in _OPEN_TOPS]
    for host in hosts:
        least, most = _SHARE[host.type]
        here: list[Thing] = []
        for _ in range(math.ceil(int(rng.integers(least, most + 1)) * clutter)):
            wanted = owed.pop(0) if owed and holds(host.type, owed[0]) else ""
            thing = _choose(home.kind, host, here, taken, rng, wanted)
            if thing is not None and _stand(home, host, thing, rng):
                here.append(thing)
                taken.add((thing.type, thing.color, thing.size))
    for host in [t for t in home.things.values() if t.type in _CLOSED]:
        if rng.random() < {"Fridge": 1.0, "Cabinet": 0.35, "Drawer": 0.3, "Microwave": 0.3}[
            host.type
        ] * min(1.0, clutter):
            thing = _choose(home.kind, host, [], taken, rng, "")
            if thing is not None and _stand(home, host, thing, rng):
                taken.add((thing.type, thing.color, thing.size))


def _choose(
    room: str, host: Thing, here: list[Thing], taken: set[tuple[str, str, str]],
    rng: np.random.Generator, wanted: str,
) -> Thing | None:  # fmt: skip
    """A thing for this host that often shares its type or its colour with a neighbour."""
    fitting = [t for t in _MIX[room] if holds(host.type, t)]
    if not fitting:
        return None
    for _ in range(12):
        kind = wanted or fitting[int(rng.integers(len(fitting)))]
        like = here[int(rng.integers(len(here)))] if here else None
        lot = rng.random()
        if like is not None and not wanted and lot < 0.25 and like.type in fitting:
            kind = like.type
        options = KINDS[kind].colors
        color = options[int(rng.integers(len(options)))]
        if like is not None and 0.25 <= lot < 0.55 and like.color in options:
            color = like.color
        sizes = KINDS[kind].sizes
        size = sizes[int(rng.integers(len(sizes)))]
        if host.type in ("Drawer", "Microwave", "Shelf", "Cabinet"):
            size = sizes[0]
        if (kind, color, size) in taken:
            continue
        rgb = shade(color, rng, 0.1)
        thing = Thing(kind, color, size, rgb, np.zeros(3), float(rng.uniform(-180, 180)))
        if kind in ("Laptop", "AlarmClock", "Candle"):
            thing.yaw = host.yaw + float(rng.uniform(-25, 25))
        if kind == "Laptop":
            thing.openness = 1.0
        thing.dirty = KINDS[kind].dirtyable and bool(rng.random() < 0.25)
        return thing
    return None


def _stand(home: Home, host: Thing, thing: Thing, rng: np.random.Generator) -> bool:
    spot = find_spot(home.things, host, thing, rng)
    if spot is None:
        return False
    settle(thing, host, spot)
    register(home, thing)
    return True


def scene_arguments(scene: str | int | dict[str, Any], seed: int) -> dict[str, Any]:
    """Arguments of ``build_home``."""
    wanted = 'a seed, "home-7", "home-7-kitchen", a kind of room, or {"seed", "kind", "clutter"}'
    if isinstance(scene, bool) or not isinstance(scene, (str, int, dict)):
        raise DataError("not a scene", wanted=wanted, got=repr(scene))
    if isinstance(scene, int):
        return {"seed": scene}
    if isinstance(scene, dict):
        unknown = set(scene) - {"seed", "kind", "clutter"}
        if unknown:
            raise DataError(
                "unknown keys in a scene", wanted=wanted, got=", ".join(sorted(unknown))
            )
        return {"seed": seed} | scene
    if scene in ROOMS:
        return {"seed": seed, "kind": scene}
    parts = scene.split("-")
    if parts[0] == "home" and 2 <= len(parts) <= 3 and parts[1].isdigit():
        return {"seed": int(parts[1]), "kind": parts[2] if len(parts) == 3 else None}
    raise DataError("not a scene", wanted=wanted, got=repr(scene))
