"""Events carry the keys of AI2-THOR 5.x."""

import json
from pathlib import Path

import pytest

from seestep.act.state import from_metadata
from seestep.world.room import RoomSimulator
from seestep.world.room.metadata import EXTRA_KEYS

DUMPS = Path(__file__).resolve().parents[4] / "shared" / "data" / "thor" / "event_metadata"


@pytest.fixture(scope="module")
def real():
    path = DUMPS / "FloorPlan28.json"
    if not path.is_file():
        pytest.skip("no recorded AI2-THOR event beside the repository")
    dump = json.loads(path.read_text())
    return dump[0] if isinstance(dump, list) else dump


def test_objects_have_exactly_the_keys_of_a_real_event(kitchen, real):
    for ours in kitchen.last_event.metadata["objects"]:
        assert set(ours) - set(EXTRA_KEYS) == set(real["objects"][0])
        assert set(EXTRA_KEYS) <= set(ours)


def test_values_have_the_types_of_a_real_event(kitchen, real):
    kinds = {}
    for entry in real["objects"]:
        for key, value in entry.items():
            kinds.setdefault(key, set()).add(type(value))
    for ours in kitchen.last_event.metadata["objects"]:
        for key in set(ours) - set(EXTRA_KEYS):
            assert type(ours[key]) in kinds[key] | {type(None), list}, key


def test_the_agent_and_the_event_look_like_real_ones(kitchen, real):
    ours = kitchen.last_event.metadata
    assert set(real["agent"]) == set(ours["agent"])
    needed = "objects agent fov cameraPosition inventoryObjects sceneName lastAction errorMessage"
    for key in (*needed.split(), "lastActionSuccess", "errorCode", "actionReturn", "sceneBounds"):
        assert key in ours
        assert key in real


def test_metadata_is_plain_json(kitchen):
    meta = kitchen.last_event.metadata
    assert json.loads(json.dumps(meta)) == meta


def test_the_symbolic_state_reads_it(kitchen):
    state = from_metadata(kitchen.last_event.metadata)
    assert set(state.things) == set(kitchen.things)


def test_a_box_is_written_as_center_size_and_eight_corners(kitchen):
    for entry in kitchen.last_event.metadata["objects"]:
        bounds = entry["axisAlignedBoundingBox"]
        assert len({tuple(c) for c in bounds["cornerPoints"]}) == 8
        for i, axis in enumerate("xyz"):
            values = [c[i] for c in bounds["cornerPoints"]]
            assert max(values) - min(values) == pytest.approx(bounds["size"][axis], abs=3e-4)
            middle = (max(values) + min(values)) / 2
            assert middle == pytest.approx(bounds["center"][axis], abs=3e-4)


def test_the_distance_is_that_of_the_agent_to_the_thing(kitchen):
    meta = kitchen.last_event.metadata
    at = meta["agent"]["position"]
    for entry in meta["objects"]:
        gap = sum((entry["position"][a] - at[a]) ** 2 for a in "xyz") ** 0.5
        assert entry["distance"] == pytest.approx(gap, abs=1e-3)


def test_visible_without_pictures_never_sees_into_closed_things():
    simulator = RoomSimulator(96, 96, render=False)
    for seed in range(4):
        simulator.reset(seed)
        for thing in list(simulator.things.values()):
            if thing.type not in ("Drawer", "Cabinet", "Fridge"):
                continue
            event = simulator.step("NavigateTo", objectId=thing.id)
            inside = [t.id for t in simulator.things.values() if t.parent == thing.id]
            assert not any(event.object(i)["visible"] for i in inside)
