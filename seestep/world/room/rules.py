"""What the actions on things need and bring about.

Checks come in the order of ``act.executor`` and fail with the same words, which are AI2-THOR's;
beyond it this room knows space: reach, the frame, free spots. Nothing falls or slides: a thing is
set down where there is room for it (``place``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seestep.act import executor as words
from seestep.act import vocabulary as v
from seestep.world.room.axes import yaw_matrix
from seestep.world.room.catalog import KINDS
from seestep.world.room.furniture import drawer_slide
from seestep.world.room.metadata import ancestors
from seestep.world.room.place import find_spot, settle, thing_height
from seestep.world.room.thing import Thing

Things = dict[str, Thing]
NO_ROOM = "No valid positions to place object found"
NOT_OPENED = "Object failed to open/close successfully."


def held_thing(things: Things) -> Thing | None:
    return next((t for t in things.values() if t.held and not t.parent), None)


def contents(things: Things, thing: Thing) -> list[Thing]:
    """Everything in or on the thing, however deep."""
    return [t for t in things.values() if thing.id in ancestors(things, t)]


def pick_up(things: Things, thing: Thing) -> str:
    if not KINDS[thing.type].pickupable:
        return f"{thing.id} must have the property CanPickup to be picked up."
    if held_thing(things) is not None:
        return words.HAND_FULL
    for inner in contents(things, thing):
        inner.held = True
    thing.held, thing.parent = True, ""
    return ""


def put(things: Things, place: Thing) -> str:
    held = held_thing(things)
    if held is None:
        return words.HAND_EMPTY
    kind = KINDS[place.type]
    if not kind.receptacle:
        return words.NOT_RECEPTACLE
    if place is held or held.id in ancestors(things, place):
        return NO_ROOM
    if kind.openable and place.openness < 0.5:
        return words.CLOSED
    if not v.holds(place.type, held.type):
        return f"{held.type} is not a valid Object Type to be placed in {place.type}"
    before, yaw = held.pos.copy(), held.yaw
    for turn in (0.0, 90.0):
        held.yaw = (place.yaw + turn) if held.dims == (0.0, 0.0, 0.0) else held.yaw
        spot = find_spot(things, place, held)
        if spot is not None:
            break
    if spot is None:
        held.yaw = yaw
        return NO_ROOM
    settle(held, place, spot)
    held.held = False
    turn_by = yaw_matrix(held.yaw - yaw)
    for inner in contents(things, held):
        inner.pos = spot + turn_by @ (inner.pos - before)
        inner.yaw += held.yaw - yaw
        inner.held = False
    return ""


def open_(things: Things, thing: Thing) -> str:
    if not KINDS[thing.type].openable:
        return f"{thing.id} is not an Openable object"
    if thing.openness >= 0.5:
        return words.ALREADY_OPEN
    if thing.toggled and thing.type in v.MUST_BE_OFF_TO_OPEN:
        return words.MUST_BE_OFF
    _set_openness(things, thing, 1.0)
    return ""


def close(things: Things, thing: Thing) -> str:
    if not KINDS[thing.type].openable:
        return f"{thing.id} is not an Openable object"
    if thing.openness < 0.5:
        return words.ALREADY_CLOSED
    if thing.type == "Drawer":
        inside = [t for t in things.values() if t.parent == thing.id]
        if any(thing_height(t) > thing.dims[2] + 0.02 for t in inside):
            return NOT_OPENED
    _set_openness(things, thing, 0.0)
    return ""


def toggle(things: Things, thing: Thing, on: bool) -> str:
    if not KINDS[thing.type].toggleable:
        return words.NOT_TOGGLEABLE
    if thing.toggled == on:
        return words.ALREADY_ON if on else words.ALREADY_OFF
    if on and thing.openness >= 0.5 and thing.type in v.MUST_BE_CLOSED_TO_TURN_ON:
        return words.MUST_BE_CLOSED
    for switched in (thing, *(things[c] for c in thing.controls)):
        switched.toggled = on
    return ""


def slice_(things: Things, thing: Thing, *, knife: bool = False) -> str:
    if not KINDS[thing.type].sliceable or thing.sliced:
        return f"{thing.id} Does not have the CanBeSliced property!"
    if thing.held:
        return f"{thing.id} is in the agent's hand and cannot be sliced"
    held = held_thing(things)
    if knife and (held is None or held.type not in v.KNIVES):
        return "the agent must hold a knife to slice"
    thing.sliced = True
    return ""


def set_dirty(things: Things, thing: Thing, dirty: bool) -> str:
    if not KINDS[thing.type].dirtyable:
        return f"{thing.id} does not have the property Dirtyable"
    if thing.dirty == dirty:
        return f"{thing.id} is already {'dirty' if dirty else 'clean'}"
    thing.dirty = dirty
    return ""


def fill(things: Things, thing: Thing, liquid: str) -> str:
    if not KINDS[thing.type].fillable:
        return f"{thing.id} does not have the property CanBeFilledWithLiquid"
    if bool(thing.filled) == bool(liquid):
        return f"{thing.id} is {'already' if liquid else 'not'} filled with liquid"
    thing.filled = liquid
    return ""


def _set_openness(things: Things, thing: Thing, openness: float) -> None:
    before = drawer_slide(thing) if thing.type == "Drawer" else 0.0
    thing.openness = openness
    if thing.type == "Drawer":
        shift = yaw_matrix(thing.yaw) @ np.array([0.0, drawer_slide(thing) - before, 0.0])
        for inner in contents(things, thing):
            inner.pos = inner.pos + shift


def consequences(things: Things) -> None:
    """What places do to things: fridges cool, running heaters heat and cook, taps clean."""
    running = any(t.type in v.FAUCETS and t.toggled for t in things.values())
    for thing in things.values():
        if not (KINDS[thing.type].pickupable and thing.parent):
            continue
        places = [things[a] for a in ancestors(things, thing)]
        if any(p.type in v.COOLERS for p in places):
            thing.temperature = "Cold"
        if any(p.type in v.HEATERS and p.toggled for p in places):
            thing.temperature = "Hot"
            thing.cooked = thing.cooked or KINDS[thing.type].cookable
        if running and any(p.type in v.BASINS for p in places):
            thing.dirty = False


#: AI2-THOR action -> function of (things, target, arguments).
ON_OBJECTS: dict[str, Callable[[Things, Thing, dict[str, Any]], str]] = {
    "PickupObject": lambda things, thing, _: pick_up(things, thing),
    "PutObject": lambda things, thing, _: put(things, thing),
    "OpenObject": lambda things, thing, _: open_(things, thing),
    "CloseObject": lambda things, thing, _: close(things, thing),
    "ToggleObjectOn": lambda things, thing, _: toggle(things, thing, True),
    "ToggleObjectOff": lambda things, thing, _: toggle(things, thing, False),
    "SliceObject": lambda things, thing, args: slice_(things, thing, knife=bool(args.get("knife"))),
    "DirtyObject": lambda things, thing, _: set_dirty(things, thing, True),
    "CleanObject": lambda things, thing, _: set_dirty(things, thing, False),
    "FillObjectWithLiquid": lambda things, thing, args: fill(
        things, thing, str(args.get("fillLiquid", "water"))
    ),
    "EmptyLiquidFromObject": lambda things, thing, _: fill(things, thing, ""),
}
