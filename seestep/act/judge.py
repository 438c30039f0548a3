"""Is a plan answer right? Read it, find out what its names mean, execute it, look at the goal."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from seestep.act import goals, wire
from seestep.act import state as states
from seestep.act.executor import DEFAULT, Outcome, Rules, apply, run
from seestep.act.goals import Goal
from seestep.act.names import names
from seestep.act.state import State
from seestep.errors import DataError
from seestep.records import Entity, Plan

READINGS: Final = 2000
Reading: TypeAlias = list[Entity | None]  # what each name of one step means


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """``value`` is 1.0 if every step executes and the goal holds at the end, else 0.0."""

    parsed: bool
    value: float
    reason: str = ""
    plan: Plan | None = None
    outcome: Outcome | None = None


def context(state: State, goal: Goal, rules: Rules = DEFAULT) -> dict[str, Any]:
    """What ``Item.context`` must hold for a plan question: start state, goal and rules, as JSON."""
    return {
        "state": states.to_json(state),
        "goal": goals.to_json(goal),
        "rules": msgspec.to_builtins(rules),
    }


def judge_plan(context: Mapping[str, Any], text: str) -> Judged:
    """Judge the answer ``text`` by executing it symbolically.

    An empty, unreadable or overlong plan is not parsed and worth 0. Raises DataError only for a
    broken context, never for what a model wrote.
    """
    try:
        rules = msgspec.convert(context.get("rules", {}), Rules)
        state, goal = states.from_json(context["state"]), goals.from_json(context["goal"])
    except (KeyError, msgspec.ValidationError) as error:
        raise DataError(
            f"not the context of a plan question: {error}", wanted="what act.judge.context wrote"
        ) from error
    steps = wire.parse(text)
    if isinstance(steps, str):
        return Judged(parsed=False, value=0.0, reason=steps)
    plan = ground(steps, state, rules)
    outcome = run(plan, state, rules)
    reason = outcome.reason or "; ".join(goals.unmet(goal, outcome.state))
    return Judged(parsed=True, value=float(not reason), reason=reason, plan=plan, outcome=outcome)


def ground(steps: Sequence[tuple[str, ...]], state: State, rules: Rules = DEFAULT) -> Plan:
    """The plan that steps in words mean in this state.

    A name borne by several things means whichever lets the plan be executed: readings are tried
    depth first, things that the same verb was already done to last, else by order of id, and the
    first that executes throughout is taken. If none does (or READINGS were tried), the one that
    gets farthest is. Whether the goal is reached plays no part.
    """
    called = names(state)
    bearers: dict[str, list[Entity]] = {}
    for thing in sorted(called):
        entity = Entity(id=thing, name=called[thing], sim=thing)
        bearers.setdefault(wire.normal(called[thing]), []).append(entity)
    best: list[Reading] = []
    tried = 0
    todo: list[tuple[State, list[Reading]]] = [(state, [])]
    while todo and len(best) < len(steps) and tried < READINGS:
        here, read = todo.pop()
        if len(read) > len(best):
            best = read
        if len(read) == len(steps):
            break
        step = steps[len(read)]
        branches = []
        for reading in _readings(step, bearers, steps, read):
            tried += 1
            do = (step[0], *(e.sim if e else "" for e in reading))
            after, reason = apply(here, do, rules)
            if not reason:
                branches.append((after, [*read, reading]))
        todo += reversed(branches)
    while len(best) < len(steps):
        best = [*best, next(_readings(steps[len(best)], bearers, steps, best))]
    return wire.build(steps, best)


def _readings(
    step: tuple[str, ...],
    bearers: Mapping[str, list[Entity]],
    steps: Sequence[tuple[str, ...]],
    read: Sequence[Reading],
) -> Iterator[Reading]:
    """What the names of a step may mean, the likeliest first; [None] for a name nobody bears."""
    used = Counter(
        entity.sim
        for before, reading in zip(steps, read, strict=False)
        if before[0] == step[0]
        for entity in reading
        if entity is not None
    )
    options: list[list[Entity | None]] = [
        [*sorted(bearers.get(name, []), key=lambda e: (used[e.sim], e.sim))] or [None]
        for name in step[1:]
    ]
    for combination in itertools.islice(itertools.product(*options), 64):
        yield list(combination)
