"""A home as it is being built: its things, its walls, and a builder that stands furniture in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from seestep.world.room.axes import Vec, yaw_matrix
from seestep.world.room.catalog import KINDS
from seestep.world.room.shapes import COLORS, Part, Rgb, box, turn_about
from seestep.world.room.thing import Thing

WALL_HEIGHT = 2.7
_FACING = {"north": 180.0, "south": 0.0, "east": 90.0, "west": -90.0}


@dataclass
class Home:
    """A home as laid out: things by id, and the building around them."""

    name: str
    kind: str
    size: tuple[float, float]  # width (x) and depth (y) of the room, metres
    things: dict[str, Thing] = field(default_factory=dict)
    building: list[Part] = field(default_factory=list)  # floor, walls, ceiling
    fixtures: list[Part] = field(default_factory=list)  # the stove's body
    light: Vec = field(default_factory=lambda: np.zeros(3))
    warmth: Rgb = (1.0, 1.0, 1.0)
    brightness: float = 1.0


def register(home: Home, thing: Thing) -> Thing:
    """Name the thing as AI2-THOR does, ``Type|x|y|z`` from where it first stood, and keep it."""
    x, z, y = (float(v) + 0.0 for v in thing.pos)
    name = f"{thing.type}|{x:+06.2f}|{y:+06.2f}|{z:+06.2f}"
    if thing.type == "SinkBasin":
        name = f"Sink|{x:+06.2f}|{y:+06.2f}|{z:+06.2f}|SinkBasin"
    while name in home.things:
        name += "'"
    thing.id = name
    home.things[name] = thing
    return thing


def shade(color: str, rng: np.random.Generator, spread: float) -> Rgb:
    base = np.array(COLORS[color])
    r, g, b = np.clip(base * rng.uniform(1 - spread, 1 + spread) + rng.normal(0, 0.012, 3), 0, 1)
    return (float(r), float(g), float(b))


class Builder:
    """Adds furniture to a home and names it."""

    def __init__(self, home: Home, plan: np.random.Generator, looks: np.random.Generator) -> None:
        self.home, self.plan, self.looks = home, plan, looks
        self.colors: dict[str, str] = {}

    def add(
        self,
        kind: str,
        pos: tuple[float, float, float],
        yaw: float,
        dims: tuple[float, float, float],
        *,
        look: str = "plain",
        parent: str = "",
        color: str = "",
    ) -> Thing:
        if not color:
            options = KINDS[kind].colors
            color = options[int(self.looks.integers(len(options)))]
        thing = Thing(
            kind, color, "large", shade(color, self.looks, 0.06), np.array(pos, dtype=np.float64),
            yaw, dims, look, int(self.looks.integers(1000)), parent=parent,
        )  # fmt: skip
        return register(self.home, thing)

    def wall(
        self, side: str, along: float, depth: float, z: float = 0.0
    ) -> tuple[tuple[float, float, float], float]:
        """Position and yaw of a thing of this depth that stands against a wall.

        ``along`` runs -1..1 from the wall's west (or south) end to the other, in metres from the
        room's middle.
        """
        w, d = self.home.size
        yaw = _FACING[side]
        at = {
            "north": (along, d / 2 - depth / 2, z),
            "south": (along, -d / 2 + depth / 2, z),
            "east": (w / 2 - depth / 2, along, z),
            "west": (-w / 2 + depth / 2, along, z),
        }[side]
        return at, yaw

    def against(
        self, kind: str, side: str, along: float, dims: tuple[float, float, float], *,
        z: float = 0.0, look: str = "plain", color: str = "", gap: float = 0.0,
    ) -> Thing:  # fmt: skip
        pos, yaw = self.wall(side, along, dims[1] + 2 * gap, z)
        return self.add(kind, pos, yaw, dims, look=look, color=color)

    def drawers(self, owner: Thing, rows: int, cols: int, z0: float, z1: float) -> None:
        """A bank of drawers in the front of ``owner``."""
        w, d, _ = owner.dims
        wide, high = (w - 0.04) / cols, (z1 - z0) / rows
        for row in range(rows):
            for col in range(cols):
                x = -w / 2 + 0.02 + (col + 0.5) * wide
                at = owner.world((x, 0.0, z0 + row * high + 0.005))
                drawer = self.add("Drawer", tuple(at), owner.yaw,
                                  (wide - 0.015, d - 0.06, high - 0.015),
                                  look=owner.look if owner.type != "CounterTop" else "plain",
                                  color=self.front(owner))  # fmt: skip
                drawer.pos = owner.world((x, 0.025, z0 + row * high + 0.005))

    def front(self, owner: Thing) -> str:
        """Fronts of built-in furniture share one colour a home."""
        if owner.type != "CounterTop":
            return owner.color
        if "front" not in self.colors:
            self.colors["front"] = ("white", "brown", "gray")[int(self.looks.integers(3))]
        return self.colors["front"]

    def finish(self) -> None:
        """Floor, walls, ceiling, pictures on the walls, and the light."""
        home, rng = self.home, self.looks
        w, d = home.size
        floor_look = ("planks", "tiles", "checker", "carpet", "marble")[int(rng.integers(5))]
        floors: list[Rgb] = [(0.6, 0.42, 0.27), (0.72, 0.66, 0.58), (0.5, 0.36, 0.26),
                             (0.62, 0.64, 0.66), (0.45, 0.47, 0.52)]  # fmt: skip
        walls: list[Rgb] = [(0.86, 0.82, 0.74), (0.74, 0.82, 0.84), (0.84, 0.76, 0.72),
                            (0.78, 0.84, 0.74), (0.88, 0.87, 0.85), (0.7, 0.72, 0.8)]  # fmt: skip
        floor, wall = floors[int(rng.integers(5))], walls[int(rng.integers(6))]
        wall_look = ("plaster", "plaster", "stripes", "bricks", "plain")[int(rng.integers(5))]
        x, y, t, h = w / 2, d / 2, 0.1, WALL_HEIGHT
        board = (0.92, 0.91, 0.89)
        home.building += [
            box(-x - t, x + t, -y - t, y + t, -0.1, 0, floor, floor_look),
            box(-x - t, x + t, -y - t, y + t, h, h + t, (0.93, 0.93, 0.92)),
            *(_slab(way, home.size, h, wall, wall_look) for way in _FACING),
            box(-x, x, y - 0.015, y, 0, 0.09, board),
            box(-x, x, -y, -y + 0.015, 0, 0.09, board),
            box(x - 0.015, x, -y, y, 0, 0.09, board),
            box(-x, -x + 0.015, -y, y, 0, 0.09, board),
        ]
        home.light = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-0.6, 0.6), h - 0.15])
        tints: list[Rgb] = [(1.0, 0.97, 0.92), (1.0, 1.0, 1.0), (0.95, 0.98, 1.0)]
        home.warmth = tints[int(rng.integers(3))]
        home.brightness = float(rng.uniform(0.88, 1.1))


def _slab(side: str, size: tuple[float, float], height: float, rgb: Rgb, look: str) -> Part:
    """A wall, lying on its back and raised, because textures keep their scale on +z faces only."""
    w, d = size
    long = w if side in ("north", "south") else d
    middle = {"north": (0, d / 2), "south": (0, -d / 2), "east": (w / 2, 0), "west": (-w / 2, 0)}
    turn = yaw_matrix(_FACING[side] - 180.0) @ turn_about(0, 90)
    out = turn[:, 2] * -0.05
    x, y = middle[side]
    at = (float(x + out[0]), float(y + out[1]), height / 2)
    return Part("box", at, (long / 2 + 0.1, height / 2, 0.05), rgb, look, turn)
