"""Rules: what a record must be before any model or judge looks at it.

A rule is a frozen struct with its thresholds; a recipe names it by its tag. It answers for each
row of a batch with a verdict whose ``reason`` is a short code (counted in the manifest) and whose
``evidence`` says what was found.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from seestep.answers.read import read_yes_no
from seestep.curate.batch import Batch
from seestep.curate.chosen import YES_OR_NO, asked_last, is_option, options_of
from seestep.curate.leaks import (
    EXACT,
    IN_QUESTIONS,
    has_any,
    leak,
    leak_in_question,
    rows_with,
    rows_with_hints,
)
from seestep.curate.rule import Fault, Rule
from seestep.curate.words import repeated_share, scripts_of
from seestep.errors import GeometryError
from seestep.geometry.convert import to_pixels
from seestep.geometry.parse import parse
from seestep.records import (
    Box,
    Choice,
    Entity,
    Form,
    Freeform,
    Geometry,
    MediaRef,
    Number,
    Path,
    Plan,
    Points,
    Record,
    Text,
    YesNo,
)


class HasOutput(Rule, frozen=True, tag="has_output"):
    """Drop records that ask nothing or answer nothing."""

    def fault(self, batch: Batch, row: int) -> Fault | None:
        if not batch.prompts[row].strip():
            return Fault("no_question")
        answer = batch.records[row].answer
        empty = not answer.steps if isinstance(answer, Plan) else not batch.outputs[row].strip()
        return Fault("no_output") if empty else None

    def doubtful(self, batch: Batch) -> Iterable[int]:
        told = zip(batch.prompts, batch.outputs, strict=True)
        return [
            row for row, (asked, said) in enumerate(told) if not asked.strip() or not said.strip()
        ]


class AnswerFormat(Rule, frozen=True, tag="answer_format"):
    """Drop answers that are not of the kind their form or task asks for.

    A count is a whole number, not negative; words hold no coordinates (they belong in a
    geometry, where their frame is known).
    """

    def fault(self, batch: Batch, row: int) -> Fault | None:
        record = batch.records[row]
        answer = record.answer
        wanted = (record.form or _TASK_FORMS.get(record.task, _ANY_FORM)).kind
        if record.form is not None or record.task in _TASK_FORMS:
            fits = isinstance(answer, _KINDS[wanted])
            if fits and wanted == "point":
                assert isinstance(answer, Points)
                fits = len(record.find_geometry(answer.geometry).pairs) == 1
            if not fits:
                return Fault("wrong_kind", f"wanted {wanted}, got {type(answer).__name__}")
        if isinstance(answer, Number):
            if not math.isfinite(answer.value):
                return Fault("not_a_number", str(answer.value))
            if not answer.unit and (answer.value < 0 or answer.value != int(answer.value)):
                return Fault("not_a_count", f"{answer.value:g}")
        if isinstance(answer, Path) and len(record.find_geometry(answer.geometry).pairs) < 2:
            return Fault("short_path", "a path needs two points")
        if not isinstance(answer, Freeform) or not has_any(answer.text, _COORDINATE_HINTS):
            return None
        if found := _TAGGED.search(answer.text):
            return Fault("coordinates_in_text", found.group())
        place = parse(answer.text, "points", frame="pixel")
        place = place or parse(answer.text, "box", frame="pixel")
        if place is None or place.rule.startswith("bare"):  # "3, 4" may be numbers of anything
            return None
        return Fault("coordinates_in_text", f"{place.values[:4]} ({place.rule})")

    def faults(self, batch: Batch) -> list[Fault | None]:
        return list(format_faults(batch))


class AnswerAmongOptions(Rule, frozen=True, tag="answer_among_options"):
    """Drop a choice in words that is none of the options written in the question."""

    def fault(self, batch: Batch, row: int) -> Fault | None:
        answer = batch.records[row].answer
        if isinstance(answer, Choice):
            return _bad_options(answer.options)
        if not isinstance(answer, Freeform):
            return None
        said = answer.text.strip()
        asked = asked_last(batch.records[row])
        if YES_OR_NO.search(asked):
            return Fault("not_yes_or_no", said[:80]) if read_yes_no(said) is None else None
        options = options_of(asked)
        if len(options) < 2 or is_option(said, options):
            return None
        return Fault("not_an_option", f"{said[:80]!r} of {sorted(options.values())[:8]}")

    def doubtful(self, batch: Batch) -> Iterable[int]:
        return rows_of(batch, Choice, Freeform)


class Length(Rule, frozen=True, tag="length"):
    """Drop questions and free answers that are too short or ramble (a CJK sign is a word)."""

    prompt_least: int = 2
    prompt_most: int = 400
    answer_least: int = 1
    answer_most: int = 400
    steps_most: int = 12

    def fault(self, batch: Batch, row: int) -> Fault | None:
        asked = batch.prompt_words[row]
        if not self.prompt_least <= asked <= self.prompt_most:
            wanted = self.prompt_least if asked < self.prompt_least else self.prompt_most
            return Fault("question_length", f"{asked} words", asked, wanted)
        answer = batch.records[row].answer
        if isinstance(answer, Plan) and len(answer.steps) > self.steps_most:
            return Fault("plan_length", "steps", len(answer.steps), self.steps_most)
        if isinstance(answer, Freeform):
            said = batch.output_words[row]
            if not self.answer_least <= said <= self.answer_most:
                wanted = self.answer_least if said < self.answer_least else self.answer_most
                return Fault("answer_length", f"{said} words", said, wanted)
        return None

    def doubtful(self, batch: Batch) -> Iterable[int]:
        least, most = self.prompt_least, self.prompt_most
        strange = [row for row, n in enumerate(batch.prompt_words) if not least <= n <= most]
        return {*strange, *rows_of(batch, Plan, Freeform)}


class Language(Rule, frozen=True, tag="language"):
    """Drop texts in scripts that a recipe does not want, and answers in none of the question's.

    ``scripts`` ("latin", "cjk", "hangul", ...) are those that may be; None is any. Letters of
    others may be up to ``strange`` of a text: names and signs in pictures have their own. An answer
    of ``least_letters`` or more, most of them in a script of which the question has none, was
    written for another question.
    """

    scripts: tuple[str, ...] | None = None
    strange: float = 0.1
    least_letters: int = 10

    def fault(self, batch: Batch, row: int) -> Fault | None:
        asked, said = batch.prompts[row], batch.outputs[row]
        free = isinstance(batch.records[row].answer, Freeform)
        of_question, of_answer = scripts_of(asked), scripts_of(said) if free else Counter[str]()
        if self.scripts is not None:
            both = of_question + of_answer
            other = {name: n for name, n in both.items() if name not in self.scripts}
            share = sum(other.values()) / max(1, both.total())
            if share > self.strange:
                return Fault("script", ", ".join(sorted(other)), share, self.strange)
        if of_answer.total() >= self.least_letters and of_question:
            (asked_in, _), (main, _) = of_question.most_common(1)[0], of_answer.most_common(1)[0]
            foreign = main not in of_question and _SISTERS.isdisjoint((main, *of_question))
            if main == "latin" and not _SMALL_WORDS.search(said):
                foreign = False
            if foreign and not _WRITTEN.search(asked_last(batch.records[row])):
                return Fault("other_script", f"asked in {asked_in}, answered in {main}")
        return None

    def doubtful(self, batch: Batch) -> Iterable[int]:
        if self.scripts is not None and "latin" not in self.scripts:
            return range(len(batch))
        told = zip(batch.prompts, batch.outputs, strict=True)
        return [
            row
            for row, (asked, said) in enumerate(told)
            if not asked.isascii() or not said.isascii()
        ]


class Repetition(Rule, frozen=True, tag="repetition"):
    """Drop free text in which one 3-word phrase after another comes back.

    In a list ("take it; put it down") an item may come back once: one does things twice.
    """

    most: float = 0.3  # share of 3-grams that are repeats
    least_words: int = 12

    def fault(self, batch: Batch, row: int) -> Fault | None:
        if not isinstance(batch.records[row].answer, Freeform):
            return None
        if batch.output_words[row] < self.least_words:
            return None
        share = repeated_share(batch.outputs[row])
        if share <= self.most:
            return None
        return Fault("repeats", "3-grams seen before", share, self.most)

    def doubtful(self, batch: Batch) -> Iterable[int]:
        words = batch.output_words
        return [row for row in rows_of(batch, Freeform) if words[row] >= self.least_words]


class NoLeak(Rule, frozen=True, tag="no_leak"):
    """Drop text that shows how it was made: hidden captions, an assistant's excuses."""

    def fault(self, batch: Batch, row: int) -> Fault | None:
        record = batch.records[row]
        chosen = isinstance(record.answer, Choice)  # "cannot be determined" may be an option
        said = batch.outputs[row]
        found = leak_in_question(said) if chosen else leak(said)
        found = found or leak_in_question(batch.prompts[row])
        for turn in record.turns if found is None and len(record.turns) > 1 else ():
            for part in turn.parts if turn.role == "assistant" else ():
                found = found or (leak(part.text) if isinstance(part, Text) else None)
        return Fault(*found) if found else None

    def doubtful(self, batch: Batch) -> Iterable[int]:
        asked = batch.prompts
        told = rows_with([text.casefold() for text in asked], IN_QUESTIONS) | rows_with(
            asked, EXACT
        )
        talks = [row for row, record in enumerate(batch.records) if len(record.turns) > 1]
        return rows_with_hints(batch.outputs).union(told, talks)


class References(Rule, frozen=True, tag="references"):
    """Drop records whose plan or thought cites a picture or geometry they do not have.

    What a record's own type refuses (an answer or a turn citing nothing) cannot come this far.
    """

    def fault(self, batch: Batch, row: int) -> Fault | None:
        record = batch.records[row]
        if record.media and not shown_in(batch)[row]:
            return Fault("picture_not_shown", ", ".join(m.key for m in record.media))
        media_keys = {m.key for m in record.media}
        geometry_keys = {g.key for g in record.geometry}
        for entity in _entities(record):
            if entity.media is not None and entity.media not in media_keys:
                return Fault("unknown_media", f"{entity.id} on {entity.media}")
            if entity.geometry is not None and entity.geometry not in geometry_keys:
                return Fault("unknown_geometry", f"{entity.id} at {entity.geometry}")
        for view in record.thought.views if record.thought else ():
            if not {view.src, view.dst} <= media_keys:
                return Fault("unknown_media", f"view {view.src} to {view.dst}")
        return None

    def doubtful(self, batch: Batch) -> Iterable[int]:
        return [
            row
            for row, (record, shows) in enumerate(zip(batch.records, shown_in(batch), strict=True))
            if (record.media and not shows)
            or record.thought is not None
            or isinstance(record.answer, Plan)
        ]


class GeometryRange(Rule, frozen=True, tag="geometry_range"):
    """Drop geometry that leaves its picture, or (``unresolved="drop"``) cannot be placed in it."""

    unresolved: Literal["keep", "drop"] = "keep"

    def fault(self, batch: Batch, row: int) -> Fault | None:
        record = batch.records[row]
        for geometry in record.geometry:
            if fault := self._place(geometry, record):
                return fault
        return None

    def doubtful(self, batch: Batch) -> Iterable[int]:
        return [row for row, record in enumerate(batch.records) if record.geometry]

    def _place(self, geometry: Geometry, record: Record) -> Fault | None:
        picture = record.find_media(geometry.media)
        if geometry.image >= max(1, len(picture.frames)) and picture.kind != "video":
            return Fault("no_such_frame", f"{geometry.key}: frame {geometry.image}")
        size = picture.size
        if geometry.kind == "mask" and size is not None and geometry.rle_size != size[::-1]:
            return Fault("mask_size", f"{geometry.key}: {geometry.rle_size} on {size[::-1]}")
        if geometry.kind == "mask" or geometry.frame == "pixel_resized":
            return None
        if size is not None and geometry.frame == "pixel" and _plainly_inside(geometry, size):
            return None
        if size is None and geometry.frame == "pixel":
            return Fault("unresolved", geometry.key) if self.unresolved == "drop" else None
        try:
            to_pixels(geometry, size or (1, 1))
        except GeometryError as error:
            return Fault("out_of_range", str(error))
        return None


AnyRule: TypeAlias = (
    HasOutput
    | AnswerFormat
    | AnswerAmongOptions
    | Length
    | Language
    | Repetition
    | NoLeak
    | References
    | GeometryRange
)

DEFAULT_RULES: tuple[AnyRule, ...] = (
    HasOutput(),
    References(),
    AnswerFormat(),
    AnswerAmongOptions(),
    Length(),
    Language(),
    Repetition(),
    NoLeak(),
    GeometryRange(),
)


# --- helpers ----------------------------------------------------------------------------------

_KINDS: dict[str, tuple[type, ...]] = {
    "choice": (Choice,),
    "number": (Number,),
    "yes_no": (YesNo,),
    "point": (Points,),
    "points": (Points,),
    "box": (Box,),
    "path": (Path,),
    "plan": (Plan,),
    "text": (Freeform,),
}
_SISTERS = frozenset(("hiragana", "katakana"))  # a Japanese text may have Chinese signs alone
_SMALL_WORDS = re.compile(
    r"\b(?:the|an?|is|are|was|on|in|of|and|it|there|to|with|at)\b", re.IGNORECASE
)
_WRITTEN = re.compile(
    r"\b(?:says?|reads?|written|transcribe|translat\w+|text|words|label|ocr)\b"
    r"|\bin (?:chinese|english|japanese|korean|russian|arabic|french|german|spanish|thai|hindi)\b"
    r"|写|翻译|文字|英文|英语|中文|汉语|日文|日语",
    re.IGNORECASE,
)
_ANY_FORM = Form(kind="text")
_TASK_FORMS = {"count": Form(kind="number"), "plan": Form(kind="plan"), "path": Form(kind="path")}
_TAGGED = re.compile(r"<(?:point|points|box|bbox)\b[^<>]{0,300}>|<loc_?\d+>", re.IGNORECASE)
_COORDINATE_HINTS = ("(", "[", "<", "（", "【", "x", "X")


@lru_cache(1 << 12)  # left or right, many thousand times
def _bad_options(options: tuple[str, ...]) -> Fault | None:
    if len(options) < 2 or not all(map(str.strip, options)):
        return Fault("bad_options", f"{options}")
    folded = [o.strip().casefold() for o in options]
    return Fault("options_repeat", f"{folded}") if len(set(folded)) < len(folded) else None


def _plainly_inside(geometry: Geometry, size: tuple[int, int]) -> bool:
    """Whether a point or box in pixels needs no closer look."""
    if geometry.kind == "box":
        x0, y0, x1, y1 = geometry.values
        return 0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]
    if geometry.kind == "point":
        x, y = geometry.values
        return 0 <= x <= size[0] and 0 <= y <= size[1] and min(size) > 0
    return False


def format_faults(batch: Batch) -> Sequence[Fault | None]:
    """What ``AnswerFormat`` says of each row, found once for all that ask."""
    rule = AnswerFormat()
    return batch.once("format", lambda b: [rule.fault(b, row) for row in range(len(b))])


def shown(record: Record) -> set[str]:
    """Keys of the media that some turn shows."""
    return {p.media for t in record.turns for p in t.parts if isinstance(p, MediaRef)}


def rows_of(batch: Batch, *kinds: type) -> list[int]:
    """The rows whose answers are of these kinds."""
    return [row for row, record in enumerate(batch.records) if isinstance(record.answer, kinds)]


def shown_in(batch: Batch) -> Sequence[set[str]]:
    """``shown`` of each row, found once for all that ask."""
    return batch.once("shown", lambda b: list(map(shown, b.records)))


def _entities(record: Record) -> Iterator[Entity]:
    if isinstance(record.answer, Plan):
        yield from record.answer.entities
    if record.thought is not None:
        yield from record.thought.entities
