"""Homes are the same for everyone who names the seed, and things stand where they can."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from seestep.act.vocabulary import holds
from seestep.errors import DataError
from seestep.world.room import RoomSimulator
from seestep.world.room.catalog import KINDS, OBJECTS
from seestep.world.room.layout import ROOMS, build_home
from seestep.world.room.place import surfaces
from seestep.world.room.shapes import COLORS
from seestep.world.room.stage import SLOTS

HASH = """
import hashlib, json, sys
from seestep.world.room import RoomSimulator
for size, render in ((48, True), (48, False)):
    simulator = RoomSimulator(size, size, render=render)
    event = simulator.reset(11)
    event = simulator.step("NavigateTo", objectId=event.metadata["objects"][-1]["objectId"])
    blob = json.dumps(event.metadata, sort_keys=True).encode()
    if render:
        blob += event.frame.tobytes() + event.depth_frame.tobytes() + event.instance_frame.tobytes()
    print(hashlib.sha256(blob).hexdigest())
"""


def test_two_processes_build_and_draw_the_same_bytes():
    def once(hash_seed: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", HASH],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).resolve().parents[3],
            env={**__import__("os").environ, "PYTHONHASHSEED": hash_seed},
        )
        return done.stdout.split()[-2:]

    assert once("1") == once("2")


def test_a_home_does_not_depend_on_what_was_built_before():
    simulator = RoomSimulator(96, 96, render=False)
    first = json.dumps(simulator.reset(5).metadata)
    simulator.reset(6)
    assert json.dumps(simulator.reset(5).metadata) == first


def test_the_scene_name_leads_back_to_the_same_home():
    simulator = RoomSimulator(96, 96, render=False)
    event = simulator.reset("bedroom", seed=4)
    assert event.metadata["sceneName"] == "home-4-bedroom"
    again = simulator.reset("home-4-bedroom")
    assert again.metadata["objects"] == event.metadata["objects"]


@pytest.mark.parametrize("scene", ["", "house-3", "home-x", 1.5, {"sed": 3}, True, -1])
def test_a_scene_that_is_none_is_refused(scene):
    with pytest.raises(DataError):
        RoomSimulator(96, 96, render=False).reset(scene)


def test_an_unknown_kind_of_room_is_refused():
    with pytest.raises(DataError, match="garage"):
        build_home(1, "garage")


HOMES = [build_home(seed) for seed in range(24)]


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.name)
def test_things_of_a_home_can_be_told_apart(home):
    told = Counter(
        (t.type, t.color, t.size) for t in home.things.values() if KINDS[t.type].pickupable
    )
    assert max(told.values()) == 1
    assert len({t.id for t in home.things.values()}) == len(home.things)


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.name)
def test_things_stand_on_a_surface_of_something_that_takes_them(home):
    for thing in home.things.values():
        if not KINDS[thing.type].pickupable:
            continue
        host = home.things[thing.parent]
        assert holds(host.type, thing.type)
        if (thing.type, host.type) == ("Pillow", "Bed"):
            continue  # laid at the head of the bed, where there is no free surface
        heights = [float(host.world((0, 0, s.z))[2]) for s in surfaces(host)]
        low, _ = thing.bounds()
        assert min(abs(float(thing.pos[2]) - z) for z in heights) < 1e-6
        assert low[2] > thing.pos[2] - 0.01


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.name)
def test_things_do_not_run_into_each_other(home):
    things = [t for t in home.things.values() if KINDS[t.type].pickupable]
    for i, one in enumerate(things):
        for other in things[i + 1 :]:
            a, b = one.bounds(), other.bounds()
            assert any(a[0][k] >= b[1][k] - 1e-9 or b[0][k] >= a[1][k] - 1e-9 for k in range(3))


def test_all_kinds_of_room_and_many_types_and_colours_occur():
    assert {home.kind for home in HOMES} == set(ROOMS)
    seen = {t.type for home in HOMES for t in home.things.values()}
    assert len(seen & set(OBJECTS)) >= 24
    assert seen <= set(KINDS)
    assert {t.color for home in HOMES for t in home.things.values()} == set(COLORS)


def test_every_home_fits_on_the_stage_with_room_to_spare():
    for home in HOMES:
        parts = sum(len(t.parts()) for t in home.things.values())
        assert parts + len(home.building) + len(home.fixtures) < SLOTS * 0.7


@pytest.mark.parametrize("seed", range(4))
def test_everything_can_be_walked_to(seed):
    simulator = RoomSimulator(96, 96, render=False)
    simulator.reset(seed)
    for thing in simulator.things.values():
        assert simulator.step("NavigateTo", objectId=thing.id), simulator.last_event.error


def test_more_clutter_means_more_things():
    few, many = build_home(3, clutter=0.5), build_home(3, clutter=2.0)
    assert len(few.things) < len(many.things)
