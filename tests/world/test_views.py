"""Cameras are planned from metadata, the same for the same seed, and stand where they should."""

from itertools import pairwise

import numpy as np
import pytest

from seestep.world.views import ViewConfig, plan_shots

POSITIONS = [{"x": 0.25 * i, "y": 0.9, "z": 0.25 * j} for i in range(-6, 7) for j in range(-6, 7)]


def place(kind, at, things):
    base = {"pickupable": False, "receptacle": True, "openable": False, "parentReceptacles": None}
    oid = f"{kind}|1"
    surface = {"objectId": oid, "position": dict(zip("xyz", at, strict=True)), **base}
    contents = [
        {
            "objectId": f"Mug|{kind}{i}",
            "position": surface["position"],
            "pickupable": True,
            "receptacle": True,
            "openable": False,
            "parentReceptacles": [oid],
        }
        for i in range(things)
    ]
    return [surface, *contents]


HOME = {"objects": [*place("Desk", (0, 0, 3), 1), *place("DiningTable", (2, 0, 0), 4)]}


def plan(seed=0, **config):
    return plan_shots(HOME, POSITIONS, np.random.default_rng(seed), ViewConfig(**config))


def test_the_fuller_surface_is_looked_at_first_and_every_surface_before_any_twice():
    shots = plan(close=3, wide=0, orbits=0, turns=0)
    assert [s.cameras[0].arguments["objectId"] for s in shots] == [
        "DiningTable|1", "Desk|1", "DiningTable|1",
    ]  # fmt: skip


def test_surfaces_against_a_wall_are_seen_from_the_front():
    for seed in range(20):
        for shot in plan(seed, close=2, wide=0, orbits=1, turns=0):
            for camera in shot.cameras:
                if camera.arguments["objectId"] == "Desk|1":
                    assert abs(camera.arguments["azimuth"]) <= 35.0


def test_a_turn_stays_in_its_place_and_turns_15_to_40_degrees():
    for seed in range(20):
        (turn,) = plan(seed, close=0, wide=0, orbits=0, turns=1)
        a, b = (camera.arguments for camera in turn.cameras)
        assert [a[k] for k in ("x", "z", "horizon")] == [b[k] for k in ("x", "z", "horizon")]
        apart = (b["rotation"] - a["rotation"] + 180) % 360 - 180
        assert 14.98 <= abs(apart) <= 40.02


def test_both_directions_of_turns_occur():
    signs = set()
    for seed in range(20):
        (turn,) = plan(seed, close=0, wide=0, orbits=0, turns=1)
        a, b = (camera.arguments["rotation"] for camera in turn.cameras)
        signs.add((b - a + 180) % 360 > 180)
    assert signs == {True, False}


def test_the_agent_faces_the_surface_before_it_turns():
    (turn,) = plan(3, close=0, wide=0, orbits=0, turns=1)
    a, b = (camera.arguments for camera in turn.cameras)
    middle = (a["rotation"] + ((b["rotation"] - a["rotation"] + 180) % 360 - 180) / 2) % 360
    towards = np.degrees(np.arctan2(2 - a["x"], 0 - a["z"])) % 360  # the table is at (2, 0)
    assert abs((middle - towards + 180) % 360 - 180) <= 5.01
    assert np.hypot(2 - a["x"], a["z"]) == pytest.approx(1.1, abs=0.13)


def test_a_tour_pans_one_way():
    (tour,) = plan(1, close=0, wide=0, orbits=0, turns=0, tours=1, tour_views=4)
    headings = [camera.arguments["rotation"] for camera in tour.cameras]
    steps = [(b - a + 180) % 360 - 180 for a, b in pairwise(headings)]
    assert len(headings) == 4
    assert [abs(s) for s in steps] == pytest.approx([35.0] * 3, abs=0.02)
    assert len({s > 0 for s in steps}) == 1


def test_the_same_seed_plans_the_same():
    assert plan(4, tours=1) == plan(4, tours=1)
    assert plan(4, tours=1) != plan(5, tours=1)


def test_an_empty_home_is_looked_at_from_afar_only():
    bare = {"objects": []}
    shots = plan_shots(bare, POSITIONS, np.random.default_rng(0), ViewConfig())
    assert {s.kind for s in shots} == {"wide"}


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="size"):
        ViewConfig(size=8)
