"""The furniture of each kind of room and where it stands."""

from __future__ import annotations

from collections.abc import Callable

from seestep.world.room.home import Builder, register, shade
from seestep.world.room.shapes import box
from seestep.world.room.thing import Thing


def _kitchen(b: Builder) -> None:
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


def _living(b: Builder) -> None:
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


def _bedroom(b: Builder) -> None:
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
    pillow = Thing("Pillow", "white", "large", shade("white", b.looks, 0.03),
                   bed.world((-0.36, -0.7, 0.53)), bed.yaw, parent=bed.id)  # fmt: skip
    register(b.home, pillow)
    _on_walls(b, ("west", "south"))


def _study(b: Builder) -> None:
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


def _lamp_on(b: Builder, table: Thing, at: tuple[float, float] = (0.0, -0.1)) -> None:
    spot = table.world((at[0], at[1], table.dims[2]))
    b.add("DeskLamp", tuple(spot), table.yaw, (0.2, 0.2, 0.43), parent=table.id)


def _on_walls(b: Builder, sides: tuple[str, ...]) -> None:
    b.against("Window", sides[0], float(b.plan.uniform(0.3, 0.6)), (1.1, 0.02, 1.0), z=1.2)
    for side in sides[1:]:
        wide = float(b.plan.uniform(0.55, 0.9))
        b.against("Painting", side, float(b.plan.uniform(-0.8, 0.2)), (wide, 0.03, 0.55), z=1.45)


FURNISH: dict[str, Callable[[Builder], None]] = {
    "kitchen": _kitchen,
    "living": _living,
    "bedroom": _bedroom,
    "study": _study,
}
