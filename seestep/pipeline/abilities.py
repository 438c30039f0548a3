"""What the test of a base comes to: one line a family of questions, and one a group with its bar.

Scores are shares of right answers; their intervals take the homes as clusters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from seestep.study.stats import interval
from seestep.train.base.probe import Tried

APART = 0.20  # how far above its wrong-image control an ability must stand to count as seeing

GROUPS: dict[str, tuple[tuple[str, ...], float | None]] = {
    "pointing": (("point",), 0.85),
    "relation": (("side", "height"), 0.93),
    "exists": (("exists",), 0.92),
    "count": (("count", "count_options", "count_on"), 0.85),
    "colour and name": (("color", "name_at"), 0.90),
    "box, IoU 0.5": (("locate",), 0.75),
    "distance order": (("nearer", "nearer_to", "depth"), None),
    "yes/no": (("truth", "support_truth", "fits"), None),
    "support": (("support",), None),
    "related pointing": (("point_related", "point_near"), None),
    "free space": (("free_space", "free_beside", "free_between"), None),
    "metric": (("metres", "size"), None),
    "multi-view": (
        (
            "turned",
            "same",
            "in_both",
            "count_across",
            "first_seen",
            "metres_across",
            "size_across",
            "nearer_across",
        ),
        None,
    ),
}
"""Group -> its families of questions, and the score that is asked of it, if any."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One form of asking within an ability."""

    n: int
    score: float | None  # None of nothing


class Ability(msgspec.Struct, frozen=True, kw_only=True):
    """A family or a group: score with 95 % interval, and what it must be held against."""

    name: str
    n: int
    homes: int
    score: float
    low: float
    high: float
    chance: float
    control: float  # about another home's pictures
    control_low: float
    control_high: float
    formed: float  # share of answers inside the right tags
    native: Part  # answers in the model family's own form
    benchmark: Part  # in the words of some benchmark
    bar: float | None = None

    @property
    def sees(self) -> bool:
        """Whether the score stands 20 points or more above the control."""
        return self.score - self.control >= APART - 1e-9

    @property
    def at_chance(self) -> bool:
        """Whether the interval reaches down to what guessing is worth."""
        return self.low <= self.chance

    @property
    def passed(self) -> bool | None:
        """Whether the bar is reached; None where there is none."""
        return None if self.bar is None else self.score >= self.bar and self.sees


def by_family(items: Iterable[Tried]) -> list[Ability]:
    """One line for every family of questions that was asked, in alphabetical order."""
    found: dict[str, list[Tried]] = {}
    for item in items:
        found.setdefault(item.ability, []).append(item)
    return [_ability(name, found[name]) for name in sorted(found)]


def by_group(items: Sequence[Tried]) -> list[Ability]:
    """One line for every group of ``GROUPS`` that was asked, all its questions together."""
    out = []
    for name, (families, bar) in GROUPS.items():
        own = [item for item in items if item.ability in families]
        if own:
            out.append(_ability(name, own, bar))
    return out


def _ability(name: str, items: Sequence[Tried], bar: float | None = None) -> Ability:
    homes = [item.home for item in items]
    right = interval([item.score for item in items], homes)
    blind = interval([item.control for item in items], homes)
    return Ability(
        name=name,
        n=right.n,
        homes=right.clusters,
        score=right.mean,
        low=right.low,
        high=right.high,
        chance=_mean([item.chance for item in items]),
        control=blind.mean,
        control_low=blind.low,
        control_high=blind.high,
        formed=_mean([float(item.formed) for item in items]),
        native=_part(items, "native"),
        benchmark=_part(items, "benchmark"),
        bar=bar,
    )


def _part(items: Sequence[Tried], form: str) -> Part:
    scores = [item.score for item in items if item.form == form]
    return Part(n=len(scores), score=_mean(scores) if scores else None)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
