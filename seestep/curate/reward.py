"""What a multimodal reward model says of a record, and which share of each stratum stays.

A reward model compares answers to one question; what it says of a pointing answer and of a plan
are numbers on different scales. So records are ranked among those of their own source and task,
and the top share of each is kept. The scores are measured by ``seestep.models.reward``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from seestep.curate.batch import Batch, digest
from seestep.records import Verdict

if TYPE_CHECKING:
    import pyarrow as pa

Stratum: TypeAlias = Literal["source", "task", "skill", "level"]
Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]


class Reward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Score every record by a reward model and keep the top ``keep`` of each stratum.

    Of n scored records of a stratum ``keep`` times n stay, halves rounded up, one at least; equal
    scores are ordered by a hash of what the records say and show. ``least`` drops lower scores
    whatever their rank: a number that means something for one model and one task only.
    ``unscored`` is for records that the model cannot read (no pictures here, too long): they are
    outside of the ranking, and kept unless it is "drop".

    ``model`` is a folder or the name of a model in the local hub cache. ``max_pixels`` (of one
    picture after its resize) and ``longest`` (tokens of question, pictures and answer) bound the
    work; None is the model's own cap. ``batch_tokens`` are those of one forward pass, padding
    included. "auto" is CUDA and bfloat16 where there is a GPU for it, else the CPU in float32.
    """

    model: str
    keep: float = 0.8
    least: float | None = None
    strata: tuple[Stratum, ...] = ("source", "task")
    unscored: Literal["keep", "drop"] = "keep"
    max_pixels: int | None = None
    longest: int = 8192
    batch_tokens: int = 16384
    device: str = "auto"
    precision: Precision = "auto"

    name = "reward"
    version = 1

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep is a share above 0 and up to 1, not {self.keep}")
        if self.least is not None and not math.isfinite(self.least):
            raise ValueError(f"least is a finite score, not {self.least}")
        caps = (self.longest, self.batch_tokens, self.max_pixels)
        if any(cap is not None and cap < 1 for cap in caps):
            raise ValueError("longest, batch_tokens and max_pixels are at least 1")
        if len(set(self.strata)) != len(self.strata):
            raise ValueError(f"strata names one thing twice: {', '.join(self.strata)}")

    def decide(self, batch: Batch, table: pa.Table, seed: int = 0) -> list[Verdict]:
        """One verdict a row of ``batch`` from the columns ``reward`` and ``why`` of ``table``.

        ``batch`` must hold all records that are ranked against each other. Score and threshold are
        those of the model: the threshold is the lowest score that stays in the stratum.
        """
        scores: list[float | None] = table["reward"].to_pylist()
        why: list[str | None] = table["why"].to_pylist()
        strata: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row, score in enumerate(scores):
            if score is not None:
                strata[self._stratum(batch, row)].append(row)
        verdicts: dict[int, Verdict] = {}
        for stratum, rows in strata.items():
            rows.sort(key=lambda i: (-_number(scores[i]), *_content(batch, i, seed)))
            room = self.room(len(rows))
            threshold = _number(scores[rows[room - 1]])
            if self.least is not None:
                threshold = max(threshold, self.least)
            for rank, row in enumerate(rows, 1):
                reason = "" if rank <= room else "below_top"
                if not reason and self.least is not None and _number(scores[row]) < self.least:
                    reason = "below_least"
                verdicts[row] = Verdict(
                    id=batch.ids[row],
                    check=self.name,
                    keep=not reason,
                    reason=reason,
                    score=scores[row],
                    threshold=threshold,
                    evidence=f"{rank} of {len(rows)} in {', '.join(stratum) or 'all'}",
                )
        return [
            verdicts.get(row) or self._unscored(rid, why[row] or "")
            for row, rid in enumerate(batch.ids)
        ]

    def room(self, scored: int) -> int:
        """How many of so many scored records of a stratum stay."""
        return max(1, math.floor(Fraction(str(self.keep)) * scored + Fraction(1, 2)))

    def _stratum(self, batch: Batch, row: int) -> tuple[str, ...]:
        columns = {
            "source": batch.sources,
            "task": batch.tasks,
            "skill": batch.skills,
            "level": batch.levels,
        }
        return tuple(columns[name][row] for name in self.strata)

    def _unscored(self, rid: str, why: str) -> Verdict:
        keep = self.unscored == "keep"
        return Verdict(
            id=rid,
            check=self.name,
            keep=keep,
            reason="" if keep else "unscored",
            evidence=f"unscored: {why}",
        )


def _number(score: float | None) -> float:
    return -math.inf if score is None else score


def _content(batch: Batch, row: int, seed: int) -> tuple[str, str]:
    """A hash of what a record asks, answers and shows; its id, should all that be the same."""
    told = batch.prompts[row], batch.outputs[row], batch.images[row]
    return digest("\0".join((str(seed), *told))), batch.ids[row]
