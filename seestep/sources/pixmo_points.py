"""PixMo-Points: people pointed at things in web pictures, at none, one or many.

The card says that x and y are pixels; the rows and the loader of the model that was trained on
them count in per cent of width and height. A row with a number above 100 is therefore refused.
Pictures are not shipped, only addresses: here a picture is called ``<image_sha256>.jpg``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seestep.records import (
    Answer,
    Form,
    Geometry,
    Media,
    Number,
    Points,
    Provenance,
    Record,
    Verdict,
    YesNo,
)
from seestep.sources import bad, make

LICENCE = "ODC-BY 1.0; images: as the sites that show them say"
VERSION = "1"
COLUMNS = ("image_url", "image_sha256", "points", "count", "label")
MOST = 100.0


def convert(rows: Iterable[Mapping[str, Any]], where: Provenance) -> Iterator[Record | Verdict]:
    """Pointing, counting and absence of every row; equal questions of one picture come once."""
    asked: set[bytes] = set()  # 8 bytes each: the file has 2.4 million rows

    def read(index: int, row: Mapping[str, Any]) -> Iterator[Record | Verdict]:
        sha256, label = str(row["image_sha256"]).lower(), " ".join(str(row["label"] or "").split())
        id = f"pixmo_points:{sha256[:16]}-{index}"
        question = hashlib.blake2b(f"{sha256} {label.casefold()}".encode(), digest_size=8).digest()
        points = [(float(p["x"]), float(p["y"])) for p in row["points"] or ()]
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            yield make.dropped(id, "join", "the picture has no SHA-256", sha256)
        elif not label:
            yield make.dropped(id, "empty", "the label is empty")
        elif question in asked:
            yield make.dropped(id, "repeat", "this picture was asked for the same label before")
        elif len(points) != int(row["count"]):
            evidence = f"{row['count']}, {len(points)} points"
            yield make.dropped(id, "count", "the count is not the number of points", evidence)
        elif not all(0 <= v <= MOST for p in points for v in p):
            evidence = str(next(p for p in points if not all(0 <= v <= MOST for v in p)))
            yield make.dropped(id, "frame", "a point is no percentage of the picture", evidence)
        else:
            asked.add(question)
            yield from _records(id, _media(sha256), label, points, _at(where, index))

    return bad.each(rows, where, read)


def _records(
    id: str, media: Media, label: str, points: list[tuple[float, float]], where: Provenance
) -> Iterator[Record]:
    def ask(part: str, task: str, question: str, answer: Answer, kind: Any, *g: Geometry) -> Record:
        form = Form(kind=kind)
        return make.record(
            f"{id}-{part}", task, media, question, answer,
            form=form, geometry=g, provenance=where,
        )  # fmt: skip

    if not points:
        question = f"Is there any {label} in the image?"
        yield ask("absent", "exists", question, YesNo(yes=False), "yes_no")
        return
    values = tuple(v for p in points for v in p)
    kind = "point" if len(points) == 1 else "points"
    place = Geometry(
        key="places", kind="points", media="im", frame="percent", values=values, label=label
    )
    every = "Point to all of" if len(points) > 1 else "Point to"
    yield ask("point", "pointing", f"{every}: {label}.", Points(geometry="places"), kind, place)
    question = f"How many are there in the image: {label}?"
    yield ask("count", "count", question, Number(value=len(points)), "number")


def _media(sha256: str) -> Media:
    return Media(
        key="im",
        path=f"{sha256}.jpg",
        root="pixmo_points",
        sha256=sha256,  # of the file behind the address: what lies there today may be another
        origins=(f"sha256:{sha256}",),
        licence=LICENCE,
    )


def _at(where: Provenance, row: int) -> Provenance:
    return Provenance(
        file=where.file, sha256=where.sha256, row=str(row), reader="pixmo_points", version=VERSION
    )
