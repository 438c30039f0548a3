"""Reading points, boxes and paths from an output, in the declared frame or in any other."""

from __future__ import annotations

from dataclasses import dataclass

from seestep.answers.parts import sections
from seestep.families import Family
from seestep.geometry.convert import rescale
from seestep.geometry.frames import Resize
from seestep.geometry.parse import Order, parse
from seestep.records import FRAMES, Item

MOST_PAIRS = 1000
"""An output with more coordinates than this is a runaway, not an answer."""

ORDERS: tuple[Order, ...] = ("xy", "yx")
HYPOTHESES: tuple[tuple[str, Order], ...] = tuple((f, o) for f in FRAMES for o in ORDERS)


@dataclass(frozen=True, slots=True)
class Place:
    """Coordinates read from an output.

    Attributes:
        values: flat x, y ... in pixels of the upright original, not cut to the image.
        written: the numbers as the model wrote them, x first.
        rule: how they were found.
    """

    values: tuple[float, ...]
    written: tuple[float, ...]
    rule: str

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """``values`` as (x, y) pairs."""
        return list(zip(self.values[::2], self.values[1::2], strict=True))


def frame_of(item: Item, family: Family) -> str:
    """The frame an answer to ``item`` is expected in: its form's, else the family's."""
    return (item.form.frame if item.form is not None else None) or family.frame


def read_place(
    raw: str, want: str, frame: str, resize: Resize, *, order: Order = "xy"
) -> Place | None:
    """The point, points, box or path in ``raw``, or None.

    Args:
        want: a kind of ``geometry.parse``.
        frame: the declared frame; an integer point in a pixel frame means that pixel's centre.
    """
    parts = sections(raw)
    parsed = parse(parts.answer, want, frame=frame, order=order)
    if parsed is None or len(parsed.values) > 2 * MOST_PAIRS:
        return None
    rule = f"{parts.rule}/{parsed.rule}" if parts.rule else parsed.rule
    return Place(rescale(parsed.positions, frame, "pixel", resize), parsed.values, rule)
