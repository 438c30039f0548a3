"""Household tasks that a home allows: a goal, an instruction in words, and the expert's plan."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from seestep.act import goals, search
from seestep.act import vocabulary as v
from seestep.act.executor import DEFAULT, Rules
from seestep.act.goals import Goal, Which
from seestep.act.names import names
from seestep.act.state import State, Thing
from seestep.records import Atom

T = TypeVar("T")

# {x} the thing, {p} "on the desk" or "in the sink", {l} the lamp, {c} "in the bowl"
TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "pick_and_place_simple": (
        "Put the {x} {p}.",
        "Move the {x} so that it is {p}.",
        "The {x} belongs {p}. Bring it there.",
        "Take the {x} and leave it {p}.",
        "Please place the {x} {p}.",
    ),
    "look_at_obj_in_light": (
        "Hold the {x} while the {l} is on.",
        "Look at the {x} by the light of the {l}.",
        "Examine the {x} with the {l} switched on.",
        "Pick up the {x} and turn on the {l} to see it better.",
    ),
    "pick_clean_then_place_in_recep": (
        "Wash the {x} and put it {p}.",
        "Put the {x} {p} once it is clean.",
        "The {x} is dirty. Clean it, then leave it {p}.",
        "Rinse the {x} and place it {p}.",
    ),
    "pick_heat_then_place_in_recep": (
        "Heat the {x} and put it {p}.",
        "Put the {x} {p} once it is hot.",
        "Warm up the {x}, then leave it {p}.",
        "I want the {x} hot and {p}.",
    ),
    "pick_cool_then_place_in_recep": (
        "Chill the {x} and put it {p}.",
        "Put the {x} {p} once it is cold.",
        "Cool the {x} down, then leave it {p}.",
        "I want the {x} cold and {p}.",
    ),
    "pick_two_obj_and_place": (
        "Put two {xs} {p}.",
        "Bring two {xs} together {p}.",
        "I need two {xs} {p}.",
        "Move two {xs} so that both are {p}.",
    ),
    "pick_and_place_with_movable_recep": (
        "Put the {x} {c} and put both {p}.",
        "Place the {c_} with the {x} {c_in} {p}.",
        "Set the {x} {c}, then bring it all to rest {p}.",
        "I want the {c_} {p} with the {x} {c_in}.",
    ),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do in one home, with the expert's steps over objectIds (gotos left out)."""

    kind: str
    goal: Goal
    instruction: str
    steps: tuple[Atom, ...]
    things: tuple[str, ...]  # objectIds that the instruction talks about
    how: str = ""  # in what way only a picture says which things are meant (``sighted``)


def sample(
    state: State,
    seed: int,
    *,
    count: int,
    kinds: tuple[str, ...] = goals.TASKS,
    rules: Rules = DEFAULT,
    most_tries: int = 60,
) -> list[Task]:
    """At most ``count`` different tasks that the expert can do, kinds taken in turn (seeded order).

    The same state and seed give the same tasks. Things are meant by name, so only things whose
    name nobody else bears are asked for; where a thing is shut away the instruction says where.
    Reached-from-the-start and impossible goals are not tasks.
    """
    rng = random.Random(f"tasks:{seed}")
    kinds = tuple(_shuffled(list(kinds), rng))
    makers = {kind: _MAKERS[kind](state, rng) for kind in kinds}
    found: list[Task] = []
    seen: set[Goal] = set()
    tries = 0
    while makers and len(found) < count and tries < most_tries:
        for kind in [k for k in kinds if k in makers]:
            tries += 1
            draft = next(makers[kind], None)
            if draft is None:
                del makers[kind]
                continue
            goal, fields, things = draft
            if goal in seen or len(found) == count:
                continue
            seen.add(goal)
            steps = search.expert(state, goal, rules, most_states=400)
            if not steps:
                continue
            words = rng.choice(TEMPLATES[kind]).format(**fields) + _hints(state, things)
            found.append(Task(kind, goal, words, tuple(steps), tuple(things)))
    return found


Draft = tuple[Goal, dict[str, str], list[str]]


def drafts(kind: str, state: State, rng: random.Random, *, only: str) -> Iterator[Draft]:
    """(goal, words for the templates, objectIds) of tasks of a kind with one thing, shuffled.

    Places are furniture and boxes: an instruction that names a bowl somewhere in the home would
    speak of what nobody has seen. Not for ``pick_two_obj_and_place``.
    """
    for goal, fields, things in _MAKERS[kind](state, rng, only):
        place = state.things[things[-1]]
        if not place.pickupable or place.openable:
            yield goal, fields, things


def _simple(state: State, rng: random.Random, only: str = "") -> Iterator[Draft]:
    for thing, place in _pairs(state, rng, _carried(state, only)):
        yield _place_goal("pick_and_place_simple", state, thing, place)


def _cleaned(state: State, rng: random.Random, only: str = "") -> Iterator[Draft]:
    dirty = [t for t in _carried(state, only) if t.is_dirty]
    for thing, place in _pairs(state, rng, dirty):
        if place.type not in v.BASINS:
            yield _place_goal("pick_clean_then_place_in_recep", state, thing, place)


def _heated(state: State, rng: random.Random, only: str = "") -> Iterator[Draft]:
    fit = [
        t for t in _carried(state, only) if v.holds("Microwave", t.type) and t.temperature != "Hot"
    ]
    for thing, place in _pairs(state, rng, fit):
        if place.type not in v.HEATERS | v.COOLERS:
            yield _place_goal("pick_heat_then_place_in_recep", state, thing, place)


def _cooled(state: State, rng: random.Random, only: str = "") -> Iterator[Draft]:
    fit = [
        t for t in _carried(state, only) if v.holds("Fridge", t.type) and t.temperature != "Cold"
    ]
    for thing, place in _pairs(state, rng, fit):
        if place.type not in v.HEATERS | v.COOLERS:
            yield _place_goal("pick_cool_then_place_in_recep", state, thing, place)


def _lit(state: State, rng: random.Random, only: str = "") -> Iterator[Draft]:
    lamps = [t for t in _unique(state) if t.type in v.LAMPS and not t.is_on]
    for thing in _shuffled(_carried(state, only), rng):
        for lamp in _shuffled(lamps, rng):
            if thing.id == lamp.id or lamp.id in state.ancestors(thing.id):
                continue
            goal = goals.make("look_at_obj_in_light", target=which(thing), lamp=which(lamp))
            called = names(state)
            yield goal, {"x": called[thing.id], "l": called[lamp.id]}, [thing.id, lamp.id]


def _two(state: State, rng: random.Random, only: str = "") -> Iterator[Draft]:
    called = names(state)
    kinds: dict[str, list[Thing]] = {}
    for thing in _carried(state, only):
        kinds.setdefault(thing.type, []).append(thing)
    for kind in _shuffled(sorted(k for k, things in kinds.items() if len(things) >= 2), rng):
        pair = _shuffled(kinds[kind], rng)[:2]
        for place in _shuffled(_places(state, pair[0]), rng):
            if any(place.id in state.ancestors(t.id) for t in pair):
                continue
            goal = goals.make("pick_two_obj_and_place", target=Which(type=kind), place=which(place))
            fields = {"xs": v.plural(v.words(kind)), "p": _where(state, place, called)}
            yield goal, fields, [*sorted(t.id for t in pair), place.id]


def _carrier(state: State, rng: random.Random, only: str = "") -> Iterator[Draft]:
    called = names(state)
    carriers = [t for t in _carried(state) if t.receptacle and not t.openable]
    for carrier in _shuffled(carriers, rng):
        fit = [
            t for t in _carried(state, only) if v.holds(carrier.type, t.type) and t.id != carrier.id
        ]
        for thing in _shuffled(fit, rng):
            for place in _shuffled(_places(state, carrier), rng):
                if place.pickupable or thing.id in state.ancestors(carrier.id):
                    continue
                goal = goals.make(
                    "pick_and_place_with_movable_recep",
                    target=which(thing),
                    carrier=which(carrier),
                    place=which(place),
                )
                preposition = "in" if carrier.type in v.CONTAINERS else "on"
                fields = {
                    "x": called[thing.id],
                    "c": _where(state, carrier, called),
                    "c_": called[carrier.id],
                    "c_in": f"{preposition} it",
                    "p": _where(state, place, called),
                }
                yield goal, fields, [thing.id, carrier.id, place.id]
                break


_MAKERS = {
    "pick_and_place_simple": _simple,
    "look_at_obj_in_light": _lit,
    "pick_clean_then_place_in_recep": _cleaned,
    "pick_heat_then_place_in_recep": _heated,
    "pick_cool_then_place_in_recep": _cooled,
    "pick_two_obj_and_place": _two,
    "pick_and_place_with_movable_recep": _carrier,
}


def _place_goal(kind: str, state: State, thing: Thing, place: Thing) -> Draft:
    called = names(state)
    goal = goals.make(kind, target=which(thing), place=which(place))
    return goal, {"x": called[thing.id], "p": _where(state, place, called)}, [thing.id, place.id]


def _pairs(state: State, rng: random.Random, things: list[Thing]) -> Iterator[tuple[Thing, Thing]]:
    """(thing, a place for it where it is not yet), in random order, places varied first."""
    options = [
        (thing, place)
        for thing in things
        for place in _places(state, thing)
        if place.id not in state.ancestors(thing.id)
    ]
    yield from _shuffled(options, rng)


def _carried(state: State, only: str = "") -> list[Thing]:
    return [
        t for t in _unique(state) if t.pickupable and t.id != state.holding and only in ("", t.id)
    ]


def _places(state: State, thing: Thing) -> list[Thing]:
    """Where the thing may be put: named uniquely, not the floor, not itself or what it holds."""
    return [
        t
        for t in _unique(state)
        if t.receptacle
        and t.type != "Floor"
        and t.id != thing.id
        and v.holds(t.type, thing.type)
        and thing.id not in state.ancestors(t.id)
        and t.type not in v.HEATERS
    ]


def _unique(state: State) -> list[Thing]:
    """Things whose name is theirs alone, in order of id."""
    called = names(state)
    borne: dict[str, int] = {}
    for name in called.values():
        borne[name] = borne.get(name, 0) + 1
    return [t for _, t in sorted(state.things.items()) if borne[called[t.id]] == 1]


def which(thing: Thing) -> Which:
    """By description, not by id: any thing that fits the words will do."""
    return Which(type=thing.type, color=thing.color, size=thing.size)


def _where(state: State, place: Thing, called: dict[str, str]) -> str:
    return f"{'in' if place.type in v.CONTAINERS else 'on'} the {called[place.id]}"


def _hints(state: State, things: list[str]) -> str:
    """Where the things are that no picture shows."""
    called = names(state)
    out = ""
    for thing in things:
        if state.concealed(thing) and state.things[thing].parents:
            place = state.things[state.things[thing].parents[0]]
            out += f" The {called[thing]} is {_where(state, place, called)}."
    return out


def _shuffled(items: list[T], rng: random.Random) -> list[T]:
    return rng.sample(items, len(items))
