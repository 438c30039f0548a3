import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep.errors import GeometryError
from seestep.geometry.parse import parse

# (text, wanted kind, values, rule), each notation of the field as its speakers write it
SEEN = [
    ("(376, 309)", "point", (376, 309), "tuple"),
    ("[376, 309]", "point", (376, 309), "list"),
    ("376, 309", "point", (376, 309), "bare"),
    ("[(0.41, 0.53)]", "points", (0.41, 0.53), "tuples"),
    ("[(0.41, 0.53), (.5,.25),]", "points", (0.41, 0.53, 0.5, 0.25), "tuples"),
    ("[[0.41, 0.53], [0.5, 0.25]]", "points", (0.41, 0.53, 0.5, 0.25), "lists"),
    ("((1, 2), (3, 4))", "points", (1, 2, 3, 4), "tuples"),
    ("(1, 2)\n(3, 4)", "points", (1, 2, 3, 4), "tuple"),
    ("[341, 258, 397, 360]", "box", (341, 258, 397, 360), "list"),
    ("(341, 258, 397, 360)", "box", (341, 258, 397, 360), "tuple"),
    ("(341, 258), (397, 360)", "box", (341, 258, 397, 360), "tuple+corners"),
    ("[[341, 258], [397, 360]]", "box", (341, 258, 397, 360), "lists+corners"),
    ("[397, 360, 341, 258]", "box", (341, 258, 397, 360), "list+sorted"),
    (
        '```json\n[\n\t{"point_2d": [10, 20], "label": "a"},\n\t{"point_2d": [30, 40]}\n]\n```',
        "points",
        (10, 20, 30, 40),
        "json_point_2d+fenced",
    ),
    (
        '```json\n[\n\t{"bbox_2d": [1, 2, 30, 40], "label": "red mug"}\n]\n```',
        "box",
        (1, 2, 30, 40),
        "json_bbox_2d+fenced",
    ),
    ('{"bbox_2d": [1, 2, 30, 40], "label": "cut', "box", (1, 2, 30, 40), "json_bbox_2d"),
    ("{'points': [[1, 2], [3, 4]]}", "points", (1, 2, 3, 4), "json_points"),
    ('{"bbox_2d": [10, 20, 30, 40]}', "point", (20, 30), "json_bbox_2d+centre"),
    ('<point x="61.5" y="40.4" alt="mug">mug</point>', "point", (61.5, 40.4), "xml_points"),
    (
        '<points x1="10.5" y1="20" x2="3" y2="4" alt="mugs">mugs</points>',
        "points",
        (10.5, 20, 3, 4),
        "xml_points",
    ),
    ('[{"x": 10, "y": 20}, {"x": 30, "y": 40}]', "points", (10, 20, 30, 40), "named_xy"),
    ("at x=10.5, y=20", "point", (10.5, 20), "named_xy"),
    ("<|box_start|>(1,2),(30,40)<|box_end|>", "box", (1, 2, 30, 40), "qwen_box_tokens"),
    ("（０.41，0.53）", "point", (0.41, 0.53), "tuple+fullwidth"),
    ("【（1，2），（3，4）】", "points", (1, 2, 3, 4), "tuples+fullwidth"),
    ("[(1, 2), (3, 4)]", "point", (1, 2), "tuples+first"),
    ("[(1, 2, 0.8), (3, 4, 0.9)]", "path", (1, 2, 3, 4), "tuples+depth"),
    ("The mug (one of 3) is at [0.1, 0.2].", "point", (0.1, 0.2), "list"),
    ("Not [(1, 2)] but\nAnswer: [(3, 4)]", "points", (3, 4), "tuples"),
    ("First [(1, 2)], then [(3, 4)]", "points", (3, 4), "tuples"),
    ("(-3, +4)", "point", (-3, 4), "tuple"),
    ("(1e2, 2.5E1)", "point", (100, 25), "tuple"),
]


@pytest.mark.parametrize(("text", "want", "values", "rule"), SEEN)
def test_every_notation_is_read_and_named(text, want, values, rule):
    read = parse(text, want, frame="permille")
    assert read is not None
    assert (read.values, read.rule, read.kind) == (values, rule, want)


NOTHING = [
    ("", "points"),
    ("no coordinates here", "points"),
    ("3", "point"),
    ("[1, 2, 3, 4]", "points"),  # a box or two points: not ours to guess
    ("(1, 2]", "point"),
    ("[5, 5, 5, 9]", "box"),
    ("(1, 2)", "box"),
    ("(1, 2), (3, 4)", "polygon"),
    (f"({'9' * 400}, 1)", "point"),
]


@pytest.mark.parametrize(("text", "want"), NOTHING)
def test_what_states_nothing_of_the_kind_is_none(text, want):
    assert parse(text, want, frame="pixel") is None


def test_y_first_is_only_read_when_declared():
    text = '[{"point": [200, 100], "label": "mug"}]'
    swapped = parse(text, "point", frame="permille", order="yx")
    plain = parse(text, "point", frame="permille")
    assert swapped is not None and plain is not None
    assert (swapped.values, swapped.rule) == ((100, 200), "json_point+yx")
    assert plain.values == (200, 100)
    box = parse('{"box_2d": [20, 10, 40, 30]}', "box", frame="permille", order="yx")
    assert box is not None and box.values == (10, 20, 30, 40)
    named = parse('<point x="10" y="20" alt="">', "point", frame="permille", order="yx")
    assert named is not None and named.values == (10, 20)  # its axes carry their names


def test_an_integer_pixel_stands_for_its_centre_and_a_position_for_itself():
    named = parse("(376, 309)", "point", frame="pixel")
    placed = parse("(376.0, 309.0)", "point", frame="pixel")
    permille = parse("(376, 309)", "point", frame="permille")
    box = parse("[1, 2, 3, 4]", "box", frame="pixel")
    assert named is not None and named.positions == (376.5, 309.5)
    assert placed is not None and placed.positions == (376, 309)
    assert permille is not None and permille.positions == (376, 309)
    assert box is not None and box.positions == (1, 2, 3, 4)


def test_an_undeclared_frame_or_order_is_refused():
    with pytest.raises(GeometryError):
        parse("(1, 2)", "point", frame="pixels")
    with pytest.raises(GeometryError):
        parse("(1, 2)", "point", frame="pixel", order="zx")
    with pytest.raises(GeometryError):
        parse("(1, 2)", "mask", frame="pixel")


HOSTILE = [
    "(",
    "[1,",
    "1",
    "(1,",
    "[(1,2),",
    "[(1,2)",
    "[[1,2],",
    "```",
    "<points ",
    '<points x1="1" y1="2" ',
    '"point_2d":[',
    '"points":[(1,2),(3,4)',
    "( ",
    "[ ",
    "<|box_start|>(",
    "1, ",
    "1e",
    "-",
    "Answer:",
    "Answer: [(1,2),",
    "（",
    "x=1,",
    "x=1 y=",
    "x",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hundred_kilobytes_of_anything_are_read_in_linear_time(piece):
    text = piece * (100_000 // len(piece))
    start = time.process_time()
    for want in ("points", "box"):
        parse(text, want, frame="unit")
    assert time.process_time() - start < 2


@given(st.text(alphabet="()[]{}<>,.:\"'0123456789-+e xy`\n", max_size=200))
def test_no_text_makes_the_parser_fail(text):
    for want in ("point", "points", "box", "polygon", "path"):
        parse(text, want, frame="pixel")
