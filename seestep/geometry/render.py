"""Writing geometry as text, in every notation that some model or benchmark speaks.

Rounding, decided once. Unit, permille and percent numbers name positions: nearest value with
the frame's digits (halves up), 0 to the far edge included (permille 1000 is legal). In pixel
frames an integer *point* names the pixel that contains it (floor, always below the width) and is
read back as that pixel's centre; box and polygon corners are edges and go to the nearest one. So
a round trip moves nothing by more than half a step, save a box thinner than one step: it is
widened to one so that it stays a box.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence

from seestep.errors import GeometryError
from seestep.geometry.frames import CELL_FRAMES, DECIMALS, step

Numbers = list[str]  # flat, as they will be written
_NOISE = 1e-9  # of a step: 0.0005 / 0.001 is a half and 30 * 3 / 3 is 30, whatever the last bit


def round_values(
    values: Sequence[float],
    kind: str,
    frame: str,
    *,
    multiple: int = 1,
    edge: tuple[float, float] | None = None,
) -> tuple[float, ...]:
    """``values`` on the grid of ``frame``, as ``render`` writes them.

    Args:
        multiple: coarser grid in steps of the frame (5 writes 0, 5, 10 ...); a recipe declares it.
        edge: the frame's (right, bottom) value; a pixel-frame point on it names the last pixel.
    """
    unit = step(frame) * multiple
    cells = frame in CELL_FRAMES and kind in ("point", "points", "path")
    if cells:
        ticks = [math.floor(v / unit + _NOISE) for v in values]
        if edge is not None:
            ticks = [min(t, math.ceil(edge[i % 2] / unit) - 1) for i, t in enumerate(ticks)]
    else:
        ticks = [math.floor(v / unit + 0.5 + _NOISE) for v in values]
    if kind == "box":
        ticks = _keep_open(ticks, [v / unit for v in values])
    digits = DECIMALS[frame]
    return tuple(round(t * unit, digits) for t in ticks)


def format_numbers(values: Sequence[float], frame: str) -> Numbers:
    """Numbers of ``frame`` as text: integers, 3 decimals for unit, 1 for percent."""
    return [f"{v:.{DECIMALS[frame]}f}" for v in values]


def render(
    kind: str,
    values: Sequence[float],
    frame: str,
    notation: str,
    label: str = "",
    *,
    multiple: int = 1,
    edge: tuple[float, float] | None = None,
) -> str:
    """``values``, already in ``frame``, as text in ``notation`` (a key of ``NOTATIONS``).

    A polygon is written as the list of its corners; in a notation that only has boxes, as its
    bounding box. ``label`` is written where the notation has room for one.

    Raises:
        GeometryError: unknown notation, or one that cannot say this kind.
    """
    if notation not in NOTATIONS:
        raise GeometryError("unknown notation", wanted=" | ".join(NOTATIONS), got=notation)
    kinds, write = NOTATIONS[notation]
    if kind == "polygon" and "points" not in kinds and "box" in kinds:
        kind, values = "box", bounding_box(values)
    shape = "points" if kind in ("path", "polygon") else kind
    if shape == "points" and shape not in kinds and len(values) == 2:
        shape = "point"
    if shape not in kinds:
        raise GeometryError(f"notation {notation} cannot write a {kind}", wanted=" | ".join(kinds))
    rounded = round_values(values, kind, frame, multiple=multiple, edge=edge)
    return write(format_numbers(rounded, frame), shape, label)


def bounding_box(values: Sequence[float]) -> tuple[float, float, float, float]:
    """The smallest box around flat x, y, x, y ..."""
    xs, ys = values[::2], values[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def _keep_open(ticks: list[int], exact: list[float]) -> list[int]:
    for low, high in ((0, 2), (1, 3)):
        if ticks[low] >= ticks[high]:
            ticks[low] = math.floor(exact[low])
            ticks[high] = max(math.ceil(exact[high]), ticks[low] + 1)
    return ticks


def _pairs(numbers: Numbers) -> list[tuple[str, str]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _tuple(numbers: Numbers, shape: str, label: str) -> str:
    return f"({', '.join(numbers)})"


def _tuples(numbers: Numbers, shape: str, label: str) -> str:
    return "[" + ", ".join(f"({x}, {y})" for x, y in _pairs(numbers)) + "]"


def _list(numbers: Numbers, shape: str, label: str) -> str:
    return f"[{', '.join(numbers)}]"


def _lists(numbers: Numbers, shape: str, label: str) -> str:
    return "[" + ", ".join(f"[{x}, {y}]" for x, y in _pairs(numbers)) + "]"


def _json(key: str, size: int, *, fenced: bool, swap: bool = False) -> Writer:
    def write(numbers: Numbers, shape: str, label: str) -> str:
        tail = f', "label": {json.dumps(label, ensure_ascii=False)}' if label else ""
        rows = []
        for i in range(0, len(numbers), size):
            part = numbers[i : i + size]
            if swap:
                part = [part[j ^ 1] for j in range(size)]
            rows.append(f'{{"{key}": [{", ".join(part)}]{tail}}}')
        if not fenced:
            return "[" + ", ".join(rows) + "]"
        body = ",\n".join(f"\t{row}" for row in rows)
        return f"```json\n[\n{body}\n]\n```"

    return write


def _xml(numbers: Numbers, shape: str, label: str) -> str:
    pairs = _pairs(numbers)
    name = _escape(label)
    if len(pairs) == 1:
        return f'<point x="{pairs[0][0]}" y="{pairs[0][1]}" alt="{name}">{name}</point>'
    at = " ".join(f'x{i}="{x}" y{i}="{y}"' for i, (x, y) in enumerate(pairs, 1))
    return f'<points {at} alt="{name}">{name}</points>'


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _qwen_tokens(numbers: Numbers, shape: str, label: str) -> str:
    ref = f"<|object_ref_start|>{label}<|object_ref_end|>" if label else ""
    return ref + "".join(
        f"<|box_start|>{','.join(f'({x},{y})' for x, y in _pairs(part))}<|box_end|>"
        for part in ([numbers] if shape == "box" else [list(p) for p in _pairs(numbers)])
    )


Writer = Callable[[Numbers, str, str], str]
_ANY = ("point", "points")

NOTATIONS: dict[str, tuple[tuple[str, ...], Writer]] = {
    "tuple": (("point", "box"), _tuple),  # (x, y)
    "tuples": (_ANY, _tuples),  # [(x, y), (x, y)]: RoboPoint, RefSpatial, RoboBrain
    "list": (("point", "box"), _list),  # [x, y]
    "lists": (_ANY, _lists),  # [[x, y], [x, y]]: RoboBrain trajectories
    "bracket_box": (("box",), _list),  # [x0, y0, x1, y1]
    "json_point_2d": (_ANY, _json("point_2d", 2, fenced=True)),  # Qwen2.5-VL and Qwen3-VL
    "json_bbox_2d": (("box",), _json("bbox_2d", 4, fenced=True)),
    "json_point_2d_bare": (_ANY, _json("point_2d", 2, fenced=False)),
    "json_bbox_2d_bare": (("box",), _json("bbox_2d", 4, fenced=False)),
    "json_point_yx": (_ANY, _json("point", 2, fenced=True, swap=True)),  # Gemini: [y, x]
    "json_box_yx": (("box",), _json("box_2d", 4, fenced=True, swap=True)),
    "xml_points": (_ANY, _xml),  # Molmo, PixMo
    "qwen_box_tokens": ((*_ANY, "box"), _qwen_tokens),  # Qwen-VL, Qwen2-VL
}
"""Notation -> (kinds it can say, writer). ``parse`` reads every one of them back."""
