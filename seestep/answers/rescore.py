"""Would another frame or axis order score better? The free check before any blame on the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seestep.answers.places import HYPOTHESES, frame_of, read_place
from seestep.answers.scorers import points_value, region_of
from seestep.families import Family
from seestep.families.prompt import Sizes, resize_of
from seestep.geometry.parse import Order
from seestep.records import Item


@dataclass(frozen=True, slots=True)
class FrameScore:
    """Value of one answer read in one frame and order; None when it cannot be read."""

    frame: str
    order: Order
    declared: bool
    value: float | None


@dataclass(frozen=True, slots=True)
class FrameTable:
    """Mean values over many pointing answers, best first.

    Attributes:
        rows: (frame, order, mean value); an unread answer counts 0.
        declared: mean in the frame each item declared.
        items: how many answers were read over.
    """

    rows: tuple[tuple[str, Order, float], ...]
    declared: float
    items: int

    def winner(self, margin: float = 0.05) -> tuple[str, Order] | None:
        """The frame and order that beat the declared ones by at least ``margin``, if any."""
        if not self.rows or self.rows[0][2] < self.declared + margin:
            return None
        return self.rows[0][0], self.rows[0][1]


def rescore_frames(
    item: Item, raw: str, family: Family, *, sizes: Sizes | None = None
) -> list[FrameScore]:
    """The pointing answer ``raw`` scored under every frame and order.

    Only for items of the scorers ``points_in_mask`` and ``points_first``.
    """
    region = region_of(item)
    resize = resize_of(item, region.media, family, sizes)
    mine = frame_of(item, family)
    first = item.scorer == "points_first"
    out = []
    for frame, order in HYPOTHESES:
        place = read_place(raw, "points", frame, resize, order=order)
        value = None if place is None else points_value(region, place, resize, first=first)
        out.append(FrameScore(frame, order, frame == mine and order == "xy", value))
    return out


def frame_table(
    answered: Iterable[tuple[Item, str]], family: Family, *, sizes: Sizes | None = None
) -> FrameTable:
    """``rescore_frames`` over a run: which frame would have scored how much."""
    sums = dict.fromkeys(HYPOTHESES, 0.0)
    declared, items = 0.0, 0
    for item, raw in answered:
        items += 1
        for row in rescore_frames(item, raw, family, sizes=sizes):
            sums[row.frame, row.order] += row.value or 0.0
            declared += (row.value or 0.0) if row.declared else 0.0
    rows = [(frame, order, total / max(items, 1)) for (frame, order), total in sums.items()]
    rows.sort(key=lambda row: -row[2])
    return FrameTable(tuple(rows), declared / max(items, 1), items)
