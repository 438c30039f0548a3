"""The report's cards: items as the models saw and answered them, and plan pairs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from PIL.Image import Image

from seestep.act import wire as plan_wire
from seestep.answers import frame_of, read_place, sections
from seestep.families import Family
from seestep.families.prompt import answer_text, messages
from seestep.geometry.frames import same_size
from seestep.media import Roots, open_image, resolve
from seestep.records import (
    Box,
    Entity,
    Geometry,
    Item,
    Pair,
    Plan,
    Points,
    Prediction,
    Score,
    Step,
    Text,
)
from seestep.records import Path as WayPath
from seestep.report import draw
from seestep.thought.wire import images_of

MOST_SAID = 160  # characters of an answer, and of a thought, shown on a card
MOST_DOTS = 20
_REFEREES = {
    "room": "the plan was executed in the simulator",
    "act": "the plan was executed symbolically",
    "rule": "known from the scene itself",
    "judge": "said by the judge",
}


def item_card(
    item: Item,
    said: Mapping[str, tuple[Prediction, Score]],
    family: Family,
    roots: Roots,
    *,
    pointing: str,
) -> str:
    """One item with every model's words; ``pointing`` names the model whose points are drawn."""
    pictures = _pictures(item, said.get(pointing), family, roots)
    question = " ".join(
        p["text"] for m in messages(item, family) for p in m["content"] if p["type"] == "text"
    )
    lines = [said_line(model, *words, item) for model, words in said.items()]
    gold = wanted_words(item, family)
    return (
        f'<div class="card"><div class="pictures">{pictures}</div>'
        f'<p class="quiet">{escape(item.suite)} · {escape(item.skill)}</p>'
        f'<p class="question">{escape(_printable(question))}</p>'
        f"<p>wanted: <b>{escape(gold)}</b></p>{''.join(lines)}</div>"
    )


def said_line(model: str, prediction: Prediction, score: Score, item: Item) -> str:
    """What one model said to an item: its answer, its thought in small print, what it earned."""
    parts = sections(prediction.raw)
    answer = answer_words(prediction.raw, item)
    kind, mark = ("good", "✓") if score.value >= 0.5 else ("bad", "✗")
    worth = {1.0: "right", 0.0: "wrong"}.get(score.value, f"{100 * score.value:.0f} of 100")
    if not score.parsed:
        worth = "could not be read"
    thought = (
        f'<small class="quiet thought">thought: {escape(_cut(_printable(parts.thinking)))}</small>'
        if parts.thinking
        else ""
    )
    return (
        f'<p class="said"><b>{escape(model)}</b> <span class="{kind}">{mark} '
        f"{escape(answer)}</span> <small>{worth}</small>{thought}</p>"
    )


def pair_card(pair: Pair, family: Family, roots: Roots) -> str:
    """A verified pair: picture, instruction, both plans, and why the rejected one fails."""
    columns = []
    for title, answer, kind in (
        ("chosen", pair.chosen, "good"),
        ("rejected", pair.rejected, "bad"),
    ):
        if isinstance(answer, Plan):
            bad = pair.first_bad_step if kind == "bad" else None
            words = [escape(step_words(s, answer.entities)) for s in answer.steps]
            steps = (
                f'<li class="bad"><b>{w}</b> <small>✗ fails here</small></li>'
                if i == bad
                else f"<li>{w}</li>"
                for i, w in enumerate(words)
            )
            body = f"<ol>{''.join(steps)}</ol>"
            if bad is not None and bad >= len(words):
                body += '<p class="bad"><small>✗ ends before the goal is reached</small></p>'
        else:
            body = f"<p>{escape(answer_text(answer, pair, family))}</p>"
        mark = "✓" if kind == "good" else "✗"
        columns.append(f'<div><b class="{kind}">{mark} {title}</b>{body}</div>')
    pictures = "".join(
        f'<img alt="what the robot sees" src="{draw.picture(image, same_size(image.size))}">'
        for image in _open(pair, roots)
    )
    return (
        f'<div class="card"><div class="pictures">{pictures}</div>'
        f"<p><b>{escape(pair.instruction)}</b></p>"
        f'<div class="pair">{"".join(columns)}</div>'
        f'<p class="quiet">Kind of error: {escape(pair.mishap.replace("_", " "))}. '
        f"Why it is rejected: {escape(pair.reason)} "
        f"({escape(_REFEREES.get(pair.verified_by, pair.verified_by))})</p></div>"
    )


def step_words(step: Step, entities: Sequence[Entity]) -> str:
    """A step as words: "pick red mug"."""
    names = {e.id: e.name for e in entities}
    return " ".join([step.do[0].replace("_", " "), *(names[a] for a in step.do[1:])])


def _pictures(
    item: Item, said: tuple[Prediction, Score] | None, family: Family, roots: Roots
) -> str:
    parts = []
    for image, here, points in shown(item, said[0].raw if said else None, family, roots):
        source = draw.picture(image, same_size(image.size), here, points)
        marked = ", what was asked for in green" if here else ""
        marked += f", {len(points)} answered points in red" if points else ""
        parts.append(f'<img alt="what the model sees{marked}" src="{source}">')
    return "".join(parts)


def shown(
    item: Item, raw: str | None, family: Family, roots: Roots
) -> Iterator[tuple[Image, list[Geometry], list[tuple[float, float]]]]:
    """An item's pictures, what was asked for in each, and where the answer ``raw`` points.

    Points are in pixels of the picture; only a pointing item's are read.
    """
    wanted = _wanted(item)
    for (key, index), image in zip(images_of(item), _open(item, roots), strict=True):
        here = [g for g in wanted if g.media == key and g.image == index]
        points: list[tuple[float, float]] = []
        if here and raw is not None and isinstance(item.answer, Points):
            kind = item.form.kind if item.form is not None else "points"
            resize = family.resize(image.size)
            place = read_place(raw, kind, frame_of(item, family), resize)
            points = place.pairs[:MOST_DOTS] if place is not None else []
        yield image, here, points


def answer_words(raw: str, item: Item) -> str:
    """What a model said, as words for people; its thought is left out."""
    parts = sections(raw)
    if parts.rule == "unclosed_think":
        return "no answer: its thought did not end"
    return _cut(_readable(parts.answer, item)) or "nothing"


def wanted_words(item: Item, family: Family) -> str:
    """The right answer as words for people."""
    return _readable(answer_text(item.answer, item, family), item)


def asked_words(item: Item) -> str:
    """The question alone, without what is said about the form of the answer."""
    parts = (p.text for turn in item.turns for p in turn.parts if isinstance(p, Text))
    return _printable(" ".join(part.strip() for part in parts))


def _wanted(item: Item) -> list[Geometry]:
    answer = item.answer
    if isinstance(answer, Points):
        return [item.find_geometry(answer.region or answer.geometry)]
    if isinstance(answer, Box | WayPath):
        return [item.find_geometry(answer.geometry)]
    return []


def _open(asked: Item | Pair, roots: Roots) -> Iterator[Image]:
    for key, index in images_of(asked):
        yield open_image(resolve(asked.find_media(key), roots, frame=index))


def _readable(answer: str, item: Item) -> str:
    """An answer as words; a plan's JSON becomes "pick red mug → open fridge"."""
    if isinstance(item.answer, Plan):
        steps = plan_wire.parse(answer)
        if not isinstance(steps, str):
            return _printable(" → ".join(" ".join(step).replace("_", " ") for step in steps))
    return _printable(answer)


def _printable(text: str) -> str:
    """Control and direction characters replaced: a model may say anything, a page may not."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SAID else text[:MOST_SAID] + " …"
