"""What a post-training did, from several seeds: kept, gained or lost, skill group by skill group.

Each item's score is averaged over the seeds, then homes are resampled: an interval covers the
choice of homes and questions. Seeds are few and are shown apart, one change each.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from seestep.errors import DataError
from seestep.evals.control import needs_picture
from seestep.records import Score
from seestep.study import stats
from seestep.study.compare import Cell, Table, cluster_of, table

Seeds: TypeAlias = Sequence[Sequence[Score]]  # one model's scores, seed by seed
Verdict: TypeAlias = Literal["gained", "kept", "fell", "unclear", "no test"]

VERDICTS: dict[Verdict, str] = {
    "gained": "better than base (Holm p < 0.05), from chance only to above it and wrong pictures",
    "kept": "the interval of the change lies above the bound",
    "fell": "worse than base (Holm p < 0.05), and the interval reaches below the bound",
    "unclear": "the interval reaches below the bound, but the fall is not significant",
    "no test": "base is no better than chance here, so nothing could be forgotten",
}


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a group counts as kept, and when its items are enough."""

    bound: float = 0.05  # the largest fall that "kept" rules out
    least_items: int = 200
    least_homes: int = 100


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A group of items before anything is trained."""

    items: int
    homes: int
    chance: float  # of guessing; where that is unknown, what base scores on wrong pictures
    base: float
    wrong_image: float
    above: float  # lower 95 % bound of base over the higher of both, item by item
    small: bool

    @property
    def at_chance(self) -> bool:
        return self.above <= 0

    @property
    def floor(self) -> float:
        """What can be had without seeing: a rise from chance must end above it to be one."""
        return max(self.chance, self.wrong_image)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A paired change on the same items, with the change of every seed."""

    of: str
    against: str
    change: float
    low: float
    high: float
    p: float
    items: int
    homes: int
    seeds: tuple[float, ...]

    @property
    def sd(self) -> float | None:
        """Standard deviation between seeds; None for one seed."""
        return deviation(self.seeds)


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """How often a model's plans reach their goal."""

    model: str
    items: int
    homes: int
    goal: stats.Interval
    wrong_image: stats.Interval  # shown the pictures of another home
    needs_picture: stats.Interval  # reached with the right pictures and not with the wrong ones
    seeds: tuple[float, ...]  # of needs_picture


def pooled(runs: Seeds) -> list[Score]:
    """One score an item: the mean over the seeds, read only if every seed's answer was."""
    first, *others = [{s.item: s for s in run} for run in runs]
    for other in others:
        if other.keys() != first.keys():
            odd = min(first.keys() ^ other.keys())
            raise DataError("two seeds were not asked the same items", record=odd)
    if not others:
        return list(first.values())
    made = []
    for item, score in first.items():
        all_ = [score, *(other[item] for other in others)]
        value = math.fsum(s.value for s in all_) / len(all_)
        parsed = all(s.parsed for s in all_)
        made.append(msgspec.structs.replace(score, value=value, parsed=parsed))
    return made


def pooled_table(
    runs: Mapping[str, Seeds], *, by: str, baseline: str, apart: Sequence[str] = ()
) -> Table:
    """``compare.table`` of the pooled scores; parse rates are those of all answers of all seeds."""
    made = table({m: pooled(s) for m, s in runs.items()}, by=by, baseline=baseline, apart=apart)
    for model, seeds in runs.items():
        if len(seeds) == 1:
            continue
        answers: dict[str, list[Score]] = defaultdict(list)
        for score in (s for run in seeds for s in run):
            answers[getattr(score, by)].append(score)
        for group, cell in made.cells[model].items():
            read = [s.value for s in answers[group] if s.parsed]
            made.cells[model][group] = msgspec.structs.replace(
                cell,
                parse_rate=len(read) / len(answers[group]),
                score_if_parsed=math.fsum(read) / len(read) if read else None,
            )
    return made


def by_seed(before: Sequence[Score], after: Seeds, *, by: str) -> dict[str, tuple[float, ...]]:
    """Group -> the change from ``before`` of every seed."""
    old = _means(before, by)
    new = [_means(run, by) for run in after]
    return {group: tuple(m[group] - old[group] for m in new) for group in old if group in new[0]}


def deviation(values: Sequence[float]) -> float | None:
    """Sample standard deviation; None for fewer than two values."""
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def facts(
    base: Sequence[Score],
    wrong: Sequence[Score],
    guess: Mapping[str, float | None],
    rules: Rules,
    *,
    by: str = "skill",
) -> dict[str, Facts]:
    """Group -> its facts. ``wrong`` is base on wrong pictures, ``guess`` the chance by item."""
    blind = {s.item: s.value for s in wrong}
    groups: dict[str, list[Score]] = defaultdict(list)
    for score in sorted(base, key=lambda s: s.item):
        groups[getattr(score, by)].append(score)
    made = {}
    for group, scores in sorted(groups.items()):
        if missing := [s.item for s in scores if s.item not in blind]:
            raise DataError("base was not asked this item with a wrong picture", record=missing[0])
        labels = [cluster_of(s) for s in scores]
        values = [s.value for s in scores]
        seen_wrong = [blind[s.item] for s in scores]
        known = [guess.get(s.item) for s in scores]
        guessed = [w if g is None else g for g, w in zip(known, seen_wrong, strict=True)]
        above = min(stats.paired(floor, values, labels).low for floor in (guessed, seen_wrong))
        homes = len(set(labels))
        small = len(scores) < rules.least_items or homes < rules.least_homes
        made[group] = Facts(
            items=len(scores),
            homes=homes,
            chance=math.fsum(guessed) / len(scores),
            base=math.fsum(values) / len(scores),
            wrong_image=math.fsum(seen_wrong) / len(scores),
            above=above,
            small=small,
        )
    return made


def verdict(cell: Cell, of: Facts | None, rules: Rules) -> Verdict:
    """What the change of a cell means; ``of`` None where nothing is known about the group."""
    assert cell.change is not None and cell.change_low is not None and cell.p_holm is not None
    significant = cell.p_holm < 0.05
    rose = significant and cell.change > 0
    if of is not None and of.at_chance:
        return "gained" if rose and cell.low > of.floor else "no test"
    if rose:
        return "gained"
    if cell.change_low > -rules.bound:
        return "kept"
    return "fell" if significant else "unclear"


def verdicts(made: Table, of: Mapping[str, Facts], rules: Rules) -> dict[str, dict[str, Verdict]]:
    """Model -> group -> verdict, of every cell that has a change."""
    return {
        model: {
            group: verdict(cell, of.get(group), rules)
            for group, cell in made.cells[model].items()
            if cell.change is not None
        }
        for model in made.models
        if any(cell.change is not None for cell in made.cells[model].values())
    }


def plan_row(model: str, right: Seeds, wrong: Seeds) -> PlanRow:
    """Goal rates of one model's plans, seed by seed and together."""
    counted = [needs_picture(r, w) for r, w in zip(right, wrong, strict=True)]
    goal, blind, needs = (_interval(pooled(runs)) for runs in (right, wrong, counted))
    return PlanRow(
        model=model,
        items=goal.n,
        homes=goal.clusters,
        goal=goal,
        wrong_image=blind,
        needs_picture=needs,
        seeds=tuple(_mean(run) for run in counted),
    )


def compared(of: str, after: Seeds, against: str, before: Seeds) -> Change:
    """The paired change from ``before`` to ``after``, pooled over seeds.

    Where both have as many seeds a seed's change is against the same seed, else (base has one)
    against the mean of ``before``.
    """
    old, new = ({s.item: s for s in pooled(runs)} for runs in (before, after))
    if old.keys() != new.keys():
        raise DataError(f"{of} and {against} were not asked the same items")
    items = sorted(old)
    test = stats.paired(
        [old[i].value for i in items],
        [new[i].value for i in items],
        [cluster_of(new[i]) for i in items],
    )
    starts = [_mean(run) for run in before]
    if len(before) != len(after):
        starts = [math.fsum(starts) / len(starts)] * len(after)
    return Change(
        of=of,
        against=against,
        change=test.change,
        low=test.low,
        high=test.high,
        p=test.p,
        items=test.n,
        homes=test.clusters,
        seeds=tuple(_mean(run) - start for run, start in zip(after, starts, strict=True)),
    )


def _interval(scores: Sequence[Score]) -> stats.Interval:
    rows = sorted(scores, key=lambda s: s.item)
    return stats.interval([s.value for s in rows], [cluster_of(s) for s in rows])


def _mean(scores: Sequence[Score]) -> float:
    return math.fsum(s.value for s in scores) / len(scores)


def _means(scores: Iterable[Score], by: str) -> dict[str, float]:
    groups: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        groups[getattr(score, by)].append(score)
    return {group: _mean(rows) for group, rows in groups.items()}
