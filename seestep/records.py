"""The nouns every room speaks: Record, Item, Media, Geometry, Answer, Thought, Plan, Pair, Verdict.

All are frozen and checked when made. Text never holds a coordinate: a part of a turn refers to
a geometry by key, and the numbers are written once, for one model family, by ``geometry``.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any, Literal, TypeAlias, TypeVar, get_args

import msgspec

from seestep.errors import DataError

Frame = Literal["pixel", "pixel_resized", "unit", "permille", "percent"]
GeometryKind = Literal["point", "points", "box", "polygon", "mask", "path"]
Role = Literal["system", "user", "assistant"]
Split = Literal["train", "guard", "val", "test"]
AnswerKind = Literal["choice", "number", "yes_no", "point", "points", "box", "path", "plan", "text"]

FRAMES: tuple[str, ...] = get_args(Frame)
_POINTS_OF = {"point": 1, "box": 2}


class Noun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Base of every record type: frozen, keyword-only, unknown fields refused. What is frozen holds
    only what was made before it, so there are no cycles for the collector to look for."""


# --- media and geometry -----------------------------------------------------------------------


class Media(Noun, frozen=True, kw_only=True):
    """One image, one video, or an ordered list of frames.

    ``path`` is POSIX-style and relative to the directory that the named ``root`` stands for;
    ``frames`` (kind "frames") likewise. Sizes are those of the EXIF-upright original.
    """

    key: str
    path: str = ""
    kind: Literal["image", "video", "frames"] = "image"
    root: str = ""
    frames: tuple[str, ...] = ()
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    sha256: str | None = None
    origins: tuple[str, ...] = ()  # "coco:…", "vg:…", "epic:…", "bridge:…", "thor:…", "home:…"
    licence: str = ""

    def __post_init__(self) -> None:
        for path in (self.path, *self.frames):
            if path.startswith("/") or ".." in path.split("/"):
                raise ValueError(f"media path {path!r} must stay below its root")
        if (self.width is None) != (self.height is None):
            raise ValueError(f"media {self.key!r} has a width or a height but not both")

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) of the upright original, or None while the header is unread."""
        return None if self.width is None or self.height is None else (self.width, self.height)


class Geometry(Noun, frozen=True, kw_only=True):
    """A point, points, box, polygon, mask or path, as its source wrote it.

    ``values`` are flat numbers in ``frame``: point (x, y); points and path (x, y, x, y, ...);
    box (x0, y0, x1, y1), origin top-left, x1/y1 exclusive edges; polygon one ring.
    More rings go in ``rings``. A mask is a COCO compressed RLE of an (height, width) grid.
    """

    key: str
    kind: GeometryKind
    media: str
    frame: Frame
    values: tuple[float, ...] = ()
    rings: tuple[tuple[float, ...], ...] = ()
    rle: str = ""
    rle_size: tuple[int, int] | None = None  # (height, width)
    label: str = ""
    image: int = 0  # index of the frame inside the media, 0 for a still
    time_s: float | None = None

    def __post_init__(self) -> None:
        if self.kind == "mask":
            if not self.rle or self.rle_size is None:
                raise ValueError(f"mask {self.key!r} needs rle and rle_size")
            return
        for ring in (self.values, *self.rings):
            if len(ring) % 2 or not all(map(isfinite, ring)):
                raise ValueError(f"{self.kind} {self.key!r} needs finite x, y pairs, got {ring}")
        wanted = _POINTS_OF.get(self.kind)
        if wanted is not None and len(self.values) != 2 * wanted:
            raise ValueError(
                f"{self.kind} {self.key!r} needs {2 * wanted} numbers, got {self.values}"
            )
        if self.kind == "box" and not (
            self.values[0] < self.values[2] and self.values[1] < self.values[3]
        ):
            raise ValueError(f"box {self.key!r} must have x0 < x1 and y0 < y1, got {self.values}")
        if self.kind == "polygon" and len(self.values) < 6:
            raise ValueError(f"polygon {self.key!r} needs at least 3 points, got {self.values}")
        if self.kind in ("points", "path") and not self.values:
            raise ValueError(f"{self.kind} {self.key!r} is empty")

    @property
    def pairs(self) -> tuple[tuple[float, float], ...]:
        """``values`` as (x, y) pairs."""
        return tuple(zip(self.values[::2], self.values[1::2], strict=True))


# --- turns ------------------------------------------------------------------------------------


class Text(Noun, frozen=True, kw_only=True, tag="text"):
    """Plain words without coordinates."""

    text: str


class MediaRef(Noun, frozen=True, kw_only=True, tag="media"):
    """Here the model sees this media."""

    media: str


class GeometryRef(Noun, frozen=True, kw_only=True, tag="geometry"):
    """Here the numbers of this geometry are written, in the family's or the given notation."""

    geometry: str
    frame: Frame | None = None
    notation: str | None = None


class FormRef(Noun, frozen=True, kw_only=True, tag="form"):
    """Here the sentence that tells the answer format (``form`` of the record) is written."""


Part: TypeAlias = Text | MediaRef | GeometryRef | FormRef


class Turn(Noun, frozen=True, kw_only=True):
    """One message of a conversation."""

    role: Role
    parts: tuple[Part, ...]


class Form(Noun, frozen=True, kw_only=True):
    """How an answer must be written. None means: as the model family itself writes it.

    A benchmark that demands fractions in round brackets says frame="unit",
    notation="tuples"; notations are those of ``geometry.render``.
    """

    kind: AnswerKind
    frame: Frame | None = None
    notation: str | None = None
    prompt: str | None = None  # exact wording a protocol demands, else families' own sentence


# --- answers ----------------------------------------------------------------------------------


class Choice(Noun, frozen=True, kw_only=True, tag="choice"):
    """One of the options; letters are A, B, ... by position."""

    options: tuple[str, ...]
    index: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < len(self.options):
            raise ValueError(f"choice index {self.index} is not one of {len(self.options)} options")
        if len(set(self.options)) != len(self.options):
            raise ValueError(f"choice options repeat: {self.options}")

    @property
    def letter(self) -> str:
        return chr(ord("A") + self.index)


class Number(Noun, frozen=True, kw_only=True, tag="number"):
    """A quantity; ``unit`` "" for a count."""

    value: float
    unit: str = ""


class YesNo(Noun, frozen=True, kw_only=True, tag="yes_no"):
    """Yes or no."""

    yes: bool


class Points(Noun, frozen=True, kw_only=True, tag="points"):
    """One or more points; scored against ``region`` (a mask, box or polygon) when given."""

    geometry: str
    region: str | None = None


class Box(Noun, frozen=True, kw_only=True, tag="box"):
    """A bounding box."""

    geometry: str


class Path(Noun, frozen=True, kw_only=True, tag="path"):
    """An ordered trajectory of points."""

    geometry: str


class Freeform(Noun, frozen=True, kw_only=True, tag="text"):
    """Any words."""

    text: str


class Entity(Noun, frozen=True, kw_only=True):
    """A thing a plan or thought talks about: a short id, a name, and where it is seen."""

    id: str  # "o1"
    name: str  # "red mug"
    media: str | None = None
    geometry: str | None = None  # key of its box or point in that media
    sim: str = ""  # the simulator's objectId, never shown to a model


Atom: TypeAlias = tuple[str, ...]  # ("holding", "o1"); "!" before the predicate negates


class Step(Noun, frozen=True, kw_only=True):
    """One executable step: what to see, what must hold, what to do, what it brings about."""

    do: Atom  # ("pick", "o1"); verbs and predicates are the closed sets of ``act.vocabulary``
    see: str = ""
    pre: tuple[Atom, ...] = ()
    expect: tuple[Atom, ...] = ()


class Plan(Noun, frozen=True, kw_only=True, tag="plan"):
    """An instruction's steps over named entities."""

    steps: tuple[Step, ...]
    entities: tuple[Entity, ...] = ()

    def __post_init__(self) -> None:
        _resolve("plan", "entity", _atoms(self.steps), {e.id for e in self.entities})


Answer: TypeAlias = Choice | Number | YesNo | Points | Box | Path | Plan | Freeform


class View(Noun, frozen=True, kw_only=True):
    """How two views relate: which entities are the same, and how the camera moved."""

    src: str  # media key
    dst: str
    same: tuple[tuple[str, str], ...] = ()
    camera: str = "none"


class Thought(Noun, frozen=True, kw_only=True):
    """A structured, executable chain of thought (schema xcot/1)."""

    entities: tuple[Entity, ...]
    steps: tuple[Step, ...]
    next: Atom
    views: tuple[View, ...] = ()
    annotator: Literal["rule", "model", "sim"] = "rule"

    def __post_init__(self) -> None:
        ids = {e.id for e in self.entities}
        _resolve("thought", "entity", (*_atoms(self.steps), self.next), ids)
        _resolve("thought", "entity", [("", *pair) for v in self.views for pair in v.same], ids)


# --- records ----------------------------------------------------------------------------------


class Provenance(Noun, frozen=True, kw_only=True):
    """Where a record came from, and what was done to it."""

    file: str = ""
    sha256: str = ""
    row: str = ""
    reader: str = ""
    version: str = ""
    transforms: tuple[str, ...] = ()


class _Asked(Noun, frozen=True, kw_only=True):
    """What Record, Item and Pair share: a prompt about some media."""

    id: str
    source: str
    task: str
    media: tuple[Media, ...]
    turns: tuple[Turn, ...]
    geometry: tuple[Geometry, ...] = ()
    form: Form | None = None
    clusters: tuple[str, ...] = ()
    split: Split = "train"
    licence: str = ""
    provenance: Provenance = Provenance()
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        media = [m.key for m in self.media]
        keys = [g.key for g in self.geometry]
        for name, seen in (("media", media), ("geometry", keys)):
            if len(seen) > 1 and len(set(seen)) != len(seen):
                raise ValueError(f"{self.id}: {name} keys repeat: {seen}")
        for g in self.geometry:
            if g.media not in media:
                raise ValueError(f"{self.id}: geometry {g.key!r} is on unknown media {g.media!r}")
        for turn in self.turns:
            for part in turn.parts:
                if isinstance(part, MediaRef) and part.media not in media:
                    raise ValueError(f"{self.id}: a turn shows unknown media {part.media!r}")
                if isinstance(part, GeometryRef) and part.geometry not in keys:
                    raise ValueError(f"{self.id}: a turn cites unknown geometry {part.geometry!r}")

    def find_media(self, key: str) -> Media:
        """The media called ``key``; KeyError if there is none."""
        return next_by_key(self.media, key)

    def find_geometry(self, key: str) -> Geometry:
        """The geometry called ``key``; KeyError if there is none."""
        return next_by_key(self.geometry, key)

    def _check_answer(self, answer: Answer) -> None:
        for name in ("geometry", "region"):
            key = getattr(answer, name, None)
            if key is not None and all(g.key != key for g in self.geometry):
                raise ValueError(f"{self.id}: the answer cites unknown geometry {key!r}")


class Record(_Asked, frozen=True, kw_only=True):
    """One training item. ``id`` is "<source>:<key in the source>", stable across runs."""

    answer: Answer
    thought: Thought | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_answer(self.answer)


class Item(_Asked, frozen=True, kw_only=True):
    """One evaluation question: ``scorer`` names a function of ``answers``."""

    suite: str
    answer: Answer
    scorer: str
    skill: str  # skill group: relation, count, pointing, multiview, planning, ...
    context: dict[str, Any] = {}  # what a scorer needs besides: goal and start state of a plan

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_answer(self.answer)


class Pair(_Asked, frozen=True, kw_only=True):
    """A shared prompt with a better and a worse completion, and the proof of which is which."""

    instruction: str
    observation: str
    chosen: Answer
    rejected: Answer
    chosen_thought: Thought | None = None
    rejected_thought: Thought | None = None
    mishap: str  # kind of error injected, or "wrong_answer", "costlier"
    first_bad_step: int | None = None
    reason: str  # the referee's words
    verified_by: str  # "room", "act", "rule", "judge"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_answer(self.chosen)
        self._check_answer(self.rejected)
        if self.chosen == self.rejected and self.chosen_thought == self.rejected_thought:
            raise ValueError(f"{self.id}: chosen and rejected are the same")


class Verdict(Noun, frozen=True, kw_only=True):
    """One check's decision about one record.

    ``cost`` is in tokens, of questions and answers, all that a server was asked for this decision;
    None of a check that asks nobody.
    """

    id: str
    check: str
    keep: bool
    reason: str = ""
    score: float | None = None
    threshold: float | None = None
    evidence: str = ""
    cost: int | None = None


class Prediction(Noun, frozen=True, kw_only=True):
    """What a model said about an item, untouched."""

    item: str
    prompt_sha256: str
    raw: str
    finish: str = "stop"  # "stop", "length", "error"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str = ""
    constrained: bool = False  # decoded under a grammar, so that its form proves nothing


class Score(Noun, frozen=True, kw_only=True):
    """How a prediction was read and what it is worth."""

    item: str
    suite: str
    skill: str
    value: float  # in [0, 1]; an unparsed answer is 0
    parsed: bool
    rule: str  # which parsing rule matched; "" when none did
    answer: str = ""  # canonical text of the parsed answer
    gold: str = ""
    clusters: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    constrained: bool = False  # as its prediction


Row: TypeAlias = Record | Item | Pair


# --- reading and writing ----------------------------------------------------------------------

T = TypeVar("T", bound=Noun)
K = TypeVar("K", Media, Geometry)

_encoder = msgspec.json.Encoder(order="deterministic")


def dumps(noun: Noun) -> bytes:
    """Canonical JSON of a noun: sorted keys, defaults included, no trailing newline."""
    return _encoder.encode(noun)


def loads(data: bytes | str, kind: type[T], *, file: str = "", row: str = "") -> T:
    """Read one noun; ``DataError`` names the file, row and field when it does not fit."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"not a valid {kind.__name__}: {error}",
            file=file or None,
            record=row or None,
            hint="look at that line; the writer may have been cut off or be of another version",
        ) from error


def next_by_key(nouns: Iterable[K], key: str) -> K:
    """The noun whose key is ``key``; KeyError if there is none."""
    for noun in nouns:
        if noun.key == key:
            return noun
    raise KeyError(key)


def _atoms(steps: Iterable[Step]) -> list[Atom]:
    return [atom for s in steps for atom in (s.do, *s.pre, *s.expect)]


def _resolve(owner: str, what: str, atoms: Iterable[Atom], ids: set[str]) -> None:
    for atom in atoms:
        for arg in atom[1:]:
            if arg not in ids:
                raise ValueError(f"{owner} step {atom} cites unknown {what} {arg!r}")
