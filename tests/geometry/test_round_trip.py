"""Write, read back, convert back: nothing moves by more than half a unit of the coarser frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep import families
from seestep.geometry.convert import rescale, to_frame
from seestep.geometry.exif import to_stored, to_upright, upright_size
from seestep.geometry.frames import Resize, step
from seestep.geometry.parse import parse
from seestep.geometry.render import NOTATIONS, render

FRAMES = ["pixel", "pixel_resized", "unit", "permille", "percent"]
FAMILIES = ["qwen2_5_vl", "qwen3_vl", "robobrain2"]
SIZES = st.tuples(st.integers(29, 4001), st.integers(29, 4001))
FRACTION = st.floats(0, 1, exclude_max=True)
PAIRS = st.lists(st.tuples(FRACTION, FRACTION), min_size=1, max_size=5)
POINT_NOTATIONS = [n for n, (kinds, _) in NOTATIONS.items() if "points" in kinds]
BOX_NOTATIONS = [n for n, (kinds, _) in NOTATIONS.items() if "box" in kinds]


def seen(size: tuple[int, int], family: str) -> Resize:
    return families.get(family).resize(size)


def half_step_px(frame: str, resize: Resize) -> tuple[float, float]:
    """Half of the coarser of one pixel of the original and one step of ``frame``, in pixels."""
    extent = resize.extent(frame)
    sizes = zip(resize.size, extent, strict=True)
    x, y = (max(1.0, step(frame) * pixels / whole) / 2 for pixels, whole in sizes)
    return x * (1 + 1e-6), y * (1 + 1e-6)


@given(SIZES, PAIRS, st.sampled_from(FRAMES), st.sampled_from(FAMILIES))
@pytest.mark.parametrize("notation", POINT_NOTATIONS)
def test_points_return_within_half_a_unit(notation, size, pairs, frame, family):
    resize = seen(size, family)
    truth = [f * size[i] for pair in pairs for i, f in enumerate(pair)]
    placed = to_frame(truth, "points", "pixel", frame, resize)
    text = render("points", placed, frame, notation, "red mug", edge=resize.extent(frame))
    order = "yx" if notation.endswith("_yx") else "xy"
    read = parse(text, "points", frame=frame, order=order)
    assert read is not None, text
    back = rescale(read.positions, frame, "pixel", resize)
    limits = half_step_px(frame, resize)
    assert len(back) == len(truth)
    for i, (was, now) in enumerate(zip(truth, back, strict=True)):
        assert abs(was - now) <= limits[i % 2], (text, was, now)


@given(SIZES, st.lists(st.tuples(FRACTION, FRACTION), min_size=3, max_size=6), st.data())
@pytest.mark.parametrize("kind", ["polygon", "path"])
def test_polygons_and_paths_return_within_half_a_unit(kind, size, pairs, data):
    frame = data.draw(st.sampled_from(FRAMES))
    notation = data.draw(st.sampled_from(["tuples", "lists", "json_point_2d", "xml_points"]))
    resize = seen(size, data.draw(st.sampled_from(FAMILIES)))
    truth = [f * size[i] for pair in pairs for i, f in enumerate(pair)]
    placed = to_frame(truth, kind, "pixel", frame, resize)
    text = render(kind, placed, frame, notation, edge=resize.extent(frame))
    read = parse(text, kind, frame=frame)
    assert read is not None, text
    back = rescale(read.positions, frame, "pixel", resize)
    limits = half_step_px(frame, resize)
    for i, (was, now) in enumerate(zip(truth, back, strict=True)):
        assert abs(was - now) <= limits[i % 2], text


@given(SIZES, st.tuples(*[FRACTION] * 4), st.sampled_from(FRAMES), st.sampled_from(FAMILIES))
@pytest.mark.parametrize("notation", BOX_NOTATIONS)
def test_boxes_return_within_half_a_unit(notation, size, corners, frame, family):
    resize = seen(size, family)
    limits = half_step_px(frame, resize)
    (x0, x1), (y0, y1) = sorted(corners[:2]), sorted(corners[2:])
    truth = [x0 * size[0], y0 * size[1], x1 * size[0], y1 * size[1]]
    # a box thinner than one step is widened to one and may move by a whole step
    thin = [(truth[i + 2] - truth[i]) < 2 * limits[i] for i in (0, 1)]
    if truth[0] >= truth[2] or truth[1] >= truth[3]:
        return
    placed = to_frame(truth, "box", "pixel", frame, resize)
    text = render("box", placed, frame, notation, "cup")
    order = "yx" if notation.endswith("_yx") else "xy"
    read = parse(text, "box", frame=frame, order=order)
    assert read is not None, text
    back = rescale(read.positions, frame, "pixel", resize)
    for i, (was, now) in enumerate(zip(truth, back, strict=True)):
        assert abs(was - now) <= limits[i % 2] * (2 if thin[i % 2] else 1), text


@given(SIZES, st.tuples(FRACTION, FRACTION), st.sampled_from(FRAMES), st.integers(1, 8))
def test_points_survive_an_exif_turn_as_well(size, at, frame, orientation):
    stored = (at[0] * size[0], at[1] * size[1])
    upright = to_upright(stored, "point", size, orientation)
    resize = seen(upright_size(size, orientation), "qwen3_vl")
    edge = resize.extent(frame)
    placed = to_frame(upright, "point", "pixel", frame, resize)
    read = parse(render("point", placed, frame, "tuple", edge=edge), "point", frame=frame)
    assert read is not None
    back = to_stored(rescale(read.positions, frame, "pixel", resize), "point", size, orientation)
    limits = half_step_px(frame, resize)
    limits = limits if orientation < 5 else limits[::-1]
    assert abs(back[0] - stored[0]) <= limits[0]
    assert abs(back[1] - stored[1]) <= limits[1]


@given(SIZES, st.tuples(FRACTION, FRACTION), st.sampled_from(FAMILIES))
def test_an_integer_pixel_lies_inside_the_image(size, at, family):
    resize = seen(size, family)
    for frame in ("pixel", "pixel_resized"):
        edge = resize.extent(frame)
        placed = [f * edge[i] for i, f in enumerate(at)]
        read = parse(render("point", placed, frame, "tuple", edge=edge), "point", frame=frame)
        assert read is not None
        assert 0 <= read.values[0] < edge[0]
        assert 0 <= read.values[1] < edge[1]


@given(SIZES, PAIRS, st.sampled_from(FRAMES), st.sampled_from(FRAMES), st.sampled_from(FAMILIES))
def test_conversion_itself_is_exact(size, pairs, there, here, family):
    resize = seen(size, family)
    edge = resize.extent(here)
    values = [f * edge[i] for pair in pairs for i, f in enumerate(pair)]
    back = rescale(rescale(values, here, there, resize), there, here, resize)
    assert all(abs(a - b) <= 1e-9 * max(edge) for a, b in zip(values, back, strict=True))
