"""The only writer of prompts and answers: records in, text for one model family out.

Training, export and evaluation all call ``messages`` and ``answer_text``, so a number is written
in the same frame and notation wherever a model meets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from seestep.act import wire
from seestep.errors import GeometryError
from seestep.families.base import Family
from seestep.families.wording import sentence
from seestep.geometry.convert import to_frame
from seestep.geometry.frames import Resize
from seestep.geometry.masks import anchor, bounds, outline, ring_area
from seestep.geometry.render import NOTATIONS, render
from seestep.records import (
    Answer,
    Box,
    Choice,
    Form,
    FormRef,
    Freeform,
    Geometry,
    Item,
    Media,
    MediaRef,
    Number,
    Pair,
    Path,
    Plan,
    Points,
    Record,
    Text,
    Turn,
    YesNo,
)

Asked: TypeAlias = Record | Item | Pair
Sizes: TypeAlias = Mapping[str, tuple[int, int]]  # media key -> (width, height), upright

INLINE = {
    "point": "tuple",
    "points": "tuples",
    "path": "tuples",
    "polygon": "tuples",
    "box": "bracket_box",
    "mask": "bracket_box",
}
"""How numbers are written inside a question, where a code fence would break the sentence."""


def messages(asked: Asked, family: Family, *, sizes: Sizes | None = None) -> list[dict[str, Any]]:
    """The turns of ``asked`` as chat messages, numbers and form sentence written for ``family``.

    Each is ``{"role", "content": [part, ...]}`` with parts ``{"type": "text", "text"}`` and
    ``{"type": "image", "media": key}``; media of kind "frames" give one image part a frame with
    its ``"index"``, a video gives ``{"type": "video", "media": key}``. Adjacent texts are joined.
    Geometry inside a turn is written in the family's frame and ``INLINE`` notation unless the
    part says otherwise.

    At a FormRef the answer form is written on a new line: first, for a choice, its options as
    lines "A. ..." (unless the form's notation is "inline": the question already lists them), then
    ``Form.prompt``, or the family's own sentence, or ours. A turn without a FormRef gets none of
    this. A sentence with "{text}" in it wraps the text before it instead of following it.

    Args:
        sizes: (width, height) by media key, for media whose header has not been read yet.

    Raises:
        GeometryError: a number must be written but its image's size is unknown.
    """
    return [
        {"role": turn.role, "content": _content(turn, asked, family, sizes or {})}
        for turn in asked.turns
    ]


def answer_text(
    answer: Answer, asked: Asked, family: Family, *, sizes: Sizes | None = None, multiple: int = 1
) -> str:
    """``answer`` as the benchmark wants it, or as the family itself writes it.

    Choice: the letter. Number: shortest decimal, no unit. Yes/no: "yes" or "no". Points, box,
    path: in the form's frame and notation, else the family's. Plan: ``[[verb, name, ...], ...]``
    with entity names. Where ``Form.prompt`` demands a last line "Answer: X",
    that line. A mask, box or polygon that stands for points is answered by one point well inside.

    Args:
        multiple: write coordinates in steps of this many frame units; a recipe declares it.
    """
    text = _native(answer, asked, family, sizes or {}, multiple)
    prompt = asked.form.prompt if asked.form is not None else None
    return f"Answer: {text}" if prompt and "Answer: " in prompt else text


def form_sentence(form: Form, family: Family) -> str:
    """The sentence for ``form``: its own wording, else the family's, else ours."""
    if form.prompt is not None:
        return form.prompt
    native = form.frame in (None, family.frame) and form.notation in (
        None,
        family.notations.get(form.kind),
    )
    if native and form.kind in family.sentences:
        return family.sentences[form.kind]
    notation = form.notation or family.notations.get(form.kind, "")
    return sentence(form.kind, form.frame or family.frame, notation)


def write_geometry(
    geometry: Geometry,
    resize: Resize,
    family: Family,
    *,
    frame: str | None = None,
    notation: str | None = None,
    multiple: int = 1,
) -> str:
    """The numbers of ``geometry`` as ``family`` writes them, or in ``frame`` and ``notation``.

    No notation has several rings: of a polygon the ring of the largest area is written, of a mask
    the simplified outline of its largest part (``masks.outline``), or their box where the
    notation only has boxes.

    Raises:
        GeometryError: it leaves its image, or the notation cannot say its kind.
    """
    frame = frame or family.frame
    notation = notation or family.notations[geometry.kind]
    kind, values = geometry.kind, geometry.values
    if kind == "mask":
        source = "pixel"
        if notation in NOTATIONS and "points" not in NOTATIONS[notation][0]:
            kind, values = "box", bounds(geometry, resize)
        else:
            kind, values = "polygon", outline(geometry, resize)
    else:
        source = geometry.frame
        if geometry.rings:
            values = max((values, *geometry.rings), key=ring_area)
    try:
        placed = to_frame(values, kind, source, frame, resize)
        edge = resize.extent(frame)
        return render(kind, placed, frame, notation, geometry.label, multiple=multiple, edge=edge)
    except GeometryError as error:
        raise GeometryError(f"{geometry.kind} {geometry.key!r}: {error}") from error


def resize_of(asked: Asked, media: str, family: Family, sizes: Sizes | None = None) -> Resize:
    """How ``family`` sees the image called ``media``; GeometryError while its size is unknown."""
    size = (sizes or {}).get(media) or asked.find_media(media).size
    if size is None:
        raise GeometryError(
            f"the size of media {media!r} is unknown",
            record=asked.id,
            hint="read its header first; numbers cannot be written for an unseen image",
        )
    return family.resize(size)


def number_text(value: float) -> str:
    """3 rather than 3.0; at most 6 significant decimals otherwise."""
    rounded = round(float(value), 6)
    return str(int(rounded)) if rounded.is_integer() else f"{rounded:.6f}".rstrip("0")


def _content(turn: Turn, asked: Asked, family: Family, sizes: Sizes) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    for part in turn.parts:
        if isinstance(part, MediaRef):
            content += _media(asked.find_media(part.media))
            continue
        if isinstance(part, Text):
            text = part.text
        elif isinstance(part, FormRef):
            text = _form(content, asked, family)
        else:
            geometry = asked.find_geometry(part.geometry)
            text = write_geometry(
                geometry,
                resize_of(asked, geometry.media, family, sizes),
                family,
                frame=part.frame,
                notation=part.notation or INLINE[geometry.kind],
            )
        if content and content[-1]["type"] == "text":
            content[-1]["text"] += text
        elif text:
            content.append({"type": "text", "text": text})
    return content


def _media(media: Media) -> list[dict[str, Any]]:
    if media.kind == "frames":
        return [{"type": "image", "media": media.key, "index": i} for i in range(len(media.frames))]
    return [{"type": media.kind, "media": media.key}]


def _form(content: list[dict[str, Any]], asked: Asked, family: Family) -> str:
    if asked.form is None:
        raise GeometryError("a turn refers to an answer form, but there is none", record=asked.id)
    ask = form_sentence(asked.form, family)
    before = content[-1]["text"] if content and content[-1]["type"] == "text" else ""
    if "{text}" in ask:
        if before:
            content.pop()
        return ask.replace("{text}", before.rstrip().rstrip("."))
    lines = [*_options(asked), ask]
    return ("\n" if before and not before.endswith("\n") else "") + "\n".join(lines)


def _options(asked: Asked) -> list[str]:
    answer = asked.chosen if isinstance(asked, Pair) else asked.answer
    inline = asked.form is not None and asked.form.notation == "inline"
    if not isinstance(answer, Choice) or inline:
        return []
    return [f"{chr(ord('A') + i)}. {option}" for i, option in enumerate(answer.options)]


def _native(answer: Answer, asked: Asked, family: Family, sizes: Sizes, multiple: int) -> str:
    match answer:
        case Choice():
            return answer.letter
        case Number():
            return number_text(answer.value)
        case YesNo():
            return "yes" if answer.yes else "no"
        case Freeform():
            return answer.text
        case Plan():
            return wire.write(answer)
        case Points() | Box() | Path():
            return _place(answer, asked, family, sizes, multiple)


def _place(
    answer: Points | Box | Path, asked: Asked, family: Family, sizes: Sizes, multiple: int
) -> str:
    geometry = asked.find_geometry(answer.geometry)
    resize = resize_of(asked, geometry.media, family, sizes)
    if isinstance(answer, Points) and geometry.kind in ("mask", "box", "polygon"):
        geometry = Geometry(
            key=geometry.key,
            kind="point",
            media=geometry.media,
            frame="pixel",
            values=anchor(geometry, resize),
            label=geometry.label,
        )
    form = asked.form
    try:
        return write_geometry(
            geometry,
            resize,
            family,
            frame=form.frame if form else None,
            notation=form.notation if form else None,
            multiple=multiple,
        )
    except GeometryError as error:
        raise GeometryError(error.what, record=asked.id) from error
