"""What a person does next, as a choice, and what follows, in words: the same questions for every
set of narrated video.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seestep.records import Form, Freeform, Media, Provenance, Record, Verdict
from seestep.sources import make

HISTORY = 3  # finished actions told in the question
FRAMES = 4  # pictures of the observation
COMING = 4  # actions in an answer about what follows
GAP_S = 1.0  # the observation ends this long before the next action starts
SPAN_S = 4.0  # and covers this long
OPTIONS = 4


@dataclass(frozen=True)
class Segment:
    """One narrated action; times in seconds of the video."""

    id: str
    video: str
    order: int
    start: float
    stop: float
    narration: str
    row: str


@dataclass(frozen=True)
class Asked:
    """A question about ``segment``: what is ``told`` before it, what ``wrong`` options it has."""

    id: str
    segment: Segment
    told: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def times(self) -> list[float]:
        """When the pictures of the observation are taken, in seconds of the video."""
        end = self.segment.start - GAP_S
        return [end - SPAN_S + SPAN_S * (i + 1) / FRAMES for i in range(FRAMES)]


def ask(
    ordered: Sequence[Segment], prefix: str, *, margin_s: float = 0.0
) -> Iterator[Asked | Verdict]:
    """A question for each segment of one video (in order of time) that the others allow.

    What goes on within ``margin_s`` of a segment is not offered as a wrong answer to "what next";
    sets that tell a moment instead of a span need one.
    """
    told: list[Segment] = []
    for segment in ordered:
        id = f"{prefix}:{segment.id}-next"
        if told and told[-1].narration == segment.narration:
            yield make.dropped(id, "repeat", "same narration as the action before")
            continue
        history = [s for s in told[-HISTORY:] if s.stop <= segment.start]
        first, last = segment.start - margin_s, segment.stop + margin_s
        meanwhile = {s.narration for s in ordered if s.start < last and s.stop > first}
        others = sorted({s.narration for s in ordered} - meanwhile - {segment.narration})
        told.append(segment)
        if len(history) < HISTORY:
            yield make.dropped(id, "history", "fewer finished actions before it than asked for")
        elif segment.start - GAP_S - SPAN_S < 0:
            yield make.dropped(id, "observation", "too early in the video to be observed")
        elif len(others) < OPTIONS - 1:
            yield make.dropped(id, "options", "the video has too few other actions")
        else:
            # distractors in a fixed but spread order: every k-th of the sorted other actions
            stride = max(1, len(others) // (OPTIONS - 1))
            wrong = others[segment.order % stride :: stride][: OPTIONS - 1]
            yield Asked(id, segment, tuple(s.narration for s in history), tuple(wrong))


def record(asked: Asked, media: Media, where: Provenance) -> Record:
    """The question about the pictures of ``media``."""
    return make.record(
        asked.id,
        "next_action",
        media,
        f"So far: {', then '.join(asked.told)}. What does the person do next?",
        make.shuffled_choice(asked.segment.narration, asked.wrong, asked.id),
        form=Form(kind="choice"),
        provenance=where,
    )


def follows(ordered: Sequence[Segment], prefix: str) -> Iterator[tuple[Asked, tuple[str, ...]]]:
    """After every fourth segment that can be observed: what was done, and the ``COMING`` next."""
    for start in range(HISTORY, len(ordered) - COMING + 1, COMING):
        done = tuple(s.narration for s in ordered[start - HISTORY : start])
        first = ordered[start]
        asked = Asked(f"{prefix}:{first.id}-coming", first, done, ())
        if asked.times[0] >= 0:
            yield asked, tuple(s.narration for s in ordered[start : start + COMING])


def sequel(asked: Asked, coming: Sequence[str], media: Media, where: Provenance) -> Record:
    """The question about what follows, with its answer ``coming``."""
    done = ", then ".join(asked.told)
    return make.record(
        asked.id,
        "anticipation",
        media,
        f"So far: {done}. What are the next {len(coming)} things the person does, in order?",
        Freeform(text="; ".join(coming)),
        form=Form(kind="text"),
        provenance=where,
    )
