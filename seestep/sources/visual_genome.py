"""Visual Genome: relations, referred regions and free questions (v1.0 and v1.2 keys).

Boxes are pixel (x, y, w, h), top-left origin. One thing is often annotated several times, so
boxes of one name that overlap are merged before a name counts as unique.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from seestep.geometry.boxes import iou
from seestep.records import (
    Box,
    Entity,
    Form,
    Freeform,
    Geometry,
    Media,
    Provenance,
    Record,
    Step,
    Thought,
    Verdict,
)
from seestep.sources import bad, make, vg_rows

Row = TypeVar(
    "Row",
    vg_rows.Relations,
    vg_rows.Regions,
    vg_rows.Questions,
    vg_rows.Objects,
    vg_rows.Attributes,
)
Found: TypeAlias = Iterator[Record | Verdict]
LICENCE = "CC BY 4.0"
VERSION = "1"
WORDS, BOX = Form(kind="text"), Form(kind="box")
SAME_IOU = 0.5  # two boxes of one name that overlap this much are one thing
# predicates that boxes can confirm: (axis of the picture, sign); left and right are the viewer's
# predicates that answer "where is it"; of all others "how are they related" is asked
_PLACES = """on, in, at, by, near, next to, behind, in front of, under, underneath, above, below,
    beside, between, inside, outside, against, along, on top of, over, around, left of,
    to the left of, right of, to the right of, in the middle of, on the side of, parked on,
    sitting on, standing on, lying on, hanging on, sitting at, standing in, sitting in"""
PLACES = frozenset(" ".join(_PLACES.split()).split(", "))
SIDES = {
    "left of": (0, -1),
    "to the left of": (0, -1),
    "right of": (0, 1),
    "to the right of": (0, 1),
    "above": (1, -1),
    "below": (1, 1),
}


def media(row: vg_rows.Image) -> Media:
    """Media of one entry of image_data.json; its path is the last two segments of the URL."""
    origins = [f"vg:{row.image_id}"]
    if row.coco_id:
        origins.append(f"coco:{row.coco_id}")
    return Media(
        key="im",
        path="/".join(row.url.split("/")[-2:]),
        root="visual_genome",
        width=row.width,
        height=row.height,
        origins=tuple(origins),
        licence=LICENCE,
    )


def relations(
    rows: Iterable[vg_rows.Relations],
    images: Mapping[int, Media],
    where: Provenance,
    aliases: Mapping[str, str] | None = None,
) -> Iterator[Record | Verdict]:
    """Where one thing is relative to another, for pairs that their names single out. ``aliases``:
    what other ways of writing a predicate mean, of relationship_alias.txt."""
    known = aliases or {}

    def read(index: int, row: vg_rows.Relations) -> Iterator[Record | Verdict]:
        image, media = row.image, images.get(row.image)
        at = _at(where, f"{index}/relationships")
        pairs = (t for r in row.relationships for t in (r.subject, r.object))
        boxes = ((t.x, t.y, t.w, t.h) for t in pairs)
        if media is not None and make.swapped(boxes, media.size or (0, 0)):
            yield make.dropped(f"visual_genome:{image}-relationships", "sides", make.SWAPPED)
            return
        things: dict[str, list[make.Box]] = {}
        found: list[tuple[str, str, make.Box | None, make.Box | None]] = []
        for relation in row.relationships:
            one, other = relation.subject.label, relation.object.label
            a, b = _box(relation.subject, media), _box(relation.object, media)
            _note(things, one, a)
            _note(things, other, b)
            found.append((one, other, a, b))
        for relation, (one, other, a, b) in zip(row.relationships, found, strict=True):
            number = relation.id if relation.relationship_id is None else relation.relationship_id
            id = f"visual_genome:{image}-rel-{number}"
            if media is None:
                yield make.dropped(id, "join", "the image is not in image_data.json", str(image))
                continue
            predicate = " ".join(relation.predicate.lower().split())
            predicate = known.get(predicate, predicate)
            if not predicate or not one or not other:
                yield make.dropped(id, "empty", "a name or the predicate is empty")
            elif a is None or b is None:
                yield make.dropped(id, "box", "a box is empty inside the image")
            elif one == other or len(things[one]) > 1 or len(things[other]) > 1:
                told = f"{one}; {other}"
                yield make.dropped(id, "ambiguous", "a name fits several things", told)
            elif predicate in SIDES and _contradicted(*SIDES[predicate], a, b):
                yield make.dropped(id, "contradiction", "the boxes contradict the side", predicate)
            else:
                yield _relation(id, predicate, (one, other), (a, b), media, at)

    return bad.each(rows, where, once(read, "relationships"))


def aliases(lines: Iterable[str]) -> dict[str, str]:
    """Other ways of writing a word, by what they mean: a line is "on,on top of it,sits on"."""
    found: dict[str, str] = {}
    for line in lines:
        first, *others = (" ".join(word.lower().split()) for word in line.split(","))
        if first:
            found |= {other: first for other in others if other and other not in found}
    return found


def regions(
    rows: Iterable[vg_rows.Regions], images: Mapping[int, Media], where: Provenance
) -> Iterator[Record | Verdict]:
    """Find the box that a phrase describes."""

    def read(index: int, row: vg_rows.Regions) -> Iterator[Record | Verdict]:
        image, at = row.image, _at(where, f"{index}/regions")
        shown = images.get(image)
        boxes = ((r.x, r.y, r.width, r.height) for r in row.regions)
        if shown is not None and make.swapped(boxes, shown.size or (0, 0)):
            yield make.dropped(f"visual_genome:{image}-regions", "sides", make.SWAPPED)
            return
        phrases = [" ".join(r.phrase.lower().split()) for r in row.regions]
        times = Counter(phrases)
        for region, phrase in zip(row.regions, phrases, strict=True):
            number = region.id if region.region_id is None else region.region_id
            id = f"visual_genome:{image}-region-{number}"
            if image not in images:
                yield make.dropped(id, "join", "the image is not in image_data.json", str(image))
                continue
            size = images[image].size or (0, 0)
            box = make.xywh(region.x, region.y, region.width, region.height, size)
            if not phrase:
                yield make.dropped(id, "empty", "the phrase is empty")
            elif box is None:
                yield make.dropped(id, "box", "the box is empty inside the image")
            elif times[phrase] > 1:
                yield make.dropped(id, "ambiguous", "several regions share the phrase", phrase)
            else:
                yield make.record(
                    id,
                    "locate",
                    images[image],
                    f"Find the region that this describes: {phrase}.",
                    Box(geometry="box"),
                    form=BOX,
                    geometry=[_geometry("box", box, phrase)],
                    provenance=at,
                )

    return bad.each(rows, where, once(read, "regions"))


def questions(
    rows: Iterable[vg_rows.Questions], images: Mapping[int, Media], where: Provenance
) -> Iterator[Record | Verdict]:
    """The free questions, with the annotators' own answers."""

    def read(index: int, row: vg_rows.Questions) -> Iterator[Record | Verdict]:
        image, at = row.image, _at(where, f"{index}/qas")
        for qa in row.qas:
            id = f"visual_genome:{image}-qa-{qa.qa_id}"
            question, answer = qa.question.strip(), qa.answer.strip()
            if image not in images:
                yield make.dropped(id, "join", "the image is not in image_data.json", str(image))
            elif not question or not answer:
                yield make.dropped(id, "empty", "the question or the answer is empty")
            else:
                yield make.record(
                    id,
                    "vqa",
                    images[image],
                    question,
                    Freeform(text=answer),
                    form=WORDS,
                    provenance=at,
                )

    return bad.each(rows, where, once(read, "qas"))


def once(read: Callable[[int, Row], Found], part: str) -> Callable[[int, Row], Found]:
    """``read`` for the first entry of each image; the file has one for each."""
    seen: set[int] = set()

    def first(index: int, row: Row) -> Found:
        if row.image in seen:
            yield make.again(f"visual_genome:{row.image}-{part}", "image", index)
            return
        seen.add(row.image)
        yield from read(index, row)

    return first


def _relation(
    id: str,
    predicate: str,
    names: tuple[str, str],
    boxes: tuple[make.Box, make.Box],
    image: Media,
    at: Provenance,
) -> Record:
    one, other = names
    entities = (
        Entity(id="o1", name=one, media=image.key, geometry="subject"),
        Entity(id="o2", name=other, media=image.key, geometry="object"),
    )
    steps = (
        Step(see=one, do=("find", "o1"), expect=(("visible", "o1"),)),
        Step(see=other, do=("find", "o2"), expect=(("visible", "o2"),)),
    )
    return make.record(
        id,
        "relation",
        image,
        f"Where is the {one} relative to the {other}?"
        if predicate in PLACES
        else f"How is the {one} related to the {other}?",
        Freeform(text=predicate),
        form=WORDS,
        geometry=(_geometry("subject", boxes[0], one), _geometry("object", boxes[1], other)),
        thought=Thought(entities=entities, steps=steps, next=("done",)),
        provenance=at,
    )


def _contradicted(axis: int, sign: int, a: make.Box, b: make.Box) -> bool:
    """True if a's centre lies on the other side of b's."""
    return (b[axis] + b[axis + 2] - a[axis] - a[axis + 2]) * sign > 0


def _box(thing: vg_rows.Thing, image: Media | None) -> make.Box | None:
    if image is None:
        return None
    return make.xywh(thing.x, thing.y, thing.w, thing.h, image.size or (0, 0))


def _note(things: dict[str, list[make.Box]], label: str, box: make.Box | None) -> None:
    if box is None:
        return
    known = things.setdefault(label, [])
    if all(iou(box, other) < SAME_IOU for other in known):
        known.append(box)


def _geometry(key: str, box: make.Box, label: str) -> Geometry:
    return Geometry(key=key, kind="box", media="im", frame="pixel", values=box, label=label)


def _at(where: Provenance, row: str) -> Provenance:
    return Provenance(
        file=where.file, sha256=where.sha256, row=row, reader="visual_genome", version=VERSION
    )
