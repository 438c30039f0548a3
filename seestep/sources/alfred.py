"""ALFRED (json_2.1.0): instructions, plans of 3-5 steps and next actions on AI2-THOR episodes.

High-level actions ending in NoOp; GotoLocation is merged into the manipulation that follows it.
HeatObject, CoolObject and CleanObject are macros of several low-level actions. Released frames
end in .jpg although the JSON says .png: they are matched by stem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from seestep.act.vocabulary import CONTAINERS
from seestep.records import (
    Atom,
    Entity,
    Form,
    Freeform,
    Media,
    Plan,
    Provenance,
    Record,
    Step,
    Verdict,
)
from seestep.sources import make

LICENCE = "MIT"
VERSION = "1"
FRAME = 300  # width and height of the recorded views
VERBS = {
    "PickupObject": "pick",
    "PutObject": "put",
    "CleanObject": "clean",
    "HeatObject": "heat",
    "CoolObject": "cool",
    "SliceObject": "slice",
    "ToggleObject": "turn_on",
    "GotoLocation": "goto",
}
STATE = {"clean": "clean", "heat": "hot", "cool": "cold", "slice": "sliced"}


def convert(
    trajectory: Mapping[str, Any], folder: str, where: Provenance
) -> Iterator[Record | Verdict]:
    """Plan and next-action records of one traj_data.json; ``folder`` is its path in the root."""
    task = str(trajectory["task_id"])
    annotations = trajectory["turk_annotations"]["anns"]
    if "plan" not in trajectory:
        yield make.dropped(f"alfred:{task}", "plan", "no plan is told: a trajectory of the tests")
        return
    actions = [
        a for a in trajectory["plan"]["high_pddl"] if a["discrete_action"]["action"] != "NoOp"
    ]
    unknown = {a["discrete_action"]["action"] for a in actions} - VERBS.keys()
    if unknown:
        yield make.dropped(f"alfred:{task}", "action", "unknown high-level action", str(unknown))
        return
    plan = plan_of(actions)
    scene = trajectory["scene"]["floor_plan"]
    if not isinstance(scene, str) or not scene:
        raise ValueError(f"scene.floor_plan is {scene!r}, no name of a scene")
    for number, annotation in enumerate(annotations):
        id = f"alfred:{task}-{number}"
        instruction = " ".join(str(annotation["task_desc"] or "").split())
        if not instruction:
            yield make.dropped(id, "empty", "the instruction is empty")
            continue
        if not 1 <= len(plan.steps) <= 8:
            yield make.dropped(f"{id}-plan", "steps", f"{len(plan.steps)} steps, wanted 1 to 8")
            continue
        tags = (str(trajectory["task_type"]), scene)
        first = _view(trajectory, folder, scene, 0)
        if first is None:
            yield make.dropped(f"{id}-plan", "view", "no frame of the start is listed")
            continue
        yield make.record(
            f"{id}-plan",
            "plan",
            first,
            f"Task: {make.sentence(instruction)} What are the steps?",
            plan,
            form=Form(kind="plan"),
            provenance=where,
            tags=tags,
        )
        described = annotation["high_descs"] or ()
        if len(described) != len(actions):
            yield make.dropped(
                f"{id}-next",
                "alignment",
                "the step descriptions do not match the actions",
                f"{len(described)} descriptions, {len(actions)} actions",
            )
            continue
        for i in range(1, len(actions)):
            view = _view(trajectory, folder, scene, int(actions[i]["high_idx"]))
            if view is None:
                yield make.dropped(f"{id}-next{i}", "view", "no frame of that step is listed")
                continue
            done = " ".join(" ".join(str(d).split()) for d in described[max(0, i - 2) : i])
            yield make.record(
                f"{id}-next{i}",
                "next_action",
                view,
                f"Task: {make.sentence(instruction)} Done last: {done} What comes next?",
                Freeform(text=" ".join(str(described[i]).split())),
                form=Form(kind="text"),
                provenance=where,
                tags=tags,
            )


def plan_of(actions: list[Mapping[str, Any]]) -> Plan:
    """The actions as steps; walking is part of the manipulation that follows it."""
    entities: dict[str, Entity] = {}
    steps: list[Step] = []
    for action in actions:
        verb = VERBS[action["discrete_action"]["action"]]
        if verb == "goto":
            continue
        names, keys = _things(action, verb)
        ids = [_entity(entities, name, key) for name, key in zip(names, keys, strict=True)]
        steps.append(_step(verb, ids, names))
    return Plan(steps=tuple(steps), entities=tuple(entities.values()))


def _step(verb: str, ids: list[str], names: list[str]) -> Step:
    held: Atom = ("holding", ids[0])
    if verb == "pick":
        return Step(do=("pick", ids[0]), pre=(("hand_empty",),), expect=(held,))
    if verb == "put":
        inside = names[1].lower() in {c.lower() for c in CONTAINERS}
        place = ("in" if inside else "on", ids[0], ids[1])
        return Step(do=("put", *ids), pre=(held,), expect=(place,))
    if verb in ("clean", "heat", "cool"):
        return Step(do=(verb, *ids), pre=(held,), expect=((STATE[verb], ids[0]),))
    if verb == "slice":
        return Step(do=("slice", ids[0]), expect=(("sliced", ids[0]),))
    return Step(do=("turn_on", ids[0]), expect=(("is_on", ids[0]),))


def _things(action: Mapping[str, Any], verb: str) -> tuple[list[str], list[str]]:
    """Names of an action's things, and what tells two of one name apart (their objectId)."""
    planner = action["planner_action"]
    names = [str(a) for a in action["discrete_action"]["args"]]
    ids = [planner.get("objectId"), planner.get("receptacleObjectId")]
    if verb in ("clean", "heat", "cool"):
        # objectId is the appliance here; the thing itself is named by cleanObjectId and its like
        ids = [planner.get(f"{verb}ObjectId"), planner.get("objectId")]
        if appliance := planner.get("coordinateReceptacleObjectId"):
            names = [names[0], str(appliance[0])]
    return names, [str(i or n.lower()) for n, i in zip(names, ids, strict=False)]


def _entity(entities: dict[str, Entity], name: str, key: str) -> str:
    if key not in entities and not key.count("|"):
        # heat and cool do not say which one they hold: the last of that name
        same = [k for k, e in entities.items() if e.name.replace(" ", "") == name.lower()]
        key = same[-1] if same else key
    if key not in entities:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
        entities[key] = Entity(id=f"o{len(entities) + 1}", name=words)
    return entities[key].id


def _view(trajectory: Mapping[str, Any], folder: str, scene: str, high: int) -> Media | None:
    """The first recorded frame of a high-level action."""
    for image in trajectory["images"]:
        if int(image["high_idx"]) == high:
            stem = PurePosixPath(str(image["image_name"])).stem
            return Media(
                key="im",
                path=f"{folder}/raw_images/{stem}.jpg",
                root="ai2thor",
                width=FRAME,
                height=FRAME,
                origins=(f"thor:{scene}",),
                licence=LICENCE,
            )
    return None
