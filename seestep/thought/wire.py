"""Thoughts as text: what a model reads and writes, `<think>{json}</think><answer>…</answer>`.

The answer never stands inside the JSON, so every scorer sees the benchmark's own format, and an
empty think switches reasoning off. Coordinates are integers of the model family's frame, written
and read through ``geometry``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from seestep.errors import DataError, GeometryError
from seestep.families import Family
from seestep.families.prompt import answer_text
from seestep.geometry.convert import to_frame
from seestep.geometry.frames import CELL_FRAMES
from seestep.geometry.render import bounding_box, round_values
from seestep.records import (
    Answer,
    Entity,
    Frame,
    Geometry,
    Item,
    Media,
    MediaRef,
    Pair,
    Record,
    Step,
    Thought,
    View,
)
from seestep.thought.schema import (
    CAMERAS,
    MAX_OBJECTS,
    MAX_SEE,
    MAX_STEPS,
    MAX_VIEWS,
    Camera,
    WireFrame,
    WireObject,
    WireStep,
    WireThought,
    WireView,
    check_atoms,
)

Asked: TypeAlias = Record | Item | Pair
Style: TypeAlias = Literal["tags", "plain"]
THINK, END_THINK, ANSWER, END_ANSWER = "<think>", "</think>", "<answer>", "</answer>"
_FRAMES: dict[WireFrame, Frame] = {"n1000": "permille", "px": "pixel_resized"}
_THINK = re.compile(r"<think>(.*?)</think>", re.DOTALL)


class Reading(NamedTuple):
    """A thought read from text, with the boxes it named, or the reason it could not be read.

    ``reason`` is "" or "<stage>: <words>" with stage one of missing, empty, parse, schema,
    reference, range. ``geometry`` keys are "thought-<id>", in the family's frame.
    """

    thought: Thought | None
    geometry: tuple[Geometry, ...] = ()
    reason: str = ""
    wire: WireThought | None = None

    @property
    def stage(self) -> str:
        """Which gate stopped it: the word before the colon, "" for none."""
        return self.reason.partition(":")[0]


def completion(
    answer: Answer,
    asked: Asked,
    family: Family,
    thought: Thought | None = None,
    style: Style = "tags",
) -> str:
    """The assistant's text: thought (or an empty think) and the answer in its native format.

    ``style`` "plain" is the native answer alone: a thought is not written then.
    """
    native = answer_text(answer, asked, family)
    if style == "plain":
        return native
    think = "" if thought is None else write_thought(thought, asked, family)
    return f"{THINK}{think}{END_THINK}{ANSWER}{native}{END_ANSWER}"


def wire_frame(family: Family) -> WireFrame:
    """How the wire form names the family's frame: n1000 or px."""
    names: dict[str, WireFrame] = {frame: name for name, frame in _FRAMES.items()}
    if family.frame not in names:
        raise GeometryError(
            "thoughts are written in integers of 0-1000 or of the resized picture",
            wanted=" or ".join(names),
            got=f"{family.frame} (family {family.name})",
        )
    return names[family.frame]


def shown_media(asked: Asked) -> list[Media]:
    """The media that the turns show, in the order the model sees them."""
    shown = [p.media for turn in asked.turns for p in turn.parts if isinstance(p, MediaRef)]
    return [asked.find_media(key) for key in dict.fromkeys(shown)]


def images_of(asked: Asked) -> list[tuple[str, int]]:
    """(media key, frame index) of every picture in the order the model is shown them."""
    return [(m.key, i) for m in shown_media(asked) for i in range(max(1, len(m.frames)))]


def write_thought(thought: Thought, asked: Asked, family: Family) -> str:
    """Minified JSON of a thought in the family's frame.

    Raises ``DataError`` when it is over a cap (a thought is never truncated) and
    ``GeometryError`` when a box cannot be written.
    """
    for what, have, most in (
        ("objects", len(thought.entities), MAX_OBJECTS),
        ("steps", len(thought.steps), MAX_STEPS),
        ("views", len(thought.views), MAX_VIEWS),
        ("characters of see", max((len(s.see) for s in thought.steps), default=0), MAX_SEE),
    ):
        if have > most:
            raise DataError(
                f"the thought has too many {what}",
                record=asked.id,
                wanted=f"at most {most}",
                got=str(have),
                hint="drop the record or build a shorter thought; it is never cut",
            )
    images = images_of(asked)
    first = {key: n for n, (key, i) in reversed(list(enumerate(images))) if i == 0}
    wire = WireThought(
        frame=wire_frame(family),
        objs=tuple(_write_object(e, asked, family, images) for e in thought.entities),
        views=tuple(_write_view(v, asked, first) for v in thought.views),
        steps=tuple(
            WireStep(see=s.see, pre=s.pre, do=s.do, expect=s.expect) for s in thought.steps
        ),
        next=thought.next,
    )
    text = msgspec.json.encode(wire).decode()
    reading = read_wire(text)
    if reading.reason:
        raise DataError(f"the thought does not fit xcot/1: {reading.reason}", record=asked.id)
    return text


def read_wire(text: str) -> Reading:
    """Decode the JSON alone: parse, types, closed vocabularies. Never raises."""
    try:
        plain = msgspec.json.decode(text)  # a typed decode would name a type before broken JSON
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Reading(None, reason=f"parse: {error}")
    try:
        wire = msgspec.convert(plain, WireThought)
    except msgspec.ValidationError as error:
        return Reading(None, reason=f"schema: {error}")
    wrong = check_atoms(wire)
    return (
        Reading(None, reason=f"schema: {wrong}", wire=wire) if wrong else Reading(None, wire=wire)
    )


def read_thought(text: str, media: Sequence[Media], family: Family) -> Reading:
    """Read what a model wrote. Never raises on model output.

    ``text`` is the JSON or a whole completion; ``media`` are the pictures in the order shown
    (sizes known, else a box in px cannot be checked against its picture).
    """
    match = _THINK.search(text)
    if match is None and THINK in text:
        return Reading(None, reason="missing: <think> is never closed")
    if match is None and ANSWER in text:
        return Reading(None, reason="missing: no <think> before the answer")
    inner = (match.group(1) if match else text).strip()
    if not inner:
        return Reading(None, reason="empty: nothing between <think> and </think>")
    reading = read_wire(inner)
    if reading.wire is None or reading.reason:
        return reading
    if reading.wire.frame != wire_frame(family):
        wrong = f"frame {reading.wire.frame}, this family writes {wire_frame(family)}"
        return Reading(None, reason=f"schema: {wrong}", wire=reading.wire)
    return _resolve(reading.wire, media, family)


def within_budget(text: str, count_tokens: Callable[[str], int], most: int = 384) -> bool:
    """Whether a written thought costs at most ``most`` tokens of the model's tokenizer."""
    return count_tokens(text) <= most


def _write_view(view: View, asked: Asked, first: dict[str, int]) -> WireView:
    missing = [key for key in (view.src, view.dst) if key not in first]
    if missing or view.camera not in CAMERAS:
        raise DataError(
            "a view of the thought cannot be written",
            record=asked.id,
            wanted=f"media of {sorted(first)} and a camera of {', '.join(CAMERAS)}",
            got=f"{missing or view.camera!r}",
        )
    # "none" is not written: it is what a view without ``cam`` means
    camera = msgspec.UNSET if view.camera == "none" else msgspec.convert(view.camera, Camera)
    return WireView(src=first[view.src], dst=first[view.dst], same=view.same, cam=camera)


# --- one object, one way and back -------------------------------------------------------------


def _write_object(
    entity: Entity, asked: Asked, family: Family, images: list[tuple[str, int]]
) -> WireObject:
    if entity.geometry is None:
        return WireObject(id=entity.id, n=entity.name)
    geometry = asked.find_geometry(entity.geometry)
    place = (geometry.media, geometry.image)
    if place not in images:
        raise GeometryError(
            f"entity {entity.id} is on a picture that no turn shows",
            record=asked.id,
            wanted=f"one of {images}",
            got=str(place),
        )
    values = wire_values(geometry, asked.find_media(geometry.media), family, record=asked.id)
    return WireObject(id=entity.id, n=entity.name, im=images.index(place), b=values)


def wire_values(
    geometry: Geometry, media: Media, family: Family, *, record: str = ""
) -> tuple[int, ...]:
    """Integers of a point (2) or box (4) in the family's frame, inside the picture.

    A polygon is written as its bounding box; rounding is that of ``geometry.render``.
    """
    kind, raw = geometry.kind, geometry.values
    if kind == "polygon":
        kind, raw = "box", bounding_box(raw)
    if kind not in ("point", "box"):
        raise GeometryError(
            f"a {geometry.kind} cannot be an object's place in a thought",
            record=record,
            wanted="point, box or polygon",
            got=geometry.key,
        )
    if media.size is None:
        raise GeometryError(
            "the picture's size is unknown, so its boxes have no frame to be written in",
            record=record,
            got=media.key,
            hint="probe the media first",
        )
    resize = family.resize(media.size)
    there = to_frame(raw, kind, geometry.frame, family.frame, resize)
    whole = round_values(there, kind, family.frame, edge=resize.extent(family.frame))
    return tuple(int(v) for v in whole)


def _limits(family: Family, media: Media) -> tuple[float, float]:
    """Largest x and y a coordinate may have; without a size, pixels have no known limit."""
    if family.frame == "permille":
        return 1000.0, 1000.0
    if media.size is None:
        return float("inf"), float("inf")
    return family.resize(media.size).extent(family.frame)


def _resolve(wire: WireThought, media: Sequence[Media], family: Family) -> Reading:
    """Ids, images and ranges: what the grammar cannot hold."""
    places = [(m, i) for m in media for i in range(max(1, len(m.frames)))]
    ids = [thing.id for thing in wire.objs]
    if len(set(ids)) != len(ids):
        return Reading(None, reason=f"reference: object ids repeat: {ids}", wire=wire)
    for view in wire.views:
        if not (view.src < len(places) and view.dst < len(places)) or view.src == view.dst:
            wrong = f"view {view.src} to {view.dst} of {len(places)} pictures"
            return Reading(None, reason=f"reference: {wrong}", wire=wire)
    entities, geometry = [], []
    for thing in wire.objs:
        if isinstance(thing.im, msgspec.UnsetType) or isinstance(thing.b, msgspec.UnsetType):
            entities.append(Entity(id=thing.id, name=thing.n))
            continue
        if thing.im >= len(places):
            wrong = f"object {thing.id} is on picture {thing.im} of {len(places)}"
            return Reading(None, reason=f"reference: {wrong}", wire=wire)
        where, frame = places[thing.im]
        limits = _limits(family, where)
        b = thing.b
        if any(v > limits[i % 2] for i, v in enumerate(b)) or (
            len(b) == 4 and not (b[0] < b[2] and b[1] < b[3])
        ):
            wrong = f"object {thing.id} at {list(b)}, limits {limits[0]:g} and {limits[1]:g}"
            return Reading(None, reason=f"range: {wrong}", wire=wire)
        key = f"thought-{thing.id}"
        # an integer point of a pixel frame names a pixel: its place is that pixel's centre
        centre = 0.5 if len(b) == 2 and family.frame in CELL_FRAMES else 0.0
        geometry.append(
            Geometry(
                key=key,
                kind="box" if len(b) == 4 else "point",
                media=where.key,
                frame=_FRAMES[wire.frame],
                values=tuple(v + centre for v in b),
                label=thing.n,
                image=frame,
            )
        )
        entities.append(Entity(id=thing.id, name=thing.n, media=where.key, geometry=key))
    try:
        thought = Thought(
            entities=tuple(entities),
            steps=tuple(Step(do=s.do, see=s.see, pre=s.pre, expect=s.expect) for s in wire.steps),
            next=wire.next,
            views=tuple(
                View(
                    src=places[v.src][0].key,
                    dst=places[v.dst][0].key,
                    same=tuple((a, b) for a, b in v.same),
                    camera="none" if isinstance(v.cam, msgspec.UnsetType) else v.cam,
                )
                for v in wire.views
            ),
            annotator="model",
        )
    except ValueError as error:
        return Reading(None, reason=f"reference: {error}", wire=wire)
    return Reading(thought, tuple(geometry), wire=wire)
