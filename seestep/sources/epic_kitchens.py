"""EPIC-KITCHENS-100: what happens next, from narrated segments in their order in time.

Rows of the CSV are in textual order of their ids (…_1, …_10, …_2); time order is the integer
suffix. Extracted frames run at 60 a second for two-digit videos and 50 for the extension
(three-digit) ones, whatever ``video_info.fps`` says. ``narration_timestamp`` is not the time of
the action and is never used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from seestep.records import Form, Media, Provenance, Record, Verdict
from seestep.sources import make

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
HISTORY = 3  # finished actions told in the question
FRAMES = 4  # pictures of the observation
GAP_S = 1.0  # the observation ends this long before the next action starts
SPAN_S = 4.0  # and covers this long
OPTIONS = 4


@dataclass(frozen=True)
class Segment:
    """One narrated action; times in seconds of the video."""

    id: str
    participant: str
    video: str
    order: int
    start: float
    stop: float
    narration: str
    row: int


def segments(rows: Iterable[Mapping[str, str]]) -> dict[str, list[Segment]]:
    """Segments by video, in order of time."""
    videos: dict[str, list[Segment]] = defaultdict(list)
    for index, row in enumerate(rows):
        segment = Segment(
            id=row["narration_id"],
            participant=row["participant_id"],
            video=row["video_id"],
            order=int(row["narration_id"].rsplit("_", 1)[1]),
            start=_seconds(row["start_timestamp"]),
            stop=_seconds(row["stop_timestamp"]),
            narration=" ".join(row["narration"].split()),
            row=index,
        )
        videos[segment.video].append(segment)
    return {v: sorted(found, key=lambda s: (s.start, s.order)) for v, found in videos.items()}


def convert(rows: Iterable[Mapping[str, str]], where: Provenance) -> Iterator[Record | Verdict]:
    """A next-action choice for each segment that history and distractors allow."""
    for video, ordered in segments(rows).items():
        told: list[Segment] = []
        for segment in ordered:
            id = f"epic:{segment.id}-next"
            if told and told[-1].narration == segment.narration:
                yield make.dropped(id, "repeat", "same narration as the action before")
                continue
            history = [s for s in told[-HISTORY:] if s.stop <= segment.start]
            # what goes on at the same time is not a wrong answer to "what next"
            meanwhile = {
                s.narration for s in ordered if s.start < segment.stop and s.stop > segment.start
            }
            others = sorted({s.narration for s in ordered} - meanwhile - {segment.narration})
            told.append(segment)
            if len(history) < HISTORY:
                yield make.dropped(id, "history", "fewer finished actions before it than asked for")
            elif segment.start - GAP_S - SPAN_S < 0:
                yield make.dropped(id, "observation", "too early in the video to be observed")
            elif len(others) < OPTIONS - 1:
                yield make.dropped(id, "options", "the video has too few other actions")
            else:
                yield _record(id, video, segment, history, others, where)


def frame_path(participant: str, video: str, second: float) -> str:
    """Path of the extracted frame shown at ``second`` (official rgb_frames layout)."""
    fps = 50 if len(video.split("_")[1]) == 3 else 60
    number = max(1, round(second * fps))
    return f"{participant}/rgb_frames/{video}/frame_{number:010d}.jpg"


def _record(
    id: str,
    video: str,
    segment: Segment,
    history: list[Segment],
    others: list[str],
    where: Provenance,
) -> Record:
    end = segment.start - GAP_S
    times = [end - SPAN_S + SPAN_S * (i + 1) / FRAMES for i in range(FRAMES)]
    media = Media(
        key="clip",
        kind="frames",
        root="epic_kitchens",
        frames=tuple(frame_path(segment.participant, video, t) for t in times),
        fps=FRAMES / SPAN_S,
        origins=(f"epic:{video}",),
        licence=LICENCE,
    )
    # distractors in a fixed but spread order: every k-th of the sorted other actions
    stride = max(1, len(others) // (OPTIONS - 1))
    wrong = others[segment.order % stride :: stride][: OPTIONS - 1]
    done = ", then ".join(s.narration for s in history)
    return make.record(
        id,
        "next_action",
        media,
        f"So far: {done}. What does the person do next?",
        make.shuffled_choice(segment.narration, wrong, id),
        form=Form(kind="choice"),
        provenance=Provenance(
            file=where.file,
            sha256=where.sha256,
            row=str(segment.row),
            reader="epic_kitchens",
            version=VERSION,
        ),
    )


def _seconds(stamp: str) -> float:
    hours, minutes, seconds = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
