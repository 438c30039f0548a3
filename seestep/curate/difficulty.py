"""How hard a record is to answer, counted from what it asks: no model's opinion.

One point each for what has to be kept in mind at once: several pictures or frames; a target box
under a hundredth of its picture; three places or steps, or a count of five, to tell; four options;
two places named in the question; a question over 40 words; an answer over 20 words or with a
thought. No point is easy, one is medium, more are hard.
"""

from __future__ import annotations

from typing import Final, Literal

from seestep.curate.words import count_words
from seestep.records import (
    Box,
    Choice,
    Freeform,
    Geometry,
    GeometryRef,
    Number,
    Path,
    Plan,
    Points,
    Record,
)

Level = Literal["easy", "medium", "hard"]
LEVELS: Final[tuple[Level, ...]] = ("easy", "medium", "hard")
_SIDES = {"unit": 1.0, "permille": 1000.0, "percent": 100.0}


def level(record: Record, prompt: str) -> Level:
    """The level of a record whose user says ``prompt``."""
    return LEVELS[min(len(burdens(record, prompt)), 2)]


def burdens(record: Record, prompt: str) -> list[str]:
    """What makes this record harder than a look and a word."""
    answer = record.answer
    cited = {p.geometry for t in record.turns for p in t.parts if isinstance(p, GeometryRef)}
    words = count_words(answer.text) if isinstance(answer, Freeform) else 0
    found = {
        "pictures": sum(max(1, len(m.frames)) for m in record.media) > 1,
        "small": _is_small(record),
        "several": _parts(record) >= 3,
        "options": isinstance(answer, Choice) and len(answer.options) >= 4,
        "compared": len(cited) >= 2,
        "long question": count_words(prompt) > 40,
        "long answer": words > 20 or record.thought is not None,
    }
    return [name for name, yes in found.items() if yes]


def _parts(record: Record) -> int:
    """Places or steps to tell; a count of five is as much as three of them."""
    answer = record.answer
    if isinstance(answer, Plan):
        return len(answer.steps)
    if isinstance(answer, Points | Path):
        return len(record.find_geometry(answer.geometry).pairs)
    if isinstance(answer, Number) and not answer.unit:
        return 3 if answer.value >= 5 else 1
    return 1


def _is_small(record: Record) -> bool:
    answer = record.answer
    key = answer.geometry if isinstance(answer, Box) else getattr(answer, "region", None)
    target = record.find_geometry(key) if key else None
    if target is None or target.kind != "box":
        return False
    size = _size(record, target)
    x0, y0, x1, y1 = target.values
    return size is not None and (x1 - x0) * (y1 - y0) < 0.01 * size[0] * size[1]


def _size(record: Record, target: Geometry) -> tuple[float, float] | None:
    """(width, height) of the whole picture in the target's frame; None while it is unread."""
    if side := _SIDES.get(target.frame):
        return side, side
    return record.find_media(target.media).size if target.frame == "pixel" else None
