"""From what an expert did to the 3-5 steps that a model says, and back to what is executed.

A trajectory is long and mechanical (goto, open, put, close, on, off, open, pick, close, ...). The
compression rules, each undone by ``expand``:

1. a ``goto`` belongs to the act that follows it and is not said;
2. a stay in an appliance is one step: ``clean``, ``heat`` or ``cool``;
3. a step that neither goal nor later step needs (closing a door behind oneself) is left out;
4. a plan that would be shorter than three steps says its last gotos again.

What is still longer than five steps is not a plan for a small model and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from seestep.act import goals, wire
from seestep.act import state as states
from seestep.act.annotate import annotated
from seestep.act.executor import DEFAULT, Rules, apply, routine, run
from seestep.act.goals import Goal
from seestep.act.judge import ground
from seestep.act.search import primitives, spelt_out
from seestep.act.state import State
from seestep.records import Atom, Plan

LEAST: Final = 3
MOST: Final = 5


def compress(acts: Sequence[Atom], state: State, goal: Goal, rules: Rules = DEFAULT) -> Plan | str:
    """The high-level Plan behind primitive acts over objectIds, or why there is none.

    ``state`` is the state before the first act. The plan is checked: it executes and reaches the
    goal, as the acts did.
    """
    steps = _merged(acts, state, rules)
    steps = _needed(steps, state, goal, rules)
    steps = _lengthened(steps, [a for a in acts if a[0] == "goto"])
    if len(steps) > MOST:
        return f"{len(steps)} steps after compression, more than {MOST}"
    if not steps:
        return "nothing to do: the goal is reached from the start"
    plan = annotated(steps, state, rules)
    outcome = run(plan, state, rules)
    if not outcome.ok:
        return f"the compressed plan fails: {outcome.reason}"
    if missing := goals.unmet(goal, outcome.state):
        return f"the compressed plan misses the goal: {'; '.join(missing)}"
    return plan


def expand(plan: Plan, state: State, rules: Rules = DEFAULT) -> list[Atom]:
    """The primitive acts over objectIds that carry out a plan from ``state``.

    An entity that is not in the home keeps a made-up id, so that a simulator refuses it. The acts
    end with the first that fails symbolically: what follows would not be reached.
    """
    return primitives(state, atoms(plan), rules)


def spans(plan: Plan, state: State, rules: Rules = DEFAULT) -> list[tuple[int, Atom]]:
    """(index of the plan's step, act) for every act of ``expand``."""
    return spelt_out(state, atoms(plan), rules)


def atoms(plan: Plan) -> list[Atom]:
    """The plan's steps over objectIds; "?name" for an entity that is not in the home."""
    sim = {e.id: e.sim or f"?{e.name}" for e in plan.entities}
    return [(s.do[0], *(sim[a] for a in s.do[1:])) for s in plan.steps]


def read(text: str, context: Mapping[str, Any]) -> Plan | str:
    """The plan that a model's answer means in the context of its item, or why it means none."""
    steps = wire.parse(text)
    if isinstance(steps, str):
        return steps
    rules = msgspec.convert(context.get("rules", {}), Rules)
    return ground(steps, states.from_json(context["state"]), rules)


def _merged(acts: Sequence[Atom], state: State, rules: Rules) -> list[Atom]:
    """Rules 1 and 2: no gotos, and appliance stays as one step."""
    acts = [a for a in acts if a[0] not in ("goto", "find")]
    approach = msgspec.structs.replace(rules, approach=True)
    steps: list[Atom] = []
    while acts:
        step, used = _routine_at(acts, state)
        steps.append(step)
        for act in acts[:used]:
            state, _ = apply(state, act, approach)
        acts = acts[used:]
    return steps


def _routine_at(acts: Sequence[Atom], state: State) -> tuple[Atom, int]:
    """The routine that the next acts spell out, or just the next act; and how many acts it is."""
    if state.holding:
        for place in dict.fromkeys(a[-1] for a in acts[:3] if a[0] == "put"):
            for verb in ("heat", "cool", "clean"):
                spelt, reason = routine(state, (verb, state.holding, place))
                if not reason and list(acts[: len(spelt)]) == spelt:
                    default, _ = routine(state, (verb, state.holding))
                    same = default == spelt
                    named: Atom = (verb, state.holding) if same else (verb, state.holding, place)
                    return named, len(spelt)
    return acts[0], 1


def _needed(steps: list[Atom], state: State, goal: Goal, rules: Rules) -> list[Atom]:
    """Rule 3: closing and switching off are dropped if the rest still reaches the goal."""
    for step in [s for s in steps if s[0] in ("close", "turn_off", "look", "done")]:
        rest = [s for s in steps if s is not step]
        outcome = run(rest, state, rules)
        if outcome.ok and goals.reached(goal, outcome.state):
            steps = rest
    return steps


def _lengthened(steps: list[Atom], walks: list[Atom]) -> list[Atom]:
    """Rule 4: say the last gotos again until there are three steps."""
    for index in range(len(steps) - 1, -1, -1):
        if len(steps) >= LEAST:
            break
        target = steps[index][-1]
        if ("goto", target) in walks:
            steps = [*steps[:index], ("goto", target), *steps[index:]]
    return steps
