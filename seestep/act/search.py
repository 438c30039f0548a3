"""The expert: the cheapest plan that reaches a goal, by uniform-cost search over few moves.

Only moves that can matter are tried: things that fit the goal, the receptacles and appliances it
names, the closed receptacles around what is needed, and the knife if slicing asks for one. Among
many alike (eleven cabinets) only the easiest few are looked at first, all of them if that fails.
Ties are broken by order of id, so the same home and goal always give the same plan.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

from seestep.act import vocabulary as v
from seestep.act.executor import DEFAULT, Rules, appliance, apply, routine
from seestep.act.goals import Goal, Want, Which, matches, reached
from seestep.act.state import State
from seestep.records import Atom

# A routine costs as much as the acts it stands for, so search never prefers it to a shorter way.
_COST = {"clean": 4, "heat": 8, "cool": 6}


def expert(
    state: State, goal: Goal, rules: Rules = DEFAULT, *, most_states: int = 1500
) -> list[Atom] | None:
    """The steps of a cheapest plan over the easiest things, or None if none is found in the limit.

    Gotos are left out and clean, heat and cool stay single steps (``primitives`` spells both out).
    A goal that is already reached gives an empty plan.
    """
    rules = Rules(knife=rules.knife, approach=True, pieces=rules.pieces)
    few = 1 + max(want.count for want in goal.wants)
    for width in (few, len(state.things)):
        plan = _search(state, goal, rules, width, most_states)
        if plan is not None:
            return plan
    return None


def _search(
    state: State, goal: Goal, rules: Rules, width: int, most_states: int
) -> list[Atom] | None:
    order = itertools.count()
    frontier: list[tuple[int, int, State, tuple[Atom, ...]]] = [(0, next(order), state, ())]
    done: set[tuple[object, ...]] = set()
    while frontier and len(done) < most_states:
        cost, _, here, steps = heapq.heappop(frontier)
        if reached(goal, here):
            return list(steps)
        key = here.key()
        if key in done:
            continue
        done.add(key)
        for move in _moves(here, goal, rules, width):
            after, reason = apply(here, move, rules)
            if not reason and after.key() not in done:
                price = cost + _COST.get(move[0], 1)
                heapq.heappush(frontier, (price, next(order), after, (*steps, move)))
    return None


def primitives(state: State, steps: list[Atom], rules: Rules = DEFAULT) -> list[Atom]:
    """``steps`` with routines spelt out and a ``goto`` before each act that needs a walk.

    Whoever went to a thing, or stands within its reach at the start, need not walk to it again.
    Stops early at a step that fails; a routine that cannot begin is replaced by the act that
    shows why.
    """
    return [act for _, act in spelt_out(state, steps, rules)]


def spelt_out(state: State, steps: list[Atom], rules: Rules = DEFAULT) -> list[tuple[int, Atom]]:
    """``primitives`` with the index of the step that each act belongs to."""
    walking = Rules(knife=rules.knife, approach=False, pieces=rules.pieces)
    here = state.near  # what surely is in reach: whoever turns to one thing may lose another
    out: list[tuple[int, Atom]] = []
    for index, step in enumerate(steps):
        acts, reason = routine(state, step)
        if reason:
            acts = [_refused(state, step)]
        for act in acts:
            target = act[-1] if len(act) > 1 else ""
            if target and target not in here | {state.holding}:
                if act[0] not in ("goto", "find"):
                    out.append((index, ("goto", target)))
                    state, _ = apply(state, ("goto", target), walking)
                here = frozenset({target})
            out.append((index, act))
            state, reason = apply(state, act, walking)
            if reason:
                return out
    return out


def _refused(state: State, step: Atom) -> Atom:
    """The act that fails when one tries to clean, heat or cool what is not in the hand."""
    if state.holding and state.holding != step[1]:
        return ("pick", step[1])
    return ("put", step[2] if len(step) > 2 else appliance(state, step[0]) or f"?{step[0]}")


def _moves(state: State, goal: Goal, rules: Rules, width: int) -> Iterator[Atom]:
    """Moves that may bring the goal nearer, in a fixed order."""
    wanted = _wanted(state, goal, rules, width)
    if state.holding:
        yield from _with(state, goal, width)
    else:
        for thing in wanted:
            if state.things[thing].pickupable and not state.concealed(thing):
                yield ("pick", thing)
    for thing in wanted:
        if _slice_wanted(goal, state, thing) and not state.concealed(thing):
            yield ("slice", thing)
    for lamp in _lamps(state, goal):
        yield ("turn_on", lamp)
    for place in _doors(state, goal, wanted, width):
        yield ("open", place)


def _with(state: State, goal: Goal, width: int) -> Iterator[Atom]:
    """What can be done with the thing in the hand."""
    held = state.things[state.holding]
    for want in goal.wants:
        if not matches(_bare(want.what), held):
            continue
        if want.clean and held.is_dirty:
            yield ("clean", held.id)
        if want.temperature == "Hot" and held.temperature != "Hot":
            yield ("heat", held.id)
        if want.temperature == "Cold" and held.temperature != "Cold":
            yield ("cool", held.id)
    for place in _targets(state, goal, width):
        if v.holds(state.things[place].type, held.type):
            yield ("put", place)
    if held.type in v.KNIVES or _slice_wanted(goal, state, held.id):  # lay it down again
        for place in sorted(
            t.id for t in state.things.values() if t.receptacle and t.id != held.id
        ):
            if v.holds(state.things[place].type, held.type) and not state.things[place].shut:
                yield ("put", place)
                break


def _wanted(state: State, goal: Goal, rules: Rules, width: int) -> list[str]:
    """Ids of the things that a want is about, the carriers among them, and a knife if needed."""
    kinds = [kind for want in goal.wants for kind in _chain(want.what)]
    if rules.knife and any(_is_sliced(want) for want in goal.wants):
        kinds += [Which(type=knife) for knife in sorted(v.KNIVES)]
    out: dict[str, None] = {}
    for kind in kinds:
        fit = [
            t.id
            for t in state.things.values()
            if (t.pickupable or t.sliceable)
            and not state.gone(t.id)
            and (matches(kind, t) or _uncut(kind, state, t.id))
        ]
        out.update(dict.fromkeys(_easiest(state, fit, width)))
    return sorted(out)


def _targets(state: State, goal: Goal, width: int) -> list[str]:
    """Ids of the receptacles a want names, outer and inner."""
    out: dict[str, None] = {}
    for kind in (kind for want in goal.wants for kind in _chain(want.what)[1:]):
        fit = [
            t.id
            for t in state.things.values()
            if t.receptacle and t.id != state.holding and matches(kind, t)
        ]
        out.update(dict.fromkeys(_easiest(state, fit, width)))
    return sorted(out)


def _easiest(state: State, things: list[str], width: int) -> list[str]:
    """The ``width`` things with the fewest closed doors before them; what is held comes first."""

    def doors(thing: str) -> int:
        around = [state.things[a] for a in (thing, *state.ancestors(thing))]
        return sum(a.shut for a in around)

    return sorted(things, key=lambda t: (t != state.holding, doors(t), t))[:width]


def _chain(which: Which) -> list[Which]:
    """The kind itself, what it must be inside, what that must be inside, and so on."""
    return [_bare(which), *(_chain(which.inside) if which.inside else [])]


def _doors(state: State, goal: Goal, wanted: list[str], width: int) -> list[str]:
    """Closed receptacles that shut a wanted thing away or are where one must go."""
    around = {a for thing in wanted for a in state.ancestors(thing)}
    around |= {
        a for place in _targets(state, goal, width) for a in (place, *state.ancestors(place))
    }
    return [p for p in sorted(around) if state.things[p].shut and not state.concealed(p)]


def _lamps(state: State, goal: Goal) -> list[str]:
    return [
        t.id
        for _, t in sorted(state.things.items())
        if t.toggleable
        and not t.is_on
        and any(w.on and matches(_bare(w.what), t) for w in goal.wants)
    ]


def _slice_wanted(goal: Goal, state: State, thing: str) -> bool:
    return any(_is_sliced(w) and _uncut(_bare(w.what), state, thing) for w in goal.wants)


def _is_sliced(want: Want) -> bool:
    return want.what.type.endswith("Sliced")


def _uncut(kind: Which, state: State, thing: str) -> bool:
    """True if cutting ``thing`` gives what ``kind`` asks for."""
    t = state.things[thing]
    whole = Which(type=kind.type.removesuffix("Sliced"), color=kind.color, size=kind.size)
    return kind.type.endswith("Sliced") and t.sliceable and not t.is_sliced and matches(whole, t)


def _bare(which: Which) -> Which:
    return Which(type=which.type, color=which.color, size=which.size, id=which.id)
