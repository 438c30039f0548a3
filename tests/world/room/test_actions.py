"""Every action does what AI2-THOR's does, and says in its words why it failed."""

import math

import numpy as np
import pytest

from seestep.act import executor
from seestep.act.state import from_metadata
from seestep.world.room import RoomSimulator

VERBS = {
    "pick": "PickupObject",
    "put": "PutObject",
    "open": "OpenObject",
    "close": "CloseObject",
    "turn_on": "ToggleObjectOn",
    "turn_off": "ToggleObjectOff",
    "slice": "SliceObject",
}


def _free(kitchen, kind):
    """Id of a thing of this type that is not shut away."""
    entries = kitchen.last_event.metadata["objects"]
    state = from_metadata(kitchen.last_event.metadata)
    return next(
        e["objectId"]
        for e in entries
        if e["objectType"] == kind and not state.concealed(e["objectId"])
    )


# --- moving -----------------------------------------------------------------------------------


def test_the_agent_moves_along_its_heading(kitchen):
    at = kitchen.floor.reachable
    x, y = next(p for p in at if (p[0], p[1] + 0.25) in at and (p[0] + 0.25, p[1]) in at)
    kitchen.step("TeleportFull", x=x, y=0.9, z=y, rotation=0, horizon=0, standing=True)
    event = kitchen.step("MoveAhead")
    assert event.metadata["agent"]["position"] == {"x": x, "y": 0.901, "z": y + 0.25}
    kitchen.step("MoveBack")
    event = kitchen.step("MoveRight")
    assert event.metadata["agent"]["position"] == {"x": x + 0.25, "y": 0.901, "z": y}


def test_walls_and_furniture_stop_the_agent(kitchen):
    event = None
    for _ in range(60):
        event = kitchen.step("MoveAhead")
        if not event:
            break
    assert event is not None
    assert event.error.endswith("is blocking Agent 0 from moving 0")
    before = event.metadata["agent"]["position"]
    assert kitchen.step("MoveAhead").metadata["agent"]["position"] == before


def test_turning_and_looking(kitchen):
    start = kitchen.agent.rotation
    assert kitchen.step("RotateRight").metadata["agent"]["rotation"]["y"] == (start + 90) % 360
    event = kitchen.step("RotateLeft", degrees=30)
    assert event.metadata["agent"]["rotation"]["y"] == (start + 60) % 360
    assert kitchen.step("LookDown", degrees=40).metadata["agent"]["cameraHorizon"] == 40.0
    assert not kitchen.step("LookDown")
    assert kitchen.last_event.error == "can't look down beyond 60 degrees below the forward horizon"
    assert kitchen.step("LookUp", degrees=70)
    assert not kitchen.step("LookUp")
    assert kitchen.last_event.error == "can't look up beyond 30 degrees above the forward horizon"


def test_reachable_positions_are_free_and_can_be_teleported_to(kitchen):
    places = kitchen.step("GetReachablePositions").metadata["actionReturn"]
    assert len(places) > 40
    for place in places[::9]:
        assert kitchen.step("TeleportFull", position=place, rotation={"y": 45}, horizon=10)
        assert kitchen.last_event.metadata["agent"]["rotation"]["y"] == 45.0


def test_teleporting_into_furniture_or_out_of_the_house_fails(kitchen, first):
    table = kitchen.last_event.object(first("DiningTable"))["position"]
    event = kitchen.step("TeleportFull", **table, rotation=0, horizon=0)
    assert event.error.startswith("Collided with: DiningTable")
    assert not kitchen.step("TeleportFull", x=50.0, y=0.9, z=0.0)


def test_interactable_poses_make_the_thing_interactable(kitchen):
    for kind in ("Fridge", "Mug", "Faucet", "Drawer"):
        target = _free(kitchen, kind)
        poses = kitchen.step("GetInteractablePoses", objectId=target).metadata["actionReturn"]
        assert poses
        for pose in poses[::7]:
            event = kitchen.step("TeleportFull", **pose)
            assert event
            assert event.object(target)["isInteractable"], pose


def test_navigating_counts_the_steps_of_the_shortest_way(kitchen, first):
    target = first("Fridge")
    kitchen.step("NavigateTo", objectId=target)
    here = (kitchen.agent.x, kitchen.agent.y)
    kitchen.step("NavigateTo", objectId=first("StoveKnob"))
    away = (kitchen.agent.x, kitchen.agent.y)
    event = kitchen.step("NavigateTo", objectId=target)
    blocks = round((abs(here[0] - away[0]) + abs(here[1] - away[1])) / 0.25)
    assert event.metadata["actionReturn"] >= blocks
    assert kitchen.step("NavigateTo", objectId=target).metadata["actionReturn"] == 0


def test_a_thing_that_no_one_can_reach_is_said_to_be_so(kitchen):
    target = _free(kitchen, "Mug")
    kitchen.things[target].pos = np.array([40.0, 40.0, 1.0])
    event = kitchen.step("NavigateTo", objectId=target)
    assert event.error == f"{target} cannot be reached from anywhere in home-0"


def test_look_at_frames_the_thing_and_leaves_the_agent_alone(kitchen, first):
    agent = kitchen.last_event.metadata["agent"]
    table = first("DiningTable")
    event = kitchen.step("LookAt", objectId=table, distance=1.2, azimuth=30, elevation=45)
    assert event.metadata["agent"] == agent
    assert event.metadata["view"]["free"]
    eye, top = event.metadata["cameraPosition"], event.object(table)["axisAlignedBoundingBox"]
    high = top["center"]["y"] + top["size"]["y"] / 2 + 0.05
    gap = (eye["x"] - top["center"]["x"], eye["y"] - high, eye["z"] - top["center"]["z"])
    assert math.hypot(*gap) == pytest.approx(1.2, abs=0.03)
    assert not kitchen.step("LookAt").metadata["view"]["free"]


def test_an_unknown_action_fails_and_changes_nothing(kitchen):
    before = from_metadata(kitchen.last_event.metadata).key()
    event = kitchen.step("Dance")
    assert event.error == "Invalid action: Dance"
    assert event.metadata["errorCode"] == "InvalidAction"
    assert from_metadata(event.metadata).key() == before


def test_capabilities_name_what_step_understands(kitchen):
    for action in kitchen.capabilities:
        assert not kitchen.step(action).error.startswith("Invalid action")


# --- acting on things -------------------------------------------------------------------------


def test_picking_up_and_putting_down(kitchen, first, go):
    apple, table = _free(kitchen, "Apple"), first("DiningTable")
    event = go("PickupObject", apple)
    assert event.object(apple)["isPickedUp"]
    assert event.metadata["inventoryObjects"] == [{"objectId": apple, "objectType": "Apple"}]
    assert event.object(apple)["parentReceptacles"] is None
    event = go("PutObject", table)
    assert event, event.error
    assert event.object(apple)["parentReceptacles"] == [table]
    assert apple in event.object(table)["receptacleObjectIds"]
    assert event.metadata["inventoryObjects"] == []
    bounds = event.object(table)["axisAlignedBoundingBox"]
    top = bounds["center"]["y"] + bounds["size"]["y"] / 2
    assert event.object(apple)["position"]["y"] == pytest.approx(top, abs=1e-3)


def test_contents_travel_with_their_container(kitchen, first, go):
    apple, plate, table = _free(kitchen, "Apple"), _free(kitchen, "Plate"), first("DiningTable")
    go("PickupObject", apple)
    assert go("PutObject", plate), kitchen.last_event.error
    event = go("PickupObject", plate)
    assert event
    gap = kitchen.things[apple].pos - kitchen.things[plate].pos
    event = go("PutObject", table)
    assert event, event.error
    assert event.object(apple)["parentReceptacles"] == [plate, table]
    assert np.allclose(kitchen.things[apple].pos[2] - kitchen.things[plate].pos[2], gap[2])


def test_a_drawer_carries_its_contents_along(kitchen, first, go):
    spoon, drawer = _free(kitchen, "Knife"), first("Drawer")
    go("PickupObject", spoon)
    assert go("OpenObject", drawer)
    event = go("PutObject", drawer)
    if not event:
        assert event.error == "No valid positions to place object found"
        return
    out = kitchen.things[spoon].pos.copy()
    assert go("CloseObject", drawer)
    moved = np.linalg.norm(kitchen.things[spoon].pos - out)
    assert moved == pytest.approx(kitchen.things[drawer].dims[1] * 0.75)
    assert not kitchen.last_event.object(spoon)["isInteractable"]
    event = kitchen.step("PickupObject", objectId=spoon)
    assert event.error == executor.UNSEEN


def test_the_microwave_heats_and_cooks(kitchen, first, go):
    potato, oven = _free(kitchen, "Apple"), first("Microwave")
    go("PickupObject", potato)
    assert go("OpenObject", oven)
    assert go("PutObject", oven), kitchen.last_event.error
    assert go("ToggleObjectOn", oven).error == "Target must be closed to Toggle On!"
    assert go("CloseObject", oven)
    event = go("ToggleObjectOn", oven)
    assert event.object(potato)["temperature"] == "Hot"
    assert event.object(potato)["isCooked"]
    assert go("OpenObject", oven).error == "Target must be OFF to open!"


def test_the_fridge_cools(kitchen, first, go):
    fridge = first("Fridge")
    inside = next(t.id for t in kitchen.things.values() if t.parent == fridge)
    assert kitchen.last_event.object(inside)["temperature"] == "Cold"


def test_running_water_cleans_what_lies_in_the_sink(kitchen, first, go):
    plate = _free(kitchen, "Plate")
    kitchen.things[plate].dirty = True
    go("PickupObject", plate)
    assert go("PutObject", first("SinkBasin")), kitchen.last_event.error
    assert kitchen.last_event.object(plate)["isDirty"]
    assert not go("ToggleObjectOn", first("Faucet")).object(plate)["isDirty"]


def test_a_knob_lights_its_burner_and_the_burner_heats(kitchen, first, go):
    knob, pan = first("StoveKnob"), _free(kitchen, "Pan")
    (burner,) = kitchen.things[knob].controls
    go("PickupObject", pan)
    assert go("PutObject", burner), kitchen.last_event.error
    event = go("ToggleObjectOn", knob)
    assert event.object(burner)["isToggled"]
    assert event.object(pan)["temperature"] == "Hot"


def test_slicing(kitchen, go):
    apple, knife = _free(kitchen, "Apple"), _free(kitchen, "Knife")
    assert go("SliceObject", apple, knife=True).error == "the agent must hold a knife to slice"
    go("PickupObject", knife)
    assert go("SliceObject", apple, knife=True).object(apple)["isSliced"]
    again = kitchen.step("SliceObject", objectId=apple)
    assert again.error == f"{apple} Does not have the CanBeSliced property!"


def test_filling_and_emptying(kitchen, go):
    mug = _free(kitchen, "Mug")
    event = go("FillObjectWithLiquid", mug, fillLiquid="coffee")
    assert event.object(mug)["fillLiquid"] == "coffee"
    assert not kitchen.step("FillObjectWithLiquid", objectId=mug)
    assert kitchen.step("EmptyLiquidFromObject", objectId=mug).object(mug)["fillLiquid"] is None


# --- reasons ----------------------------------------------------------------------------------


def test_reasons_why_acts_fail(kitchen, first, go):
    apple, table, fridge = _free(kitchen, "Apple"), first("DiningTable"), first("Fridge")
    mug = _free(kitchen, "Mug")
    assert kitchen.step("PickupObject", objectId="Unicorn|1").error == executor.UNKNOWN
    assert go("PickupObject", table).error == (
        f"{table} must have the property CanPickup to be picked up."
    )
    assert go("PutObject", table).error == executor.HAND_EMPTY
    assert go("OpenObject", table).error == f"{table} is not an Openable object"
    assert go("CloseObject", fridge).error == executor.ALREADY_CLOSED
    assert go("ToggleObjectOn", table).error == executor.NOT_TOGGLEABLE
    faucet = first("Faucet")
    assert go("ToggleObjectOff", faucet).error == executor.ALREADY_OFF
    assert go("ToggleObjectOn", faucet)
    assert go("ToggleObjectOn", faucet).error == executor.ALREADY_ON
    assert go("SliceObject", mug).error == f"{mug} Does not have the CanBeSliced property!"
    assert go("PickupObject", apple)
    assert go("PickupObject", mug).error == executor.HAND_FULL
    assert go("PutObject", fridge).error == executor.CLOSED
    assert go("PutObject", faucet).error == executor.NOT_RECEPTACLE
    burner = first("StoveBurner")
    assert go("PutObject", burner).error == (
        "Apple is not a valid Object Type to be placed in StoveBurner"
    )
    assert go("OpenObject", fridge)
    assert go("OpenObject", fridge).error == executor.ALREADY_OPEN
    assert go("CleanObject", mug).error in ("", f"{mug} is already clean")
    assert kitchen.step("SliceObject", objectId=apple).error == (
        f"{apple} is in the agent's hand and cannot be sliced"
    )


def test_there_is_no_room_on_a_burner_that_is_taken(kitchen, first, go):
    burner = first("StoveBurner")
    pan = _free(kitchen, "Pan")
    go("PickupObject", pan)
    assert go("PutObject", burner)
    other = kitchen.things[pan]
    twin = type(other)(
        "Pot", "red", "large", other.rgb, other.pos.copy(), parent=first("CounterTop")
    )
    twin.id = "Pot|twin"
    kitchen.things[twin.id] = twin
    twin.pos = kitchen.things[first("CounterTop")].world((0, 0, 0.9))
    assert go("PickupObject", twin.id)
    assert go("PutObject", burner).error == "No valid positions to place object found"


def test_what_is_far_or_behind_cannot_be_acted_on(kitchen, go):
    apple = _free(kitchen, "Apple")
    at = kitchen.things[apple].pos
    far = max(kitchen.floor.reachable, key=lambda p: math.dist(p, at[:2]))
    kitchen.step("TeleportFull", x=far[0], y=0.9, z=far[1], rotation=0, horizon=0)
    event = kitchen.step("PickupObject", objectId=apple)
    assert event.error == f"{apple} is too far away to be interacted with"
    kitchen.step("NavigateTo", objectId=apple)
    kitchen.step("RotateRight", degrees=180)
    assert kitchen.step("PickupObject", objectId=apple).error == executor.UNSEEN
    assert kitchen.step("PickupObject", objectId=apple, forceAction=True)


def test_a_failed_act_changes_nothing(kitchen, first, go):
    before = from_metadata(kitchen.last_event.metadata).key()
    go("PutObject", first("DiningTable"))
    go("ToggleObjectOff", first("Faucet"))
    assert from_metadata(kitchen.last_event.metadata).key() == before


@pytest.mark.parametrize("seed", range(6))
def test_the_symbolic_executor_foresees_every_outcome(seed):
    """Random acts: same success, same words, same state. Only free space is the room's own."""
    simulator = RoomSimulator(96, 96, render=False)
    rng = np.random.default_rng(seed)
    state = from_metadata(simulator.reset(seed).metadata)
    ids = sorted(state.things)
    done = 0
    for _ in range(60):
        verb = list(VERBS)[int(rng.integers(len(VERBS)))]
        if state.holding and rng.random() < 0.5:
            verb = "put"
        fit = [
            i
            for i in ids
            if (verb != "put" or state.things[i].receptacle)
            and (verb not in ("open", "close") or state.things[i].openable)
        ]
        target = fit[int(rng.integers(len(fit)))]
        foreseen, reason = executor.apply(state, (verb, target))
        assert simulator.step("NavigateTo", objectId=target)
        event = simulator.step(VERBS[verb], objectId=target)
        if reason == "" and event.error in (
            "No valid positions to place object found",
            "Object failed to open/close successfully.",
        ):
            foreseen = state
        else:
            assert event.error == reason
            done += not reason
        state = from_metadata(event.metadata)
        assert state.key() == foreseen.key()
    assert done >= 5
