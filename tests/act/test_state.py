import json
import os
from pathlib import Path

import pytest

from seestep.act import state as states
from seestep.errors import DataError
from tests.act.homes import kitchen

SHARED = Path(os.environ.get("SEESTEP_SHARED", Path(__file__).parents[3] / "shared"))


def recorded(room):
    path = SHARED / f"data/thor/event_metadata/FloorPlan{room}.json"
    if not path.exists():
        pytest.skip(f"no {path}: set SEESTEP_SHARED")
    return json.loads(path.read_text())[0]


@pytest.mark.parametrize("room", [28, 202, 306, 406])
def test_recorded_metadata_become_a_state_with_every_object(room):
    metadata = recorded(room)
    state = states.from_metadata(metadata)
    assert len(state.things) == len(metadata["objects"])
    assert {t.id for t in state.things.values() if t.pickupable} == {
        o["objectId"] for o in metadata["objects"] if o["pickupable"]
    }
    assert state.holding == ""


def test_the_potato_of_floor_plan_28_is_cold_and_out_of_sight():
    state = states.from_metadata(recorded(28))
    (potato,) = [t for t in state.things.values() if t.type == "Potato"]
    assert potato.temperature == "Cold"
    assert [state.things[p].type for p in potato.parents] == ["Fridge"]
    assert state.concealed(potato.id)


def test_only_the_innermost_of_nested_receptacles_is_a_parent():
    bare = {
        "pickupable": True,
        "receptacle": True,
        "openable": False,
        "toggleable": False,
        "sliceable": False,
        "isOpen": False,
        "isToggled": False,
        "isSliced": False,
    }
    objects = [
        {"objectId": "Table", "objectType": "DiningTable", "parentReceptacles": None, **bare},
        {"objectId": "Bowl", "objectType": "Bowl", "parentReceptacles": ["Table"], **bare},
        {"objectId": "Fork", "objectType": "Fork", "parentReceptacles": ["Table", "Bowl"], **bare},
    ]
    state = states.from_metadata({"objects": objects})
    assert state.things["Fork"].parents == ("Bowl",)
    assert list(state.ancestors("Fork")) == ["Bowl", "Table"]
    assert state.contents("Table") == ["Bowl"] and state.within("Table") == ["Bowl", "Fork"]


def test_json_gives_the_same_state_back():
    state = kitchen()
    plain = json.loads(json.dumps(states.to_json(state)))
    assert states.from_json(plain) == state


def test_metadata_without_objects_are_refused_with_the_missing_key():
    with pytest.raises(DataError, match="objects"):
        states.from_metadata({"agent": {}})
    with pytest.raises(DataError, match="not a symbolic state"):
        states.from_json({"things": [{"id": "a"}]})
