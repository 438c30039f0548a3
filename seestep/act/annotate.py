"""What one sees, needs and expects at each step of a plan, derived from the state it runs in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from seestep.act import vocabulary as v
from seestep.act.executor import DEFAULT, Rules, apply, holds_true
from seestep.act.names import entities, names
from seestep.act.state import State
from seestep.records import Atom, Plan, Step

SEE_CHARS: Final = 80


def annotated(steps: Sequence[Atom], state: State, rules: Rules = DEFAULT) -> Plan:
    """A Plan with see, pre and expect of every step, for steps over objectIds that execute.

    ``pre`` names at most three atoms that hold before, ``expect`` at most two that hold after. A
    step that fails says what its author would believe, so that a wrong plan looks like a right one.
    """
    mentioned = [state.holding] if state.holding else []
    made: list[Step] = []
    seen = state
    for do in steps:
        mentioned += do[1:]
        after, reason = apply(seen, do, rules)
        pre = [a for a in needs(do, seen) if reason or holds_true(a, seen)]
        expect = [a for a in effects(do, seen) if reason or holds_true(a, after)]
        if reason and not expect:
            expect = _believed(do)
        mentioned += [arg for atom in (*pre, *expect) for arg in atom[1:]]
        made.append(Step(do=do, see=see(do, seen), pre=tuple(pre[:3]), expect=tuple(expect[:2])))
        seen = after
    return renamed(made, state, mentioned)


def renamed(steps: Sequence[Step], state: State, things: Sequence[str]) -> Plan:
    """A Plan over entities o1, o2, ... from steps over objectIds, in the order of ``things``."""
    cast = entities(state, [t for t in things if t])
    ident = {thing: e.id for e in cast for thing in (e.sim or f"?{e.name}",)}

    def swap(atom: Atom) -> Atom:
        return (atom[0], *(ident[a] for a in atom[1:]))

    return Plan(
        steps=tuple(
            msgspec.structs.replace(
                s, do=swap(s.do), pre=tuple(map(swap, s.pre)), expect=tuple(map(swap, s.expect))
            )
            for s in steps
        ),
        entities=cast,
    )


def needs(do: Atom, state: State) -> list[Atom]:
    """The atoms over objectIds that should hold before ``do``, the most telling first."""
    verb, args = do[0], do[1:]
    held: list[Atom] = [("holding", state.holding)] if state.holding else []
    target = args[-1] if args else ""
    door: list[Atom] = []
    if target in state.things and state.things[target].type in v.SHUTS:
        door = [("open", target)]
    table: dict[str, list[Atom]] = {
        "pick": [("visible", target), ("hand_empty",)],
        "put": [*held, *door],
        "open": [("closed", target)],
        "close": [("open", target)],
        "turn_on": [("is_off", target)],
        "turn_off": [("is_on", target)],
        "slice": [("visible", target), ("!sliced", target)],
        "clean": held,
        "heat": held,
        "cool": held,
        "pour": held,
        "push": [("visible", target)],
        "point": [("visible", target)],
        "goto": [*held, ("reachable", target)],
        "find": [("reachable", target)],
    }
    return table.get(verb, [])


def effects(do: Atom, state: State) -> list[Atom]:
    """The atoms over objectIds that ``do`` brings about in ``state``."""
    verb, target = do[0], do[-1]
    placed: list[Atom] = []
    if verb == "put" and state.holding and target in state.things:
        relation = "in" if state.things[target].type in v.CONTAINERS else "on"
        placed = [(relation, state.holding, target), ("hand_empty",)]
    table: dict[str, list[Atom]] = {
        "pick": [("holding", target)],
        "put": placed,
        "open": [("open", target)],
        "close": [("closed", target)],
        "turn_on": [("is_on", target)],
        "turn_off": [("is_off", target)],
        "slice": [("sliced", target)],
        "clean": [("clean", do[1]) if len(do) > 1 else ("hand_empty",)],
        "heat": [("hot", do[1]) if len(do) > 1 else ("hand_empty",)],
        "cool": [("cold", do[1]) if len(do) > 1 else ("hand_empty",)],
        "goto": [("near", target)],
        "find": [("near", target), ("visible", target)],
        "look": [("visible", target)] if len(do) > 1 else [],
        "point": [("visible", target)],
    }
    return table.get(verb, [])


def _believed(do: Atom) -> list[Atom]:
    """What the author of a senseless step may expect of it."""
    if do[0] == "put":
        return [("hand_empty",)]
    return [("visible", do[-1])] if len(do) > 1 else []


def see(do: Atom, state: State) -> str:
    """One short clause on what matters before the step: "red mug on the desk", "fridge closed"."""
    if len(do) < 2 or do[-1] not in state.things:
        return ""
    thing = state.things[do[-1]]
    name = names(state)[thing.id]
    if state.holding == thing.id:
        return f"{name} in hand"
    if thing.type in v.SHUTS:
        return f"{name} {'open' if thing.is_open else 'closed'}"
    if thing.toggleable and do[0] in ("turn_on", "turn_off"):
        return f"{name} {'on' if thing.is_on else 'off'}"
    for parent in thing.parents:
        place = state.things.get(parent)
        if place is not None and place.type != "Floor":
            word = "in" if place.type in v.CONTAINERS else "on"
            return f"{name} {word} the {names(state)[parent]}"[:SEE_CHARS]
    return name[:SEE_CHARS]
