"""LRV-Instruction: questions about Visual Genome pictures, among them many about absent things.

The answers were written by a language model that saw captions and boxes, never the picture. So a
negative often says that something is "not mentioned": that sentence is turned into the plain "no"
it stands for where the question asks for yes or no, and left out elsewhere. Places are words in
pixels, "X: 105 Y: 350 Width: 258 Height: 258", and become geometry.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seestep.records import (
    Answer,
    Box,
    Form,
    Freeform,
    Geometry,
    GeometryRef,
    Media,
    Part,
    Provenance,
    Record,
    Text,
    Verdict,
    YesNo,
)
from seestep.sources import bad, make

LICENCE = "code BSD-3-Clause, none stated for the data; images: Visual Genome, CC BY 4.0"
VERSION = "1"
FIRST = "filter_cap.json"
FOLDERS = ("VG_100K", "VG_100K_2")  # of Visual Genome; an image is in one of them
_NUMBER = r"\s*:?\s*(-?\d+(?:\.\d+)?)"
_PLACE = re.compile(
    rf"\(?\bX{_NUMBER}[,;\s]*Y{_NUMBER}[,;\s]*Width{_NUMBER}[,;\s]*Height{_NUMBER}\)?",
    re.IGNORECASE,
)
_LOOSE = re.compile(r"\b[XY]\s*:\s*\d", re.IGNORECASE)  # a place without its size
_ASKS_YES_NO = re.compile(
    r"(?:is|are|was|were|do|does|did|can|could|has|have|will|would)\s", re.IGNORECASE
)
_ASKS_PRESENCE = re.compile(
    r"(?:is there|are there|(?:can|could) you (?:manage to )?(?:see|find|spot|notice)|"
    r"(?:do|did) you (?:see|notice|spot)|"
    r"does the (?:image|picture|scene) (?:show|contain|have|include))\b[^?]*\?$",
    re.IGNORECASE,
)
# Words of somebody who read about a picture; seen in 52 of 200 answers of the evaluation set.
_READ_OF = re.compile(
    r"mention|descri(?:be|pt)|caption|annotation|bounding box|misleading|attribute|"
    r"(?:given|provided)\b|information|non-?existent",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"(yes|no)\b[.!]?\s*$", re.IGNORECASE)
_DENIES = re.compile(r"\b(?:no|not|none|never|non-?existent)\b|n't\b", re.IGNORECASE)


def convert(
    rows: Iterable[Mapping[str, Any]],
    images: Mapping[int, Media],
    where: Provenance,
    asked: set[bytes] | None = None,
) -> Iterator[Record | Verdict]:
    """One record a question. ``images`` (Visual Genome's image_data.json) may be empty: sizes and
    folders then come from the pictures on disk. ``asked``: questions of files before; a variant of
    a file tells most of them again."""
    asked = set() if asked is None else asked

    def read(index: int, row: Mapping[str, Any]) -> Iterator[Record | Verdict]:
        number = str(row["image_id"]).strip()
        question = _spaced(row.get("question", row.get("instruction")))
        answer = _spaced(row.get("answer", row.get("answer_gt")))
        id = f"lrv_instruction:{number}-{index}"
        if not number.isdigit():
            yield make.dropped(id, "join", "the image id is no number of Visual Genome", number)
        elif not question or not answer:
            yield make.dropped(id, "empty", "the question or the answer is empty")
        elif (said := _key(number, question, answer)) in asked:
            reason = "the same question and answer about this picture stand before"
            yield make.dropped(f"{id}@{where.file}", "repeat", reason)
        else:
            asked.add(said)
            if where.file != FIRST:  # rows of several files have the same numbers
                id = f"{id}-{said.hex()[:8]}"
            media = images.get(int(number)) or _unseen_media(int(number))
            task = str(row.get("task", "")).strip().lower()
            yield _one(id, media, question, answer, task, _at(where, index))

    return bad.each(rows, where, read)


def _key(number: str, question: str, answer: str) -> bytes:
    told = "\n".join((number, question, answer))
    return hashlib.blake2b(told.encode(), digest_size=8).digest()


def _one(
    id: str, media: Media, question: str, answer: str, task: str, where: Provenance
) -> Record | Verdict:
    boxes: list[Geometry] = []
    try:
        parts = _parts(question, media, boxes)
    except ValueError as error:
        return make.dropped(id, "box", str(error), question)
    if any(_LOOSE.search(_PLACE.sub("", text)) for text in (question, answer)):
        return make.dropped(id, "place", "coordinates that are no box", question)
    asked = len(boxes)
    found = _PLACE.search(answer)
    told: Answer
    if found is not None:
        if answer.replace(found[0], "").strip(" .:"):
            return make.dropped(id, "place", "the answer mixes words with coordinates", answer)
        try:
            _parts(answer, media, boxes)
        except ValueError as error:
            return make.dropped(id, "box", str(error), answer)
        told, kind = Box(geometry=boxes[-1].key), "box"
    else:
        read = _answer(question, answer, task)
        if read is None:
            return make.dropped(id, "leak", "the answer tells of a text, not a picture", answer)
        told, kind = read
    what = "locate" if kind == "box" else "vqa"
    if kind == "yes_no" and _ASKS_PRESENCE.match(question):
        what = "exists"
    return make.record(
        id,
        what,
        media,
        parts if asked else question,
        told,
        form=Form(kind=kind),  # type: ignore[arg-type]
        geometry=boxes,
        provenance=where,
        tags=("negative",) if task == "negative" else (),
    )


def _answer(question: str, answer: str, task: str) -> tuple[Answer, str] | None:
    """The answer and its kind; None where it speaks of a description instead of a picture."""
    polar = _ASKS_YES_NO.match(question) is not None
    plain = _PLAIN.match(answer)
    if polar and plain:
        return YesNo(yes=plain[1].lower() == "yes"), "yes_no"
    if not _READ_OF.search(answer):
        return Freeform(text=answer), "text"
    denied = not answer.lower().startswith("yes") and _DENIES.search(answer) is not None
    if _ASKS_PRESENCE.match(question) and (task == "negative" or denied):
        return YesNo(yes=False), "yes_no"
    return None


def _parts(text: str, media: Media, boxes: list[Geometry]) -> list[Part]:
    """``text`` with its places as references; their boxes are added to ``boxes``."""
    parts: list[Part] = []
    at = 0
    for place in _PLACE.finditer(text):
        x, y, w, h = (float(v) for v in place.groups())
        if media.size is not None:
            corners = make.xywh(x, y, w, h, media.size)
        else:
            corners = (x, y, x + w, y + h) if w > 1 and h > 1 else None
        if corners is None:
            raise ValueError("the box is empty inside the image")
        key = f"box{len(boxes)}"
        boxes.append(Geometry(key=key, kind="box", media="im", frame="pixel", values=corners))
        if text[at : place.start()].strip():
            parts.append(Text(text=text[at : place.start()]))
        parts.append(GeometryRef(geometry=key))
        at = place.end()
    if text[at:].strip():
        parts.append(Text(text=text[at:]))
    return parts


def _unseen_media(number: int) -> Media:
    return Media(
        key="im",
        path=f"{FOLDERS[0]}/{number}.jpg",
        root="visual_genome",
        origins=(f"vg:{number}",),
        licence=LICENCE,
    )


def _spaced(value: Any) -> str:
    """The oldest rows have line breaks glued to their texts."""
    return " ".join(str(value or "").split())


def _at(where: Provenance, row: int) -> Provenance:
    return Provenance(
        file=where.file,
        sha256=where.sha256,
        row=str(row),
        reader="lrv_instruction",
        version=VERSION,
    )
