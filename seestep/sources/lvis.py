"""LVIS: locate, count, and absences that are legal to ask (v0.5 and v1 path rules).

LVIS is federated: a category that is not annotated may still be there unless its id is in
``neg_category_ids``, and counts hold only outside ``not_exhaustive_category_ids``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seestep.records import Box, Form, Geometry, Media, Number, Provenance, Record, Verdict, YesNo
from seestep.sources import make

LICENCE = "annotations CC BY 4.0; image: COCO/Flickr, licence id {id}"
VERSION = "1"
LEAST_AREA = 64.0  # square pixels; smaller instances cannot be pointed at reliably


def media(image: Mapping[str, Any]) -> Media:
    """v1 derives the path from coco_url ("val2017/…jpg"); v0.5 gives file_name."""
    if image.get("coco_url"):
        path = "/".join(str(image["coco_url"]).split("/")[-2:])
    else:
        name = str(image["file_name"])
        path = f"{name.split('_')[1]}/{name}" if name.startswith("COCO_") else name
    return Media(
        key="im",
        path=path,
        root="coco",
        width=int(image["width"]),
        height=int(image["height"]),
        origins=(f"coco:{image['id']}",),
        licence=LICENCE.format(id=image.get("license", "?")),
    )


def convert(
    images: Iterable[Mapping[str, Any]],
    annotations: Iterable[Mapping[str, Any]],
    categories: Iterable[Mapping[str, Any]],
    where: Provenance,
) -> Iterator[Record | Verdict]:
    """Records of every image, in the order of ``images``."""
    names = {int(c["id"]): readable(str(c["name"])) for c in categories}
    found: dict[int, list[tuple[int, int, list[float], float]]] = defaultdict(list)
    for a in annotations:
        row = (int(a["id"]), int(a["category_id"]), list(a["bbox"]), float(a["area"]))
        found[int(a["image_id"])].append(row)
    for index, image in enumerate(images):
        yield from _image(image, found.pop(int(image["id"]), []), names, _at(where, index))
    for orphan, rows in sorted(found.items()):
        for annotation, *_ in rows:
            id = f"lvis:{orphan}-{annotation}"
            yield make.dropped(id, "join", "the annotation's image is not in the file")


def _image(
    image: Mapping[str, Any],
    rows: list[tuple[int, int, list[float], float]],
    names: Mapping[int, str],
    where: Provenance,
) -> Iterator[Record | Verdict]:
    picture = media(image)
    open_ended = set(image.get("not_exhaustive_category_ids", ()))
    by_category: dict[int, list[tuple[int, list[float], float]]] = defaultdict(list)
    for annotation, category, bbox, area in rows:
        by_category[category].append((annotation, bbox, area))
    for category, instances in sorted(by_category.items()):
        name, id = names.get(category), f"lvis:{image['id']}-c{category}"
        if name is None:
            yield make.dropped(id, "join", "the category is not in the file", str(category))
            continue
        yield _exists(f"{id}-exists", picture, name, True, where)
        if category in open_ended:
            yield make.dropped(f"{id}-count", "not-exhaustive", "not every one is annotated", name)
            continue
        yield make.record(
            f"{id}-count",
            "count",
            picture,
            f"How many instances of {name} are in the image?",
            Number(value=len(instances)),
            form=Form(kind="number"),
            provenance=where,
        )
        if len(instances) == 1:
            yield _locate(f"{id}-locate", picture, name, *instances[0][1:], where)
    for category in image.get("neg_category_ids", ()):
        if category in names:
            id = f"lvis:{image['id']}-c{category}-absent"
            yield _exists(id, picture, names[category], False, where)


def _exists(id: str, picture: Media, name: str, yes: bool, where: Provenance) -> Record:
    return make.record(
        id,
        "exists",
        picture,
        f"Is there any {name} in the image?",
        YesNo(yes=yes),
        form=Form(kind="yes_no"),
        provenance=where,
    )


def _locate(
    id: str, picture: Media, name: str, bbox: list[float], area: float, where: Provenance
) -> Record | Verdict:
    x, y, w, h = bbox
    box = make.xywh(x, y, w, h, picture.size or (0, 0))
    if box is None:
        return make.dropped(id, "box", "the box is empty inside the image", str(bbox))
    if area < LEAST_AREA:
        return make.dropped(id, "small", f"{area:.0f} square pixels, wanted {LEAST_AREA:.0f}", name)
    return make.record(
        id,
        "locate",
        picture,
        f"Where is the {name}?",
        Box(geometry="box"),
        form=Form(kind="box"),
        geometry=[
            Geometry(key="box", kind="box", media="im", frame="pixel", values=box, label=name)
        ],
        provenance=where,
    )


def readable(name: str) -> str:
    """A category's name as words: "batter_(food)" is "batter (food)"."""
    return name.replace("_(", " (").replace("_", " ")


def _at(where: Provenance, row: int) -> Provenance:
    return Provenance(
        file=where.file, sha256=where.sha256, row=f"images/{row}", reader="lvis", version=VERSION
    )
