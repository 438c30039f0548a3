"""Goals as data: the seven ALFRED task types, checked on a symbolic state or on Event metadata.

Deviations from ALFRED, which keeps a history of what was heated, cooled or cleaned: here a goal
asks how things *are* (temperature Hot or Cold, not dirty), since that is all that AI2-THOR 5.x
metadata tells; a cleaning task therefore starts with a dirty thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from seestep.act import vocabulary as v
from seestep.act.state import State, Thing, from_metadata
from seestep.errors import DataError

TASKS: tuple[str, ...] = (
    "pick_and_place_simple",
    "look_at_obj_in_light",
    "pick_clean_then_place_in_recep",
    "pick_heat_then_place_in_recep",
    "pick_cool_then_place_in_recep",
    "pick_two_obj_and_place",
    "pick_and_place_with_movable_recep",
)


class Which(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which things are meant; empty fields match anything. ``inside``: in or on such a thing."""

    type: str = ""
    color: str = ""
    size: str = ""
    id: str = ""
    inside: Which | None = None


class Want(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """At least ``count`` such things must be so; with ``inside``, all in one and the same place.

    ``temperature`` is "" (any), "Hot" or "Cold"; ``held``, ``clean``, ``on`` ask only when True.
    """

    what: Which
    count: int = 1
    held: bool = False
    clean: bool = False
    on: bool = False
    temperature: str = ""


class Goal(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What must be true at the end: every want. ``task`` is the ALFRED type it instantiates."""

    task: str
    wants: tuple[Want, ...]


def make(
    task: str,
    *,
    target: Which,
    place: Which | None = None,
    lamp: Which | None = None,
    carrier: Which | None = None,
    sliced: bool = False,
) -> Goal:
    """A goal of one of the seven ALFRED types.

    ``place`` is ALFRED's parent_target, ``lamp`` its toggle_target, ``carrier`` its mrecep_target;
    ``sliced`` its object_sliced. Raises DataError if the type lacks a part it needs.
    """
    if task not in TASKS:
        raise DataError(f"no such task type: {task!r}", wanted=" | ".join(TASKS))
    if sliced and not target.type.endswith("Sliced"):
        target = msgspec.structs.replace(target, type=f"{target.type}Sliced", id="")
    if task == "look_at_obj_in_light":
        lamp = _need(task, "lamp", lamp)
        return Goal(task, (Want(target, held=True), Want(lamp, on=True)))
    place = _need(task, "place", place)
    if task == "pick_and_place_with_movable_recep":
        place = msgspec.structs.replace(_need(task, "carrier", carrier), inside=place)
    there = msgspec.structs.replace(target, inside=place)
    extra: dict[str, dict[str, Any]] = {
        "pick_clean_then_place_in_recep": {"clean": True},
        "pick_heat_then_place_in_recep": {"temperature": "Hot"},
        "pick_cool_then_place_in_recep": {"temperature": "Cold"},
        "pick_two_obj_and_place": {"count": 2},
    }
    return Goal(task, (Want(there, **extra.get(task, {})),))


def unmet(goal: Goal, world: State | Mapping[str, Any]) -> list[str]:
    """The wants that do not hold, in words; empty if the goal is reached.

    ``world`` is a State or the metadata of an Event.
    """
    state = world if isinstance(world, State) else from_metadata(world)
    return [describe(want) for want in goal.wants if not _holds(want, state)]


def reached(goal: Goal, world: State | Mapping[str, Any]) -> bool:
    """True if every want of the goal holds."""
    return not unmet(goal, world)


def matching(which: Which, state: State) -> list[Thing]:
    """The things that are meant, in order of id. "AppleSliced" is a slice or a sliced apple."""
    return [
        thing
        for _, thing in sorted(state.things.items())
        if matches(which, thing)
        and not state.gone(thing.id)
        and (which.inside is None or _places(which, thing, state))
    ]


def matches(which: Which, thing: Thing) -> bool:
    """True if the thing is of the kind meant, wherever it is."""
    return (
        (
            which.type in ("", thing.type)
            or (thing.is_sliced and which.type == f"{thing.type}Sliced")
        )
        and which.color in ("", thing.color)
        and which.size in ("", thing.size)
        and which.id in ("", thing.id)
    )


def describe(want: Want) -> str:
    """The failed want in words: "no hot red mug in or on the fridge"."""
    adjectives = [want.temperature.lower(), "clean" if want.clean else ""]
    many = f"fewer than {want.count}" if want.count > 1 else "no"
    bits = [many, *adjectives, _phrase(want.what)]
    if want.held:
        bits.append("in the hand")
    if want.on:
        bits.append("switched on")
    return " ".join(b for b in bits if b)


def to_json(goal: Goal) -> dict[str, Any]:
    """Plain JSON of a goal."""
    plain: dict[str, Any] = msgspec.to_builtins(goal, order="sorted")
    return plain


def from_json(plain: Mapping[str, Any]) -> Goal:
    """The goal that ``to_json`` wrote. Raises DataError if it is not one."""
    try:
        return msgspec.convert(dict(plain), Goal)
    except msgspec.ValidationError as error:
        raise DataError(f"not a goal: {error}", wanted="what act.goals.to_json wrote") from error


def _holds(want: Want, state: State) -> bool:
    fit = [t for t in matching(want.what, state) if _fits(want, t, state)]
    if want.what.inside is None or want.count == 1:
        return len(fit) >= want.count
    tally: dict[str, int] = {}
    for thing in fit:
        for place in _places(want.what, thing, state):
            tally[place] = tally.get(place, 0) + 1
    return max(tally.values(), default=0) >= want.count


def _fits(want: Want, thing: Thing, state: State) -> bool:
    return (
        (not want.held or state.holding == thing.id)
        and (not want.clean or not thing.is_dirty)
        and (not want.on or thing.is_on)
        and want.temperature in ("", thing.temperature)
    )


def _places(which: Which, thing: Thing, state: State) -> list[str]:
    """Ids of the receptacles around ``thing`` that are the ones meant."""
    assert which.inside is not None
    inside = which.inside
    return [
        a
        for a in state.ancestors(thing.id)
        if matches(inside, state.things[a])
        and (inside.inside is None or _places(inside, state.things[a], state))
    ]


def _phrase(which: Which) -> str:
    name = " ".join(b for b in (which.size, which.color, v.words(which.type)) if b) or which.id
    return f"{name} in or on the {_phrase(which.inside)}" if which.inside else name


def _need(task: str, name: str, which: Which | None) -> Which:
    if which is None:
        raise DataError(f"a {task} goal needs a {name}")
    return which
