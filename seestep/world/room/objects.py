"""What small things are made of, in every state they can be in.

Each type has a mark in a second colour (a blossom, a rim, a dark handle): in a picture of a hundred
pixels a shape is two dozen of them, and without a mark a cup, a vase and a candle are one thing.
"""

from __future__ import annotations

from collections.abc import Callable

from seestep.world.room.shapes import (
    DARK,
    METAL,
    Part,
    Rgb,
    box,
    rod,
    turn_about,
    turned,
)
from seestep.world.room.thing import Thing

PAPER: Rgb = (0.96, 0.95, 0.92)
LEAF: Rgb = (0.13, 0.42, 0.1)


def _dim(rgb: Rgb, by: float) -> Rgb:
    return (rgb[0] * by, rgb[1] * by, rgb[2] * by)


def _light(t: Thing) -> Rgb:
    """White beside the thing's colour; grey beside white."""
    return (0.6, 0.6, 0.6) if t.color == "white" else PAPER


def stains(t: Thing, s: float) -> list[Part]:
    """Brown smears: in the middle of flat ware, around the side of the rest."""
    mud = (0.26, 0.16, 0.06)
    if t.type in ("Plate", "Pan", "Bowl"):
        z = 0.014 * s
        return [
            Part("ellipsoid", (x * s, y * s, z), (r * s, r * s, 0.006), mud)
            for x, y, r in ((0.01, 0.02, 0.032), (-0.03, -0.02, 0.022), (0.035, -0.025, 0.018))
        ]
    if t.type == "Spoon":
        return [Part("ellipsoid", (0.09 * s, 0.0, 0.02 * s), (0.025 * s, 0.016 * s, 0.006), mud)]
    radius, z = {"Mug": (0.052, 0.07), "Cup": (0.043, 0.07), "Pot": (0.1, 0.06)}[t.type]
    return [
        Part("ellipsoid", (radius * s * c, radius * s * d, z * s), (0.02 * s,) * 3, mud)
        for c, d in ((0.0, 1.0), (-0.87, -0.5), (0.5, -0.87))
    ]


def _mug(t: Thing, s: float) -> list[Part]:
    handle = [
        box(0.1 * s, 0.116 * s, -0.011 * s, 0.011 * s, 0.018 * s, 0.102 * s, t.rgb, "glazed"),
        box(0.05 * s, 0.11 * s, -0.011 * s, 0.011 * s, 0.088 * s, 0.104 * s, t.rgb, "glazed"),
        box(0.05 * s, 0.11 * s, -0.011 * s, 0.011 * s, 0.016 * s, 0.032 * s, t.rgb, "glazed"),
    ]
    return [turned("mug", t.size, t.rgb), *handle, *_liquid(t, 0.045 * s, 0.085 * s)]


def _cup(t: Thing, s: float) -> list[Part]:
    """A tumbler with a light foot and lip; a mug's handle may be hidden, and then they tell."""
    foot = rod(0, 0, 0, 0.045 * s, 0.044 * s, _light(t))
    lip = turned("lip", t.size, _light(t))
    return [turned("cup", t.size, t.rgb), foot, lip, *_liquid(t, 0.045 * s, 0.11 * s)]


def _liquid(t: Thing, radius: float, z: float) -> list[Part]:
    if not t.filled:
        return []
    tint = {"water": (0.55, 0.75, 0.9), "coffee": (0.25, 0.13, 0.05)}.get(t.filled, (0.6, 0.3, 0.3))
    return [rod(0, 0, z, z + 0.004, radius, tint)]


def _lathed(profile: str, look: str = "glazed") -> Callable[[Thing, float], list[Part]]:
    def parts(t: Thing, s: float) -> list[Part]:
        return [turned(profile, t.size, t.rgb, look=look)]

    return parts


def _plate(t: Thing, s: float) -> list[Part]:
    """The well is light inside a coloured rim, else a plate seen from above is a mere disc."""
    return [
        turned("plate", t.size, t.rgb),
        rod(0, 0, 0.008 * s, 0.0105 * s, 0.084 * s, _dim(t.rgb, 0.9)),
        rod(0, 0, 0.0105 * s, 0.0115 * s, 0.066 * s, _light(t)),
    ]


def _vase(t: Thing, s: float) -> list[Part]:
    blossom = (0.97, 0.83, 0.88) if t.color != "white" else (0.95, 0.45, 0.6)
    flowers = [
        Part("sphere", (x * s, y * s, z * s), (0.03 * s,) * 3, blossom)
        for x, y, z in ((0.027, 0.015, 0.262), (-0.027, -0.015, 0.272))
    ]
    leaves = Part("ellipsoid", (0, 0, 0.232 * s), (0.052 * s, 0.052 * s, 0.022 * s), LEAF)
    return [turned("vase", t.size, t.rgb), leaves, *flowers]


def _bottle(t: Thing, s: float) -> list[Part]:
    cap = (0.93, 0.93, 0.9) if t.color != "white" else (0.2, 0.2, 0.2)
    return [turned("bottle", t.size, t.rgb), rod(0, 0, 0.255 * s, 0.3 * s, 0.025 * s, cap)]


def _pan(t: Thing, s: float) -> list[Part]:
    return [
        turned("pan", t.size, t.rgb),
        rod(0, 0, 0.008 * s, 0.0105 * s, 0.092 * s, (0.36, 0.36, 0.38)),
        box(0.105 * s, 0.27 * s, -0.018 * s, 0.018 * s, 0.03 * s, 0.05 * s, DARK),
    ]


def _pot(t: Thing, s: float) -> list[Part]:
    ears = [
        box(side * 0.1 * s, side * 0.155 * s, -0.042 * s, 0.042 * s, 0.085 * s, 0.112 * s, DARK)
        for side in (-1, 1)
    ]
    return [turned("pot", t.size, t.rgb), *ears, *_liquid(t, 0.09 * s, 0.09 * s)]


def _kettle(t: Thing, s: float) -> list[Part]:
    spout = Part(
        "cylinder", (0.1 * s, 0, 0.1 * s), (0.014 * s, 0.014 * s, 0.05 * s), t.rgb, "glazed",
        turn_about(1, 50),
    )  # fmt: skip
    grip = [
        box(-0.06 * s, 0.06 * s, -0.01 * s, 0.01 * s, 0.2 * s, 0.215 * s, DARK),
        box(-0.06 * s, -0.045 * s, -0.01 * s, 0.01 * s, 0.13 * s, 0.21 * s, DARK),
        box(0.045 * s, 0.06 * s, -0.01 * s, 0.01 * s, 0.13 * s, 0.21 * s, DARK),
    ]
    return [turned("kettle", t.size, t.rgb), spout, *grip]


def _rounded(
    t: Thing, half: tuple[float, float, float], inside: Rgb, top: list[Part] | None = None
) -> list[Part]:
    """A fruit: an ellipsoid, or two halves showing their inside once sliced."""
    skin = _dim(t.rgb, 0.55) if t.cooked else t.rgb
    x, y, z = half
    if not t.sliced:
        return [Part("ellipsoid", (0, 0, z), half, skin, "glazed"), *(top or [])]
    halves = []
    for side in (-1, 1):
        at = side * x * 0.75
        halves.append(Part("ellipsoid", (at, 0, z), (x * 0.62, y * 0.98, z), skin, "glazed"))
        face = Part("cylinder", (at - side * x * 0.6, 0, z), (z * 0.8, z * 0.8, 0.004), inside,
                    "plain", turn_about(1, 90))  # fmt: skip
        halves.append(face)
    return halves


def _apple(t: Thing, s: float) -> list[Part]:
    stem = [
        rod(0, 0, 0.095 * s, 0.132 * s, 0.009 * s, (0.3, 0.2, 0.1)),
        Part("ellipsoid", (0.03 * s, 0, 0.118 * s), (0.036 * s, 0.018 * s, 0.008 * s), LEAF),
    ]
    return _rounded(t, (0.056 * s, 0.056 * s, 0.052 * s), (0.95, 0.93, 0.75), stem)


def _tomato(t: Thing, s: float) -> list[Part]:
    leaf = [Part("ellipsoid", (0, 0, 0.083 * s), (0.05 * s, 0.016 * s, 0.007 * s), LEAF),
            Part("ellipsoid", (0, 0, 0.083 * s), (0.016 * s, 0.05 * s, 0.007 * s),
                 LEAF)]  # fmt: skip
    return _rounded(t, (0.058 * s, 0.058 * s, 0.043 * s), (0.9, 0.35, 0.25), leaf)


def _potato(t: Thing, s: float) -> list[Part]:
    eyes = [
        Part("ellipsoid", (x * s, y * s, z * s), (0.013 * s,) * 3, (0.2, 0.12, 0.05))
        for x, y, z in ((0.04, 0.012, 0.078), (-0.015, -0.012, 0.083), (-0.05, 0.02, 0.072))
    ]
    return _rounded(t, (0.082 * s, 0.05 * s, 0.043 * s), (0.95, 0.88, 0.6), eyes)


def _egg(t: Thing, s: float) -> list[Part]:
    return _rounded(t, (0.042, 0.042, 0.055), (0.95, 0.8, 0.2))


def _lettuce(t: Thing, s: float) -> list[Part]:
    core = _rounded(t, (0.085 * s, 0.085 * s, 0.07 * s), (0.85, 0.95, 0.6))
    if t.sliced:
        return core
    light = (0.35, 0.75, 0.3)
    leaves = [
        Part("ellipsoid", (dx * s, dy * s, 0.055 * s), (0.05 * s, 0.05 * s, 0.055 * s), light)
        for dx, dy in ((0.055, 0.03), (-0.05, 0.04), (0.0, -0.06))
    ]
    return core + leaves


def _bread(t: Thing, s: float) -> list[Part]:
    crust = (0.35, 0.2, 0.08) if t.cooked else (0.66, 0.42, 0.2)
    crumb = (0.93, 0.84, 0.62)
    w, d, h = 0.13 * s, 0.055 * s, 0.075 * s
    if not t.sliced:
        top = Part("cylinder", (0, 0, h), (d, d, w), crust, "plain", turn_about(1, 90))
        return [box(-w, w, -d, d, 0, h, crust), top]
    slices = []
    for i in range(5):
        x = (-0.9 + 0.45 * i) * w
        slices.append(box(x - 0.012 * s, x + 0.012 * s, -d, d, 0, h, crumb))
        slices.append(Part("cylinder", (x, 0, h), (d, d, 0.012 * s), crust, "plain",
                           turn_about(1, 90)))  # fmt: skip
    return slices


def _knife(t: Thing, s: float) -> list[Part]:
    return [
        box(-0.14 * s, -0.03 * s, -0.014 * s, 0.014 * s, 0.002, 0.024 * s, t.rgb),
        box(-0.03 * s, 0.15 * s, -0.02 * s, 0.02 * s, 0.004, 0.012 * s, METAL, "metal"),
    ]


def _spoon(t: Thing, s: float) -> list[Part]:
    return [
        box(-0.14 * s, 0.06 * s, -0.009 * s, 0.009 * s, 0.004, 0.016 * s, t.rgb),
        Part("ellipsoid", (0.09 * s, 0, 0.012 * s), (0.045 * s, 0.03 * s, 0.012 * s), t.rgb),
    ]


def _book(t: Thing, s: float) -> list[Part]:
    w, d, h = 0.105 * s, 0.075 * s, 0.036 * s
    page = (0.95, 0.93, 0.86)
    return [
        box(-w, w, -d, d, 0, 0.2 * h, t.rgb),
        box(-w * 0.94, w * 0.96, -d * 0.92, d * 0.94, 0.2 * h, 0.8 * h, page),
        box(-w, w, -d, d, 0.8 * h, h, t.rgb),
        box(-w, -w * 0.94, -d, d, 0.2 * h, 0.8 * h, t.rgb),
        box(-w * 0.5, w * 0.6, -d * 0.3, d * 0.3, h, h + 0.002, page),
    ]


def _laptop(t: Thing, s: float) -> list[Part]:
    w, d = 0.17, 0.12
    parts = [box(-w, w, -d, d, 0, 0.02, t.rgb, "metal")]
    if t.openness < 0.5:
        return [*parts, box(-w, w, -d, d, 0.021, 0.036, t.rgb, "metal")]
    lean = turn_about(0, 15)
    screen = (0.45, 0.7, 0.95) if t.toggled else (0.05, 0.05, 0.06)
    look = "glow" if t.toggled else "glazed"
    parts.append(box(-w * 0.85, w * 0.85, -d * 0.7, d * 0.35, 0.02, 0.023, DARK))
    lid = Part("box", (0, -d - 0.03, 0.13), (w, 0.007, 0.115), t.rgb, "metal", lean)
    face = Part("box", (0, -d - 0.022, 0.132), (w * 0.9, 0.004, 0.098), screen, look, lean)
    return [*parts, lid, face]


def _phone(t: Thing, s: float) -> list[Part]:
    screen = (0.5, 0.75, 0.95) if t.toggled else (0.16, 0.19, 0.24)
    look = "glow" if t.toggled else "glazed"
    w, d = 0.045 * s, 0.085 * s
    return [
        box(-w, w, -d, d, 0, 0.016 * s, t.rgb),
        box(-w * 0.85, w * 0.85, -d * 0.8, d * 0.8, 0.016 * s, 0.018 * s, screen, look),
    ]


def _remote(t: Thing, s: float) -> list[Part]:
    w, d, h = 0.03 * s, 0.1 * s, 0.026 * s
    key = (0.85, 0.85, 0.85) if t.color == "black" else (0.15, 0.15, 0.15)
    dots = [
        Part("ellipsoid", (dx * s, dy * s, h), (0.008 * s, 0.008 * s, 0.004), key)
        for dy in (-0.05, -0.02, 0.01)
        for dx in (-0.013, 0.013)
    ]
    power = Part("ellipsoid", (0, 0.07 * s, h), (0.011 * s, 0.011 * s, 0.005), (0.9, 0.1, 0.1))
    return [box(-w, w, -d, d, 0, h, t.rgb), *dots, power]


def _soap_bar(t: Thing, s: float) -> list[Part]:
    return [
        Part("ellipsoid", (0, 0, 0.034 * s), (0.08 * s, 0.052 * s, 0.034 * s), t.rgb, "glazed"),
        Part("ellipsoid", (0, 0, 0.061 * s), (0.05 * s, 0.026 * s, 0.01 * s), _light(t)),
    ]


def _soap_bottle(t: Thing, s: float) -> list[Part]:
    return [
        turned("soap_bottle", t.size, t.rgb),
        rod(0, 0, 0.03 * s, 0.09 * s, 0.0435 * s, _light(t)),
        rod(0, 0, 0.16 * s, 0.19 * s, 0.01 * s, DARK),
        box(-0.016 * s, 0.066 * s, -0.013 * s, 0.013 * s, 0.186 * s, 0.206 * s, DARK),
    ]


def _carton(t: Thing, s: float) -> list[Part]:
    w, d, h = 0.105 * s, 0.085 * s, 0.13 * s
    wall = 0.008
    inside = _dim(t.rgb, 0.7)
    walls = [
        box(-w, w, -d, d, 0, wall, inside),
        box(-w, -w + wall, -d, d, 0, h, t.rgb),
        box(w - wall, w, -d, d, 0, h, t.rgb),
        box(-w, w, -d, -d + wall, 0, h, t.rgb),
        box(-w, w, d - wall, d, 0, h, t.rgb),
    ]
    if t.openness < 0.5:
        tape, edge = (0.85, 0.78, 0.6), w + 0.002
        return [*walls, box(-w, w, -d, d, h - wall, h, t.rgb),
                box(-edge, edge, -0.02 * s, 0.02 * s, 0.4 * h, h + 0.002, tape)]  # fmt: skip
    flaps = [
        Part("box", (side * (w + 0.035 * s), 0, h + 0.012 * s), (0.04 * s, d, 0.004), inside,
             "plain", turn_about(1, -side * 25))
        for side in (-1, 1)
    ]  # fmt: skip
    return walls + flaps


def _clock(t: Thing, s: float) -> list[Part]:
    flat = turn_about(0, 90)
    r = 0.066 * s
    hand = (0.1, 0.1, 0.1)
    return [
        Part("cylinder", (0, 0, 0.078 * s), (r, r, 0.024 * s), t.rgb, "glazed", flat),
        # a face on either side, and hands through both
        Part("cylinder", (0, 0, 0.078 * s), (r * 0.8, r * 0.8, 0.028 * s), (0.97, 0.97, 0.95),
             "plain", flat),
        box(-0.006 * s, 0.006 * s, -0.031 * s, 0.031 * s, 0.078 * s, 0.118 * s, hand),
        box(0, 0.034 * s, -0.031 * s, 0.031 * s, 0.072 * s, 0.084 * s, hand),
        Part("sphere", (-0.05 * s, 0, 0.148 * s), (0.022 * s,) * 3, METAL, "metal"),
        Part("sphere", (0.05 * s, 0, 0.148 * s), (0.022 * s,) * 3, METAL, "metal"),
        box(-0.05 * s, -0.03 * s, -0.02 * s, 0.02 * s, 0, 0.03 * s, DARK),
        box(0.03 * s, 0.05 * s, -0.02 * s, 0.02 * s, 0, 0.03 * s, DARK),
    ]  # fmt: skip


def _candle(t: Thing, s: float) -> list[Part]:
    """A stick on a dark dish."""
    dish = rod(0, 0, 0, 0.02 * s, 0.075 * s, DARK)
    parts = [turned("candle", t.size, t.rgb), dish, rod(0, 0, 0.19 * s, 0.215 * s, 0.006, DARK)]
    if t.toggled:
        flame = Part("ellipsoid", (0, 0, 0.235 * s), (0.017 * s, 0.017 * s, 0.032 * s),
                     (1.0, 0.75, 0.2), "glow")  # fmt: skip
        parts.append(flame)
    return parts


def _tissues(t: Thing, s: float) -> list[Part]:
    w, d, h = 0.1 * s, 0.06 * s, 0.07 * s
    return [
        box(-w, w, -d, d, 0, h, t.rgb, "dots"),
        Part("ellipsoid", (0, 0, h), (0.07 * s, 0.03 * s, 0.004), DARK),
        Part("box", (0, 0, h + 0.045 * s), (0.05 * s, 0.012 * s, 0.05 * s), PAPER, "plain",
             turn_about(0, 18)),
    ]  # fmt: skip


def _pillow(t: Thing, s: float) -> list[Part]:
    return [
        Part("ellipsoid", (0, 0, 0.055 * s), (0.2 * s, 0.135 * s, 0.055 * s), t.rgb, "fabric"),
        Part("ellipsoid", (0, 0, 0.05 * s), (0.215 * s, 0.15 * s, 0.022 * s), t.rgb, "fabric"),
    ]


def _ball(t: Thing, s: float) -> list[Part]:
    r = 0.085 * s
    rings = [Part("cylinder", (0, 0, r), (r * 1.01, r * 1.01, 0.009 * s), DARK, "plain",
                  turn_about(axis, 90)) for axis in (0, 1)]  # fmt: skip
    return [Part("sphere", (0, 0, r), (r, r, r), t.rgb, "plain"), *rings]


def _desk_lamp(t: Thing, s: float) -> list[Part]:
    shade = (1.0, 0.93, 0.7) if t.toggled else t.rgb
    look = "glow" if t.toggled else "plain"
    return [
        rod(0, 0, 0, 0.022, 0.085, DARK),
        rod(0, 0, 0.02, 0.27, 0.013, METAL, "metal"),
        turned("shade", "large", shade, 0.24, look),
    ]


BUILDERS: dict[str, Callable[[Thing, float], list[Part]]] = {
    "Mug": _mug,
    "Cup": _cup,
    "Bowl": _lathed("bowl"),
    "Plate": _plate,
    "Bottle": _bottle,
    "Vase": _vase,
    "Pan": _pan,
    "Pot": _pot,
    "Kettle": _kettle,
    "Apple": _apple,
    "Tomato": _tomato,
    "Potato": _potato,
    "Bread": _bread,
    "Lettuce": _lettuce,
    "Egg": _egg,
    "Knife": _knife,
    "Spoon": _spoon,
    "Book": _book,
    "Laptop": _laptop,
    "CellPhone": _phone,
    "RemoteControl": _remote,
    "SoapBar": _soap_bar,
    "SoapBottle": _soap_bottle,
    "Box": _carton,
    "AlarmClock": _clock,
    "Candle": _candle,
    "TissueBox": _tissues,
    "Pillow": _pillow,
    "BasketBall": _ball,
    "DeskLamp": _desk_lamp,
}
