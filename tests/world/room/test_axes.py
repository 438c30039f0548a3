"""The frames meet in one place; these are its sums done by hand."""

import math
from typing import Any

import numpy as np
import pytest

from seestep.world.protocol import Event
from seestep.world.room import axes


def test_swapping_y_and_z_leads_to_ai2thor_and_back():
    assert axes.to_thor((1.0, 2.0, 3.0)) == {"x": 1.0, "y": 3.0, "z": 2.0}
    assert axes.from_thor({"x": 1.0, "y": 3.0, "z": 2.0}).tolist() == [1.0, 2.0, 3.0]


def test_counter_clockwise_yaw_becomes_clockwise_rotation():
    assert axes.to_thor_rotation(90.0) == 270.0
    assert axes.to_thor_rotation(-90.0) == 90.0
    assert axes.to_thor_rotation(0.0) == 0.0


@pytest.mark.parametrize(
    ("rotation", "horizon", "forward"),
    [(0, 0, (0, 1, 0)), (90, 0, (1, 0, 0)), (180, 0, (0, -1, 0)), (0, 90, (0, 0, -1))],
)
def test_the_camera_looks_where_ai2thor_says(rotation, horizon, forward):
    assert np.allclose(-axes.camera_matrix(rotation, horizon)[:, 2], forward, atol=1e-12)


@pytest.mark.parametrize(("rotation", "horizon"), [(0, 0), (37, 21), (200, -30)])
def test_camera_axes_are_a_right_handed_rotation(rotation, horizon):
    matrix = axes.camera_matrix(rotation, horizon)
    assert np.allclose(matrix.T @ matrix, np.eye(3))
    assert np.linalg.det(matrix) == pytest.approx(1.0)


def _event(rotation: float = 0.0, horizon: float = 0.0, **more: Any) -> Event:
    return Event(
        {
            "agent": {"rotation": {"y": rotation}, "cameraHorizon": horizon},
            "cameraPosition": {"x": 0.0, "y": 1.5, "z": 0.0},
            "screenWidth": 200,
            "screenHeight": 100,
            "fov": 90.0,
            **more,
        }
    )


def test_a_point_straight_ahead_falls_in_the_middle():
    assert axes.project(_event(), (0.0, 1.5, 2.0)) == pytest.approx((100.0, 50.0, 2.0))


def test_right_is_right_and_up_is_up_in_the_picture():
    # a vertical field of view of 90 degrees: 50 pixels a metre at 1 m
    assert axes.project(_event(), (1.0, 1.5, 1.0)) == pytest.approx((150.0, 50.0, 1.0))
    assert axes.project(_event(), (0.0, 2.0, 1.0)) == pytest.approx((100.0, 25.0, 1.0))


def test_turning_right_moves_things_left():
    x, _, _ = axes.project(_event(rotation=30.0), (0.0, 1.5, 1.0))
    assert x == pytest.approx(100.0 - 50.0 * math.tan(math.radians(30.0)))


def test_what_is_behind_has_negative_depth():
    assert axes.project(_event(rotation=180.0), (0.0, 1.5, 1.0))[2] == pytest.approx(-1.0)
