"""EPIC-KITCHENS-100: what happens next, from narrated segments in their order in time.

Rows of the CSV are in textual order of their ids (…_1, …_10, …_2); time order is the integer
suffix. Extracted frames run at 60 a second for two-digit videos and 50 for the extension
(three-digit) ones, whatever ``video_info.fps`` says. ``narration_timestamp`` is not the time of
the action and is never used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from seestep.records import Media, Provenance, Record, Verdict
from seestep.sources import bad, next_action
from seestep.sources.next_action import Segment

LICENCE = "CC BY-NC 4.0"
VERSION = "1"
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


def segments(rows: Iterable[Mapping[str, str]], where: Provenance) -> dict[str, list[Segment]]:
    """Segments by video, in order of time."""
    videos: dict[str, list[Segment]] = defaultdict(list)

    def read(index: int, row: Mapping[str, str]) -> Iterator[Segment]:
        yield Segment(
            id=row["narration_id"],
            video=row["video_id"],
            order=int(row["narration_id"].rsplit("_", 1)[1]),
            start=_seconds(row["start_timestamp"]),
            stop=_seconds(row["stop_timestamp"]),
            narration=" ".join(row["narration"].split()),
            row=str(index),
        )

    for segment in bad.each(rows, where, read):
        videos[segment.video].append(segment)
    return {v: sorted(found, key=lambda s: (s.start, s.order)) for v, found in videos.items()}


def convert(rows: Iterable[Mapping[str, str]], where: Provenance) -> Iterator[Record | Verdict]:
    """A next-action choice for each segment that history and distractors allow."""
    for video, ordered in segments(rows, where).items():
        for asked in next_action.ask(ordered, "epic_kitchens"):
            if isinstance(asked, Verdict):
                yield asked
                continue
            media = Media(
                key="clip",
                kind="frames",
                root="epic_kitchens",
                frames=tuple(frame_path(video, t) for t in asked.times),
                fps=next_action.FRAMES / next_action.SPAN_S,
                origins=(f"epic:{video}",),
                licence=LICENCE,
            )
            place = Provenance(
                file=where.file,
                sha256=where.sha256,
                row=asked.segment.row,
                reader="epic_kitchens",
                version=VERSION,
            )
            yield next_action.record(asked, media, place)


def frame_path(video: str, second: float) -> str:
    """Path of the extracted frame shown at ``second`` (official rgb_frames layout)."""
    participant, number = video.split("_", 1)
    fps = 50 if len(number) == 3 else 60
    index = max(1, round(second * fps))
    return f"{participant}/rgb_frames/{video}/frame_{index:010d}.jpg"


def _seconds(stamp: str) -> float:
    hours, minutes, seconds = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
