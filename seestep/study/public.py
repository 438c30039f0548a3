"""Pointing answers as the public scorer would read them, beside our own reading.

Ours reads every notation, so an answer in the wrong brackets costs nothing here and everything on
the public board. An arm that learnt another notation is only caught by reading as the board does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from seestep.answers import flagevalmm_points, score, sections
from seestep.answers.scorers import region_of
from seestep.families import Family
from seestep.families.prompt import resize_of
from seestep.geometry.masks import contains
from seestep.records import Item, Prediction, Score

PUBLIC = "places (public reader)"
"""The skill group of these scores."""


def public_scores(
    items: Mapping[str, Item], said: Iterable[Prediction], family: Family
) -> list[Score]:
    """Scores of the items that ask for points as fractions, as FlagEvalMM gives them.

    Share of the points it finds on the last line that lie in the region; none found is 0, and so
    is what makes it raise (it drops such an item, which would reward the answer).
    """
    return [
        _score(items[p.item], p.raw, family)
        for p in said
        if p.item in items and asks_fractions(items[p.item])
    ]


def public_id(item: str) -> str:
    """The id of an item's second score."""
    return f"{item} (public)"


def asks_fractions(item: Item) -> bool:
    """Whether the item's prompt asks for points as fractions of the picture."""
    places = item.scorer in ("points_in_mask", "points_first")
    return places and item.form is not None and item.form.frame == "unit"


def _score(item: Item, raw: str, family: Family) -> Score:
    region = region_of(item)
    resize = resize_of(item, region.media, family)
    try:
        points = flagevalmm_points(sections(raw).answer, resize.size)
    except ValueError:
        points = []
    hits = [contains(region, x + 0.5, y + 0.5, resize) for x, y in points]
    ours = score(item, raw, family)
    return msgspec.structs.replace(
        ours,
        item=public_id(item.id),
        skill=PUBLIC,
        value=sum(hits) / len(hits) if hits else 0.0,
        parsed=bool(points),
        rule="flagevalmm" if points else "",
    )
