"""Pictures agree with geometry computed another way."""

import math

import numpy as np
import pytest
from PIL import Image

from seestep.world.room import RoomSimulator, png_bytes, project
from seestep.world.room.axes import camera_matrix
from seestep.world.room.render import Lights, render
from seestep.world.room.shapes import box
from seestep.world.room.stage import LIGHTS, fill

LIGHT = Lights(
    np.tile([0.0, 0.0, 2.5], (LIGHTS, 1)),
    np.tile([0.0, 0.0, -1.0], (LIGHTS, 1)),
    np.full((LIGHTS, 3), 0.2),
    np.full((LIGHTS, 3), 0.1),
)


@pytest.mark.parametrize("horizon", [90.0, 50.0, 35.0])
def test_depth_of_a_plane_is_planar_and_exact(eyes, horizon):
    size, fov, height = 64, 60.0, 2.0
    floor = fill([(7, np.zeros(3), 0.0, [box(-20, 20, -20, 20, -0.1, 0.0, (0.6, 0.5, 0.4))])])
    axes = camera_matrix(0.0, horizon)
    shot = render(floor, LIGHT, np.array([0, 0, height]), axes, width=size, height=size, fov=fov)
    focal = size / 2 / math.tan(math.radians(fov) / 2)
    v, u = np.mgrid[0:size, 0:size] + 0.5
    rays = np.stack([(u - size / 2) / focal, (size / 2 - v) / focal, -np.ones_like(u)], axis=-1)
    down = (rays @ axes.T)[..., 2]  # metres of height lost a metre of depth
    truth = -height / np.where(down < 0, down, np.nan)
    seen = shot.owner == 7
    assert seen.mean() > 0.6
    assert np.allclose(shot.depth[seen], truth[seen], rtol=2e-4)


def _round_things(event):
    """Things in plain sight whose picture is about as centred as their box."""
    around = ("Apple", "Tomato", "Egg", "Bottle", "Vase", "Candle", "BasketBall", "Cup")
    for entry in event.metadata["objects"]:
        if entry["objectType"] in around and entry["visible"]:
            yield entry


def test_masks_lie_where_the_projection_says(eyes):
    checked = 0
    for seed in range(6):
        eyes.reset(seed)
        for thing in list(eyes.things.values()):
            if thing.type not in ("DiningTable", "CoffeeTable", "Dresser", "Desk"):
                continue
            event = eyes.step("LookAt", objectId=thing.id, distance=1.1, elevation=45.0)
            for entry in _round_things(event):
                mask = event.mask(entry["objectId"])
                rows, columns = np.nonzero(mask)
                if len(rows) < 25 or rows.min() == 0 or columns.min() == 0:
                    continue
                if rows.max() == 95 or columns.max() == 95:
                    continue
                x, y, depth = project(event, entry["axisAlignedBoundingBox"]["center"])
                reach = max(2.5, 0.3 * max(np.ptp(rows), np.ptp(columns)))
                assert abs(columns.mean() + 0.5 - x) < reach, entry["objectId"]
                assert abs(rows.mean() + 0.5 - y) < reach, entry["objectId"]
                near = event.depth_frame[mask]
                assert near.min() - 0.01 < depth < near.max() + 0.25
                checked += 1
    assert checked >= 10


def test_masks_stay_inside_the_projected_box(eyes):
    event = eyes.reset(1)
    for entry in event.metadata["objects"]:
        mask = event.mask(entry["objectId"])
        corners = [project(event, c) for c in entry["axisAlignedBoundingBox"]["cornerPoints"]]
        if not mask.any() or min(c[2] for c in corners) < 0.1:
            continue
        rows, columns = np.nonzero(mask)
        assert columns.min() + 1 >= min(c[0] for c in corners) - 1
        assert columns.max() <= max(c[0] for c in corners) + 1
        assert rows.min() + 1 >= min(c[1] for c in corners) - 1
        assert rows.max() <= max(c[1] for c in corners) + 1


def test_a_camera_from_above_sees_the_floor_at_its_height(eyes):
    eyes.reset(2)
    event = eyes.step(
        "LookAt", position={"x": 0.3, "y": 0.0, "z": 0.4}, eye={"x": 0.0, "y": 2.0, "z": 0.0}
    )
    x, y, depth = project(event, {"x": 0.3, "y": 0.0, "z": 0.4})
    assert (x, y) == pytest.approx((48.0, 48.0), abs=0.05)
    assert event.instance_frame[48, 48] == 0  # floor belongs to the building
    assert event.depth_frame[48, 48] == pytest.approx(depth, abs=0.03)


def test_supersampling_keeps_the_masks_and_smooths_the_edges(eyes):
    fine = RoomSimulator(96, 96, supersample=2)
    a, b = eyes.reset(3), fine.reset(3)
    assert (a.instance_frame == b.instance_frame).mean() > 0.97
    assert a.frame.shape == b.frame.shape == (96, 96, 3)


def test_every_picture_uses_the_same_kernel(eyes):
    from seestep.world.room import render as module

    module._context.cache_clear()
    RoomSimulator(40, 40).reset(8)
    RoomSimulator(64, 48, fov=70.0).reset(9)
    kernels = {
        module._context(w, h, f)._megakernel.module.name
        for w, h, f in ((40, 40, 60.0), (64, 48, 70.0))
    }
    assert len(kernels) == 1


def test_a_lamp_that_is_on_brightens_the_room(eyes):
    eyes.reset(1)
    lamp = next(t.id for t in eyes.things.values() if t.type == "DeskLamp")
    dark = eyes.step("NavigateTo", objectId=lamp).frame.astype(float).mean()
    light = eyes.step("ToggleObjectOn", objectId=lamp).frame.astype(float).mean()
    assert light > dark + 3


def test_opening_a_fridge_shows_what_is_inside(eyes):
    eyes.reset(0)
    fridge = next(t.id for t in eyes.things.values() if t.type == "Fridge")
    inside = next(t.id for t in eyes.things.values() if t.parent == fridge)
    shut = eyes.step("NavigateTo", objectId=fridge)
    assert not shut.mask(inside).any()
    assert not shut.object(inside)["visible"]
    assert eyes.step("OpenObject", objectId=fridge).mask(inside).any()


def test_slicing_and_picking_up_change_the_picture(eyes):
    eyes.reset(0)
    apple = next(t.id for t in eyes.things.values() if t.type == "Apple" and t.parent)
    before = eyes.step("NavigateTo", objectId=apple)
    after = eyes.step("SliceObject", objectId=apple)
    assert (before.frame != after.frame).any()
    held = eyes.step("PickupObject", objectId=apple)
    assert held.mask(apple).sum() > after.mask(apple).sum()


def test_a_picture_becomes_a_png(eyes, tmp_path):
    event = eyes.reset(4)
    path = tmp_path / "home.png"
    path.write_bytes(png_bytes(event))
    assert np.array_equal(np.asarray(Image.open(path)), event.frame)
    assert png_bytes(event) == png_bytes(event.frame)


def test_turning_rendering_on_draws_even_when_nothing_moves():
    simulator = RoomSimulator(48, 48, render=False)
    assert simulator.reset(2).frame is None
    simulator.render = True
    assert simulator.step("Done").frame is not None
