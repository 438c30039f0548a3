"""Ego4D: what the camera wearer does next, what is touched next, where hands and things are.

Narrations name who acts ("#C C picks up a knife": C wears the camera, #O is somebody else) and a
moment, no span. Boxes of short-term anticipation (STA) are corners, those of hands and objects
(FHO) are x, y, width, height, both in pixels of the full-scale video, which runs at 30 frames a
second. Frames are looked for where the owners' forecasting code writes them:
object_frames/<video_uid>_<frame, 7 digits>.jpg.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from seestep.records import (
    Answer,
    Box,
    Form,
    Geometry,
    Media,
    Number,
    Provenance,
    Record,
    Verdict,
)
from seestep.sources import bad, make, next_action
from seestep.sources.next_action import Segment

LICENCE = "Ego4D"  # signed; pictures may not be passed on
VERSION = "1"
FPS = 30  # of the canonical videos (ego4d-data.org/docs/data/videos)
MOMENT_S = 2.0  # narrations closer than this may tell of one action
PASSES = ("narration_pass_1", "narration_pass_2")
_WEARER = re.compile(r"^#C\s+C\s+", re.IGNORECASE)
_TAG = re.compile(r"#\w+")
HANDS = {"left_hand": "left hand", "right_hand": "right hand"}
CHANGED = "object_of_change"
BEFORE = "pre_frame"  # of a narrated action: just before its contact


class Action(msgspec.Struct, frozen=True):
    """One labelled action of fho_lta; times in seconds of its clip."""

    video_uid: str
    clip_uid: str
    action_idx: int
    verb: str
    noun: str
    action_clip_start_sec: float
    action_clip_end_sec: float
    clip_parent_start_sec: float = 0.0


class Contact(msgspec.Struct, frozen=True):
    """One object that is about to be touched, in fho_sta."""

    box: tuple[float, float, float, float]
    noun_category_id: int
    verb_category_id: int
    time_to_contact: float


class Moment(msgspec.Struct, frozen=True):
    """One annotated frame of fho_sta."""

    uid: str
    video_uid: str
    frame: int
    objects: tuple[Contact, ...] = ()


def narrations(
    videos: Iterable[tuple[str, Mapping[str, Any]]], where: Provenance
) -> Iterator[Record | Verdict]:
    """A next-action choice for what the wearer of the camera is told to do; the first pass over a
    video, the second where there is no first."""
    for video, told in videos:
        passes = ((told.get(name) or {}).get("narrations") for name in PASSES)
        rows = next((rows for rows in passes if rows), ())
        found: list[Segment] = []
        for one in bad.each(rows, where, partial(_narrated, video), f"{video}, narration"):
            if isinstance(one, Verdict):
                yield one
            else:
                found.append(one)
        found.sort(key=lambda s: (s.start, s.order))
        yield from _next(found, where, margin_s=MOMENT_S)


def anticipation(actions: Iterable[Action], where: Provenance) -> Iterator[Record | Verdict]:
    """Of each clip of fho_lta: the next action as a choice, and the next four in words."""
    clips: dict[str, list[tuple[int, Action]]] = defaultdict(list)
    for row, action in enumerate(actions):
        clips[action.clip_uid].append((row, action))
    for clip, rows in clips.items():
        ordered = [
            Segment(
                f"{clip}-{a.action_idx}",
                a.video_uid,
                a.action_idx,
                a.clip_parent_start_sec + a.action_clip_start_sec,
                a.clip_parent_start_sec + a.action_clip_end_sec,
                f"{readable(a.verb)} {readable(a.noun)}",
                f"clips/{row}",
            )
            for row, a in sorted(rows, key=lambda r: r[1].action_idx)
        ]
        yield from _next(ordered, where)
        yield from _coming(ordered, where)


def contacts(
    moments: Iterable[Moment],
    sizes: Mapping[str, Mapping[str, Any]],
    nouns: Mapping[int, str],
    where: Provenance,
) -> Iterator[Record | Verdict]:
    """Of each frame of fho_sta with one object: its box, and when it is touched.

    ``sizes`` is info.video_metadata of the file, ``nouns`` its categories.
    """

    seen: set[str] = set()

    def read(row: int, moment: Moment) -> Iterator[Record | Verdict]:
        id = f"ego4d:sta-{moment.uid}"
        if id in seen:
            yield make.again(id, "moment", row)
            return
        seen.add(id)
        if len(moment.objects) != 1:
            reason = "no object" if not moment.objects else "several objects are touched next"
            yield make.dropped(id, "objects", reason, str(len(moment.objects)))
            return
        (contact,) = moment.objects
        if moment.frame < 0 or not 0 <= contact.time_to_contact < math.inf:
            got = f"frame {moment.frame}, {contact.time_to_contact} s"
            yield make.dropped(id, "time", "a time before the video or the contact", got)
            return
        media = frame(moment.video_uid, moment.frame, _size(sizes.get(moment.video_uid, {})))
        box = _inside(contact.box, media.size)
        if box is None:
            yield make.dropped(id, "box", "the box is empty inside the image", str(contact.box))
            return
        noun = nouns.get(contact.noun_category_id)
        if noun is None:
            got = str(contact.noun_category_id)
            yield make.dropped(id, "join", "the noun is not in the file", got)
            return
        at = _at(where, f"annotations/{row}")
        thing = _box("next", box, readable(noun))
        question = "Which object does the camera wearer touch next?"
        yield _located(f"{id}-next", "affordance", media, question, thing, at)
        yield make.record(
            f"{id}-contact",
            "time_to_contact",
            media,
            f"In how many seconds does the camera wearer touch the {readable(noun)}?",
            Number(value=contact.time_to_contact, unit="s"),
            form=Form(kind="number"),
            provenance=at,
        )

    return bad.each(moments, where, read)


def hands(videos: Iterable[Mapping[str, Any]], where: Provenance) -> Iterator[Record | Verdict]:
    """Of each valid action of fho_main: the hands and the changed object just before contact."""

    def read(number: int, video: Mapping[str, Any]) -> Iterator[Record | Verdict]:
        size = _size(video.get("video_metadata") or {})
        uid = str(video["video_uid"])

        def one(_: int, action: Mapping[str, Any]) -> Iterator[Record | Verdict]:
            id = f"ego4d:fho-{action['uid']}"
            if action.get("is_rejected") or not action.get("is_valid_action", True):
                yield make.dropped(id, "invalid", "its annotators rejected the action")
                return
            place = _at(where, f"videos/{number}/{action['uid']}")
            yield from _before(id, uid, action, size, place)

        spans = video.get("annotated_intervals") or ()
        actions = [a for span in spans for a in span.get("narrated_actions") or ()]
        return bad.each(actions, where, one, f"{uid}, action")

    return bad.each(videos, where, read)


def frame(video: str, number: int, size: tuple[int, int] | None) -> Media:
    """The picture of ``video`` at frame ``number``."""
    return Media(
        key="im",
        path=_path(video, number),
        root="ego4d",
        width=size[0] if size else None,
        height=size[1] if size else None,
        origins=(f"ego4d:{video}#{number}", f"ego4d:{video}"),
        licence=LICENCE,
    )


def readable(label: str) -> str:
    """A label of the taxonomy as people say it: "bottle_(bottle,_flask)" is a bottle."""
    return label.split("_(", 1)[0].replace("_", " ").strip()


# --- parts ------------------------------------------------------------------------------------


def _narrated(video: str, index: int, row: Mapping[str, Any]) -> Iterator[Segment | Verdict]:
    """What the wearer of the camera does by one narration, or why it tells no such thing."""
    id = f"{video}-{row.get('annotation_uid') or index}-{index}"
    text = str(row["narration_text"]).strip()
    said = " ".join(_WEARER.sub("", text).rstrip(". ").split())
    if not _WEARER.match(text):
        yield make.dropped(f"ego4d:{id}", "wearer", "not about the camera wearer", text)
    elif _TAG.search(said) or not said:
        yield make.dropped(f"ego4d:{id}", "unsure", "the narrator was not sure", text)
    else:
        second = float(row["timestamp_sec"])
        yield Segment(id, video, index, second, second, said, f"{video}/{index}")


def _next(
    ordered: Sequence[Segment], where: Provenance, *, margin_s: float = 0.0
) -> Iterator[Record | Verdict]:
    for asked in next_action.ask(ordered, "ego4d", margin_s=margin_s):
        if isinstance(asked, Verdict):
            yield asked
            continue
        media = _clip(asked.segment.video, asked.times)
        yield next_action.record(asked, media, _at(where, asked.segment.row))


def _coming(ordered: Sequence[Segment], where: Provenance) -> Iterator[Record]:
    """What follows after every fourth action, as a list in words."""
    for asked, coming in next_action.follows(ordered, "ego4d"):
        media = _clip(asked.segment.video, asked.times)
        yield next_action.sequel(asked, coming, media, _at(where, asked.segment.row))


def _before(
    id: str, video: str, action: Mapping[str, Any], size: tuple[int, int] | None, where: Provenance
) -> Iterator[Record | Verdict]:
    shown = [f for f in action.get("frames") or () if f.get("frame_type") == BEFORE]
    if len(shown) != 1:
        yield make.dropped(id, "frames", "no boxes just before the contact")
        return
    boxes = [b for b in shown[0].get("boxes") or () if b.get("bbox")]
    media = frame(video, int(shown[0]["frame_number"]), _size(shown[0]) or size)
    times = Counter(b["object_type"] for b in boxes)
    said = " ".join(_WEARER.sub("", str(action.get("narration_text") or "").strip()).split())
    for kind, found in {b["object_type"]: b for b in boxes}.items():
        if kind not in HANDS and kind != CHANGED:
            continue
        name = f"{id}-{kind}"
        if times[kind] > 1:
            yield make.dropped(name, "several", "several of them, and the question means one")
            continue
        if kind == CHANGED and (not said or _TAG.search(said)):
            yield make.dropped(name, "narration", "nobody said what is done", said)
            continue
        area = found["bbox"]
        corners = (area["x"], area["y"], area["x"] + area["width"], area["y"] + area["height"])
        box = _inside(corners, media.size)
        if box is None:
            yield make.dropped(name, "box", "the box is empty inside the image", str(area))
        elif kind == CHANGED:
            question = f'Next the camera wearer "{said.rstrip(".")}". Which object changes by that?'
            label = readable(str(found.get("structured_noun") or ""))
            yield _located(name, "affordance", media, question, _box("area", box, label), where)
        else:
            question = f"Locate the {HANDS[kind]} of the camera wearer."
            thing = _box("area", box, HANDS[kind])
            yield _located(name, "locate", media, question, thing, where)


def _located(
    id: str, task: str, media: Media, question: str, box: Geometry, where: Provenance
) -> Record:
    answer: Answer = Box(geometry=box.key)
    form = Form(kind="box")
    return make.record(
        id, task, media, question, answer, form=form, geometry=[box], provenance=where
    )


def _clip(video: str, times: Sequence[float]) -> Media:
    return Media(
        key="clip",
        kind="frames",
        root="ego4d",
        frames=tuple(_path(video, max(0, round(t * FPS))) for t in times),
        fps=next_action.FRAMES / next_action.SPAN_S,
        origins=(f"ego4d:{video}",),
        licence=LICENCE,
    )


def _path(video: str, number: int) -> str:
    return f"object_frames/{video}_{number:07d}.jpg"


def _box(key: str, corners: make.Box, label: str) -> Geometry:
    return Geometry(key=key, kind="box", media="im", frame="pixel", values=corners, label=label)


def _inside(corners: Sequence[float], size: tuple[int, int] | None) -> make.Box | None:
    """Corners cut at the border, where that is known; None if less than two pixels are left."""
    x0, y0, x1, y1 = corners
    if size is not None:
        return make.xywh(x0, y0, x1 - x0, y1 - y0, size)
    return (x0, y0, x1, y1) if x1 - x0 > 1 and y1 - y0 > 1 else None


def _size(told: Mapping[str, Any]) -> tuple[int, int] | None:
    """(width, height) under any of the names that the files use."""
    for width, height in (
        ("frame_width", "frame_height"),
        ("display_resolution_width", "display_resolution_height"),
        ("width", "height"),
    ):
        if told.get(width) and told.get(height):
            return int(told[width]), int(told[height])
    return None


def _at(where: Provenance, row: str) -> Provenance:
    return Provenance(
        file=where.file, sha256=where.sha256, row=row, reader="ego4d", version=VERSION
    )
