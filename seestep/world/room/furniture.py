"""What furniture is made of. Width runs along x, depth along y with the front at +y."""

from __future__ import annotations

from collections.abc import Callable

from seestep.world.room.shapes import DARK, METAL, Part, Rgb, box, rod, turn_about, turned
from seestep.world.room.thing import Surface, Thing

WOOD: Rgb = (0.62, 0.42, 0.25)
PALE: Rgb = (0.93, 0.92, 0.9)
PLATE = 0.018  # thickness of boards


def _shell(
    w: float, d: float, z0: float, z1: float, rgb: Rgb, inside: Rgb, look: str = "plain"
) -> list[Part]:
    """A carcass open at the front."""
    x, y = w / 2, d / 2
    return [
        box(-x, -x + PLATE, -y, y, z0, z1, rgb, look),
        box(x - PLATE, x, -y, y, z0, z1, rgb, look),
        box(-x + PLATE, x - PLATE, -y, y, z0, z0 + PLATE, rgb, look),
        box(-x + PLATE, x - PLATE, -y, y, z1 - PLATE, z1, rgb, look),
        box(-x + PLATE, x - PLATE, -y, -y + PLATE, z0 + PLATE, z1 - PLATE, inside),
    ]


def _door(
    t: Thing, z0: float, z1: float, rgb: Rgb, look: str = "plain", window: Rgb | None = None
) -> list[Part]:
    """A door hinged at the left edge; fully open it stands at right angles to the front."""
    w, d, _ = t.dims
    x, y, thick = w / 2, d / 2, 0.024
    if t.openness < 0.5:
        leaf = [box(-x, x, y, y + thick, z0, z1, rgb, look)]
        grip = box(x - 0.07, x - 0.045, y + thick, y + thick + 0.025, z0 + (z1 - z0) * 0.3,
                   z0 + (z1 - z0) * 0.7, METAL, "metal")  # fmt: skip
        if window:
            leaf.append(box(-x + 0.05, x - 0.12, y + thick, y + thick + 0.003, z0 + 0.05,
                            z1 - 0.05, window, "glazed"))  # fmt: skip
        return [*leaf, grip]
    leaf = [box(-x - thick, -x, y, y + w, z0, z1, rgb, look)]
    grip = box(-x - thick - 0.025, -x - thick, y + w - 0.07, y + w - 0.045,
               z0 + (z1 - z0) * 0.3, z0 + (z1 - z0) * 0.7, METAL, "metal")  # fmt: skip
    return [*leaf, grip]


def _legs(t: Thing, height: float, inset: float = 0.05, half: float = 0.028) -> list[Part]:
    w, d, _ = t.dims
    dark = (t.rgb[0] * 0.75, t.rgb[1] * 0.75, t.rgb[2] * 0.75)
    return [
        box(x - half, x + half, y - half, y + half, 0, height, dark, t.look)
        for x in (-w / 2 + inset, w / 2 - inset)
        for y in (-d / 2 + inset, d / 2 - inset)
    ]


def _table(t: Thing) -> list[Part]:
    w, d, h = t.dims
    top = box(-w / 2, w / 2, -d / 2, d / 2, h - 0.04, h, t.rgb, t.look)
    return [top, *_legs(t, h - 0.04)]


def _side_table(t: Thing) -> list[Part]:
    w, d, _ = t.dims
    low = box(-w / 2 + 0.03, w / 2 - 0.03, -d / 2 + 0.03, d / 2 - 0.03, 0.14, 0.16, t.rgb, t.look)
    return [*_table(t), low]


def _slab(t: Thing) -> list[Part]:
    """A counter top on its plinth; drawers and cabinets in front of it are things of their own."""
    w, d, h = t.dims
    x, y = w / 2, d / 2
    body = (0.8, 0.79, 0.77)
    return [
        box(-x, x, -y, y + 0.02, h - 0.04, h, t.rgb, t.look),
        box(-x, x, -y, -y + 0.03, 0, h - 0.04, body),
        box(-x, -x + PLATE, -y, y - 0.03, 0, h - 0.04, body),
        box(x - PLATE, x, -y, y - 0.03, 0, h - 0.04, body),
        box(-x, x, -y, y - 0.08, 0, 0.08, DARK),
    ]


def _sink(t: Thing) -> list[Part]:
    w, d, h = t.dims
    x, y = w / 2, d / 2
    a, b, c, deep = x - 0.1, -y + 0.1, y - 0.06, 0.17
    body = (0.8, 0.79, 0.77)
    counter = (0.85, 0.85, 0.84)
    return [
        box(-x, -a, -y, y + 0.02, h - 0.04, h, counter, t.look),
        box(a, x, -y, y + 0.02, h - 0.04, h, counter, t.look),
        box(-a, a, -y, b, h - 0.04, h, counter, t.look),
        box(-a, a, c, y + 0.02, h - 0.04, h, counter, t.look),
        box(-a, a, b, c, h - deep - 0.02, h - deep, t.rgb, "metal"),
        box(-a - 0.012, -a, b, c, h - deep, h + 0.006, t.rgb, "metal"),
        box(a, a + 0.012, b, c, h - deep, h + 0.006, t.rgb, "metal"),
        box(-a, a, b - 0.012, b, h - deep, h + 0.006, t.rgb, "metal"),
        box(-a, a, c, c + 0.012, h - deep, h + 0.006, t.rgb, "metal"),
        rod(0, (b + c) / 2, h - deep, h - deep + 0.004, 0.03, DARK),
        box(-x, x, y - 0.05, y - 0.03, 0.08, h - 0.04, body),
        box(-x, x, -y, y - 0.08, 0, 0.08, DARK),
    ]


def _faucet(t: Thing) -> list[Part]:
    knob = (0.8, 0.15, 0.1)
    parts = [
        rod(0, 0, 0, 0.27, 0.018, METAL, "metal"),
        Part("cylinder", (0, 0.09, 0.265), (0.016, 0.016, 0.09), METAL, "metal",
             turn_about(0, 90)),
        rod(0, 0.17, 0.21, 0.265, 0.014, METAL, "metal"),
        rod(0.07, 0, 0, 0.06, 0.016, knob),
        rod(-0.07, 0, 0, 0.06, 0.016, (0.1, 0.25, 0.8)),
    ]  # fmt: skip
    if t.toggled:
        parts.append(rod(0, 0.17, -0.16, 0.21, 0.011, (0.55, 0.8, 0.98), "glow"))
    return parts


def _fridge(t: Thing) -> list[Part]:
    w, d, h = t.dims
    inside = PALE if t.openness < 0.5 else (1.0, 1.0, 0.98)
    shelves = [
        box(-w / 2 + PLATE, w / 2 - PLATE, -d / 2 + PLATE, d / 2 - 0.06, z - 0.012, z,
            (0.75, 0.83, 0.87))
        for z in _fridge_shelves(t)[1:]
    ]  # fmt: skip
    return [*_shell(w, d, 0.06, h, t.rgb, inside, "metal"), *shelves,
            box(-w / 2, w / 2, -d / 2, d / 2 - 0.05, 0, 0.06, DARK),
            *_door(t, 0.06, h, t.rgb, "metal")]  # fmt: skip


def _fridge_shelves(t: Thing) -> tuple[float, ...]:
    h = t.dims[2]
    return (0.06 + PLATE, h * 0.36, h * 0.62)


def _microwave(t: Thing) -> list[Part]:
    w, d, h = t.dims
    lit = (1.0, 0.85, 0.4)
    inside = lit if t.toggled else (0.55, 0.55, 0.57)
    window = lit if t.toggled else (0.12, 0.13, 0.15)
    shell = _shell(w, d, 0, h, t.rgb, inside, "metal")
    panel = box(w / 2 - 0.11, w / 2 - PLATE, -d / 2 + PLATE, d / 2 - 0.005, PLATE, h - PLATE, DARK)
    display = box(w / 2 - 0.1, w / 2 - 0.025, d / 2 + 0.024, d / 2 + 0.027, h * 0.72, h * 0.86,
                  (0.2, 0.9, 0.3) if t.toggled else (0.1, 0.25, 0.12), "glow")  # fmt: skip
    return [*shell, panel, *([display] if t.openness < 0.5 else []),
            *_door(t, 0, h, t.rgb, "metal", window)]  # fmt: skip


def _cabinet(t: Thing) -> list[Part]:
    w, d, h = t.dims
    return [*_shell(w, d, 0, h, t.rgb, (0.72, 0.62, 0.5), t.look),
            *_door(t, 0, h, t.rgb, t.look)]  # fmt: skip


def drawer_slide(t: Thing) -> float:
    """How far the drawer stands out, in metres."""
    return t.openness * t.dims[1] * 0.75


def _drawer(t: Thing) -> list[Part]:
    w, d, h = t.dims
    out = drawer_slide(t)
    x, y0, y1 = w / 2 - 0.01, -d / 2 + out, d / 2 + out
    wood = (0.78, 0.68, 0.52)
    return [
        box(-x, x, y0, y1, 0, 0.012, wood),
        box(-x, -x + 0.012, y0, y1, 0.012, h * 0.7, wood),
        box(x - 0.012, x, y0, y1, 0.012, h * 0.7, wood),
        box(-x, x, y0, y0 + 0.012, 0.012, h * 0.7, wood),
        box(-w / 2, w / 2, y1, y1 + 0.022, 0, h, t.rgb, t.look),
        box(-0.07, 0.07, y1 + 0.022, y1 + 0.045, h * 0.5 - 0.01, h * 0.5 + 0.01, METAL, "metal"),
    ]


def _range(t: Thing) -> list[Part]:
    """A burner: a ring of iron in the stove's top."""
    glow = (0.95, 0.3, 0.05) if t.toggled else (0.16, 0.16, 0.17)
    look = "glow" if t.toggled else "plain"
    r = t.dims[0] / 2
    return [
        rod(0, 0, 0, 0.008, r, (0.13, 0.13, 0.14)),
        rod(0, 0, 0.008, 0.012, r * 0.8, glow, look),
        rod(0, 0, 0.012, 0.014, r * 0.35, (0.1, 0.1, 0.1)),
    ]


def _knob(t: Thing) -> list[Part]:
    lean = turn_about(0, 90)
    mark = (0.95, 0.2, 0.1) if t.toggled else (0.95, 0.95, 0.95)
    return [
        Part("cylinder", (0, 0.015, 0.025), (0.024, 0.024, 0.015), METAL, "metal", lean),
        box(-0.004, 0.004, 0.03, 0.034, 0.025, 0.046, mark),
    ]


def _shelf(t: Thing) -> list[Part]:
    w, d, h = t.dims
    return [
        box(-w / 2, w / 2, -d / 2, d / 2, 0, h, t.rgb, t.look),
        *[box(x - 0.012, x + 0.012, -d / 2, d / 2 - 0.06, -0.1, 0, DARK)
          for x in (-w / 2 + 0.08, w / 2 - 0.08)],
    ]  # fmt: skip


def _sofa(t: Thing) -> list[Part]:
    w, d, h = t.dims
    x, y, arm, seat = w / 2, d / 2, 0.16, 0.42
    dark = (t.rgb[0] * 0.85, t.rgb[1] * 0.85, t.rgb[2] * 0.85)
    cushions = max(1, round((w - 2 * arm) / 0.7))
    wide = (w - 2 * arm) / cushions
    seats = [
        box(left + 0.008, left + wide - 0.008, -y + 0.22, y, seat - 0.13, seat, t.rgb, "fabric")
        for left in (-x + arm + i * wide for i in range(cushions))
    ]
    return [
        box(-x, x, -y, y - 0.02, 0.06, seat - 0.13, dark, "fabric"),
        *seats,
        box(-x + arm, x - arm, -y, -y + 0.22, seat - 0.13, h, t.rgb, "fabric"),
        box(-x, -x + arm, -y, y, 0.06, seat + 0.18, dark, "fabric"),
        box(x - arm, x, -y, y, 0.06, seat + 0.18, dark, "fabric"),
    ]


def _bed(t: Thing) -> list[Part]:
    w, d, h = t.dims
    x, y = w / 2, d / 2
    sheet = (0.93, 0.92, 0.9)
    return [
        box(-x, x, -y, y, 0.08, h - 0.2, WOOD, "wood"),
        box(-x + 0.02, x - 0.02, -y + 0.05, y - 0.02, h - 0.2, h - 0.02, sheet, "fabric"),
        box(-x, x, -y + 0.62, y, h - 0.24, h, t.rgb, "fabric"),
        box(-x, x, -y - 0.05, -y, 0, h + 0.4, WOOD, "wood"),
        *_legs(t, 0.08),
    ]


def _chair(t: Thing) -> list[Part]:
    w, d, h = t.dims
    seat = 0.45
    return [
        box(-w / 2, w / 2, -d / 2, d / 2, seat - 0.04, seat, t.rgb, t.look),
        *_legs(t, seat - 0.04, 0.04, 0.02),
        box(-w / 2, w / 2, -d / 2, -d / 2 + 0.035, seat + 0.16, h, t.rgb, t.look),
        box(-w / 2, -w / 2 + 0.035, -d / 2, -d / 2 + 0.035, seat, seat + 0.16, t.rgb, t.look),
        box(w / 2 - 0.035, w / 2, -d / 2, -d / 2 + 0.035, seat, seat + 0.16, t.rgb, t.look),
    ]


def _dresser(t: Thing) -> list[Part]:
    w, d, h = t.dims
    return [
        *_shell(w, d, 0.06, h - 0.03, t.rgb, t.rgb, t.look),
        box(-w / 2 - 0.01, w / 2 + 0.01, -d / 2, d / 2 + 0.03, h - 0.03, h, t.rgb, t.look),
        box(-w / 2, w / 2, -d / 2, d / 2 - 0.04, 0, 0.06, DARK),
    ]


def _television(t: Thing) -> list[Part]:
    w, _, h = t.dims
    screen = (0.35, 0.6, 0.95) if t.toggled else (0.05, 0.05, 0.07)
    parts = [
        box(-0.16, 0.16, -0.09, 0.09, 0, 0.02, DARK),
        box(-0.03, 0.03, -0.02, 0.02, 0.02, 0.1, DARK),
        box(-w / 2, w / 2, -0.025, 0.025, 0.08, h, DARK),
        box(-w / 2 + 0.03, w / 2 - 0.03, 0.025, 0.028, 0.11, h - 0.03, screen,
            "glow" if t.toggled else "glazed"),
    ]  # fmt: skip
    if t.toggled:
        hill = box(-w / 2 + 0.03, w / 2 - 0.03, 0.028, 0.03, 0.11, 0.11 + h * 0.25,
                   (0.25, 0.6, 0.25), "glow")  # fmt: skip
        parts.append(hill)
    return parts


def _floor_lamp(t: Thing) -> list[Part]:
    shade = (1.0, 0.93, 0.7) if t.toggled else t.rgb
    return [
        rod(0, 0, 0, 0.025, 0.15, DARK),
        rod(0, 0, 0.02, 1.4, 0.016, METAL, "metal"),
        rod(0, 0, 1.32, 1.6, 0.17, shade, "glow" if t.toggled else "fabric"),
    ]


def _plant(t: Thing) -> list[Part]:
    leaf, light = (0.1, 0.42, 0.14), (0.18, 0.55, 0.2)
    blobs = [(0, 0, 0.62, 0.2, 0.3), (0.13, 0.05, 0.48, 0.14, 0.2), (-0.12, 0.06, 0.5, 0.14, 0.2),
             (0.02, -0.13, 0.46, 0.14, 0.18)]  # fmt: skip
    return [
        turned("planter", "small", (0.72, 0.38, 0.22)),
        rod(0, 0, 0.2, 0.4, 0.02, (0.35, 0.22, 0.12)),
        *[Part("ellipsoid", (x, y, z), (r, r, h), leaf if i % 2 else light, "dots")
          for i, (x, y, z, r, h) in enumerate(blobs)],
    ]  # fmt: skip


def _painting(t: Thing) -> list[Part]:
    w, _, h = t.dims
    other = (t.rgb[1], t.rgb[2], t.rgb[0])
    motif: list[Part]
    if t.variant % 3 == 0:
        motif = [Part("cylinder", (0.1 * w, 0.022, 0.6 * h), (0.2 * h, 0.2 * h, 0.002), PALE,
                      "plain", turn_about(0, 90))]  # fmt: skip
    elif t.variant % 3 == 1:
        motif = [box(-0.4 * w, -0.05 * w, 0.02, 0.024, 0.2 * h, 0.75 * h, other),
                 box(0.05 * w, 0.4 * w, 0.02, 0.024, 0.35 * h, 0.85 * h, PALE)]  # fmt: skip
    else:
        motif = [box(-0.45 * w, 0.45 * w, 0.02, 0.023, 0.06 * h, 0.4 * h, other)]
    return [
        box(-w / 2, w / 2, 0, 0.018, 0, h, (0.25, 0.17, 0.1), "wood"),
        box(-w / 2 + 0.03, w / 2 - 0.03, 0.018, 0.02, 0.03, h - 0.03, t.rgb),
        *motif,
    ]


def _window(t: Thing) -> list[Part]:
    w, _, h = t.dims
    sky, frame = (0.72, 0.87, 0.99), (0.95, 0.95, 0.95)
    return [
        box(-w / 2, w / 2, 0, 0.008, 0, h, sky, "glow"),
        box(-w / 2, w / 2, 0.008, 0.012, 0, h * 0.22, (0.42, 0.65, 0.35), "glow"),
        box(-w / 2 - 0.04, -w / 2, 0, 0.04, -0.04, h + 0.04, frame),
        box(w / 2, w / 2 + 0.04, 0, 0.04, -0.04, h + 0.04, frame),
        box(-w / 2, w / 2, 0, 0.04, h, h + 0.04, frame),
        box(-w / 2, w / 2, 0, 0.06, -0.04, 0, frame),
        box(-0.015, 0.015, 0, 0.03, 0, h, frame),
    ]


def _bin(t: Thing) -> list[Part]:
    return [turned("bin", "small", t.rgb, look="plain")]


BUILDERS: dict[str, Callable[[Thing], list[Part]]] = {
    "CounterTop": _slab,
    "SinkBasin": _sink,
    "Faucet": _faucet,
    "Fridge": _fridge,
    "Microwave": _microwave,
    "Cabinet": _cabinet,
    "Drawer": _drawer,
    "StoveBurner": _range,
    "StoveKnob": _knob,
    "DiningTable": _table,
    "CoffeeTable": _table,
    "Desk": _table,
    "SideTable": _side_table,
    "TVStand": _dresser,
    "Dresser": _dresser,
    "Shelf": _shelf,
    "Sofa": _sofa,
    "ArmChair": _sofa,
    "Bed": _bed,
    "Chair": _chair,
    "GarbageCan": _bin,
    "Television": _television,
    "FloorLamp": _floor_lamp,
    "HousePlant": _plant,
    "Painting": _painting,
    "Window": _window,
}


def surfaces(t: Thing) -> list[Surface]:
    """Where things can stand on or in this thing, in its own frame; the best place first."""
    w, d, h = t.dims
    x, y = w / 2, d / 2
    if t.type in ("CounterTop", "DiningTable", "CoffeeTable", "Desk", "TVStand", "Dresser"):
        return [Surface(-x, x, -y, y, h)]
    if t.type == "SideTable":
        return [Surface(-x, x, -y, y, h)]
    if t.type == "Shelf":
        return [Surface(-x, x, -y, y, h, 0.5)]
    if t.type == "Fridge":
        levels = _fridge_shelves(t)
        tops = (*levels[1:], h - PLATE)
        return [
            Surface(-x + 0.03, x - 0.03, -y + 0.03, y - 0.08, z, top - z - 0.02)
            for z, top in list(zip(levels, tops, strict=True))[::-1]
        ]
    if t.type == "Microwave":
        return [Surface(-x + 0.02, x - 0.12, -y + 0.02, y - 0.01, PLATE, h - 2 * PLATE)]
    if t.type == "Cabinet":
        return [Surface(-x + 0.02, x - 0.02, -y + 0.02, y - 0.02, PLATE, h - 2 * PLATE)]
    if t.type == "Drawer":
        out = drawer_slide(t)
        return [Surface(-x + 0.03, x - 0.03, -y + out + 0.02, y + out - 0.02, 0.012, h + 0.02)]
    if t.type == "SinkBasin":
        return [Surface(-x + 0.11, x - 0.11, -y + 0.11, y - 0.07, h - 0.17)]
    if t.type == "StoveBurner":
        return [Surface(-x, x, -x, x, 0.014)]
    if t.type in ("Sofa", "ArmChair"):
        return [Surface(-x + 0.16, x - 0.16, -y + 0.22, y, 0.42)]
    if t.type == "Bed":
        return [Surface(-x + 0.05, x - 0.05, -y + 0.65, y - 0.05, h)]
    if t.type == "Chair":
        return [Surface(-x, x, -y + 0.04, y, 0.45)]
    if t.type == "GarbageCan":
        return [Surface(-0.09, 0.09, -0.09, 0.09, 0.015)]
    return []
