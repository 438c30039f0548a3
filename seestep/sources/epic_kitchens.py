"""EPIC-KITCHENS-100: what happens next, from narrated segments in their order in time.

Rows of the CSV are in textual order of their ids (…_1, …_10, …_2); time order is the integer
suffix. Extracted frames run at 60 a second for two-digit videos and 50 for the extension
(three-digit) ones, whatever ``video_info.fps`` says. ``narration_timestamp`` is not the time of
the action and is never used.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from seestep.records import Media, Provenance, Record, Verdict
from seestep.sources import bad, make, next_action
from seestep.sources.next_action import Asked, Segment

LICENCE = "CC BY-NC 4.0"
VERSION = "1"
NEAR_RATE = 0.02  # of a frame's number, how far it may be from its time: videos run at 59.94 too
COLUMNS = (
    "narration_id",
    "participant_id",
    "video_id",
    "start_timestamp",
    "stop_timestamp",
    "start_frame",
    "stop_frame",
    "narration",
)


def segments(
    rows: Iterable[Mapping[str, str]], where: Provenance
) -> tuple[dict[str, list[Segment]], list[Verdict]]:
    """Segments by video, in order of time, and what was left out of them."""
    videos: dict[str, list[Segment]] = defaultdict(list)
    left: list[Verdict] = []
    seen: set[str] = set()

    def read(index: int, row: Mapping[str, str]) -> Iterator[Segment]:
        found = Segment(
            id=row["narration_id"],
            video=row["video_id"],
            order=int(row["narration_id"].rsplit("_", 1)[1]),
            start=_seconds(row["start_timestamp"]),
            stop=_seconds(row["stop_timestamp"]),
            narration=" ".join(row["narration"].split()),
            row=str(index),
        )
        id = f"epic_kitchens:{found.id}"
        rate, told = _rate(found.video), row.get("start_frame")
        if found.id in seen:
            left.append(make.again(id, "narration", index))
        elif not found.narration:
            left.append(make.dropped(id, "empty", "the narration is empty"))
        elif found.stop < found.start:
            said = f"{row['start_timestamp']} to {row['stop_timestamp']}"
            left.append(make.dropped(id, "time", "it stops before it starts", said))
        elif told and abs(int(told) - found.start * rate) > rate + NEAR_RATE * int(told):
            said = f"frame {told} at {found.start:g} s, frames run at {rate} a second"
            left.append(make.dropped(id, "frames", "its frame is not that of its time", said))
        else:
            yield found
        seen.add(found.id)

    for segment in bad.each(rows, where, read):
        videos[segment.video].append(segment)
    by_time = {v: sorted(found, key=lambda s: (s.start, s.order)) for v, found in videos.items()}
    return by_time, left


def convert(rows: Iterable[Mapping[str, str]], where: Provenance) -> Iterator[Record | Verdict]:
    """A next-action choice for each segment that others allow, and what follows."""
    videos, left = segments(rows, where)
    yield from left
    for ordered in videos.values():
        for asked in next_action.ask(ordered, "epic_kitchens"):
            if isinstance(asked, Verdict):
                yield asked
            else:
                yield next_action.record(asked, _clip(asked), _at(where, asked.segment.row))
        for asked, coming in next_action.follows(_apart(ordered), "epic_kitchens"):
            place = _at(where, asked.segment.row)
            yield next_action.sequel(asked, coming, _clip(asked), place)


def _apart(ordered: Sequence[Segment]) -> list[Segment]:
    """Segments that each start when the one before has stopped, and tell of something else."""
    found: list[Segment] = []
    for segment in ordered:
        last = found[-1] if found else None
        if last is None or (segment.start >= last.stop and segment.narration != last.narration):
            found.append(segment)
    return found


def _clip(asked: Asked) -> Media:
    video = asked.segment.video
    return Media(
        key="clip",
        kind="frames",
        root="epic_kitchens",
        frames=tuple(frame_path(video, t) for t in asked.times),
        fps=next_action.FRAMES / next_action.SPAN_S,
        origins=(f"epic:{video}",),
        licence=LICENCE,
    )


def _at(where: Provenance, row: str) -> Provenance:
    return Provenance(
        file=where.file, sha256=where.sha256, row=row, reader="epic_kitchens", version=VERSION
    )


def frame_path(video: str, second: float) -> str:
    """Path of the extracted frame shown at ``second`` (official rgb_frames layout)."""
    participant = video.split("_", 1)[0]
    index = max(1, round(second * _rate(video)))
    return f"{participant}/rgb_frames/{video}/frame_{index:010d}.jpg"


def _rate(video: str) -> int:
    """Extracted frames a second."""
    return 50 if len(video.split("_", 1)[1]) == 3 else 60


def _seconds(stamp: str) -> float:
    hours, minutes, seconds = stamp.split(":")
    found = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if not 0 <= found < math.inf:
        raise ValueError(f"{stamp!r} is no time")
    return found
