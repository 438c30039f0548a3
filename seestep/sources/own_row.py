"""One row of a training file as a record or a preference pair."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from os.path import realpath
from pathlib import Path
from typing import Final

import msgspec

from seestep.families import Family
from seestep.families.prompt import number_text
from seestep.geometry.convert import to_frame
from seestep.geometry.frames import CELL_FRAMES
from seestep.geometry.parse import Parsed
from seestep.records import (
    Answer,
    AnswerKind,
    Box,
    Choice,
    Form,
    Frame,
    Freeform,
    Geometry,
    GeometryKind,
    GeometryRef,
    Media,
    MediaRef,
    Number,
    Pair,
    Part,
    Points,
    Provenance,
    Record,
    Text,
    Turn,
    YesNo,
)
from seestep.sources.frames import asks_for_fractions, coordinates
from seestep.sources.rows import IMAGE, Row

ROOT: Final = "own"  # media root of imported pictures
LONG: Final = 1000  # characters: a longer path is a picture in base64
LINE: Final = "Answer: X"  # of a form whose question already says how to answer
Sizes = Callable[[str], tuple[int, int] | None]

_NUM = r"-?\d+(?:\.\d+)?"
_SPOT = re.compile(rf"[\[(]\s*({_NUM}(?:\s*,\s*{_NUM}){{1,3}})\s*[\])]")
_RANGES = {(0.0, 1.0), (0.0, 100.0), (0.0, 1000.0)}  # "between [0, 1]" is no place
_EXAMPLE = re.compile(r"\be\.g\.|\bi\.e\.|\bexample\b|\binstance\b|\bformat", re.IGNORECASE)
_OPTION = re.compile(r"^[ \t]*\(?([A-Z])[.):]\)?\s+(.+?)\s*$", re.MULTILINE)
_LETTER = re.compile(r"\s*\(?([A-Z])(?:[.)]|\))?\s*")
_REASONED = re.compile(r"\s*<think>(.*?)</think>\s*", re.DOTALL)
_TAGGED = re.compile(r"\s*<answer>(.*?)</answer>\s*", re.DOTALL)
_LINE = re.compile(r"\s*Answer: ")
_QUOTED = r"\"(?:\\.|[^\"\\])*+\"|'(?:\\.|[^'\\])*+'"
_LABEL = re.compile(rf"[\"']label[\"']\s*:\s*({_QUOTED})")
_NAMED = re.compile(r"<\|object_ref_start\|>(.*?)<\|object_ref_end\|>")
_MARKS = re.compile(rf"```\w*|{_QUOTED}|<[^>]*>|[\W\d_]")
_COLUMN = re.compile(r"<ref-object>|<bbox>")  # of ms-swift: the column "objects" has the places
_BOXES = re.compile(rf"[\[(]\s*{_NUM}(?:\s*,\s*{_NUM}){{3}}\s*[\])]|<\|box_start\|>")


THOUGHT_CUT = "thought-cut"  # a tag: its free chain of thought was left out


class Unfit(Exception):
    """Why a row cannot be a record."""

    def __init__(self, rule: str, reason: str, evidence: str = "") -> None:
        super().__init__(reason)
        self.rule, self.reason, self.evidence = rule, reason, evidence[:200]


def to_record(
    id: str,
    row: Row,
    where: Provenance,
    folder: Path,
    frame: Frame | None,
    family: Family,
    sizes: Sizes,
    *,
    cut: bool = False,
) -> Record:
    """A row with one answer, with ``cut`` without the free chain of thought before it.

    Raises ``Unfit``, or ``ValueError`` for places that are none.
    """
    if row.rejected is not None:
        raise Unfit("pair", "a preference pair among records")
    made = _Maker(row, folder, frame, family, sizes, cut)
    answer = made.answer(row.answer, "answer")
    form = made.form(answer)
    return Record(
        id=id,
        source=id.split(":", 1)[0],
        task=form.kind,
        media=made.media,
        turns=made.turns(),
        geometry=tuple(made.geometry),
        answer=answer,
        form=form,
        clusters=tuple(m.path for m in made.media),
        provenance=msgspec.structs.replace(where, row=str(row.number)),
        tags=made.tags,
    )


def to_pair(
    id: str,
    row: Row,
    where: Provenance,
    folder: Path,
    frame: Frame | None,
    family: Family,
    sizes: Sizes,
    *,
    cut: bool = False,
) -> Pair:
    """A row with a better and a worse answer; else like ``to_record``."""
    if row.rejected is None and not row.wrong:
        raise Unfit("pair", "no worse answer beside the better one")
    made = _Maker(row, folder, frame, family, sizes, cut)
    worse = row.rejected or ""
    if row.answer.strip() == worse.strip():
        raise Unfit("pair", "both answers are the same", worse)
    chosen = made.answer(row.answer, "chosen")
    form = made.form(chosen)
    rejected = made.answer(worse, "rejected")
    if rejected == chosen:
        raise Unfit("pair", "both answers are the same", worse)
    asked = [text for role, text in row.turns if role == "user"]
    return Pair(
        id=id,
        source=id.split(":", 1)[0],
        task=form.kind,
        media=made.media,
        turns=made.turns(),
        geometry=tuple(made.geometry),
        form=form,
        clusters=tuple(m.path for m in made.media),
        provenance=msgspec.structs.replace(where, row=str(row.number)),
        instruction=asked[-1].replace(IMAGE, "").strip() if asked else "",
        observation="",
        chosen=chosen,
        rejected=rejected,
        tags=made.tags,
        mishap="wrong_answer",
        reason="the file says so",
        verified_by="file",
    )


class _Maker:
    """The parts of one row; places found in its texts gather in ``geometry``."""

    def __init__(
        self,
        row: Row,
        folder: Path,
        frame: Frame | None,
        family: Family,
        sizes: Sizes,
        cut: bool,
    ) -> None:
        if row.wrong:
            raise Unfit("unreadable", row.wrong)
        if row.videos:
            raise Unfit("video", "a video; extract its frames and list them as pictures")
        if row.sounds:
            raise Unfit("audio", "a sound, which no model here hears")
        if not row.turns or row.turns[-1][0] != "assistant" or not row.answer.strip():
            raise Unfit("turns", "the last turn is no answer")
        if any(role == "tool" for role, _ in row.turns):
            raise Unfit("turns", "turns of a tool")
        if not any(role == "user" and (text.strip() or row.images) for role, text in row.turns):
            raise Unfit("turns", "nothing is asked")
        if any(_COLUMN.search(text) for _, text in row.turns):
            raise Unfit("place", "a place that stands in another column than the words")
        self._row, self._frame, self._family, self._sizes = row, frame, family, sizes
        self.media = tuple(_media(folder, path, i) for i, path in enumerate(row.images, 1))
        self.geometry: list[Geometry] = []
        self.tags: tuple[str, ...] = ()
        self._cut = cut
        self._line = False  # the answer is on a line of its own, "Answer: X"
        self._fractions = asks_for_fractions(row.asked)
        found = (_OPTION.findall(text) for role, text in row.turns if role == "user")
        self._options = next((o for o in reversed([_options(f) for f in found]) if o), ())

    def turns(self) -> tuple[Turn, ...]:
        """All but the last answer. Pictures that no placeholder places come first."""
        asked = self._row.turns[:-1]
        wanted = sum(text.count(IMAGE) for _, text in asked)
        if wanted not in (0, len(self.media)):
            raise Unfit(
                "placeholder",
                "placeholders and pictures are not as many",
                f"{wanted} {IMAGE}, {len(self.media)} pictures",
            )
        shown = iter(self.media)
        turns = []
        for role, text in asked:
            first = () if wanted or role != "user" else tuple(shown)
            parts = [MediaRef(media=m.key) for m in first] + list(self._parts(text, shown))
            turns.append(Turn(role=role, parts=tuple(parts)))  # type: ignore[arg-type]
        return tuple(turns)

    def _parts(self, text: str, shown: Iterator[Media]) -> Iterator[Part]:
        for i, piece in enumerate(text.split(IMAGE)):
            if i:
                yield MediaRef(media=next(shown).key)
                piece = piece.removeprefix("\n")
            at = 0
            for spot in _SPOT.finditer(piece):
                numbers = tuple(float(n) for n in spot[1].split(","))
                before = piece[: spot.start()].rpartition("\n")[2]
                if len(numbers) == 3 or numbers in _RANGES or _EXAMPLE.search(before):
                    continue
                if piece[at : spot.start()]:
                    yield Text(text=piece[at : spot.start()])
                kind: GeometryKind = "box" if len(numbers) == 4 else "point"
                key, whole = f"asked{len(self.geometry) + 1}", "." not in spot[1]
                frame: Frame | None = None if whole or max(numbers) > 1 else "unit"
                self._place(key, kind, numbers, frame or self._frame, whole=whole)
                yield GeometryRef(geometry=key, frame=frame)
                at = spot.end()
            if piece[at:]:
                yield Text(text=piece[at:])

    def answer(self, said: str, key: str) -> Answer:
        """What the model is to say, as what it means where that is plain."""
        if (thought := _REASONED.match(said)) is not None:
            if thought[1].strip() and not self._cut:
                raise Unfit("thought", "a free chain of thought, which a record has no form for")
            self.tags = (THOUGHT_CUT,) if thought[1].strip() else self.tags
            said = said[thought.end() :]
        if (tagged := _TAGGED.fullmatch(said)) is not None:
            said = tagged[1]
        line = _LINE.match(said)
        self._line = line is not None
        said = said[line.end() :].strip() if line else said.strip()
        if (letter := _LETTER.fullmatch(said)) is not None and self._options:
            index = ord(letter[1]) - ord("A")
            if index >= len(self._options):
                raise Unfit("choice", "the answer is none of the options", said)
            return Choice(options=self._options, index=index)
        if (plain := said.casefold().rstrip(".")) in ("yes", "no"):
            return YesNo(yes=plain == "yes")
        if re.fullmatch(_NUM, said) and number_text(float(said)) == said:
            return Number(value=float(said))  # else 007 would become 7, and 2.50 become 2.5
        found = coordinates(said)
        if found is None:
            return Freeform(text=f"Answer: {said}" if line else said)
        return self._placed(said, found, key)

    def _placed(self, said: str, found: Parsed, key: str) -> Answer:
        named = _NAMED.search(said)
        self._fractions = self._fractions and max(found.values) <= 1
        frame: Frame | None = "unit" if self._fractions else self._frame
        if _MARKS.sub("", _NAMED.sub("", said)):
            raise Unfit("place", "a place in the middle of a sentence", said)
        label = named[1] if named else _label(said)
        if found.kind == "box":
            if len(_BOXES.findall(said)) > 1:
                raise Unfit("place", "several boxes in one answer", said)
            self._place(key, "box", found.values, frame, label=label.strip())
            return Box(geometry=key)
        if _BOXES.search(said):
            raise Unfit("place", "a box with nothing inside", said)
        kind: GeometryKind = "points" if len(found.values) > 2 else "point"
        self._place(key, kind, found.values, frame, label=label.strip(), whole=found.integral)
        return Points(geometry=key)

    def _place(
        self,
        key: str,
        kind: GeometryKind,
        values: tuple[float, ...],
        frame: Frame | None,
        *,
        label: str = "",
        whole: bool = False,
    ) -> None:
        """Keep a place. ``whole`` numbers that name a pixel stand for its centre."""
        if len(self.media) != 1:
            raise Unfit("place", "a place, and not one picture that it is on")
        if frame is None:
            raise Unfit("place", "a place whose frame cannot be told; say --frame")
        if whole and kind != "box" and frame in CELL_FRAMES:
            values = tuple(v + 0.5 for v in values)
        if frame == "pixel_resized":
            size = self._sizes(self.media[0].path)
            if size is None:
                raise Unfit("place", "a place on the resized picture, and its picture is not here")
            frame = "pixel"
            values = to_frame(values, kind, "pixel_resized", frame, self._family.resize(size))
        place = Geometry(
            key=key, kind=kind, media=self.media[0].key, frame=frame, values=values, label=label
        )
        self.geometry.append(place)

    def form(self, answer: Answer) -> Form:
        """How the answer is written: as the question says it, where it asks for fractions."""
        prompt = LINE if self._line else None
        match answer:
            case Choice():
                return Form(kind="choice", notation="inline", prompt=prompt)
            case YesNo():
                return Form(kind="yes_no", prompt=prompt)
            case Number():
                return Form(kind="number", prompt=prompt)
            case Box() | Points():
                kind: AnswerKind = "box" if isinstance(answer, Box) else "points"
                if not self._fractions:
                    return Form(kind=kind, prompt=prompt)
                notation = "tuples" if kind == "points" else None
                return Form(kind=kind, frame="unit", notation=notation, prompt=prompt)
            case _:
                return Form(kind="text")


def _media(folder: Path, path: str, number: int) -> Media:
    if not path:
        raise Unfit("media", "a picture inside the file; save it and give its path")
    if len(path) > LONG:
        raise Unfit("media", "no path of a picture but its bytes; save it and give its path", path)
    if "://" in path or path.startswith("data:"):
        raise Unfit("media", "an address of a picture; download it and give its path", path)
    if path.startswith("/"):
        try:
            path = Path(realpath(path)).relative_to(realpath(folder)).as_posix()
        except ValueError:
            raise Unfit(
                "media", "a picture that is not below the folder of pictures; say --images", path
            ) from None
    return Media(key=f"image{number}", path=path, root=ROOT)


def _label(said: str) -> str:
    """The first label in JSON, or in what Python prints of it."""
    found = _LABEL.search(said)
    if found is None:
        return ""
    plain = found[1][1:-1]
    if found[1][0] == "'":
        return plain.replace("\\'", "'")
    try:
        return msgspec.json.decode(found[1], type=str)
    except msgspec.DecodeError:
        return plain


def _options(found: list[tuple[str, str]]) -> tuple[str, ...]:
    """Options whose letters are A, B, ... in order; none otherwise."""
    letters = "".join(letter for letter, _ in found)
    texts = tuple(text for _, text in found)
    if len(found) < 2 or not "ABCDEFGHIJKLMNOPQRSTUVWXYZ".startswith(letters):
        return ()
    return texts if len(set(texts)) == len(texts) else ()
