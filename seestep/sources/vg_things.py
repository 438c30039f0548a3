"""Visual Genome's objects and attributes: finding a thing by its name, what it is like, and finding
one of several by its colour.

A thing is annotated once for each sentence that tells of it, v1.0 repeats it for each attribute
too: boxes of one name that overlap are one thing, which has what any of them is told to have. What
is not told may still be so: only of a colour does another colour say that it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from seestep.geometry.boxes import iou
from seestep.records import Box, Form, Freeform, Geometry, Media, Provenance, Record, Verdict
from seestep.sources import bad, make, vg_rows
from seestep.sources.visual_genome import SAME_IOU, VERSION, once

COLOURS = frozenset(
    [
        "black",
        "white",
        "gray",
        "grey",
        "red",
        "green",
        "blue",
        "yellow",
        "orange",
        "brown",
        "pink",
        "purple",
        "beige",
        "tan",
    ]
)
_ONE = {"grey": "gray", "tan": "beige"}  # words of one colour
_NONE = "the image is not in image_data.json"


@dataclass(slots=True)
class _Thing:
    number: int | None
    box: make.Box
    words: dict[str, None] = field(default_factory=dict)

    @property
    def colours(self) -> set[str]:
        return {_ONE.get(w, w) for w in self.words if w in COLOURS}


def objects(
    rows: Iterable[vg_rows.Objects], images: Mapping[int, Media], where: Provenance
) -> Iterator[Record | Verdict]:
    """Find the only thing of its name."""

    def read(index: int, row: vg_rows.Objects) -> Iterator[Record | Verdict]:
        media = _picture(row.image, row.objects, images, "objects")
        if isinstance(media, Verdict):
            yield media
            return
        things, left = _things(row.objects, media, "object")
        yield from left
        at = _at(where, f"{index}/objects")
        for name, found in things.items():
            if len(found) > 1:
                yield _several(f"visual_genome:{row.image}-object-{found[0].number}", name)
                continue
            id = f"visual_genome:{row.image}-object-{found[0].number}"
            yield _located(id, media, name, found[0].box, at)

    return bad.each(rows, where, once(read, "objects"))


def attributes(
    rows: Iterable[vg_rows.Attributes], images: Mapping[int, Media], where: Provenance
) -> Iterator[Record | Verdict]:
    """What a thing is like, and which of several has a colour that no other has."""

    def read(index: int, row: vg_rows.Attributes) -> Iterator[Record | Verdict]:
        media = _picture(row.image, row.attributes, images, "attributes")
        if isinstance(media, Verdict):
            yield media
            return
        things, left = _things(row.attributes, media, "attribute")
        yield from left
        at = _at(where, f"{index}/attributes")
        for name, found in things.items():
            if len(found) == 1:
                yield from _likeness(row.image, media, name, found[0], at)
            else:
                yield from _by_colour(row.image, media, name, found, at)

    return bad.each(rows, where, once(read, "attributes"))


def _picture(
    image: int, rows: Iterable[vg_rows.Described], images: Mapping[int, Media], part: str
) -> Media | Verdict:
    """The picture that ``rows`` are about, or why none of them can be placed on it."""
    media, id = images.get(image), f"visual_genome:{image}-{part}"
    if media is None:
        return make.dropped(id, "join", _NONE, str(image))
    if make.swapped(((o.x, o.y, o.w, o.h) for o in rows), media.size or (0, 0)):
        return make.dropped(id, "sides", make.SWAPPED)
    return media


def _things(
    rows: Iterable[vg_rows.Described], media: Media, part: str
) -> tuple[dict[str, list[_Thing]], list[Verdict]]:
    """Things by name, each once with all that is told of it, and what was left out."""
    things: dict[str, list[_Thing]] = {}
    left: list[Verdict] = []
    for place, row in enumerate(rows):
        number = row.id if row.object_id is None else row.object_id
        box = make.xywh(row.x, row.y, row.w, row.h, media.size or (0, 0))
        id = f"visual_genome:{media.origins[0][3:]}-{part}-{number}"
        if not row.label:
            left.append(make.dropped(f"{id}@{place}", "empty", "a thing has no name"))
            continue
        if box is None:
            reason = "the box is empty inside the image"
            left.append(make.dropped(f"{id}@{place}", "box", reason, row.label))
            continue
        known = things.setdefault(row.label, [])
        same = next((t for t in known if iou(box, t.box) >= SAME_IOU), None)
        if same is None:
            same = _Thing(number, box)
            known.append(same)
        told = (" ".join((word or "").lower().split()) for word in row.attributes or ())
        same.words.update(dict.fromkeys(word for word in told if word))
    return things, left


def _likeness(
    image: int, media: Media, name: str, thing: _Thing, at: Provenance
) -> Iterator[Record]:
    if not thing.words:
        return  # nobody said anything about it
    yield make.record(
        f"visual_genome:{image}-attribute-{thing.number}",
        "attribute",
        media,
        f"Which words describe this: {name}?",
        Freeform(text=", ".join(thing.words)),
        form=Form(kind="text"),
        provenance=at,
    )


def _by_colour(
    image: int, media: Media, name: str, found: list[_Thing], at: Provenance
) -> Iterator[Record | Verdict]:
    if not all(thing.colours for thing in found):
        id = f"visual_genome:{image}-attribute-{found[0].number}"
        yield _several(id, name)
        return
    for thing in found:
        id = f"visual_genome:{image}-attribute-{thing.number}"
        others = set().union(*(t.colours for t in found if t is not thing))
        (colour, *more) = sorted(thing.colours)
        if more or colour in others:
            yield _several(id, f"{colour} {name}")
            continue
        yield _located(f"{id}-box", media, f"{colour} {name}", thing.box, at)


def _several(id: str, name: str) -> Verdict:
    return make.dropped(id, "ambiguous", "a name fits several things", name)


def _located(id: str, media: Media, name: str, box: make.Box, at: Provenance) -> Record:
    return make.record(
        id,
        "locate",
        media,
        f"Locate: {name}.",
        Box(geometry="box"),
        form=Form(kind="box"),
        geometry=[
            Geometry(key="box", kind="box", media="im", frame="pixel", values=box, label=name)
        ],
        provenance=at,
    )


def _at(where: Provenance, row: str) -> Provenance:
    return Provenance(
        file=where.file, sha256=where.sha256, row=row, reader="visual_genome", version=VERSION
    )
