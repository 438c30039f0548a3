"""A page of records as they are: what is asked of each source and task, drawn on its pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files

from PIL import Image as images
from PIL import ImageDraw

from seestep.errors import MediaError
from seestep.geometry.frames import same_size
from seestep.media import Roots, open_image, resolve
from seestep.records import (
    Answer,
    Choice,
    Freeform,
    Geometry,
    GeometryRef,
    Media,
    Number,
    Pair,
    Plan,
    Record,
    Text,
    YesNo,
)
from seestep.report import draw
from seestep.report.cards import step_words

CANVAS = (640, 480)  # of a picture whose size nobody tells
GREY, INK = (226, 229, 234), (84, 94, 108)
MOST_PICTURES = 6  # of one record
MOST_NUMBERS = 12  # of one geometry, in words
MOST_TEXT = 600
_SPANS: Mapping[str, float] = {"unit": 1.0, "permille": 1000.0, "percent": 100.0}


@dataclass
class Drawn:
    """``picked``: the first records of each (source, task), those with pictures before others."""

    most: int
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    picked: dict[tuple[str, str], list[Record | Pair]] = field(default_factory=dict)
    away: set[str] = field(
        default_factory=set
    )  # media roots of records whose pictures are not here
    _without: dict[tuple[str, str], list[Record | Pair]] = field(default_factory=dict)

    def add(self, rows: Iterable[Record | Pair], roots: Roots) -> None:
        for row in rows:
            key = (row.source, row.task)
            self.counts[key] += 1
            chosen = self.picked.setdefault(key, [])
            if len(chosen) == self.most:
                continue
            if all(_on_disk(media, roots) for media in row.media):
                chosen.append(row)
                continue
            self.away.update(media.root for media in row.media if not _on_disk(media, roots))
            if len(rest := self._without.setdefault(key, [])) < self.most:
                rest.append(row)

    def cards(self) -> dict[tuple[str, str], list[Record | Pair]]:
        """At most ``most`` of each source and task, in the order of their names."""
        return {
            key: (self.picked[key] + self._without.get(key, []))[: self.most]
            for key in sorted(self.counts)
        }


def page(drawn: Drawn, roots: Roots, *, title: str) -> str:
    """The whole page as HTML."""
    style = files("seestep.report").joinpath("style.css").read_text(encoding="utf-8")
    cards = drawn.cards()
    parts = []
    for source in dict.fromkeys(source for source, _ in cards):
        mine = {task: rows for (owner, task), rows in cards.items() if owner == source}
        parts.append(
            f'<h2 id="{escape(source)}">{escape(source)}</h2><div class="cards wide large">'
        )
        parts += [card(row, roots) for rows in mine.values() for row in rows]
        parts.append("</div>")
    links = " ".join(
        f'<a href="#{escape(s)}">{escape(s)}</a>' for s in dict.fromkeys(s for s, _ in cards)
    )
    total = sum(drawn.counts.values())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{style}</style></head><body>"
        f"<h1>{escape(title)}</h1>"
        f'<p class="lead">{total:,} records; below, the first of each source and task that has '
        "its pictures on disk. Green: the place that is asked for. Blue: places that the question "
        "names. A grey canvas stands for a picture that is not on disk.</p>"
        f'<nav aria-label="Sources">{links}</nav><h2>Records by source and task</h2>'
        f'<div class="scroll">{_table(drawn.counts)}</div>{"".join(parts)}</body></html>\n'
    )


def card(row: Record | Pair, roots: Roots) -> str:
    """One record or pair: its pictures with its places, what is asked, what is answered."""
    wanted = [key for answer in _answers(row) for key in _places(answer)]
    shown = [
        f'<img alt="{escape(caption)}" title="{escape(caption)}" src="{source}">'
        for source, caption in _pictures(row, wanted, roots)
    ]
    if isinstance(row, Pair):
        answers = (
            f'<p><b class="good">✓ chosen</b> {escape(_words(row.chosen, row))}</p>'
            f'<p><b class="bad">✗ rejected</b> {escape(_words(row.rejected, row))} '
            f"<small>{escape(row.reason)}</small></p>"
        )
    else:
        answers = f"<p>answer: <b>{escape(_words(row.answer, row))}</b></p>"
    asked = escape(_cut("\n".join(_asked(row)), MOST_TEXT))
    tags = " · ".join((row.task, *row.tags, row.licence))
    return (
        f'<div class="card"><div class="pictures">{"".join(shown)}</div>'
        f'<p class="quiet">{escape(tags)}</p><p class="question">{asked}</p>{answers}'
        f'<p class="quiet"><code>{escape(row.id)}</code></p></div>'
    )


def _pictures(row: Record | Pair, wanted: Sequence[str], roots: Roots) -> Iterable[tuple[str, str]]:
    """Data URIs and captions of at most ``MOST_PICTURES`` frames, those with places first."""
    frames = [(m, i) for m in row.media for i in range(max(1, len(m.frames)))]
    here = {
        (m.key, i): [g for g in row.geometry if g.media == m.key and g.image == i]
        for m, i in frames
    }
    frames.sort(key=lambda frame: not here[frame[0].key, frame[1]])  # stable
    for media, i in frames[:MOST_PICTURES]:
        places = here[media.key, i]
        asked = [g for g in places if g.key in wanted]
        image, caption = _image(media, i, places, roots)
        told = [g for g in places if g.key not in wanted]
        yield draw.picture(image, same_size(image.size), asked, told=told), caption


def _image(
    media: Media, frame: int, places: Sequence[Geometry], roots: Roots
) -> tuple[images.Image, str]:
    name = media.frames[frame] if media.frames else media.path
    if media.kind != "video":
        try:
            return open_image(resolve(media, roots, frame=frame)), name
        except MediaError as error:
            return _canvas(media, places, name), f"{name}: {error.what}"
    return _canvas(media, places, name), name


def _canvas(media: Media, places: Sequence[Geometry], name: str) -> images.Image:
    """Grey, with the name of the picture it stands for."""
    canvas = images.new("RGB", media.size or _room(places), GREY)
    size = max(12, canvas.width // 32)
    ImageDraw.Draw(canvas).text((size // 2, size // 2), name[-48:], fill=INK, font_size=size)
    return canvas


def _room(places: Sequence[Geometry]) -> tuple[int, int]:
    """A canvas that holds ``places``."""
    pixels = [g for g in places if g.frame not in _SPANS]
    if not pixels:
        return CANVAS
    rings = [ring for g in pixels for ring in (g.values, *g.rings) if ring]
    right = max((max(ring[::2]) for ring in rings), default=0)
    low = max((max(ring[1::2]) for ring in rings), default=0)
    grids = [g.rle_size for g in pixels if g.rle_size is not None]
    return (
        max(int(right) + 1, CANVAS[0], *(w for _, w in grids)),
        max(int(low) + 1, CANVAS[1], *(h for h, _ in grids)),
    )


def _on_disk(media: Media, roots: Roots) -> bool:
    try:
        return media.kind != "video" and resolve(media, roots).is_file()
    except MediaError:
        return False


def _answers(row: Record | Pair) -> tuple[Answer, ...]:
    return (row.chosen,) if isinstance(row, Pair) else (row.answer,)


def _places(answer: Answer) -> list[str]:
    """Keys of the geometry that an answer is."""
    named = (getattr(answer, name, None) for name in ("geometry", "region"))
    if isinstance(answer, Plan):
        return [e.geometry for e in answer.entities if e.geometry is not None]
    return [key for key in named if key is not None]


def _asked(row: Record | Pair) -> Iterable[str]:
    if isinstance(row, Pair) and row.instruction:
        yield row.instruction
        return
    for turn in row.turns:
        words = [
            part.text.strip() if isinstance(part, Text) else _numbers(row, part.geometry)
            for part in turn.parts
            if isinstance(part, Text | GeometryRef)
        ]
        who = "" if turn.role == "user" else f"{turn.role}: "
        if any(words):
            yield who + " ".join(w for w in words if w)
    if isinstance(row, Record) and isinstance(row.answer, Choice):
        yield from (f"{chr(65 + i)}. {option}" for i, option in enumerate(row.answer.options))


def _words(answer: Answer, row: Record | Pair) -> str:
    if isinstance(answer, Choice):
        return f"{answer.letter}. {answer.options[answer.index]}"
    if isinstance(answer, Number):
        return f"{answer.value:g} {answer.unit}".strip()
    if isinstance(answer, YesNo):
        return "yes" if answer.yes else "no"
    if isinstance(answer, Freeform):
        return _cut(answer.text, MOST_TEXT)
    if isinstance(answer, Plan):
        return " → ".join(step_words(step, answer.entities) for step in answer.steps)
    return _numbers(row, answer.geometry)


def _numbers(row: Record | Pair, key: str) -> str:
    geometry = row.find_geometry(key)
    values = ", ".join(f"{v:g}" for v in geometry.values[:MOST_NUMBERS])
    more = ", …" if len(geometry.values) > MOST_NUMBERS else ""
    label = f" {geometry.label}" if geometry.label else ""
    return f"{geometry.kind}{label} ({values}{more}) in {geometry.frame}"


def _table(counts: Mapping[tuple[str, str], int]) -> str:
    sources = list(dict.fromkeys(source for source, _ in sorted(counts)))
    tasks = sorted({task for _, task in counts})
    head = "".join(f"<th>{escape(source)}</th>" for source in sources)
    rows = "".join(
        f'<tr><th scope="row">{escape(task)}</th>'
        + "".join(f"<td>{_count(counts.get((source, task), 0))}</td>" for source in sources)
        + f"<td>{sum(n for (_, mine), n in counts.items() if mine == task):,}</td></tr>"
        for task in tasks
    )
    sums = "".join(
        f"<td>{sum(n for (owner, _), n in counts.items() if owner == s):,}</td>" for s in sources
    )
    last = f'<tr class="mean"><th scope="row">all</th>{sums}<td>{sum(counts.values()):,}</td></tr>'
    top = f"<thead><tr><th></th>{head}<th>all</th></tr></thead>"
    return f"<table>{top}<tbody>{rows}{last}</tbody></table>"


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
