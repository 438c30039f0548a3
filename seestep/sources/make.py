"""Small builders that every converter shares."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, TypeVar

import msgspec

from seestep.records import (
    Answer,
    Choice,
    Form,
    FormRef,
    Geometry,
    Media,
    MediaRef,
    Pair,
    Part,
    Provenance,
    Record,
    Text,
    Thought,
    Turn,
    Verdict,
)

Marked = TypeVar("Marked", Record, Pair)
Box = tuple[float, float, float, float]  # x0, y0, x1, y1


def record(
    id: str,
    task: str,
    media: Media | Sequence[Media],
    question: str | Sequence[Part],
    answer: Answer,
    *,
    form: Form,
    provenance: Provenance,
    geometry: Sequence[Geometry] = (),
    thought: Thought | None = None,
    clusters: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> Record:
    """A one-question record: its media first, the question, then the answer format."""
    shown = (media,) if isinstance(media, Media) else tuple(media)
    parts: list[Part] = [MediaRef(media=m.key) for m in shown]
    parts += [Text(text=question)] if isinstance(question, str) else list(question)
    parts.append(FormRef())
    return Record(
        id=id,
        source=id.split(":", 1)[0],
        task=task,
        media=shown,
        turns=(Turn(role="user", parts=tuple(parts)),),
        answer=answer,
        geometry=tuple(geometry),
        form=form,
        thought=thought,
        clusters=tuple(clusters) or tuple(o for m in shown for o in m.origins[:1]),
        licence=shown[0].licence if shown else "",
        provenance=provenance,
        tags=tuple(tags),
    )


def marked(found: Marked, **changes: Any) -> Marked:
    """A copy with another split or other tags: nothing that needs its parts checked once more."""
    changed = copy(found)
    for name, value in changes.items():
        msgspec.structs.force_setattr(changed, name, value)
    return changed


def dropped(id: str, rule: str, reason: str, evidence: str = "") -> Verdict:
    """The verdict of a converter about something it could not turn into a record."""
    return Verdict(id=id, check=f"source:{rule}", keep=False, reason=reason, evidence=evidence)


def sentence(text: str) -> str:
    """The words of an annotator with a full stop, if they end with none."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def again(id: str, what: str, row: int | str) -> Verdict:
    """The verdict about a second entry of the same name; its id differs from the first one's."""
    reason = f"the {what} stands in the file before; the first entry counts"
    return dropped(f"{id}@{row}", "repeat", reason)


def shuffled_choice(right: str, wrong: Sequence[str], key: str) -> Choice:
    """A choice whose order depends on ``key`` alone, so that no position is favoured."""
    options = [right, *dict.fromkeys(w for w in wrong if w != right)]
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    random.Random(seed).shuffle(options)
    return Choice(options=tuple(options), index=options.index(right))


SWAPPED = "boxes fit the image only with its width and height swapped"
SLACK = 2.0  # pixels by which boxes may leave an image


def swapped(boxes: Iterable[Sequence[float]], size: tuple[int, int]) -> bool:
    """Whether (x, y, width, height) boxes leave an image of ``size`` (width, height) and all would
    lie in one of swapped sides. Cut at the border they would be wrong."""
    width, height = size[0] + SLACK, size[1] + SLACK
    right = below = 0.0
    for x, y, w, h in boxes:
        right = x + w if x + w > right else right
        below = y + h if y + h > below else below
    return (right > width or below > height) and right <= height and below <= width


def xywh(x: float, y: float, w: float, h: float, size: tuple[int, int]) -> Box | None:
    """A (x, y, width, height) box as corners, cut at the border of ``size`` (width, height).

    None if less than two pixels are left in either direction.
    """
    width, height = size
    x0, y0 = x if x > 0 else 0.0, y if y > 0 else 0.0  # max and min take twice the time
    x1, y1 = x + w, y + h
    x1, y1 = x1 if x1 < width else float(width), y1 if y1 < height else float(height)
    return (x0, y0, x1, y1) if x1 - x0 > 1 and y1 - y0 > 1 else None
