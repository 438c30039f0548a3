"""The executor against real AI2-THOR histories: the interactions of recorded ALFRED episodes."""

import json
import os
from pathlib import Path

import pytest

from seestep.act import executor, goals, vocabulary
from seestep.act.goals import Which
from seestep.act.state import State, Thing

SHARED = Path(os.environ.get("SEESTEP_SHARED", Path(__file__).parents[3] / "shared"))
RULES = executor.Rules(knife=True, pieces=12)
VERBS = {
    "PickupObject": "pick",
    "PutObject": "put",
    "OpenObject": "open",
    "CloseObject": "close",
    "ToggleObjectOn": "turn_on",
    "ToggleObjectOff": "turn_off",
    "SliceObject": "slice",
}


def episodes():
    found = sorted((SHARED / "data/thor/alfred").glob("*.json"))
    found += sorted((SHARED / "data/sources/ai2thor_alfred").rglob("traj_data.json"))
    if not found:
        pytest.skip(f"no ALFRED episodes under {SHARED}: set SEESTEP_SHARED")
    return [json.loads(p.read_text()) for p in found]


def type_of(name):
    last = name.split("|")[-1]
    return last.split("_")[0] if last[0].isalpha() else name.split("|")[0]


def acts_of(episode):
    for low in episode["plan"]["low_actions"]:
        call = low["api_action"]
        if call["action"] in VERBS:
            verb = VERBS[call["action"]]
            place = call.get("receptacleObjectId")
            yield (verb, call["objectId"], place) if place else (verb, call["objectId"])


def start_of(episode, acts):
    """The part of the home that the episode touches, as it must have been at the start.

    A thing picked while the door it was opened behind is still open lay behind that door.
    """
    ids = {i for act in acts for i in act[1:]}
    parents, opened = {}, []
    for act in acts:
        if act[0] == "open":
            opened.append(act[1])
        if act[0] == "close" and act[1] in opened:
            opened.remove(act[1])
        if act[0] == "pick" and act[1] not in parents:
            parents[act[1]] = opened[-1] if opened else ""
        if act[0] == "put":
            parents.setdefault(act[1], "")
    slices = {i for i in ids if "Sliced_" in i}
    target = episode["pddl_params"]["object_target"]
    dirty = episode["task_type"] == "pick_clean_then_place_in_recep"
    things = {}
    for i in sorted(ids - slices):
        kind = type_of(i)
        things[i] = Thing(
            id=i,
            type=kind,
            pickupable=kind in vocabulary.PICKUPABLE,
            receptacle=kind in vocabulary.HOLDS,
            openable=kind in vocabulary.OPENABLE,
            toggleable=kind in vocabulary.TOGGLEABLE,
            sliceable=kind in vocabulary.SLICEABLE,
            is_dirty=dirty and kind == target,
            parents=(parents[i],) if parents.get(i) else (),
        )
    return State(things)


def goal_of(episode):
    p = episode["pddl_params"]
    return goals.make(
        episode["task_type"],
        target=Which(type=p["object_target"]),
        place=Which(type=p["parent_target"]) if p["parent_target"] else None,
        lamp=Which(type=p["toggle_target"]) if p["toggle_target"] else None,
        carrier=Which(type=p["mrecep_target"]) if p["mrecep_target"] else None,
        sliced=p["object_sliced"],
    )


def moves_its_target(episode, acts):
    """False where the thing lay right from the start: where it lay is not recorded."""
    target = episode["pddl_params"]["object_target"]
    return any(act[0] == "pick" and type_of(act[1]).startswith(target) for act in acts)


def test_every_recorded_alfred_episode_executes_and_reaches_its_goal(record_property):
    executed = reached = moving = 0
    failures = []
    every = episodes()
    for episode in every:
        acts = list(acts_of(episode))
        outcome = executor.run(acts, start_of(episode, acts), RULES)
        executed += outcome.ok
        if not outcome.ok:
            failures.append((episode["task_id"], outcome.reason))
        if not moves_its_target(episode, acts):
            continue
        moving += 1
        missing = goals.unmet(goal_of(episode), outcome.state)
        reached += not missing
        if missing:
            failures.append((episode["task_id"], missing))
    record_property("alfred", f"{executed}/{len(every)} execute, {reached}/{moving} reach the goal")
    assert executed == len(every), failures
    assert reached == moving >= len(every) - 2, failures


def test_leaving_out_any_interaction_but_a_tidy_one_breaks_some_recorded_episode():
    broken = 0
    for episode in episodes():
        acts = list(acts_of(episode))
        start, goal = start_of(episode, acts), goal_of(episode)
        if not moves_its_target(episode, acts):
            continue
        for i in range(len(acts)):
            outcome = executor.run(acts[:i] + acts[i + 1 :], start, RULES)
            broken += not (outcome.ok and goals.reached(goal, outcome.state))
    assert broken > 50


def test_all_seven_task_types_are_among_the_recordings():
    assert {e["task_type"] for e in episodes()} == set(goals.TASKS)
