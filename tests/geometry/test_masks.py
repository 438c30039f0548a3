from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco
from scipy import ndimage

from seestep.errors import GeometryError
from seestep.geometry import masks
from seestep.geometry.frames import same_size
from seestep.geometry.trace import outer_ring, simplify
from seestep.records import Geometry

SIZE = (64, 48)
RESIZE = same_size(SIZE)


def grid(*boxes):
    out = np.zeros(SIZE[::-1], np.uint8)
    for x0, y0, x1, y1 in boxes:
        out[y0:y1, x0:x1] = 1
    return out


def mask(array):
    rle, size = masks.encode(array)
    return Geometry(key="k", kind="mask", media="m", frame="pixel", rle=rle, rle_size=size)


def region(kind, values, frame="pixel"):
    return Geometry(key="k", kind=kind, media="m", frame=frame, values=values)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_a_mask_returns_from_its_run_lengths(seed):
    array = (np.random.default_rng(seed).random((13, 21)) < 0.4).astype(np.uint8)
    rle, size = masks.encode(array)
    assert size == (13, 21)
    assert rle == coco.encode(np.asfortranarray(array))["counts"].decode()
    assert np.array_equal(masks.decode(rle, size), array)


@pytest.mark.parametrize("value", [0, 1])
def test_large_plain_masks_have_the_text_that_coco_gives(value):
    array = np.full((1080, 1920), value, np.uint8)
    array[500:900, 1000:1010] = 1 - value
    rle, size = masks.encode(array)
    assert rle == coco.encode(np.asfortranarray(array))["counts"].decode()
    assert np.array_equal(masks.decode(rle, size), array)


@pytest.mark.parametrize("rle", ["\u00e9", "0", "~~~", "0000000", "o" * 50, "1" * 9])
def test_damaged_run_lengths_are_an_error_not_a_crash(rle):
    with pytest.raises(GeometryError):
        masks.decode(rle, (13, 21))


def test_a_position_is_inside_where_its_pixel_is():
    cup = mask(grid((10, 10, 20, 30)))
    assert masks.contains(cup, 10, 10, RESIZE)
    assert masks.contains(cup, 19.99, 29.99, RESIZE)
    assert not masks.contains(cup, 20, 29, RESIZE)
    assert not masks.contains(cup, 9.99, 12, RESIZE)
    assert not masks.contains(cup, -1, 12, RESIZE)


def test_the_far_edge_of_the_image_is_its_last_pixel():
    corner = mask(grid((60, 40, 64, 48)))
    assert masks.contains(corner, 64, 48, RESIZE)
    assert not masks.contains(corner, 64.1, 48, RESIZE)
    assert masks.contains(region("box", (60, 40, 64, 48)), 64, 48, RESIZE)


def test_a_mask_may_be_coarser_than_its_image():
    cup = mask(grid((10, 10, 20, 30)))
    assert masks.contains(cup, 199.9, 100, same_size((640, 480)))
    assert not masks.contains(cup, 200, 100, same_size((640, 480)))


def test_the_vertical_edges_of_a_square_do_not_toggle():
    # older RoboSpatial code calls the centre of this square outside and a far point inside
    square = region("polygon", (0.2, 0.2, 0.8, 0.2, 0.8, 0.8, 0.2, 0.8), "unit")
    assert masks.contains(square, 32, 24, RESIZE)
    assert not masks.contains(square, 60, 24, RESIZE)


@given(st.floats(0, 63.9), st.floats(0, 47.9))
def test_box_polygon_and_mask_agree(x, y):
    box = (10.0, 12.0, 40.0, 30.0)
    ring = (10, 12, 40, 12, 40, 30, 10, 30)
    ways = {
        masks.contains(region("box", box), x, y, RESIZE),
        masks.contains(mask(grid((10, 12, 40, 30))), x, y, RESIZE),
    }
    if x not in box and y not in box:
        ways.add(masks.contains(region("polygon", ring), x, y, RESIZE))
    assert len(ways) == 1


def test_rasters_of_boxes_and_polygons_cover_what_they_say():
    rle, size = masks.from_box((10, 12, 40, 30), SIZE)
    assert masks.decode(rle, size).sum() == 30 * 18
    rle, size = masks.from_polygon([(10, 12, 40, 12, 40, 30, 10, 30)], SIZE)
    assert coco.area({"counts": rle.encode(), "size": list(size)}) == 30 * 18


def test_the_anchor_is_the_middle_of_the_thickest_part():
    # a 5x5 blob with a long thin tail: the bounding box's centre would fall beside it
    assert masks.anchor(mask(grid((10, 10, 15, 15), (15, 14, 60, 15))), RESIZE) == (12.5, 12.5)
    assert masks.anchor(region("box", (0, 0, 10, 20)), RESIZE) == (5, 10)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_the_anchor_is_inside(seed):
    rng = np.random.default_rng(seed)
    array = ndimage.binary_dilation(rng.random((48, 64)) < 0.002, iterations=3)
    if array.any():
        region_ = mask(array)
        x, y = masks.anchor(region_, RESIZE)
        assert masks.contains(region_, x, y, RESIZE)


def test_the_bounds_of_a_mask_are_edges():
    assert masks.bounds(mask(grid((10, 10, 20, 30))), RESIZE) == (10, 10, 20, 30)


def test_the_outline_of_a_rectangle_is_its_corners():
    ring = masks.outline(mask(grid((10, 12, 40, 30))), RESIZE)
    assert ring == (10, 12, 40, 12, 40, 30, 10, 30)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=12)
def test_the_untouched_ring_rasters_back_to_the_largest_part_with_holes_filled(seed):
    rng = np.random.default_rng(seed)
    array = ndimage.binary_dilation(rng.random((30, 40)) < 0.01, iterations=2)
    labels, count = ndimage.label(array)
    if not count:
        return
    sizes = np.bincount(labels.ravel())[1:]
    part = labels == int(np.argmax(sizes)) + 1
    corners = outer_ring(array)
    rows, columns = np.mgrid[0:30, 0:40]
    inside = np.zeros(part.shape, bool)
    ring = [v for c in corners for v in c]
    for row, column in zip(rows.ravel(), columns.ravel(), strict=True):
        at = (column + 0.5, row + 0.5)
        inside[row, column] = masks._crossings(ring, *at) % 2 == 1
    # parts are 4-connected, so what surrounds them is 8-connected
    assert np.array_equal(inside, ndimage.binary_fill_holes(part, np.ones((3, 3))))


def test_simplifying_moves_no_corner_by_more_than_the_tolerance():
    rows, columns = np.mgrid[0:48, 0:64]
    disc = (columns - 32) ** 2 + (rows - 24) ** 2 < 18**2
    ring = outer_ring(disc)
    thin = simplify(ring, 1.0)
    assert 6 <= len(thin) < len(ring) / 2
    closed = [*thin, thin[0]]
    for x, y in ring:
        near = min(_distance((x, y), *ends) for ends in pairwise(closed))
        assert near <= 1.0 + 1e-9


def _distance(p, a, b):
    p, a, b = (np.array(v, float) for v in (p, a, b))
    t = np.clip(np.dot(p - a, b - a) / max(np.dot(b - a, b - a), 1e-12), 0, 1)
    return float(np.linalg.norm(p - a - t * (b - a)))


def test_an_empty_mask_has_no_place():
    for ask in (masks.anchor, masks.outline, masks.bounds):
        with pytest.raises(GeometryError, match="covers no pixel"):
            ask(mask(grid()), RESIZE)
    with pytest.raises(GeometryError, match="no region"):
        masks.contains(region("point", (1, 2)), 1, 2, RESIZE)


def test_the_deepest_pixel_is_the_farthest_from_the_outside_by_every_distance():
    rng = np.random.default_rng(0)
    for _ in range(40):
        grid = np.zeros((14, 18), bool)
        top, left = rng.integers(0, 12, 2)  # regions touch the border too
        grid[top : top + rng.integers(1, 12), left : left + rng.integers(1, 12)] = True
        grid &= rng.random(grid.shape) < 0.9
        if not grid.any():
            continue
        outside = np.argwhere(~np.pad(grid, 1)) - 1
        pixels = np.argwhere(grid)
        gaps = ((pixels[:, None] - outside) ** 2).sum(2).min(1)
        assert masks.deepest(grid) == tuple(pixels[gaps.argmax()])
