"""A question before it is a training record or an evaluation item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from seestep.geometry.masks import encode
from seestep.records import (
    Answer,
    AnswerKind,
    Choice,
    Form,
    FormRef,
    Geometry,
    GeometryRef,
    Media,
    MediaRef,
    Part,
    Record,
    Split,
    Text,
    Turn,
)
from seestep.world.scene import Mask, Scene, Seen, inner_point

T = TypeVar("T")
LICENCE = "Apache-2.0"  # homes and their pictures are made by this package
KINDS: dict[str, AnswerKind] = {
    "Choice": "choice",
    "Number": "number",
    "YesNo": "yes_no",
    "Points": "point",
    "Box": "box",
    "Freeform": "text",
    "Plan": "plan",
}


@dataclass(frozen=True, slots=True)
class Look:
    """One view of a home: its facts and the picture that shows it."""

    scene: Scene
    media: Media


@dataclass(frozen=True, slots=True)
class Draft:
    """``ask`` holds words and references to geometry; pictures and the answer's form come later.

    ``key`` tells apart the questions about one view; ``skill`` is the ability it measures.
    """

    task: str
    skill: str
    key: str
    ask: tuple[str | GeometryRef, ...]
    answer: Answer
    geometry: tuple[Geometry, ...] = ()
    family: str = ""  # of questions, set by ``drafts``

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(Text(text=p) if isinstance(p, str) else p for p in self.ask)

    @property
    def kind(self) -> AnswerKind:
        """The answer's kind as a ``Form`` names it."""
        return KINDS[type(self.answer).__name__]


def user_turn(looks: Sequence[Look], parts: Sequence[Part]) -> Turn:
    """The pictures, the question, and then the sentence that tells how to answer."""
    shown = tuple(MediaRef(media=look.media.key) for look in looks)
    return Turn(role="user", parts=(*shown, *parts, FormRef()))


def to_record(
    draft: Draft, looks: Sequence[Look], form: Form, *, prefix: str, split: Split
) -> Record:
    """The draft as a training record called "<prefix>-<key>"; its cluster is the home."""
    return Record(
        id=f"{prefix}-{draft.key}",
        source="home",
        task=draft.task,
        media=tuple(look.media for look in looks),
        turns=(user_turn(looks, draft.parts),),
        answer=draft.answer,
        geometry=draft.geometry,
        form=form,
        clusters=clusters(looks),
        split=split,
        licence=LICENCE,
        tags=(draft.skill, draft.family),
    )


def clusters(looks: Sequence[Look]) -> tuple[str, ...]:
    """The homes that the looks are of, in order."""
    return tuple(dict.fromkeys(o for look in looks for o in look.media.origins))


# --- small helpers for the families ---------------------------------------------------------


def slug(*words: object) -> str:
    """Words as a part of an id: "red mug" -> "red-mug"."""
    return "-".join(str(w) for w in words).replace(" ", "-").lower()


def pick(rng: np.random.Generator, *wordings: str) -> str:
    """One of some wordings that mean the same."""
    return wordings[int(rng.integers(len(wordings)))]


def one(rng: np.random.Generator, things: Sequence[T]) -> T:
    """One of some things, each with equal chance."""
    return things[int(rng.integers(len(things)))]


def coin(rng: np.random.Generator) -> bool:
    """True half of the time."""
    return bool(rng.integers(2))


def shuffled_choice(rng: np.random.Generator, right: str, wrong: Sequence[str]) -> Choice:
    """A choice whose right option stands at any place with equal chance."""
    options = [right, *wrong]
    order = rng.permutation(len(options))
    return Choice(options=tuple(options[i] for i in order), index=int(np.argmin(order)))


def article(name: str) -> str:
    """ "a red mug", "an orange bowl"."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def box_of(thing: Seen, look: Look, key: str = "box") -> Geometry:
    return Geometry(
        key=key,
        kind="box",
        media=look.media.key,
        frame="pixel",
        values=thing.box_px,
        label=thing.name,
    )


def boxes_of(*seen: tuple[Seen, Look]) -> tuple[Geometry, ...]:
    """Boxes "at-0", "at-1" ... of what a question talks about, for thoughts to refer to."""
    return tuple(box_of(thing, look, f"at-{n}") for n, (thing, look) in enumerate(seen))


def region_of(mask: Mask, look: Look, key: str = "region", label: str = "") -> Geometry:
    """A mask as a geometry."""
    rle, rle_size = encode(mask)
    return Geometry(
        key=key,
        kind="mask",
        media=look.media.key,
        frame="pixel",
        rle=rle,
        rle_size=rle_size,
        label=label,
    )


def point_in(mask: Mask, look: Look, key: str = "point", label: str = "") -> Geometry:
    """The innermost point of a mask."""
    return Geometry(
        key=key,
        kind="point",
        media=look.media.key,
        frame="pixel",
        values=inner_point(mask),
        label=label,
    )
