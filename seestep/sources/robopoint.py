"""RoboPoint: points on free space and on things, and the question sets it was mixed with.

Rows are LLaVA conversations. Its own renders answer with "[(0.461, 0.527), ...]", fractions of
width and height. A dialogue becomes one record for each answer, with what was said before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seestep.geometry.parse import parse
from seestep.records import (
    Answer,
    Form,
    FormRef,
    Freeform,
    Geometry,
    Media,
    MediaRef,
    Part,
    Points,
    Provenance,
    Record,
    Text,
    Turn,
    Verdict,
    YesNo,
)
from seestep.sources import bad, make
from seestep.sources.rows import IMAGE

LICENCE = "Apache-2.0; images as their own data sets say"
VERSION = "1"
TASKS = {"object_ref": "pointing", "region_ref": "free_space"}  # by the first folder of the image
# What RoboPoint asks for at the end of a question. Families say it their own way.
_FORMAT = re.compile(
    r"\s*Your answer should be formatted as a list of tuples.*$", re.IGNORECASE | re.DOTALL
)
_TUPLES = re.compile(r"^\s*\[\s*\(.*\)\s*,?\s*\]\s*\.?\s*$", re.DOTALL)
_PAIR = re.compile(r"\(\s*[01]?\.\d+\s*,\s*[01]?\.\d+")  # (0.46, 0.53 amid words
_FOUR = re.compile(r"\[\s*[01]?\.\d+\s*(?:,\s*[01]?\.\d+\s*){3}\]")  # [0.35, 0.2, 0.5, 0.6]
_ORIGINS = (
    (re.compile(r"(?:^|/)coco/(?:train|val)\d*/(?:COCO_\w+_)?0*(\d+)\."), "coco"),
    (re.compile(r"(?:^|/)VG_100K(?:_2)?/(\d+)\."), "vg"),
)


def convert(rows: Iterable[Mapping[str, Any]], where: Provenance) -> Iterator[Record | Verdict]:
    """One record for each answer of each conversation."""
    return bad.each(rows, where, lambda n, row: _conversation(n, row, _at(where, n)))


def _conversation(
    index: int, row: Mapping[str, Any], where: Provenance
) -> Iterator[Record | Verdict]:
    name = str(row["id"])
    said = [(str(turn["from"]), str(turn["value"] or "")) for turn in row["conversations"]]
    image = row.get("image")
    if image is not None and not isinstance(image, str):
        raise ValueError(f"image is {str(image)[:80]}, not one path")
    media = _media(image) if image else None
    id = f"robopoint:{name}-{index}"
    speakers = [who for who, _ in said]
    if not said or speakers != ["human", "gpt"] * (len(said) // 2):
        yield make.dropped(id, "turns", "people and model do not take turns", ", ".join(speakers))
        return
    shown = sum(text.count(IMAGE) for _, text in said)
    if shown != (media is not None) or (media is not None and IMAGE not in said[0][1]):
        yield make.dropped(
            id, "marker", f"{shown} image markers for {int(media is not None)} images"
        )
        return
    history: list[Turn] = []
    for k in range(0, len(said), 2):
        asked, told = said[k][1].replace(IMAGE, "").strip(), said[k + 1][1].strip()
        lead: list[Part] = [MediaRef(media=media.key)] if media is not None and not k else []
        yield _answered(f"{id}-t{k // 2}", media, lead, history, asked, told, where)
        if _TUPLES.match(told) or _FOUR.search(asked + told):
            return  # later turns speak of numbers whose frame would be lost
        history += [
            Turn(role="user", parts=(*lead, Text(text=asked))),
            Turn(role="assistant", parts=(Text(text=told),)),
        ]


def _answered(
    id: str,
    media: Media | None,
    lead: list[Part],
    history: list[Turn],
    asked: str,
    told: str,
    where: Provenance,
) -> Record | Verdict:
    if not asked or not told:
        return make.dropped(id, "empty", "the question or the answer is empty")
    geometry: tuple[Geometry, ...] = ()
    answer: Answer
    folder = media.path.split("/")[0] if media is not None else ""
    task, form = "vqa" if media is not None else "text", Form(kind="text")
    if _TUPLES.match(told):
        made = _places(told)
        if isinstance(made, str):
            return make.dropped(id, "place", made, told[:120])
        if media is None:
            return make.dropped(id, "place", "coordinates of no picture", told[:120])
        asked = _FORMAT.sub("", asked).strip()
        geometry = (made,)
        answer, form = Points(geometry=made.key), Form(kind="points")
        task = TASKS.get(folder, "pointing")
    elif _FOUR.search(asked) or _FOUR.search(told):
        # LLaVA-1.5 counts such boxes in the picture padded to a square for some of its sets and in
        # the picture itself for others: github.com/haotian-liu/LLaVA, issues 606 and 822.
        return make.dropped(id, "frame", "whether the box counts padding is not told", told[:120])
    elif _PAIR.search(told) or not told.strip("[]() ."):
        return make.dropped(id, "place", "coordinates amid words, or none", told[:120])
    elif told.rstrip(".").lower() in ("yes", "no"):
        answer, form = YesNo(yes=told.lower().startswith("yes")), Form(kind="yes_no")
    else:
        answer = Freeform(text=told)
    turn = Turn(role="user", parts=(*lead, Text(text=asked), FormRef()))
    return Record(
        id=id,
        source="robopoint",
        task=task,
        media=(media,) if media is not None else (),
        turns=(*history, turn),
        answer=answer,
        geometry=geometry,
        form=form,
        clusters=media.origins[:1] if media is not None else (),
        licence=LICENCE,
        provenance=where,
    )


def _places(told: str) -> Geometry | str:
    """Points in fractions; a sentence on what is wrong instead."""
    found = parse(told, "points", frame="unit")
    if found is None or found.rule != "tuples":
        # The detection part: whether x, y of (x, y, w, h) is a corner or the centre is not told.
        return "the tuples are no points, and what else they are is not documented"
    if not all(0 <= v <= 1 for v in found.values):
        return "a coordinate lies outside 0 to 1"
    return Geometry(key="places", kind="points", media="im", frame="unit", values=found.values)


def _media(path: str) -> Media:
    origins = [
        f"{kind}:{int(found[1])}"
        for pattern, kind in _ORIGINS
        if (found := pattern.search(path)) is not None
    ]
    return Media(
        key="im",
        path=path,
        root="robopoint",
        origins=tuple(origins) or (f"robopoint:{path}",),
        licence=LICENCE,
    )


def _at(where: Provenance, row: int) -> Provenance:
    return Provenance(
        file=where.file, sha256=where.sha256, row=str(row), reader="robopoint", version=VERSION
    )
