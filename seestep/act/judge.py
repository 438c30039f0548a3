"""Is a plan answer right? Read it, find out what its names mean, execute it, look at the goal."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from seestep.act import goals, wire
from seestep.act import state as states
from seestep.act.executor import DEFAULT, Outcome, Rules, apply, run
from seestep.act.goals import Goal
from seestep.act.names import names
from seestep.act.state import State
from seestep.errors import DataError
from seestep.records import Entity, Plan


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

    A name borne by several things means, step by step, the first of them for which the step can
    be executed; those that the same verb was already done to come last, else order is by id.
    If none can, it means the first. After a step that fails nothing changes any more.
    """
    called = names(state)
    bearers: dict[str, list[Entity]] = {}
    for thing in sorted(called):
        entity = Entity(id=thing, name=called[thing], sim=thing)
        bearers.setdefault(wire.normal(called[thing]), []).append(entity)
    used: dict[tuple[str, str], int] = {}
    meant: list[list[Entity | None]] = []
    for step in steps:
        verb = step[0]
        options = [_options(bearers.get(name, []), verb, used) for name in step[1:]]
        combos = [list(c) for c in itertools.islice(itertools.product(*options), 64)]
        chosen = combos[0]
        for combo in combos:
            after, reason = apply(state, (verb, *(e.sim if e else "" for e in combo)), rules)
            if not reason:
                chosen, state = combo, after
                break
        for meant_thing in chosen:
            if meant_thing is not None:
                key = (verb, meant_thing.sim)
                used[key] = used.get(key, 0) + 1
        meant.append(chosen)
    return wire.build(steps, meant)


def _options(
    bearers: list[Entity], verb: str, used: Mapping[tuple[str, str], int]
) -> list[Entity | None]:
    """The bearers of a name, those least acted on by this verb first; [None] if nobody bears it."""
    return [*sorted(bearers, key=lambda e: (used.get((verb, e.sim), 0), e.sim))] or [None]
