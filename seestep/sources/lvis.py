"""LVIS: locate, point, count, and absences that are legal to ask (v0.5 and v1 path rules).

LVIS is federated: a category that is not annotated may still be there unless its id is in
``neg_category_ids``, and counts hold only outside ``not_exhaustive_category_ids``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from seestep.records import Box, Form, Geometry, Media, Number, Provenance, Record, Verdict, YesNo
from seestep.sources import bad, lvis_points, make
from seestep.sources.lvis_points import Asked, Columns, Outline


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image as far as it is read. v1 has coco_url, v0.5 and PACO file_name."""

    id: int
    width: int
    height: int
    coco_url: str | None = None
    file_name: str | None = None
    license: int | None = None
    neg_category_ids: tuple[int, ...] | None = ()
    not_exhaustive_category_ids: tuple[int, ...] | None = ()


class Annotation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An instance as far as it is read; ``bbox`` is x, y, width, height in pixels."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float] | None = None
    area: float | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """``bbox``; what has none has an empty one, as its category is known to be there."""
        return self.bbox or (0.0, 0.0, 0.0, 0.0)

    @property
    def surface(self) -> float:
        """Square pixels; those of the box where the outline's are not told."""
        return self.area if self.area is not None else self.box[2] * self.box[3]


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A category's number and name."""

    id: int
    name: str


LICENCE = "annotations CC BY 4.0; image: COCO/Flickr, licence id {id}"
VERSION = "1"
HUGE = 1 << 63
LEAST_AREA = 64.0  # square pixels; smaller instances cannot be pointed at reliably


def media(image: Image) -> Media:
    """v1 derives the path from coco_url ("val2017/…jpg"); v0.5 and PACO give file_name."""
    name = image.file_name
    if image.coco_url and (name is None or "/" not in name):
        path = "/".join(image.coco_url.split("/")[-2:])
    elif name is None:
        raise ValueError(f"image {image.id} has neither coco_url nor file_name")
    else:
        path = f"{name.split('_')[1]}/{name}" if name.startswith("COCO_") else name
    return Media(
        key="im",
        path=path,
        root="coco",
        width=image.width,
        height=image.height,
        origins=(f"coco:{image.id}",),
        licence=LICENCE.format(id="?" if image.license is None else image.license),
    )


def convert(
    images: Iterable[Image],
    annotations: Iterable[Annotation],
    categories: Iterable[Category],
    where: Provenance,
    outlines: Iterable[Outline] = (),
    seen: set[int] | None = None,
) -> Iterator[Record | Verdict]:
    """Records of every image, in the order of ``images``; then those of ``outlines``, which are
    the annotations once more. ``seen``: images of files before, which are not read again."""
    names = {c.id: readable(c.name) for c in categories}
    found = Columns()
    for a in annotations:
        if max(abs(a.image_id), abs(a.id), abs(a.category_id)) < HUGE:
            found.add(a.image_id, (a.id, a.category_id), (*a.box, a.surface))
        else:
            id = f"lvis:{a.image_id}-{a.id}"
            yield make.dropped(id, "join", "the annotation has a number of more than 64 bits")
    found.sort()

    seen = set() if seen is None else seen
    asked: dict[int, Asked] = {}

    def read(index: int, image: Image) -> Iterator[Record | Verdict]:
        if image.id in seen:
            yield make.again(f"lvis:{image.id}", "image", f"{where.file}-{index}")
            return
        rows = [_annotation(*row) for row in found.of(image.id)]
        yield from of_image(image, rows, names, _at(where, index), asked)
        seen.add(image.id)

    yield from bad.each(images, where, read)
    for orphan in found.images():
        for (_, number, _), _ in found.of(orphan) if orphan not in seen else ():
            id = f"lvis:{orphan}-{number}"
            yield make.dropped(id, "join", "the annotation's image is not in the file")
    yield from lvis_points.points(outlines, asked)


def _annotation(whole: list[int], real: list[float]) -> Annotation:
    image, number, category = whole
    x, y, w, h, area = real
    return Annotation(id=number, image_id=image, category_id=category, bbox=(x, y, w, h), area=area)


def of_image(
    image: Image,
    rows: Sequence[Annotation],
    names: Mapping[int, str],
    where: Provenance,
    asked: dict[int, Asked] | None = None,
) -> Iterator[Record | Verdict]:
    """What one image and its annotations support; ``names`` are readable names of categories.
    ``asked`` takes what its outline is wanted of."""
    picture = media(image)
    if make.swapped((a.box for a in rows), picture.size or (0, 0)):
        yield make.dropped(f"lvis:{image.id}", "sides", make.SWAPPED, str(picture.size))
        return
    open_ended = set(image.not_exhaustive_category_ids or ())
    absent = set(image.neg_category_ids or ())
    by_category: dict[int, list[Annotation]] = defaultdict(list)
    seen: set[int] = set()
    broken: set[int] = set()  # categories with an instance that is nowhere
    for a in rows:
        id = f"lvis:{image.id}-{a.id}"
        if a.id in seen:
            yield make.again(id, "annotation", len(seen))
        elif make.xywh(*a.box, picture.size or (0, 0)) is None:
            broken.add(a.category_id)
            yield make.dropped(id, "box", "the box is empty inside the image", str(a.bbox))
        else:
            by_category[a.category_id].append(a)
        seen.add(a.id)
    for category, instances in sorted(by_category.items()):
        name, id = names.get(category), f"lvis:{image.id}-c{category}"
        if name is None:
            yield make.dropped(id, "join", "the category is not in the file", str(category))
            continue
        if category in absent:
            reason = "annotated here, and told to be absent"
            yield make.dropped(id, "contradiction", reason, name)
            continue
        yield _exists(f"{id}-exists", picture, name, True, where)
        if category in broken:
            yield make.dropped(f"{id}-count", "box", "an instance has no box in the image", name)
            continue
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
            (only,) = instances
            yield _locate(f"{id}-locate", picture, name, only, where)
            if asked is not None and only.surface >= LEAST_AREA:
                asked[only.id] = (f"{id}-point", picture, name, where)
    for category in image.neg_category_ids or ():
        if category in names and category not in by_category and category not in broken:
            id = f"lvis:{image.id}-c{category}-absent"
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
    id: str, picture: Media, name: str, found: Annotation, where: Provenance
) -> Record | Verdict:
    box = make.xywh(*found.box, picture.size or (0, 0))
    assert box is not None  # of_image has looked
    if found.surface < LEAST_AREA:
        reason = f"{found.surface:.0f} square pixels, wanted {LEAST_AREA:.0f}"
        return make.dropped(id, "small", reason, name)
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
