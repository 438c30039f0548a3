"""What is told about a judge: whom it agrees with, whether it may decide, what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from seestep.curate.judge.config import CheckName, Judge
from seestep.curate.judge.gold import GRADES, LABELS
from seestep.curate.judge.kappa import Agreement, Share, agreement, share
from seestep.curate.judge.opinions import Opinion, executed
from seestep.records import Pair, Record

SIDES = ("first", "second")


class Canaries(msgspec.Struct, frozen=True, kw_only=True):
    """Known bad content with a plea: ``passed`` of the answered ones were let through; of these
    ``fooled`` only with the plea. ``blind``: passed without one."""

    asked: int
    passed: Share
    fooled: int
    blind: Share


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a check may drop records, and why."""

    check: CheckName
    may_drop: bool
    why: str
    gold: Agreement | None = None  # rows are people's labels, columns the judge's
    missing: int = 0  # gold labels whose example is not here
    unanswered: int = 0  # gold examples that the judge was undecided about
    canaries: Canaries | None = None


class Flips(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs asked in both orders: ``flipped`` of those decided twice; ``first``: of all decided
    questions, those that preferred the one shown first (a half, without position bias)."""

    flipped: Share
    first: Share


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole run, with what was paid before it was stopped. ``questions`` of this process;
    ``known`` were answered by the cache."""

    questions: int
    known: int
    calls: int
    tokens: int
    cost: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The judge's page. ``undecided`` counts by reason, ``ids_undecided`` names the rows."""

    model: str
    prompts: tuple[str, ...]
    policy: str
    rows: int
    kept: int
    dropped: int
    held: int
    not_judged: int
    advised_drops: int
    drops: dict[str, int]
    undecided: dict[str, int]
    ids_undecided: tuple[str, ...]
    gates: tuple[Gate, ...]
    flips: Flips | None = None
    heuristic: Agreement | None = None  # rows: the quality scorer, columns: the judge's quality
    executor: Agreement | None = None  # rows: where the better plan stood, columns: the judge's
    cost: Cost | None = None


def canaries_of(
    check: CheckName, with_plea: Sequence[Opinion], without: Sequence[Opinion]
) -> Canaries:
    """Counts of canaries and their twins, in the same order. To pass bad content is to keep it; of
    a pair, to prefer it in both orders."""
    good = "drop" if check == "pair" else "keep"
    passed = [one.says == good for one in with_plea]
    blind = [one.says == good for one in without]
    return Canaries(
        asked=len(with_plea),
        passed=share(sum(passed), sum(one.says != "undecided" for one in with_plea)),
        fooled=sum(a and not b for a, b in zip(passed, blind, strict=True)),
        blind=share(sum(blind), sum(one.says != "undecided" for one in without)),
    )


def gate(
    check: CheckName,
    config: Judge,
    canaries: Canaries | None,
    gold: Sequence[tuple[str, int, Opinion]],
    missing: int,
) -> Gate:
    """Whether a check may drop; ``gold`` are (example, place of the label, opinion)."""
    found = _agreement(check, gold, config.seed) if gold else None
    unanswered = sum(one.says == "undecided" for _, _, one in gold)

    def told(may_drop: bool, why: str) -> Gate:
        return Gate(
            check=check,
            may_drop=may_drop,
            why=why,
            gold=found,
            missing=missing,
            unanswered=unanswered,
            canaries=canaries,
        )

    if canaries is not None:
        passed = canaries.passed
        if passed.share is None:
            return told(False, f"it answered none of {canaries.asked} canaries")
        if passed.share > config.most_fooled:
            return told(
                False,
                f"it passed {passed.count} of {passed.n} canaries, "
                f"more than {config.most_fooled:.0%}",
            )
    elif not config.ungated:
        return told(False, "no record that a canary could stand in for")
    answered = len(gold) - unanswered
    if not gold and not missing:
        if config.ungated:
            return told(True, "ungated: nobody has compared it with people")
        return told(False, "there are no gold labels for it")
    if found is None or answered < config.least_gold:
        return told(False, f"{answered} gold labels answered, wanted {config.least_gold}")
    if found.kappa is None or found.low is None:
        return told(False, "kappa is not defined: the labels are all alike")
    told_kappa = f"kappa {found.kappa:.2f} [{found.low:.2f}, {found.high:.2f}]"
    if found.low < config.least_kappa:
        return told(False, f"{told_kappa}: its lower end is below {config.least_kappa:g}")
    return told(True, f"{told_kappa} on {answered} gold labels")


def _agreement(
    check: CheckName, gold: Sequence[tuple[str, int, Opinion]], seed: int
) -> Agreement | None:
    """Of pairs every order counts by itself, as the side that is better: else all truths might be
    alike and chance would explain them all."""
    if check == "pair":
        return sides([(name, place == 1, one) for name, place, one in gold], seed)
    known = [(place, one.grade) for _, place, one in gold if one.grade is not None]
    low = 1 if LABELS[check] is GRADES else 0
    return agreement(
        [place for place, _ in known],
        [grade - low for _, grade in known],
        LABELS[check],
        seed=seed,
    )


def sides(pairs: Sequence[tuple[str, bool, Opinion]], seed: int) -> Agreement:
    """Where the better output stood and where the judge saw it; (name, chosen is better, opinion),
    orders of one pair go together in the interval."""
    seen = [
        (name, order if chosen else 1 - order, side)
        for name, chosen, one in pairs
        for order, side in enumerate(one.sides)
        if side is not None
    ]
    return agreement(
        [truth for _, truth, _ in seen],
        [side for _, _, side in seen],
        SIDES,
        groups=[name for name, _, _ in seen],
        seed=seed,
    )


def flips(opinions: Sequence[Opinion]) -> Flips | None:
    """Of all pairs; None if there are none."""
    twice = [one for one in opinions if one.sides]
    if not twice:
        return None
    both = [one for one in twice if None not in one.sides]
    said = [side for one in twice for side in one.sides if side is not None]
    return Flips(
        flipped=share(sum(one.flipped for one in both), len(both)),
        first=share(said.count(0), len(said)),
    )


def with_heuristic(
    scores: Sequence[float], opinions: Sequence[Mapping[CheckName, Opinion]], seed: int
) -> Agreement | None:
    """The quality scorer's points and the judge's grades of the same rows."""
    known = [
        (round(score), one.grade)
        for score, said in zip(scores, opinions, strict=True)
        if (one := said.get("quality")) is not None and one.grade is not None
    ]
    if not known:
        return None
    return agreement([a - 1 for a, _ in known], [b - 1 for _, b in known], GRADES, seed=seed)


def with_executor(
    rows: Sequence[Record | Pair], opinions: Sequence[Mapping[CheckName, Opinion]], seed: int
) -> Agreement | None:
    """Pairs whose plans were carried out; the chosen one is the better one there."""
    ran = [
        (row.id, True, said["pair"])
        for row, said in zip(rows, opinions, strict=True)
        if executed(row) and "pair" in said
    ]
    return sides(ran, seed) if ran else None
