"""What the robot of BridgeData V2 does in an episode, told from its numbers alone.

Its gripper's command parts an episode: open to closed is a grasp, closed to open a release. Between
these it moves; a movement is told by the way from its first state to its last, along the axes of
the robot's base: x is forward, y to its left, z up. Pictures and instruction add nothing to it, but
for the names in a plan, which there is of "put X on Y" with one grasp and one release.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seestep.records import Entity, Plan, Step

CLOSED_BELOW = 0.5
LASTS = 2  # steps that a command must stay to be an event
LEAST_M = 0.02  # metres along an axis that are a movement
SHARE = 0.4  # of the longest axis, that another must have to be told
AXES = (("backward", "forward"), ("to its right", "to its left"), ("down", "up"))
GRASP, RELEASE = "close the gripper", "open the gripper"
BASE = "Forward, left and right are those of the robot's base."
_PUT = re.compile(
    r"(?:please )?(?:put|place|move) (?:the |an? )?(?P<what>.+?) (?P<how>on top of|onto|on|into|"
    r"inside|in) (?:the |an? )?(?P<where>[^.]+?)\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Deed:
    """One movement, or the gripper closing or opening, from ``step`` on."""

    step: int
    words: str


def deeds(state: NDArray[np.float32], action: NDArray[np.float32]) -> list[Deed]:
    """Movements and events of the gripper in their order."""
    closed = action[:, 6] < CLOSED_BELOW
    events = [
        t
        for t in range(1, len(closed))
        if closed[t] != closed[t - 1] and _stays(closed[t : t + LASTS])
    ]
    told: list[Deed] = []
    start = 0
    was = bool(closed[0])
    for t in events:
        if bool(closed[t]) == was:
            continue  # back from what did not last
        told += _move(state, start, t)
        was = not was
        told.append(Deed(t, GRASP if was else RELEASE))
        start = t
    return told + _move(state, start, len(state) - 1)


def plan(instruction: str, told: list[Deed]) -> Plan | str:
    """Pick and put with the names of the instruction; a sentence on what there is not, instead."""
    events = [d.words for d in told if d.words in (GRASP, RELEASE)]
    if GRASP not in events:
        return "no grasp event"
    if events != [GRASP, RELEASE]:
        return "no release follows the grasp" if RELEASE not in events else "several grasps"
    said = _PUT.fullmatch(" ".join(instruction.split()))
    if said is None:
        return "the instruction does not say what to put where"
    what, where = said["what"].split(" from ")[0], said["where"]
    place = "in" if said["how"].lower() in ("in", "into", "inside") else "on"
    pick = Step(do=("pick", "o1"), pre=(("hand_empty",),), expect=(("holding", "o1"),))
    put = Step(do=("put", "o1", "o2"), pre=(("holding", "o1"),), expect=((place, "o1", "o2"),))
    names = (Entity(id="o1", name=what), Entity(id="o2", name=where))
    return Plan(steps=(pick, put), entities=names)


def _stays(closed: Any) -> bool:
    return len(closed) == LASTS and bool((closed == closed[0]).all())


def _move(state: NDArray[np.float32], start: int, end: int) -> list[Deed]:
    """The way from one step to another, if it is one."""
    way = (state[end, :3].astype(float) - state[start, :3]).tolist()
    least = max(LEAST_M, SHARE * max(map(abs, way)))
    axes = sorted((i for i in range(3) if abs(way[i]) >= least), key=lambda i: -abs(way[i]))
    words = " and ".join(AXES[i][way[i] > 0] for i in axes)
    return [Deed(start, f"move {words}")] if words else []
