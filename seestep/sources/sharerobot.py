"""ShareRobot: planning questions, affordance boxes and end-effector trajectories.

Geometry is in pixels of original_width x original_height. A planning question names its frames by
a range marker ("<image 0-25>" is 26 files), which is expanded and sampled.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seestep.records import (
    Answer,
    Box,
    Form,
    Freeform,
    Geometry,
    Media,
    Path,
    Provenance,
    Record,
    Verdict,
    YesNo,
)
from seestep.sources import bad, make

LICENCE = "none stated (frames: BridgeData V2, CC BY 4.0)"
VERSION = "1"
FRAMES = 4  # pictures taken from a range, first and last included
_RANGE = re.compile(r"<image (\d+)-(\d+)>\s*")
_ACTION = re.compile(r"<([^<>]*)>")
_BETWEEN = re.compile(r">\s*[,;]?\s*<")  # of two actions that nothing else parts


def planning(
    rows: Iterable[Mapping[str, Any]], where: Provenance, names: Names | None = None
) -> Iterator[Record | Verdict]:
    """Questions about what happened, what comes next, what can be done. ``names``: of files
    before."""
    seen = Names() if names is None else names

    def read(index: int, row: Mapping[str, Any]) -> Iterator[Record | Verdict]:
        episode = str(row["id"])
        short = "/".join(episode.split("/")[-2:])
        id = f"sharerobot:{row['task']}-{short}-s{row.get('selected_step', index)}"
        id, again = seen.of(id, row, index)
        if again is not None:
            yield again
            return
        human, robot = (str(turn["value"] or "") for turn in row["conversations"][:2])
        marker = _RANGE.search(human)
        if marker is None:
            yield make.dropped(id, "marker", "the question has no <image A-B> range", human[:80])
            return
        if len(_RANGE.findall(human)) > 1:
            yield make.dropped(id, "marker", "the question has several ranges", human[:80])
            return
        first, last = int(marker[1]), int(marker[2])
        if last < first:
            yield make.dropped(id, "marker", "the frame range runs backwards", marker[0])
            return
        asked, told = _RANGE.sub("", human).strip(), _told(robot)
        if not asked or told is None or not row["task"]:
            yield make.dropped(id, "empty", "the task, the question or the answer is empty")
            return
        folder = short.replace("#", "/")
        picks = sorted({first + round((last - first) * i / (FRAMES - 1)) for i in range(FRAMES)})
        yield make.record(
            id,
            str(row["task"]).lower(),
            Media(
                key="clip",
                kind="frames",
                root="sharerobot",
                frames=tuple(f"planning/images/{folder}/image_{i}.png" for i in picks),
                origins=(f"rtx:{short}",),
                licence=LICENCE,
            ),
            asked,
            told,
            form=Form(kind="yes_no" if isinstance(told, YesNo) else "text"),
            provenance=_at(where, index),
        )
        seen[id] = _said(row)

    return bad.each(rows, where, read)


def affordance(rows: Iterable[Mapping[str, Any]], where: Provenance) -> Iterator[Record | Verdict]:
    """Where the end effector should act, as a box."""
    seen = Names()

    def read(index: int, row: Mapping[str, Any]) -> Iterator[Record | Verdict]:
        id = f"sharerobot:affordance-{row['id']}"
        id, again = seen.of(id, row, index)
        if again is not None:
            yield again
            return
        if not _instructed(row):
            yield make.dropped(id, "empty", "the instruction is empty")
            return
        media = _media(row, "affordance")
        area = row["affordance"]
        box = make.xywh(area["x"], area["y"], area["width"], area["height"], media.size or (0, 0))
        if box is None:
            yield make.dropped(id, "box", "the box is empty inside the image", str(area))
            return
        yield make.record(
            id,
            "affordance",
            media,
            f'The task is "{row["instruction"]}". Which area should the robot act on?',
            Box(geometry="area"),
            form=Form(kind="box"),
            geometry=[Geometry(key="area", kind="box", media="im", frame="pixel", values=box)],
            provenance=_at(where, index),
        )
        seen[id] = _said(row)

    return bad.each(rows, where, read)


def trajectory(rows: Iterable[Mapping[str, Any]], where: Provenance) -> Iterator[Record | Verdict]:
    """The way of the end effector through the picture, as an ordered path."""
    seen = Names()

    def read(index: int, row: Mapping[str, Any]) -> Iterator[Record | Verdict]:
        id = f"sharerobot:trajectory-{row['id']}"
        id, again = seen.of(id, row, index)
        if again is not None:
            yield again
            return
        if not _instructed(row):
            yield make.dropped(id, "empty", "the instruction is empty")
            return
        media = _media(row, "trajectory")
        width, height = media.size or (0, 0)
        points = [(float(x), float(y)) for x, y in row["points"]]
        if any(not (0 <= x <= width and 0 <= y <= height) for x, y in points):
            yield make.dropped(id, "outside", "a point leaves the image", str(points))
            return
        if len(points) < 2:
            yield make.dropped(id, "short", "a path needs at least 2 points", str(points))
            return
        yield make.record(
            id,
            "path",
            media,
            f'The task is "{row["instruction"]}". Which way should the gripper move?',
            Path(geometry="path"),
            form=Form(kind="path"),
            geometry=[
                Geometry(
                    key="path",
                    kind="path",
                    media="im",
                    frame="pixel",
                    values=tuple(v for p in points for v in p),
                )
            ],
            provenance=_at(where, index),
        )
        seen[id] = _said(row)

    return bad.each(rows, where, read)


def _told(robot: str) -> Answer | None:
    """The answer without the angle brackets around actions, several of them parted by ";"; None
    if it is empty."""
    text = " ".join(_ACTION.sub(r"\1", _BETWEEN.sub(">; <", robot)).split())
    if text.rstrip(".").lower() in ("yes", "no"):
        return YesNo(yes=text.lower().startswith("yes"))
    return Freeform(text=text) if text else None


class Names(dict[str, bytes]):
    """What the rows of a file say, by the ids that were made of them."""

    def of(self, id: str, row: Mapping[str, Any], index: int) -> tuple[str, Verdict | None]:
        """An id that no row before has, and a verdict where one of the same id says the same."""
        if id not in self:
            return id, None
        again = make.again(id, "row", index) if self[id] == _said(row) else None
        fresh = f"{id}-r{index}"
        return (fresh if fresh not in self else f"{fresh}-{len(self)}"), again


def _instructed(row: Mapping[str, Any]) -> bool:
    return isinstance(row["instruction"], str) and bool(row["instruction"].strip())


def _said(row: Mapping[str, Any]) -> bytes:
    return hashlib.blake2b(json.dumps(row, sort_keys=True).encode(), digest_size=12).digest()


def _media(row: Mapping[str, Any], part: str) -> Media:
    """The id is an integer, or already a path below images/."""
    meta, name = row["meta_data"], str(row["id"])
    return Media(
        key="im",
        path=f"{part}/images/{name}" if "." in name else f"{part}/images/{name}.png",
        root="sharerobot",
        width=int(meta["original_width"]),
        height=int(meta["original_height"]),
        origins=(f"sharerobot:{part}-{name}",),
        licence=LICENCE,
    )


def _at(where: Provenance, row: int) -> Provenance:
    return Provenance(
        file=where.file, sha256=where.sha256, row=str(row), reader="sharerobot", version=VERSION
    )
