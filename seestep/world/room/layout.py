"""Homes: a room, its furniture along the walls, and things set out on the furniture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from seestep.act.vocabulary import holds
from seestep.errors import DataError
from seestep.world.room.axes import Vec, yaw_matrix
from seestep.world.room.catalog import KINDS
from seestep.world.room.place import find_spot, settle
from seestep.world.room.shapes import COLORS, Part, Rgb, box, turn_about
from seestep.world.room.thing import Thing

ROOMS = ("kitchen", "living", "bedroom", "study")
WALL_HEIGHT = 2.7
_FACING = {"north": 180.0, "south": 0.0, "east": 90.0, "west": -90.0}

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


def build_home(seed: int, kind: str | None = None, clutter: float = 1.0) -> Home:
    """The home of this seed: the same, byte for byte, on every call and in every process.

    ``kind`` is one of ROOMS, or None to let the seed choose; ``clutter`` multiplies the number of
    small things. Raises DataError for an unknown kind.
    """
    if kind is not None and kind not in ROOMS:
        raise DataError(f"no home of kind {kind!r}", wanted=" | ".join(ROOMS), got=kind)
    plan, looks, goods = (np.random.default_rng([seed, part]) for part in range(3))
    chosen = kind or ROOMS[seed % len(ROOMS)]
    width, depth = float(plan.uniform(4.8, 5.4)), float(plan.uniform(3.9, 4.6))
    name = f"home-{seed}" if kind is None else f"home-{seed}-{kind}"
    home = Home(name, chosen, (width, depth))
    builder = _Builder(home, plan, looks)
    {"kitchen": _kitchen, "living": _living, "bedroom": _bedroom, "study": _study}[chosen](builder)
    builder.finish()
    _set_out(home, goods, clutter)
    return home


class _Builder:
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
            kind, color, "large", _shade(color, self.looks, 0.06), np.array(pos, dtype=np.float64),
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


def _shade(color: str, rng: np.random.Generator, spread: float) -> Rgb:
    base = np.array(COLORS[color])
    r, g, b = np.clip(base * rng.uniform(1 - spread, 1 + spread) + rng.normal(0, 0.012, 3), 0, 1)
    return (float(r), float(g), float(b))


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


def _kitchen(b: _Builder) -> None:
    w, d = b.home.size
    rng = b.plan
    flip = 1 if rng.random() < 0.5 else -1
    depth, top = 0.62, 0.9
    counter_look = ("marble", "wood", "plain")[int(rng.integers(3))]
    color = ("white", "gray", "black")[int(rng.integers(3))] if counter_look != "wood" else "brown"
    left, stove, sink, fridge = float(rng.uniform(1.15, 1.35)), 0.7, 0.85, 0.8
    right = w - 0.1 - left - stove - sink - fridge
    x = -w / 2 + 0.05
    spots = {}
    for name, wide in (("fridge", fridge), ("left", left), ("sink", sink), ("right", right),
                       ("stove", stove)):  # fmt: skip
        spots[name] = (flip * (x + wide / 2), wide)
        x += wide
    at, _ = spots["fridge"]
    b.against("Fridge", "north", at, (fridge - 0.06, 0.68, 1.8))
    front = ""
    for name in ("left", "right"):
        at, wide = spots[name]
        counter = b.against("CounterTop", "north", at, (wide, depth, top), look=counter_look,
                            color=color)  # fmt: skip
        front = b.front(counter)
        b.drawers(counter, 1, 2, 0.66, 0.85)
        for hand in (-1, 1):
            cab = counter.world((hand * wide / 4, 0.02, 0.1))
            b.add("Cabinet", tuple(cab), counter.yaw, (wide / 2 - 0.02, depth - 0.06, 0.54),
                  color=front)  # fmt: skip
    at, wide = spots["sink"]
    basin = b.against("SinkBasin", "north", at, (sink, depth, top), look=counter_look)
    b.add("Faucet", tuple(basin.world((0, -depth / 2 + 0.06, top))), basin.yaw, (0.1, 0.1, 0.3))
    at, wide = spots["stove"]
    pos, yaw = b.wall("north", at, depth)
    body = (0.22, 0.22, 0.24)
    x0, x1 = at - wide / 2 + 0.01, at + wide / 2 - 0.01
    y0, y1 = d / 2 - depth, d / 2
    b.home.fixtures += [
        box(x0, x1, y0, y1, 0.05, top, body, "metal"),
        box(x0 + 0.06, x1 - 0.06, y0 - 0.004, y0, 0.2, 0.62, (0.07, 0.07, 0.08), "glazed"),
        box(x0 + 0.06, x1 - 0.06, y0 - 0.04, y0 - 0.02, 0.66, 0.69, (0.7, 0.7, 0.72), "metal"),
    ]
    for hand in (-1, 1):
        burner = b.add("StoveBurner", (at - hand * 0.17, d / 2 - depth / 2, top), yaw,
                       (0.28, 0.28, 0.02), color="black")  # fmt: skip
        knob = b.add("StoveKnob", (at - hand * 0.17, y0, 0.76), yaw, (0.06, 0.05, 0.06))
        knob.controls = (burner.id,)
    for name in ("left", "right"):
        at, wide = spots[name]
        up = (wide - 0.1, 0.34, 0.62)
        for hand in (-1, 1):
            b.against("Cabinet", "north", at + hand * up[0] / 4, (up[0] / 2 - 0.01, up[1], up[2]),
                      z=1.55, color=front)  # fmt: skip
    at, wide = spots["right"]
    shift = -flip * (wide / 2 - 0.3)
    pos, yaw = b.wall("north", at - shift * 0.0 + flip * (wide / 2 - 0.3), 0.4, top)
    micro = b.add("Microwave", (pos[0], d / 2 - 0.25, top), yaw, (0.5, 0.36, 0.3))
    micro.parent = next(t.id for t in b.home.things.values()
                        if t.type == "CounterTop" and abs(t.pos[0] - at) < 1e-6)  # fmt: skip
    long, short = float(rng.uniform(1.3, 1.5)), float(rng.uniform(0.8, 0.9))
    table = b.add("DiningTable", (flip * float(rng.uniform(-0.5, 0.1)), -d / 2 + 1.15, 0), 0.0,
                  (long, short, 0.75), look="wood" if rng.random() < 0.7 else "plain")  # fmt: skip
    tx, ty = float(table.pos[0]), float(table.pos[1])
    b.add("Chair", (tx - long / 2 - 0.18, ty, 0), -90.0, (0.42, 0.42, 0.92), look="wood")
    b.add("Chair", (tx + long / 2 + 0.18, ty, 0), 90.0, (0.42, 0.42, 0.92), look="wood",
          color=list(b.home.things.values())[-1].color)  # fmt: skip
    b.against("GarbageCan", "east" if flip > 0 else "west", -d / 2 + 0.3, (0.34, 0.34, 0.42))
    side = "west" if flip > 0 else "east"
    b.against("Shelf", side, -0.35, (0.9, 0.28, 0.03), z=1.15, look="wood")
    b.against("SideTable", side, -d / 2 + 0.9, (0.6, 0.45, 0.62), look="wood")
    _on_walls(b, ("east" if flip > 0 else "west", "south"))


def _living(b: _Builder) -> None:
    w, d = b.home.size
    rng = b.plan
    shift = float(rng.uniform(-0.4, 0.4))
    sofa = b.against("Sofa", "south", shift, (2.0, 0.9, 0.85), gap=0.02)
    b.add("CoffeeTable", (shift, float(sofa.pos[1]) + 1.2, 0), 0.0,
          (float(rng.uniform(1.15, 1.3)), 0.7, 0.46), look="wood")  # fmt: skip
    stand = b.against("TVStand", "north", shift, (1.6, 0.45, 0.55), look="wood")
    b.drawers(stand, 1, 2, 0.12, 0.48)
    b.add("Television", tuple(stand.world((-0.25, -0.08, 0.55))), stand.yaw, (0.95, 0.2, 0.62),
          parent=stand.id)  # fmt: skip
    side = b.add("SideTable", (shift + 1.4, float(sofa.pos[1]) - 0.1, 0), 0.0, (0.62, 0.52, 0.58),
                 look="wood")  # fmt: skip
    b.add("FloorLamp", (shift - 1.3, -d / 2 + 0.3, 0), 0.0, (0.34, 0.34, 1.6))
    b.against("ArmChair", "east", 0.35, (0.9, 0.85, 0.82), gap=0.03)
    dresser = b.against("Dresser", "west", 0.1, (1.1, 0.48, 0.86), look="wood")
    b.drawers(dresser, 2, 2, 0.1, 0.8)
    b.against("Shelf", "west", -1.3, (0.95, 0.28, 0.03), z=1.2, look="wood")
    b.add("HousePlant", (w / 2 - 0.4, d / 2 - 0.4, 0), 0.0, (0.5, 0.5, 0.9))
    b.against("GarbageCan", "north", -w / 2 + 0.35, (0.34, 0.34, 0.42))
    _lamp_on(b, side)
    _on_walls(b, ("west", "east", "south"))


def _bedroom(b: _Builder) -> None:
    w, d = b.home.size
    rng = b.plan
    x = -w / 2 + 1.55
    bed = b.add("Bed", (x, -d / 2 + 1.1, 0), 0.0, (1.5, 2.05, 0.55))
    tables = []
    for side in (-1, 1):
        table = b.add("SideTable", (x + side * 1.1, -d / 2 + 0.28, 0), 0.0, (0.6, 0.5, 0.58),
                      look="wood")  # fmt: skip
        tables.append(table)
    _lamp_on(b, tables[int(rng.integers(2))])
    desk = b.against("Desk", "east", float(rng.uniform(-0.3, 0.3)), (1.35, 0.68, 0.75), look="wood")
    _lamp_on(b, desk, (-0.5, -0.18))
    b.add("Chair", tuple(desk.world((0.1, 0.62, 0))), desk.yaw + 180.0, (0.42, 0.42, 0.92),
          look="wood")  # fmt: skip
    dresser = b.against("Dresser", "north", -w / 2 + 1.2, (1.25, 0.48, 0.88), look="wood")
    b.drawers(dresser, 3, 2, 0.08, 0.83)
    cupboard = b.against("Cabinet", "north", 0.5, (0.62, 0.5, 1.75), look="wood")
    b.against("Shelf", "north", float(cupboard.pos[0]) + 1.05, (0.85, 0.28, 0.03), z=1.2,
              look="wood")  # fmt: skip
    b.against("GarbageCan", "east", -d / 2 + 0.35, (0.34, 0.34, 0.42))
    b.add("HousePlant", (w / 2 - 0.38, d / 2 - 0.38, 0), 0.0, (0.5, 0.5, 0.9))
    pillow = Thing("Pillow", "white", "large", _shade("white", b.looks, 0.03),
                   bed.world((-0.36, -0.7, 0.53)), bed.yaw, parent=bed.id)  # fmt: skip
    register(b.home, pillow)
    _on_walls(b, ("west", "south"))


def _study(b: _Builder) -> None:
    w, d = b.home.size
    rng = b.plan
    desk = b.against("Desk", "north", float(rng.uniform(-0.5, 0.0)), (1.6, 0.75, 0.75), look="wood")
    _lamp_on(b, desk, (0.62, -0.2))
    b.add("Chair", tuple(desk.world((0.0, 0.66, 0))), desk.yaw + 180.0, (0.42, 0.42, 0.92),
          look="wood")  # fmt: skip
    dresser = b.against("Dresser", "west", 0.0, (1.2, 0.5, 0.9), look="wood")
    b.drawers(dresser, 2, 2, 0.1, 0.82)
    table = b.add("DiningTable", (0.35, -d / 2 + 1.25, 0), 0.0, (1.35, 0.85, 0.75), look="wood")
    b.add("Chair", tuple(table.world((-0.88, 0, 0))), -90.0, (0.42, 0.42, 0.92), look="wood")
    b.against("ArmChair", "east", -0.1, (0.9, 0.85, 0.82), gap=0.03)
    b.against("Cabinet", "north", w / 2 - 0.85, (0.7, 0.45, 1.5), look="wood")
    b.against("Shelf", "west", 1.3, (0.9, 0.28, 0.03), z=1.2, look="wood")
    b.against("Shelf", "west", -1.35, (0.9, 0.28, 0.03), z=1.1, look="wood")
    b.against("SideTable", "south", w / 2 - 0.6, (0.55, 0.45, 0.6), look="wood")
    b.add("FloorLamp", (-w / 2 + 0.35, -d / 2 + 0.35, 0), 0.0, (0.34, 0.34, 1.6))
    b.against("GarbageCan", "north", -w / 2 + 0.35, (0.34, 0.34, 0.42))
    _on_walls(b, ("east", "south"))


def _lamp_on(b: _Builder, table: Thing, at: tuple[float, float] = (0.0, -0.1)) -> None:
    spot = table.world((at[0], at[1], table.dims[2]))
    b.add("DeskLamp", tuple(spot), table.yaw, (0.2, 0.2, 0.43), parent=table.id)


def _on_walls(b: _Builder, sides: tuple[str, ...]) -> None:
    b.against("Window", sides[0], float(b.plan.uniform(0.3, 0.6)), (1.1, 0.02, 1.0), z=1.2)
    for side in sides[1:]:
        wide = float(b.plan.uniform(0.55, 0.9))
        b.against("Painting", side, float(b.plan.uniform(-0.8, 0.2)), (wide, 0.03, 0.55), z=1.45)


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
        rgb = _shade(color, rng, 0.1)
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
