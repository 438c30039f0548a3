"""The report's cards: items as the models saw and answered them, and plan pairs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from PIL.Image import Image

from seestep.answers.places import frame_of, read_place
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
)
from seestep.records import Path as WayPath
from seestep.report import draw
from seestep.thought.wire import images_of

MOST_SAID = 160  # characters of an answer shown on a card


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
    lines = []
    for model, (prediction, score) in said.items():
        good = "good" if score.value >= 0.5 else "bad"
        shown = prediction.raw if len(prediction.raw) <= MOST_SAID else _cut(prediction.raw)
        lines.append(
            f'<p class="said {good}"><b>{escape(model)}</b> {escape(shown)} '
            f"<small>{100 * score.value:.0f}</small></p>"
        )
    gold = answer_text(item.answer, item, family)
    return (
        f'<div class="card"><div class="pictures">{pictures}</div>'
        f'<p class="quiet">{escape(item.suite)}, {escape(item.skill)}</p>'
        f"<p>{escape(question)}</p><p>wanted: <b>{escape(gold)}</b></p>{''.join(lines)}</div>"
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
            marks = [' class="bad"' if i == bad else "" for i in range(len(answer.steps))]
            words = [escape(step_words(s, answer.entities)) for s in answer.steps]
            steps = (f"<li{m}>{w}</li>" for m, w in zip(marks, words, strict=True))
            body = f"<ol>{''.join(steps)}</ol>"
        else:
            body = f"<p>{escape(answer_text(answer, pair, family))}</p>"
        columns.append(f'<div><b class="{kind}">{title}</b>{body}</div>')
    pictures = "".join(
        f'<img alt="what the robot sees" src="{draw.picture(image, same_size(image.size))}">'
        for image in _open(pair, roots)
    )
    return (
        f'<div class="card"><div class="pictures">{pictures}</div>'
        f"<p><b>{escape(pair.instruction)}</b></p>"
        f'<div class="pair">{"".join(columns)}</div>'
        f'<p class="quiet">{escape(pair.mishap)}: {escape(pair.reason)} '
        f"(verified by {escape(pair.verified_by)})</p></div>"
    )


def step_words(step: Step, entities: Sequence[Entity]) -> str:
    """A step as words: "pick red mug"."""
    names = {e.id: e.name for e in entities}
    return " ".join([step.do[0].replace("_", " "), *(names[a] for a in step.do[1:])])


def _pictures(
    item: Item, said: tuple[Prediction, Score] | None, family: Family, roots: Roots
) -> str:
    wanted = _wanted(item)
    parts = []
    for (key, index), image in zip(images_of(item), _open(item, roots), strict=True):
        here = [g for g in wanted if g.media == key and g.image == index]
        points: list[tuple[float, float]] = []
        if here and said is not None and isinstance(item.answer, Points):
            kind = item.form.kind if item.form is not None else "points"
            resize = family.resize(image.size)
            place = read_place(said[0].raw, kind, frame_of(item, family), resize)
            points = place.pairs[:20] if place is not None else []
        source = draw.picture(image, same_size(image.size), here, points)
        parts.append(f'<img alt="what the model sees" src="{source}">')
    return "".join(parts)


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


def _cut(text: str) -> str:
    return text[:MOST_SAID] + " …"
