"""Everything an evidence run found, as ``results.json`` keeps it; the report only words it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from seestep.evals.control import needs_picture
from seestep.records import Item, Score
from seestep.study.compare import Cell, Table
from seestep.study.evidence import (
    Change,
    Facts,
    PlanRow,
    Rules,
    Seeds,
    Verdict,
    by_seed,
    compared,
    facts,
    plan_row,
    pooled_table,
    verdicts,
)
from seestep.study.public import PUBLIC

BASE, WRONG, REFERENCE = "base", "base, wrong pictures", "reference"
PLANS = "plans"
"""The group of executed plans, which the suites count under planning."""

Asking = TypeVar("Asking", Score, Item)


def plans_apart(rows: Iterable[Asking], suites: Collection[str]) -> list[Asking]:
    """Scores or items with those of executed plans, the suites ``suites``, as a group apart."""
    return [msgspec.structs.replace(r, skill=PLANS) if r.suite in suites else r for r in rows]


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """How a control arm or an ablation differs from the reference."""

    name: str
    part: Literal["controls", "ablations"]
    about: str
    causes: tuple[str, ...]
    seeds: tuple[int, ...]  # those that are done
    steps: dict[str, int]  # stage -> optimiser steps


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Tables of stages and arms. What has not been run yet is None and named in ``missing``."""

    title: str
    about: str
    made: dict[str, str]  # how it was made: a word, and what it says
    rules: Rules
    seeds: tuple[int, ...]
    stages: tuple[str, ...]  # in order, without base
    until: str  # the stage that arms stop after
    missing: tuple[str, ...] = ()
    facts: dict[str, Facts]
    skill: Table  # base, base on wrong pictures, stages
    suite: Table
    untested: tuple[str, ...] = ()  # suites in which base is at chance
    tested_mean: dict[str, Cell] = {}  # model -> mean over the other suites
    verdicts: dict[str, dict[str, Verdict]]
    seed_changes: dict[str, dict[str, tuple[float, ...]]]  # stage -> group -> one change a seed
    plans: tuple[PlanRow, ...]
    plan_changes: tuple[Change, ...]
    arms: tuple[Arm, ...] = ()
    arm_skill: Table | None = None  # base, reference, arms; against base
    arm_verdicts: dict[str, dict[str, Verdict]] = {}
    arm_cost: Table | None = None  # the same, against the reference
    arm_suite: Table | None = None  # against the reference
    settings: tuple[dict[str, Any], ...] = ()  # arms of the ablation, their options, their mean


@dataclass(frozen=True)
class Suites:
    """Which suites mirror a benchmark, and which hold plans to be executed.

    All others only fill up skill groups: they are in the skill tables and in no suite table.
    """

    mirrors: frozenset[str]
    plans: frozenset[str]

    def skilled(self, runs: Seeds) -> Seeds:
        """Executed plans as a skill group of their own."""
        return [plans_apart(run, self.plans) for run in runs]

    def mirrored(self, runs: Seeds) -> Seeds:
        """What counts in suite tables."""
        return [[s for s in r if s.suite in self.mirrors and s.skill != PUBLIC] for r in runs]

    def planned(self, runs: Seeds) -> Seeds:
        return [[s for s in run if s.suite in self.plans] for run in runs]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of one model, seed by seed; ``blind`` are those of its plans on wrong pictures."""

    seen: Seeds
    blind: Seeds = ()


def stage_parts(
    base: Asked,
    base_wrong: Sequence[Score],
    stages: Mapping[str, Asked],
    guess: Mapping[str, float | None],
    rules: Rules,
    *,
    suites: Suites,
) -> dict[str, Any]:
    """The fields of ``Results`` that tell of base and the stages."""
    seen = {BASE: base.seen, **{name: s.seen for name, s in stages.items()}}
    skilled = {name: suites.skilled(runs) for name, runs in seen.items()}
    wrong = suites.skilled([base_wrong])
    known = facts(skilled[BASE][0], wrong[0], guess, rules)
    order = {BASE: skilled[BASE], WRONG: wrong} | skilled
    skill = pooled_table(order, by="skill", baseline=BASE)
    plain = {name: suites.mirrored(runs) for name, runs in seen.items()}
    suite = pooled_table(plain, by="suite", baseline=BASE)
    by_suite = facts(plain[BASE][0], suites.mirrored([base_wrong])[0], guess, rules, by="suite")
    untested = tuple(name for name, of in by_suite.items() if of.at_chance)
    tested = pooled_table(plain, by="suite", baseline=BASE, apart=untested)
    told = verdicts(skill, known, rules)
    told.pop(WRONG)
    return {
        "facts": known,
        "skill": skill,
        "suite": suite,
        "untested": untested,
        "tested_mean": tested.mean,
        "verdicts": told,
        "seed_changes": {
            name: by_seed(skilled[BASE][0], skilled[name], by="skill") for name in stages
        },
        **_plan_parts({BASE: base, **stages}, suites),
    }


def arm_parts(
    base: Seeds,
    reference: Seeds,
    arms: Mapping[str, Seeds],
    known: Mapping[str, Facts],
    rules: Rules,
    *,
    suites: Suites,
) -> dict[str, Any]:
    """The fields of ``Results`` that tell of the arms; ``reference`` has the seeds of the arms."""
    runs = {BASE: base, REFERENCE: reference, **arms}
    skilled = {name: suites.skilled(r) for name, r in runs.items()}
    against_base = pooled_table(skilled, by="skill", baseline=BASE)
    plain = {name: suites.mirrored(r) for name, r in runs.items()}
    return {
        "arm_skill": against_base,
        "arm_verdicts": verdicts(against_base, known, rules),
        "arm_cost": pooled_table(skilled, by="skill", baseline=REFERENCE),
        "arm_suite": pooled_table(plain, by="suite", baseline=REFERENCE),
    }


def _plan_parts(models: Mapping[str, Asked], suites: Suites) -> dict[str, Any]:
    right = {model: suites.planned(asked.seen) for model, asked in models.items()}
    counted = {
        model: [needs_picture(r, w) for r, w in zip(right[model], asked.blind, strict=True)]
        for model, asked in models.items()
    }
    *others, last = models
    return {
        "plans": tuple(plan_row(m, right[m], asked.blind) for m, asked in models.items()),
        "plan_changes": tuple(compared(last, counted[last], m, counted[m]) for m in others),
    }
