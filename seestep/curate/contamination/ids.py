"""Names of pictures, videos and scenes that public collections gave them.

A record knows its origins ("coco:139", "epic:P01_01"). Benchmarks seldom name theirs in a field:
they stand in file names, question ids and paths, in the spellings below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# collection -> spellings of its names; the group is the name. Sources: file names of COCO 2014 and
# 2017 (cocodataset.org), Visual Genome's image URLs, EPIC-KITCHENS video ids (participant_video),
# Ego4D uids (UUID 4), AI2-THOR and ScanNet scene names.
SPELLINGS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("coco", re.compile(r"COCO_(?:train|val|test)20\d\d_0*(\d+)\b")),
    ("coco", re.compile(r"(?:train|val|test|unlabeled)2017/0*(\d+)\b")),
    # twelve digits, as COCO alone writes them: 000139.jpg is a frame of some video
    ("coco", re.compile(r"(?<![\w.-])(?=\d{12}(?!\d))0{6,}(\d+)(?!\w)")),
    ("coco", re.compile(r"\bcoco:0*(\d+)\b")),
    ("vg", re.compile(r"VG_100K(?:_2)?/(\d+)\b")),
    ("vg", re.compile(r"\b(?:vg|gqa|visual[-_]?genome)(?:/images)?/(\d+)\.(?:jpe?g|png)\b", re.I)),
    ("vg", re.compile(r"\bvg:(\d+)\b")),
    ("epic", re.compile(r"(?<![A-Za-z0-9])(P\d{2}_\d{2,3})(?![A-Za-z0-9])")),
    ("ego4d", re.compile(r"\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f])", re.I)),
    ("thor", re.compile(r"(?<![A-Za-z0-9])(FloorPlan(?:_[A-Za-z]+)?\d+(?:_\d+)?)(?![A-Za-z0-9])")),
    ("scannet", re.compile(r"(?<![A-Za-z0-9])(scene\d{4}_\d{2})(?![A-Za-z0-9])")),
    ("home", re.compile(r"\bhome:(\d+)\b")),
)  # fmt: skip
PICTURES = frozenset({"coco", "vg"})
"""Collections of single pictures; the others name videos and scenes, which many pictures share."""
NUMBERED = {"coco_id": "coco", "coco_image_id": "coco", "vg_id": "vg", "vg_image_id": "vg"}
"""Fields whose bare numbers are names."""


def spelt_in(text: str) -> Iterator[str]:
    """Every name of a known collection in ``text``, as "collection:name", each once."""
    found = (
        f"{collection}:{match[1].lower() if collection == 'ego4d' else match[1]}"
        for collection, spelling in SPELLINGS
        for match in spelling.finditer(text)
    )
    yield from dict.fromkeys(found)


def numbered(field: str, value: object) -> Iterator[str]:
    """The name that a number has in a field such as "coco_id"."""
    collection = NUMBERED.get(field.rpartition(".")[2].lower())
    number = str(value).partition(".")[0]  # 139.0 where other rows of a table have none
    if collection and number.isdecimal() and not isinstance(value, bool):
        yield f"{collection}:{int(number)}"


def of_origins(origins: Iterable[str]) -> Iterator[str]:
    """The names a record's media have in known collections, frames of a video under its name."""
    known = {collection for collection, _ in SPELLINGS}
    for origin in origins:
        collection, _, name = origin.partition(":")
        if collection in known:
            yield f"{collection}:{name.partition('#')[0]}"
