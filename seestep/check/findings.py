"""What was found, how often, with examples and a way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Mark = Literal["ok", "warning", "fault", "not checked"]
EXAMPLES = 3


class Kind(msgspec.Struct, frozen=True):
    """A thing that can be wrong with a row: how grave, what it means, what to do."""

    mark: Literal["warning", "fault"]
    what: str
    fix: str


KINDS: Mapping[str, Kind] = {
    "unreadable": Kind("fault", "rows that cannot be read", "repair or drop them"),
    "turns": Kind(
        "fault", "turns out of order or without an answer",
        "a sample goes user, assistant, ... and ends with what is to be learnt",
    ),
    "pair": Kind("fault", "pairs whose two answers are the same", "they teach nothing; drop them"),
    "placeholder": Kind(
        "fault", "more or fewer <image> than pictures",
        "one <image> for each picture, in their order; loaders refuse or shift the rest",
    ),
    "marker": Kind(
        "fault", "<image A-B> range markers", "write one <image> for each frame that is shown"
    ),
    "special": Kind(
        "fault", "special tokens of the model inside a text",
        "they are read as turns or pictures; take them out",
    ),
    "boxes": Kind(
        "fault", "<bbox> and the column objects that do not fit together",
        "one box (left, top, right, bottom) or point in objects.bbox for each <bbox>",
    ),
    "missing": Kind("fault", "pictures that are not on disk", "--images FOLDER, or fetch them"),
    "damaged": Kind("fault", "pictures that cannot be read", "fetch them again"),
    "narrow": Kind(
        "fault", "pictures more than 200 times as long as wide", "the image processor refuses them"
    ),
    "turned": Kind(
        "warning", "pictures that EXIF turns",
        "loaders differ; store them upright, with coordinates of the upright picture",
    ),
    "outside": Kind(
        "warning", "coordinates beyond the edge of their picture", "cut or drop them"
    ),
    "reversed": Kind(
        "warning", "boxes whose second corner lies left of or above the first",
        "x0, y0, x1, y1 is wanted; x, y, width, height is often written",
    ),
    "image-cut": Kind(
        "fault", "image tokens beyond the cutoff",
        "raise the cutoff or lower max_pixels; a cut picture stops training or shifts every place",
    ),
    "long": Kind("warning", "samples longer than the cutoff", "their answers are cut or dropped"),
    "bench-picture": Kind(
        "fault", "pictures that a benchmark holds, byte by byte", "drop these rows"
    ),
    "bench-question": Kind(
        "warning", "questions that a benchmark asks in the same words",
        "short questions of a template are often the same by chance; look at the pictures",
    ),
    "option": Kind(
        "fault", "options are given and the answer is none of them",
        "a scorer that looks for the letter counts it wrong",
    ),
    "yes-no": Kind("warning", "yes or no is asked for and not said", "say it first"),
    "json": Kind("fault", "answers that begin as JSON and are none", "mend what writes them"),
    "leak-words": Kind(
        "warning", 'answers that speak of "the description" or "not mentioned"',
        "they come of text-only generation; rewrite or drop them",
    ),
    "repeat": Kind("warning", "rows that say the same as an earlier one", "keep one of each"),
    "contradiction": Kind(
        "warning", "the same question about the same picture with another answer",
        "look which one is right",
    ),
    "video": Kind("warning", "videos, which are not looked at", "give frames as pictures"),
    "remote": Kind("warning", "pictures named by address", "download them to be looked at"),
}  # fmt: skip


class Example(msgspec.Struct, frozen=True):
    """Where it was seen, and what."""

    row: int
    id: str
    text: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the page."""

    name: str
    mark: Mark
    what: str
    count: int = 0
    of: int = 0
    examples: tuple[Example, ...] = ()
    fix: str = ""


class Tally:
    """Counts rows by what is wrong with them and keeps the first few examples."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self.examples: dict[str, list[Example]] = {}

    def add(self, kind: str, row: int, id: str, text: str) -> None:
        """``kind`` is one of ``KINDS``; a row counts once, however often it is added."""
        if self._last.get(kind) == row:
            return
        self._last[kind] = row
        self.counts[kind] = self.counts.get(kind, 0) + 1
        kept = self.examples.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            kept.append(Example(row, id, text))

    def findings(self, rows: int) -> list[Finding]:
        """One for each kind that was seen, faults first."""
        found = [
            Finding(
                name=name,
                mark=KINDS[name].mark,
                what=KINDS[name].what,
                count=count,
                of=rows,
                examples=tuple(self.examples[name]),
                fix=KINDS[name].fix,
            )
            for name, count in self.counts.items()
        ]
        order = list(KINDS)
        return sorted(found, key=lambda f: (f.mark != "fault", order.index(f.name)))
