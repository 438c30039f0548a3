"""What curation operators see: a batch of flat columns beside the canonical JSON of each record.

Texts, task and picture identity are plain columns, so most operators never decode a record;
the JSON column is decoded once, and only by the operators that ask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from seestep.records import (
    Answer,
    Box,
    Choice,
    Freeform,
    Geometry,
    GeometryRef,
    Media,
    Number,
    Path,
    Plan,
    Points,
    Record,
    Text,
    YesNo,
    dumps,
    loads,
)

Identify = Callable[[Media], str]


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
    quality: tuple[float, ...] = field(default=())  # filled once the quality check has run

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """The rows as records, decoded on first use."""
        return tuple(
            loads(line, Record, row=rid) for line, rid in zip(self.json, self.ids, strict=True)
        )

    def take(self, rows: Sequence[int]) -> Batch:
        """The same columns with these rows only."""
        columns = {
            name: tuple(column[i] for i in rows)
            for name in ("ids", "sources", "tasks", "prompts", "outputs", "images", "json")
            for column in (getattr(self, name),)
        }
        taken = Batch(**columns, quality=tuple(self.quality[i] for i in rows if self.quality))
        if "records" in self.__dict__:
            taken.__dict__["records"] = tuple(self.records[i] for i in rows)
        return taken


def make_batch(records: Sequence[Record], identify: Identify | None = None) -> Batch:
    """Flatten records; ``identify`` names a picture (default ``media_identity``)."""
    batch = Batch(
        ids=tuple(r.id for r in records),
        sources=tuple(r.source for r in records),
        tasks=tuple(r.task for r in records),
        prompts=tuple(prompt_text(r) for r in records),
        outputs=tuple(answer_words(r.answer, r) for r in records),
        images=tuple(image_identity(r, identify or media_identity) for r in records),
        json=tuple(dumps(r) for r in records),
    )
    batch.__dict__["records"] = tuple(records)
    return batch


def prompt_text(record: Record) -> str:
    """The words a user says in a record, one line a turn, geometry as canonical numbers."""
    lines = []
    for turn in record.turns:
        if turn.role == "system":
            continue
        words = [_part_words(part, record) for part in turn.parts]
        lines.append(" ".join(w for w in words if w))
    if isinstance(record.answer, Choice):
        lines.append(" | ".join(record.answer.options))
    return "\n".join(line for line in lines if line)


def answer_words(answer: Answer, record: Record) -> str:
    """Canonical words of an answer: the same for the same meaning, for comparing, not training."""
    match answer:
        case Choice():
            return answer.options[answer.index]
        case Number():
            return f"{answer.value:g} {answer.unit}".strip()
        case YesNo():
            return "yes" if answer.yes else "no"
        case Points() | Box() | Path():
            return _geometry_words(record.find_geometry(answer.geometry))
        case Plan():
            names = {e.id: e.name for e in answer.entities}
            return "; ".join(
                " ".join((s.do[0], *(names[a] for a in s.do[1:]))) for s in answer.steps
            )
        case Freeform():
            return answer.text


def media_identity(media: Media) -> str:
    """Which picture this is: bytes if they are known, else its origin, else where it lies."""
    if media.sha256:
        return f"sha256:{media.sha256}"
    if media.origins:
        return min(media.origins)
    return f"{media.root}:{media.path or '|'.join(media.frames)}"


def image_identity(record: Record, identify: Identify = media_identity) -> str:
    """Identity of all pictures of a record, in order; "" when it has none."""
    return "+".join(identify(m) for m in record.media)


def digest(text: str) -> str:
    """A short stable hash, for tie-breaks that must not depend on input order."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def windows(records: Sequence[Record], rows: int = 2048) -> Iterator[Sequence[Record]]:
    """Consecutive slices of at most ``rows``."""
    for start in range(0, len(records), rows):
        yield records[start : start + rows]


def identity_from(hashes: Mapping[str, str]) -> Identify:
    """Identify a picture by a measured hash (media path to hash), else by ``media_identity``."""
    return lambda media: hashes.get(f"{media.root}:{media.path}") or media_identity(media)


def _part_words(part: object, record: Record) -> str:
    if isinstance(part, Text):
        return part.text.strip()
    if isinstance(part, GeometryRef):
        return _geometry_words(record.find_geometry(part.geometry))
    return ""


def _geometry_words(geometry: Geometry) -> str:
    numbers = geometry.rle or ",".join(f"{v:g}" for v in geometry.values)
    return f"{geometry.kind}({numbers}) {geometry.frame}"
