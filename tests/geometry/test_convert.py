import pytest

from seestep.errors import GeometryError
from seestep.geometry.convert import rescale, to_frame, to_pixels
from seestep.geometry.frames import Resize, step
from seestep.geometry.render import bounding_box, render, round_values
from seestep.records import Geometry

# 640x480 seen by Qwen2.5-VL: 644x476
RESIZE = Resize(640, 480, 644, 476)

XML = '<point x="61.5" y="40.3" alt="a &amp; b">a &amp; b</point>'
QWEN_JSON = '```json\n[\n\t{"bbox_2d": [1, 2, 3, 4], "label": "a & b"}\n]\n```'
GEMINI_JSON = '```json\n[\n\t{"box_2d": [2, 1, 4, 3], "label": "a & b"}\n]\n```'
QWEN_TOKENS = "<|object_ref_start|>a & b<|object_ref_end|><|box_start|>(1,2),(3,4)<|box_end|>"


def box(values, frame="pixel"):
    return Geometry(key="b", kind="box", media="m", frame=frame, values=values)


@pytest.mark.parametrize(
    ("frame", "values"),
    [
        ("pixel", (320, 120)),
        ("pixel_resized", (322, 119)),
        ("unit", (0.5, 0.25)),
        ("permille", (500, 250)),
        ("percent", (50, 25)),
    ],
)
def test_the_same_place_in_every_frame(frame, values):
    assert to_frame((320, 120), "point", "pixel", frame, RESIZE) == values
    assert to_frame(values, "point", frame, "pixel", RESIZE) == (320, 120)


def test_what_leaves_the_image_is_an_error_unless_cutting_is_declared():
    with pytest.raises(GeometryError, match=r"'b'.*leaves its image.*clip=True"):
        to_pixels(box((600, 400, 700, 470)), (640, 480))
    assert to_pixels(box((600, 400, 700, 470)), (640, 480), clip=True) == (600, 400, 640, 470)


def test_a_box_wholly_outside_cannot_be_cut():
    with pytest.raises(GeometryError, match="nothing of the box"):
        to_pixels(box((700, 10, 800, 20)), (640, 480), clip=True)


def test_the_far_edge_belongs_to_the_image():
    assert to_pixels(box((0, 0, 1000, 1000), "permille"), (640, 480)) == (0, 0, 640, 480)


def test_a_geometry_without_a_known_size_cannot_be_resolved():
    with pytest.raises(GeometryError, match="size of its image"):
        to_pixels(box((1, 2, 3, 4)))
    with pytest.raises(GeometryError, match="resize it was made for"):
        to_pixels(box((1, 2, 3, 4), "pixel_resized"), (640, 480))
    assert to_pixels(box((0, 0, 322, 119), "pixel_resized"), resize=RESIZE) == (0, 0, 320, 120)


def test_unknown_frames_and_odd_numbers_are_refused():
    with pytest.raises(GeometryError, match="unknown frame"):
        rescale((1, 2), "pixel", "inches", RESIZE)
    with pytest.raises(GeometryError, match="unknown frame"):
        rescale((1, 2), "inches", "inches", RESIZE)
    with pytest.raises(GeometryError, match="pairs"):
        to_frame((1, 2, 3), "path", "pixel", "unit", RESIZE)
    with pytest.raises(GeometryError, match="unknown frame"):
        step("inches")


@pytest.mark.parametrize(
    ("kind", "values", "frame", "notation", "text"),
    [
        ("point", (376.9, 309.2), "pixel", "tuple", "(376, 309)"),
        ("point", (0.4166, 0.5), "unit", "tuple", "(0.417, 0.500)"),
        ("points", (0, 0, 999.5, 1000), "permille", "tuples", "[(0, 0), (1000, 1000)]"),
        ("point", (61.54, 40.25), "percent", "xml_points", XML),
        ("path", (1, 2, 3, 4), "permille", "lists", "[[1, 2], [3, 4]]"),
        ("box", (1.5, 2.4, 3.5, 4.6), "pixel", "bracket_box", "[2, 2, 4, 5]"),
        ("polygon", (1, 2, 9, 2, 5, 8), "permille", "tuples", "[(1, 2), (9, 2), (5, 8)]"),
        ("polygon", (1, 2, 9, 2, 5, 8), "permille", "bracket_box", "[1, 2, 9, 8]"),
        ("box", (1, 2, 3, 4), "permille", "json_bbox_2d", QWEN_JSON),
        ("box", (1, 2, 3, 4), "permille", "json_box_yx", GEMINI_JSON),
        ("box", (1, 2, 3, 4), "permille", "qwen_box_tokens", QWEN_TOKENS),
        ("path", (1, 2), "permille", "tuple", "(1, 2)"),
    ],
)  # fmt: skip
def test_geometry_is_written_as_its_readers_expect(kind, values, frame, notation, text):
    assert render(kind, values, frame, notation, "a & b") == text


def test_the_last_pixel_is_the_largest_that_a_point_can_name():
    assert round_values((640, 480), "point", "pixel", edge=(640, 480)) == (639, 479)
    assert round_values((640, 480), "point", "permille", edge=(1000, 1000)) == (640, 480)


def test_a_box_thinner_than_a_step_stays_a_box():
    assert round_values((10.1, 5, 10.4, 9), "box", "pixel") == (10, 5, 11, 9)
    assert round_values((0.9999, 0, 1, 1), "box", "unit") == (0.999, 0, 1, 1)


def test_a_declared_coarser_grid_is_kept():
    assert round_values((412, 538), "point", "permille", multiple=5) == (410, 540)


def test_a_notation_that_cannot_say_a_kind_is_refused():
    with pytest.raises(GeometryError, match="cannot write a point"):
        render("point", (1, 2), "pixel", "bracket_box")
    with pytest.raises(GeometryError, match="unknown notation"):
        render("point", (1, 2), "pixel", "morse")
    with pytest.raises(GeometryError, match="cannot write a points"):
        render("points", (1, 2, 3, 4), "pixel", "tuple")


def test_the_box_around_points():
    assert bounding_box((3, 9, 1, 4, 2, 7)) == (1, 4, 3, 9)
