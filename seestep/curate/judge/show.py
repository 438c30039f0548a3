"""What of a record a judge is shown: named pieces of text, and which pictures.

Coordinates are written in thousandths of their picture's sides, whatever frame the source used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

from seestep.curate.words import count_words
from seestep.errors import GeometryError
from seestep.geometry.frames import same_size
from seestep.geometry.masks import bounds
from seestep.records import (
    Answer,
    Atom,
    Box,
    Choice,
    Entity,
    Form,
    FormRef,
    Freeform,
    Geometry,
    GeometryRef,
    MediaRef,
    Number,
    Pair,
    Path,
    Plan,
    Points,
    Record,
    Text,
    Thought,
    Turn,
    YesNo,
)

Pieces: TypeAlias = tuple[tuple[str, str], ...]  # (name, text), in the order they are shown
PER_MILLE = {"unit": 1000.0, "percent": 10.0, "permille": 1.0}
MOST_CHARS = 24_000  # of one record: more is no training example but an accident


def of_record(record: Record) -> Pieces:
    """Instruction, thought (if there is one) and output."""
    pieces = [("instruction", said(record.turns, record) + options_words(record.answer))]
    if record.thought is not None:
        pieces.append(("thought", thought_words(record.thought, record)))
    pieces.append(("output", answer_words(record.answer, record)))
    return tuple(pieces)


def of_pair(pair: Pair, *, swapped: bool) -> Pieces:
    """Instruction and both outputs; ``swapped`` shows the rejected one first."""
    sides = [
        "\n".join(filter(None, (thought_words(t, pair) if t else "", answer_words(a, pair))))
        for a, t in (
            (pair.chosen, pair.chosen_thought),
            (pair.rejected, pair.rejected_thought),
        )
    ]
    first, second = sides[::-1] if swapped else sides
    asked = said(pair.turns, pair) or pair.instruction
    instruction = asked + options_words(pair.chosen)
    return (("instruction", instruction), ("first", first), ("second", second))


def fenced(pieces: Pieces) -> str:
    """The pieces between fences that no text can forge, for the key in them is a hash of all that
    stands between."""
    body = "\n".join(f"[{name}]\n{text}" for name, text in pieces)
    key = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"<data {key}>\n{body}\n</data {key}>"


def too_long(pieces: Pieces) -> bool:
    """Whether this is more than a judge is shown."""
    return sum(len(text) for _, text in pieces) > MOST_CHARS


def describes(record: Record) -> bool:
    """Whether a record has text in which something could be said twice."""
    free = isinstance(record.answer, Freeform) and count_words(record.answer.text) >= 8
    return free or record.thought is not None


def said(turns: Sequence[Turn], asked: Record | Pair) -> str:
    """The turns in words, pictures by their number."""
    numbers = {m.key: n for n, m in enumerate(asked.media, 1)}
    lines = []
    for turn in turns:
        words = []
        for part in turn.parts:
            match part:
                case Text(text=text):
                    words.append(text.strip())
                case MediaRef(media=key):
                    words.append(f"(picture {numbers[key]})")
                case GeometryRef(geometry=key):
                    words.append(place_words(asked.find_geometry(key), asked))
                case FormRef():
                    words.append(_form_words(asked.form))
        who = "" if turn.role == "user" else f"{turn.role}: "
        lines.append(who + " ".join(w for w in words if w))
    return "\n".join(lines)


def answer_words(answer: Answer, asked: Record | Pair) -> str:
    """An answer in words."""
    match answer:
        case Points() | Box() | Path():
            return place_words(asked.find_geometry(answer.geometry), asked)
        case Plan():
            names = _names(answer.entities)
            steps = (f"{n}. {_atom(s.do, names)}" for n, s in enumerate(answer.steps, 1))
            return "\n".join(steps)
        case Choice():
            return f"{answer.letter}: {answer.options[answer.index]}"
        case Number():
            return f"{answer.value:g} {answer.unit}".strip()
        case YesNo():
            return "yes" if answer.yes else "no"
        case Freeform():
            return answer.text


def options_words(answer: Answer) -> str:
    """The options of a choice, a line each, as they stand below their question."""
    if not isinstance(answer, Choice):
        return ""
    return "".join(f"\n{chr(65 + n)}: {text}" for n, text in enumerate(answer.options))


def thought_words(thought: Thought, asked: Record | Pair) -> str:
    """A thought, a step a line, with the places of its things as they are trained."""
    names = _names(thought.entities)
    numbers = {m.key: n for n, m in enumerate(asked.media, 1)}
    known = {g.key for g in asked.geometry}
    things = [
        f"{names[e.id]} at {place_words(asked.find_geometry(e.geometry), asked)}"
        if e.geometry in known
        else names[e.id]
        for e in thought.entities
    ]
    lines = [f"things: {'; '.join(things)}"] if things else []
    for view in thought.views:
        same = ", ".join(f"{names[a]} is {names[b]}" for a, b in view.same)
        between = " ".join(
            f"{word} picture {numbers.get(key, key)}"
            for word, key in (("from", view.src), ("to", view.dst))
        )
        lines.append("; ".join(filter(None, (f"{between}: camera {view.camera}", same))))
    for n, step in enumerate(thought.steps, 1):
        needs = ", ".join(_atom(atom, names) for atom in step.pre)
        then = ", ".join(_atom(atom, names) for atom in step.expect)
        told = (
            step.see and f"see {step.see}",
            needs and f"needs {needs}",
            f"do {_atom(step.do, names)}",
            then and f"then {then}",
        )
        lines.append(f"{n}. " + "; ".join(filter(None, told)))
    lines.append(f"next: {_atom(thought.next, names)}")
    return "\n".join(lines)


def place_words(place: Geometry, asked: Record | Pair) -> str:
    """A geometry: its kind, its picture, its numbers in thousandths. Its label is not written: the
    model that is trained does not see it, and it may be the answer."""
    media = asked.find_media(place.media)
    number = 1 + [m.key for m in asked.media].index(place.media)
    kind, values, frame = place.kind, place.values, place.frame
    if kind == "mask" and place.rle_size is not None:
        height, width = place.rle_size
        try:
            values, kind = bounds(place, same_size((width, height))), "box"
        except GeometryError:  # a mask of nothing, which the judge may as well see
            values = ()
    scale: tuple[float, float] | None = None
    if frame in PER_MILLE:
        scale = PER_MILLE[frame], PER_MILLE[frame]
    elif frame == "pixel" and media.size is not None:
        scale = 1000 / media.size[0], 1000 / media.size[1]
    numbers = [f"{v * scale[i % 2]:.0f}" if scale else f"{v:g}" for i, v in enumerate(values)]
    unit = "" if scale else f" ({frame})"
    return f"{kind} [{', '.join(numbers)}]{unit} in picture {number}"


def _names(entities: Sequence[Entity]) -> dict[str, str]:
    """What things are called; those of one name are told apart by their id."""
    names = [e.name for e in entities]
    return {e.id: e.name if names.count(e.name) == 1 else f"{e.name} ({e.id})" for e in entities}


def _atom(atom: Atom, names: dict[str, str]) -> str:
    return " ".join((atom[0], *(names.get(word, word) for word in atom[1:])))


def _form_words(form: Form | None) -> str:
    if form is None:
        return ""
    return form.prompt or f"(answer as {form.kind})"
