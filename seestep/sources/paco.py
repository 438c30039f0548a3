"""PACO-LVIS: parts of things, and what colour, pattern and material they have.

COCO-like and federated as LVIS. An annotation whose ``obj_ann_id`` is its own id is a thing, any
other is a part of the thing with that id; a part's category is called "mug:handle". No attribute
together with ``unknown_color`` means that it could not be told, not that there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from seestep.errors import GeometryError
from seestep.geometry.frames import same_size
from seestep.geometry.masks import anchor, from_polygon, from_runs
from seestep.records import Form, Geometry, Media, Points, Provenance, Record, Verdict
from seestep.sources import lvis, make

LICENCE = "annotations CC BY 4.0; images COCO/Flickr, per image"
VERSION = "1"
KINDS = {"color": "colour", "pattern_marking": "pattern", "material": "material"}
UNKNOWN = {kind: f"unknown_{kind}" for kind in KINDS}
OPTIONS = 4
OTHER = "other"  # "other(color)": an attribute that is none of the named ones


def convert(
    images: Iterable[Mapping[str, Any]],
    annotations: Iterable[Mapping[str, Any]],
    categories: Iterable[Mapping[str, Any]],
    attributes: Iterable[Mapping[str, Any]],
    kinds: Mapping[str, Sequence[int]],
    where: Provenance,
) -> Iterator[Record | Verdict]:
    """Records of every image in the order of ``images``: what LVIS yields of things, their
    attributes, and pointing at their parts. ``kinds`` is the file's attr_type_to_attr_idxs."""
    names = {int(c["id"]): str(c["name"]) for c in categories}
    words = {int(a["id"]): str(a["name"]) for a in attributes}
    things = [{"id": k, "name": n} for k, n in names.items() if ":" not in n]
    objects: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    parts: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for a in annotations:
        owner = objects if int(a["obj_ann_id"]) == int(a["id"]) else parts
        owner[int(a["image_id"])].append(a)
    for index, image in enumerate(images):
        number, place = int(image["id"]), _at(where, index)
        own, theirs = objects.pop(number, []), parts.pop(number, [])
        for found in lvis.convert([_lvis_image(image)], own, things, place):
            yield _renamed(found)
        picture = lvis.media(_lvis_image(image))
        for thing in _alone(image, own):
            name = names.get(int(thing["category_id"]), "")
            yield from _attributes(thing, name, picture, words, kinds, place)
            yield from _parts(thing, name, picture, theirs, names, place)
    for orphans in (objects, parts):
        for number, rows in sorted(orphans.items()):
            for a in rows:
                id = f"paco:{number}-{a['id']}"
                yield make.dropped(id, "join", "the annotation's image is not in the file")


def _lvis_image(image: Mapping[str, Any]) -> Mapping[str, Any]:
    """``file_name`` is a path here ("train2017/0...jpg"), and goes before the address."""
    return {k: v for k, v in image.items() if k != "coco_url" or "file_name" not in image}


def _renamed(found: Record | Verdict) -> Record | Verdict:
    id = "paco:" + found.id.split(":", 1)[1]
    if isinstance(found, Verdict):
        return msgspec.structs.replace(found, id=id)
    at = msgspec.structs.replace(found.provenance, reader="paco", version=VERSION)
    return msgspec.structs.replace(found, id=id, source="paco", provenance=at)


def _alone(image: Mapping[str, Any], own: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Things whose name can mean no other: one of its category, every one annotated."""
    open_ended = set(image.get("not_exhaustive_category_ids", ()))
    by_category: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for a in own:
        by_category[int(a["category_id"])].append(a)
    for category, rows in sorted(by_category.items()):
        if len(rows) == 1 and category not in open_ended:
            yield rows[0]


def _attributes(
    thing: Mapping[str, Any],
    name: str,
    picture: Media,
    words: Mapping[int, str],
    kinds: Mapping[str, Sequence[int]],
    where: Provenance,
) -> Iterator[Record | Verdict]:
    has = {int(a) for a in thing.get("attribute_ids", ())}
    loose = {int(a) for a in thing.get("dom_color_ids", ())}  # near enough to be no wrong answer
    for kind, word in KINDS.items():
        id = f"paco:{thing['image_id']}-{thing['id']}-{kind}"
        known = [int(k) for k in kinds.get(kind, ())]
        found = sorted(has & set(known))
        if thing.get(UNKNOWN[kind]) or not found:
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
        picked = wrong[int(thing["id"]) % stride :: stride][: OPTIONS - 1]
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
    thing: Mapping[str, Any],
    name: str,
    picture: Media,
    parts: list[Mapping[str, Any]],
    names: Mapping[int, str],
    where: Provenance,
) -> Iterator[Record | Verdict]:
    by_name: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for part in parts:
        if int(part["obj_ann_id"]) == int(thing["id"]):
            whole, _, what = names.get(int(part["category_id"]), "").partition(":")
            by_name[what if whole == name else ""].append(part)
    for what, rows in sorted(by_name.items()):
        id = f"paco:{thing['image_id']}-{thing['id']}-part-{what or '?'}"
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


def _region(part: Mapping[str, Any], picture: Media, label: str) -> tuple[Geometry, Geometry]:
    """The part's mask and the point deepest inside it, where a hand would go."""
    width, height = picture.size or (0, 0)
    shape = part["segmentation"]
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
