"""PACO-LVIS: parts of things, and what colour, pattern and material they have.

COCO-like and federated as LVIS. An annotation whose ``obj_ann_id`` is its own id is a thing, any
other is a part of the thing with that id; a part's category is called "mug:handle". No attribute
together with ``unknown_color`` means that it could not be told, not that there is none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from seestep.errors import GeometryError
from seestep.geometry.frames import same_size
from seestep.geometry.masks import anchor, from_polygon, from_runs
from seestep.records import Form, Geometry, Media, Points, Provenance, Record, Verdict
from seestep.sources import bad, lvis, make


class Annotation(lvis.Annotation, frozen=True, kw_only=True):
    """A thing or a part. ``segmentation`` is a list of rings or a run-length mask."""

    obj_ann_id: int
    segmentation: Any = None
    attribute_ids: tuple[int, ...] = ()
    dom_color_ids: tuple[int, ...] = ()
    unknown_color: int = 0
    unknown_pattern_marking: int = 0
    unknown_material: int = 0


class Attribute(msgspec.Struct, frozen=True):
    """An attribute's number and name."""

    id: int
    name: str


LICENCE = "annotations CC BY 4.0; images COCO/Flickr, per image"
VERSION = "1"
KINDS = {"color": "colour", "pattern_marking": "pattern", "material": "material"}
UNKNOWN = {kind: f"unknown_{kind}" for kind in KINDS}
OPTIONS = 4
OTHER = "other"  # "other(color)": an attribute that is none of the named ones


def convert(
    images: Iterable[lvis.Image],
    annotations: Iterable[Annotation],
    categories: Iterable[lvis.Category],
    attributes: Iterable[Attribute],
    kinds: Mapping[str, Sequence[int]],
    where: Provenance,
) -> Iterator[Record | Verdict]:
    """Records of every image in the order of ``images``: what LVIS yields of things, their
    attributes, and pointing at their parts. ``kinds`` is the file's attr_type_to_attr_idxs."""
    names = {c.id: c.name for c in categories}
    words = {a.id: a.name for a in attributes}
    things = {k: lvis.readable(n) for k, n in names.items() if ":" not in n}
    objects: dict[int, list[Annotation]] = defaultdict(list)
    parts: dict[int, list[Annotation]] = defaultdict(list)
    for a in annotations:
        (objects if a.obj_ann_id == a.id else parts)[a.image_id].append(a)

    seen: set[int] = set()

    def read(index: int, image: lvis.Image) -> Iterator[Record | Verdict]:
        if image.id in seen:
            yield make.again(f"paco:{image.id}", "image", index)
            return
        seen.add(image.id)
        own, theirs = objects.pop(image.id, []), parts.pop(image.id, [])
        place = _at(where, index)
        for found in lvis.of_image(image, own, things, place):
            yield _renamed(found)
        picture = lvis.media(image)
        known = {thing.id for thing in own}
        for part in theirs:
            if part.obj_ann_id not in known:
                id = f"paco:{image.id}-{part.id}"
                got = str(part.obj_ann_id)
                yield make.dropped(id, "join", "the part's thing is not in the file", got)
        for thing in _alone(image, own):
            name = names.get(thing.category_id, "")
            yield from _attributes(thing, name, picture, words, kinds, place)
            yield from _parts(thing, name, picture, theirs, names, place)

    yield from bad.each(images, where, read)
    for orphans in (objects, parts):
        for number, rows in sorted(orphans.items()):
            for a in rows:
                id = f"paco:{number}-{a.id}"
                yield make.dropped(id, "join", "the annotation's image is not in the file")


def _renamed(found: Record | Verdict) -> Record | Verdict:
    id = "paco:" + found.id.split(":", 1)[1]
    if isinstance(found, Verdict):
        return msgspec.structs.replace(found, id=id)
    return msgspec.structs.replace(found, id=id, source="paco")


def _alone(image: lvis.Image, own: list[Annotation]) -> Iterator[Annotation]:
    """Things whose name can mean no other: one of its category, every one annotated."""
    times = Counter(a.category_id for a in own)
    for a in sorted(own, key=lambda a: a.category_id):
        if times[a.category_id] == 1 and a.category_id not in (
            image.not_exhaustive_category_ids or ()
        ):
            yield a


def _attributes(
    thing: Annotation,
    name: str,
    picture: Media,
    words: Mapping[int, str],
    kinds: Mapping[str, Sequence[int]],
    where: Provenance,
) -> Iterator[Record | Verdict]:
    has = set(thing.attribute_ids)
    loose = set(thing.dom_color_ids)  # near enough to be no wrong answer
    for kind, word in KINDS.items():
        id = f"paco:{thing.image_id}-{thing.id}-{kind}"
        known = [int(k) for k in kinds.get(kind, ())]
        found = sorted(has & set(known))
        if getattr(thing, UNKNOWN[kind]) or not found:
            continue  # nobody said anything about it
        if len(found) > 1:
            yield make.dropped(id, "several", f"several answers to which {word}")
            continue
        right = words.get(found[0])
        if right is None:
            yield make.dropped(id, "join", "the attribute is not in the file", str(found[0]))
            continue
        if right.startswith(OTHER):
            yield make.dropped(id, "other", f"its {word} is none that has a name")
            continue
        wrong = [
            words[k]
            for k in known
            if k in words and k not in has | loose and not words[k].startswith(OTHER)
        ]
        stride = max(1, len(wrong) // (OPTIONS - 1))
        picked = wrong[thing.id % stride :: stride][: OPTIONS - 1]
        if not picked:
            yield make.dropped(id, "options", f"there is no other {word} to choose from")
            continue
        yield make.record(
            id,
            "attribute",
            picture,
            f"What {word} is the {lvis.readable(name)}?",
            make.shuffled_choice(right, picked, id),
            form=Form(kind="choice"),
            provenance=where,
        )


def _parts(
    thing: Annotation,
    name: str,
    picture: Media,
    parts: list[Annotation],
    names: Mapping[int, str],
    where: Provenance,
) -> Iterator[Record | Verdict]:
    by_name: dict[str, list[Annotation]] = defaultdict(list)
    for part in parts:
        if part.obj_ann_id == thing.id:
            whole, _, what = names.get(part.category_id, "").partition(":")
            by_name[what if whole == name else ""].append(part)
    for what, rows in sorted(by_name.items()):
        id = f"paco:{thing.image_id}-{thing.id}-part-{what or '?'}"
        if not what:
            yield make.dropped(id, "join", "the part's category is none of this thing's")
            continue
        if len(rows) > 1:
            yield make.dropped(id, "several", "several such parts, and the question means one")
            continue
        try:
            region, point = _region(rows[0], picture, f"{what} of the {name}")
        except GeometryError as error:
            yield make.dropped(id, "mask", str(error.what))
            continue
        yield make.record(
            id,
            "part",
            picture,
            f"Point to the {what.replace('_', ' ')} of the {lvis.readable(name)}.",
            Points(geometry="point", region="part"),
            form=Form(kind="point"),
            geometry=(point, region),
            provenance=where,
        )


def _region(part: Annotation, picture: Media, label: str) -> tuple[Geometry, Geometry]:
    """The part's mask and the point deepest inside it, where a hand would go."""
    width, height = picture.size or (0, 0)
    shape = part.segmentation
    if isinstance(shape, list):
        rle, size = from_polygon(shape, (width, height))
    else:
        size = (int(shape["size"][0]), int(shape["size"][1]))
        counts = shape["counts"]
        rle = counts if isinstance(counts, str) else from_runs(counts, size)[0]
    if size != (height, width):
        raise GeometryError(f"a mask of {size[1]}x{size[0]} on a picture of {width}x{height}")
    region = Geometry(
        key="part", kind="mask", media="im", frame="pixel", rle=rle, rle_size=size, label=label
    )
    x, y = anchor(region, same_size((width, height)))
    return region, Geometry(key="point", kind="points", media="im", frame="pixel", values=(x, y))


def _at(where: Provenance, row: int) -> Provenance:
    return Provenance(
        file=where.file, sha256=where.sha256, row=f"images/{row}", reader="paco", version=VERSION
    )
