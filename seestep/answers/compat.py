"""How other frameworks read the same output, so that their numbers can be explained.

Re-implemented from their documented behaviour, faults included; nothing of ours uses these.
"""

from __future__ import annotations

import re

# its own pattern, made possessive: the same language, without its quadratic backtracking
_NUM = r"[-+]?+\d++(?:\.\d*+)?+"
_VECTOR = re.compile(rf"\(({_NUM}(?:,\s*+{_NUM})*+)\)")
MOST_AREA = 4_000_000


def flagevalmm_points(text: str, size: tuple[int, int]) -> list[tuple[int, int]]:
    """Points as FlagEvalMM's Where2Place evaluator reads them (commit fef27ec).

    Last line only, round brackets only, no space just inside them. A pair with any number that
    has a point is fractions of ``size`` = (width, height), truncated to a pixel; two integers are
    pixels of the original. Four numbers stand for every pixel of a box. Triples are ignored.

    Raises:
        ValueError: where FlagEvalMM itself raises (it then drops the item from its denominator):
            a box whose first number is an integer and another is not.
    """
    width, height = size
    line = text.strip().split("\n")[-1]
    points: list[tuple[int, int]] = []
    for match in _VECTOR.finditer(line):
        words = [w.strip() for w in match.group(1).split(",")]
        # 18 digits lie outside any image, and int() refuses very long ones
        numbers = [float(w) if "." in w else int(w[:18]) for w in words]
        if len(numbers) == 2:
            x, y = numbers
            if isinstance(x, float) or isinstance(y, float):
                x, y = x * width, y * height
            points.append((int(x), int(y)))
        elif len(numbers) == 4:
            points += _box(numbers, width, height)
    return points


def _box(numbers: list[float], width: int, height: int) -> list[tuple[int, int]]:
    x0, y0, x1, y1 = numbers
    if isinstance(x0, float):
        x0, x1 = int(x0 * width), int(x1 * width)
        y0, y1 = int(y0 * height), int(y1 * height)
    if any(isinstance(v, float) for v in (x0, y0, x1, y1)):
        raise ValueError(f"FlagEvalMM cannot slice a mask with {numbers}")
    columns = range(*slice(int(x0), int(x1)).indices(width))
    rows = range(*slice(int(y0), int(y1)).indices(height))
    if len(columns) * len(rows) > MOST_AREA:
        raise ValueError(f"a box of {len(columns)}x{len(rows)} pixels is no answer")
    return [(x, y) for y in rows for x in columns]
