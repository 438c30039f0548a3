"""What curation operators see: a batch of flat columns beside the canonical JSON of each record.

Texts, task and picture identity are plain columns, so most operators never decode a record;
the JSON column is decoded once, and only by the operators that ask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import chain
from operator import eq
from typing import Any, TypeVar

from seestep.curate.difficulty import level
from seestep.curate.skill import skill_of
from seestep.curate.words import count_words
from seestep.records import (
    Answer,
    Choice,
    Freeform,
    Geometry,
    GeometryRef,
    Item,
    Media,
    Number,
    Plan,
    Record,
    Text,
    YesNo,
    dumps,
    loads,
)

_COLLECTIONS = ("coco:", "vg:")
T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """Columns of equal length. Row order is the order of the input and never changes."""

    ids: tuple[str, ...]
    sources: tuple[str, ...]
    tasks: tuple[str, ...]
    prompts: tuple[str, ...]  # words of the user's turns, geometry as canonical numbers
    outputs: tuple[str, ...]  # canonical text of the answer
    images: tuple[str, ...]  # identity of the pictures, "" for none
    json: tuple[bytes, ...]
    quality: tuple[float, ...] = ()  # filled once the quality check has run
    splits: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()  # see ``skill``
    scenes: tuple[tuple[str, ...], ...] = ()  # the pictures, videos, homes that a row belongs to
    levels: tuple[str, ...] = ()  # see ``difficulty``
    kinds: tuple[str, ...] = ()  # of the answer: "choice", "number", "points"

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """The rows as records, decoded on first use."""
        return tuple(
            loads(line, Record, row=rid) for line, rid in zip(self.json, self.ids, strict=True)
        )

    def once(self, name: str, make: Callable[[Batch], Sequence[T]]) -> Sequence[T]:
        """One value a row, made when it is first asked for; whoever takes rows takes those made."""
        if name not in self._made:
            self._made[name] = make(self)
        return self._made[name]

    @property
    def prompt_words(self) -> Sequence[int]:
        """How many words each prompt has."""
        return self.once("prompt_words", lambda batch: list(map(count_words, batch.prompts)))

    @property
    def output_words(self) -> Sequence[int]:
        """How many words each output has."""
        return self.once("output_words", lambda batch: list(map(count_words, batch.outputs)))

    @cached_property
    def _made(self) -> dict[str, Sequence[Any]]:
        return {}

    def take(self, rows: Sequence[int]) -> Batch:
        """The same columns with these rows only."""
        if len(rows) == len(self) and all(map(eq, rows, range(len(self)))):
            return self
        taken = Batch(*(tuple([c[i] for i in rows]) if c else () for c in self._columns()))
        if "records" in self.__dict__:
            taken.__dict__["records"] = tuple([self.records[i] for i in rows])
        for name, values in self._made.items():
            taken._made[name] = [values[i] for i in rows]
        return taken

    def columns_only(self) -> Batch:
        """The flat columns without the records: what comparing many rows needs in memory."""
        return replace(self, json=())

    @staticmethod
    def join(batches: Sequence[Batch]) -> Batch:
        """Rows of all batches, in order."""
        columns = zip(*(b._columns() for b in batches), strict=True)
        return Batch(*(tuple(chain.from_iterable(c)) for c in columns)) if batches else EMPTY

    def _columns(self) -> tuple[tuple[Any, ...], ...]:
        return tuple(getattr(self, f.name) for f in fields(self))


EMPTY = Batch((), (), (), (), (), (), ())


def make_batch(records: Sequence[Record], *, alone: bool = False, lines: bool = True) -> Batch:
    """Flatten records. ``alone`` leaves out the columns that only comparing records needs, and
    the JSON of records that are at hand; without ``lines`` there is no JSON either."""
    prompts = tuple([prompt_text(r) for r in records])
    batch = Batch(
        ids=tuple([r.id for r in records]),
        sources=tuple([r.source for r in records]),
        tasks=tuple([r.task for r in records]),
        prompts=prompts,
        outputs=tuple([answer_words(r.answer, r) for r in records]),
        images=(),
        json=(),
    )
    if not alone:
        batch = replace(
            batch,
            images=tuple("+".join(media_identity(m) for m in r.media) for r in records),
            json=tuple(dumps(r) for r in records) if lines else (),
            splits=tuple(r.split for r in records),
            skills=tuple(skill_of(r) for r in records),
            scenes=tuple(scenes_of(r) for r in records),
            levels=tuple(level(r, p) for r, p in zip(records, prompts, strict=True)),
            kinds=tuple(str(r.answer.__struct_config__.tag) for r in records),
        )
    batch.__dict__["records"] = tuple(records)
    return batch


def prompt_text(record: Record | Item) -> str:
    """The words a user says in a record, one line a turn, geometry as canonical numbers."""
    lines = []
    for turn in record.turns:
        if turn.role == "system":
            continue
        words = []
        for part in turn.parts:
            if isinstance(part, Text):
                said = part.text.strip()
            elif isinstance(part, GeometryRef):
                said = _geometry_words(record.find_geometry(part.geometry))
            else:
                continue
            if said:
                words.append(said)
        if words:
            lines.append(" ".join(words))
    if isinstance(record.answer, Choice) and (options := " | ".join(record.answer.options)):
        lines.append(options)
    return "\n".join(lines)


def answer_words(answer: Answer, record: Record | Item) -> str:
    """Canonical words of an answer: the same for the same meaning, for comparing, not training."""
    if isinstance(answer, Freeform):
        return answer.text
    if isinstance(answer, Choice):
        return answer.options[answer.index]
    if isinstance(answer, YesNo):
        return "yes" if answer.yes else "no"
    if isinstance(answer, Number):
        return f"{answer.value:g} {answer.unit}".strip()
    if isinstance(answer, Plan):
        names = {e.id: e.name for e in answer.entities}
        return "; ".join([" ".join([s.do[0], *[names[a] for a in s.do[1:]]]) for s in answer.steps])
    return _geometry_words(record.find_geometry(answer.geometry))


def media_identity(media: Media) -> str:
    """Which picture this is: its image id in a known collection, else its bytes, else its place.

    Only collections of single pictures count: "home:7" or "epic:P01_01" name a scene or a video,
    which many different pictures share.
    """
    if media.origins:
        for collection in _COLLECTIONS:
            for origin in sorted(media.origins):
                if origin.startswith(collection):
                    return origin
    if media.sha256:
        return f"sha256:{media.sha256}"
    return f"{media.root}:{media.path or '|'.join(media.frames)}"


def scenes_of(record: Record) -> tuple[str, ...]:
    """Names of all that a record shares with its like: clusters, origins and pictures."""
    origins = (o for media in record.media for o in media.origins)
    pictures = (media_identity(media) for media in record.media)
    files = (f"sha256:{media.sha256}" for media in record.media if media.sha256)
    return tuple(dict.fromkeys((*record.clusters, *origins, *pictures, *files)))


def digest(text: str) -> str:
    """A short stable hash, for tie-breaks that must not depend on input order."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _geometry_words(geometry: Geometry) -> str:
    numbers = geometry.rle or ",".join([f"{v:g}" for v in geometry.values])
    return f"{geometry.kind}({numbers}) {geometry.frame}"
