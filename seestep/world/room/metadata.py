"""Event metadata with the keys of AI2-THOR 5.x."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seestep.act.vocabulary import words
from seestep.world.room.axes import Vec, to_thor, to_thor_rotation
from seestep.world.room.catalog import KINDS
from seestep.world.room.navigate import AGENT_Y, Agent
from seestep.world.room.thing import Thing, bounds_of

#: Keys of an object entry that AI2-THOR does not have.
EXTRA_KEYS = ("color", "size")


def ancestors(things: Mapping[str, Thing], thing: Thing) -> list[str]:
    """Ids of the receptacles around a thing, innermost first."""
    out: list[str] = []
    at = thing.parent
    while at and at not in out:
        out.append(at)
        at = things[at].parent
    return out


def concealed(things: Mapping[str, Thing], thing: Thing) -> bool:
    """True if the thing lies in something that is closed."""
    around = (things[a] for a in ancestors(things, thing))
    return any(KINDS[a.type].openable and a.openness < 0.5 for a in around)


def box_of(low: Vec, high: Vec) -> dict[str, Any]:
    """axisAlignedBoundingBox of AI2-THOR; corners from high to low, x slowest."""
    a, b = to_thor(low), to_thor(high)
    corners = [
        [x, y, z] for x in (b["x"], a["x"]) for y in (b["y"], a["y"]) for z in (b["z"], a["z"])
    ]
    return {
        "cornerPoints": corners,
        "center": to_thor((low + high) / 2),
        "size": to_thor(high - low),
    }


def object_entry(
    things: Mapping[str, Thing], thing: Thing, agent: Agent, *, visible: bool, interactable: bool
) -> dict[str, Any]:
    """All 42 keys of an AI2-THOR 5.x object, then EXTRA_KEYS."""
    kind = KINDS[thing.type]
    where = whereabouts(thing)
    inside = [t.id for t in things.values() if t.parent == thing.id]
    feet = np.array([agent.x, agent.y, AGENT_Y])
    return {
        "name": f"{thing.type}_{abs(hash_of(thing.id)):08x}",
        "position": dict(where["position"]),
        "rotation": dict(where["rotation"]),
        "visible": visible,
        "isInteractable": interactable,
        "receptacle": kind.receptacle,
        "toggleable": kind.toggleable,
        "isToggled": thing.toggled,
        "breakable": kind.breakable,
        "isBroken": False,
        "canFillWithLiquid": kind.fillable,
        "isFilledWithLiquid": bool(thing.filled),
        "fillLiquid": thing.filled or None,
        "dirtyable": kind.dirtyable,
        "isDirty": thing.dirty,
        "canBeUsedUp": False,
        "isUsedUp": False,
        "cookable": kind.cookable,
        "isCooked": thing.cooked,
        "temperature": thing.temperature,
        "isHeatSource": kind.heat_source,
        "isColdSource": kind.cold_source,
        "sliceable": kind.sliceable,
        "isSliced": thing.sliced,
        "openable": kind.openable,
        "isOpen": thing.openness >= 0.5,
        "openness": thing.openness,
        "pickupable": kind.pickupable,
        "isPickedUp": thing.held and not thing.parent,
        "moveable": kind.moveable,
        "mass": kind.mass,
        "salientMaterials": list(kind.materials) or None,
        "receptacleObjectIds": inside if kind.receptacle else None,
        "distance": float(round(np.linalg.norm(thing.pos - feet), 4)),
        "objectType": thing.type,
        "objectId": thing.id,
        "assetId": f"{thing.type}_{thing.color}_{thing.size}",
        "parentReceptacles": ancestors(things, thing) or None,
        "controlledObjects": list(thing.controls),
        "isMoving": False,
        "axisAlignedBoundingBox": dict(where["axisAlignedBoundingBox"]),
        "objectOrientedBoundingBox": where["objectOrientedBoundingBox"],
        "color": thing.color,
        "size": thing.size,
    }


def whereabouts(thing: Thing) -> dict[str, Any]:
    """Position, rotation and boxes of a thing, measured again only when they have changed."""
    return thing.placed(_where)


def _where(thing: Thing) -> dict[str, Any]:
    """The entries that change only when the thing moves or changes its shape."""
    pickupable = KINDS[thing.type].pickupable
    return {
        "position": to_thor(thing.pos),
        "rotation": {"x": 0.0, "y": to_thor_rotation(thing.yaw), "z": 0.0},
        "axisAlignedBoundingBox": box_of(*thing.bounds()),
        "objectOrientedBoundingBox": (
            {"cornerPoints": oriented_corners(thing)} if pickupable else None
        ),
    }


def oriented_corners(thing: Thing) -> list[list[float]]:
    """The eight corners of the box around the thing, turned with it."""
    low, high = bounds_of(thing.parts(), np.zeros(3), 0.0)
    out = []
    for z in (low[2], high[2]):
        for x, y in ((high[0], high[1]), (low[0], high[1]), (low[0], low[1]), (high[0], low[1])):
            out.append(list(to_thor(thing.world((x, y, z))).values()))
    return out


def hash_of(text: str) -> int:
    """A small hash that is the same in every process."""
    from zlib import crc32

    return crc32(text.encode())


def event_metadata(
    objects: list[dict[str, Any]],
    agent: Agent,
    room: tuple[float, float],
    *,
    name: str,
    kind: str,
    held: Thing | None,
    camera: tuple[Vec, float, float, bool],
    fov: float,
    screen: tuple[int, int],
    action: str,
    reason: str,
    value: Any,
) -> dict[str, Any]:
    """Event.metadata around the objects. ``camera``: position, rotation, horizon, free or not."""
    w, d = room
    position, rotation, horizon, free = camera
    width, height = screen
    feet = to_thor((agent.x, agent.y, AGENT_Y))
    return {
        "objects": objects,
        "isSceneAtRest": True,
        "agent": {
            "name": "agent",
            "position": feet,
            "rotation": {"x": 0.0, "y": agent.rotation, "z": 0.0},
            "cameraHorizon": agent.horizon,
            "isStanding": True,
            "inHighFrictionArea": False,
        },
        "heldObjectPose": None,
        "arm": None,
        "fov": fov,
        "cameraPosition": to_thor(position),
        "cameraOrthSize": 0.0,
        "thirdPartyCameras": [],
        "collided": False,
        "collidedObjects": [],
        "inventoryObjects": (
            [{"objectId": held.id, "objectType": held.type}] if held is not None else []
        ),
        "sceneName": name,
        "lastAction": action,
        "errorMessage": reason,
        "errorCode": ("InvalidAction" if reason.startswith("Invalid action") else "Undefined")
        if reason
        else "",
        "lastActionSuccess": not reason,
        "screenWidth": width,
        "screenHeight": height,
        "agentId": 0,
        "depthFormat": "Meters",
        "colors": None,
        "actionReturn": value,
        "currentTime": 0.0,
        "sceneBounds": box_of(np.array([-w / 2, -d / 2, 0.0]), np.array([w / 2, d / 2, 2.7])),
        # not in AI2-THOR: where the camera of this picture looks, and what kind of room it is
        "view": {"rotation": rotation, "horizon": horizon, "free": free},
        "roomType": kind,
    }


def describe(entry: Mapping[str, Any]) -> str:
    """A thing in plain words: "small red mug"; furniture has no size."""
    kind = words(entry["objectType"])
    if not entry["pickupable"]:
        return f"{entry['color']} {kind}"
    return f"{entry['size']} {entry['color']} {kind}"
