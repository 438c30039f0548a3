import itertools

import numpy as np
import pytest
from msgspec.structs import replace

from seestep import families
from seestep.act import wire
from seestep.errors import GeometryError
from seestep.families import wording
from seestep.families.prompt import (
    answer_text,
    form_sentence,
    messages,
    number_text,
    write_geometry,
)
from seestep.families.robobrain2 import PROMPTS
from seestep.geometry.convert import rescale
from seestep.geometry.masks import contains, decode, encode, from_polygon
from seestep.geometry.parse import parse
from seestep.geometry.render import NOTATIONS
from seestep.records import (
    Box,
    Choice,
    Entity,
    Form,
    FormRef,
    Freeform,
    Geometry,
    GeometryRef,
    Media,
    MediaRef,
    Number,
    Path,
    Plan,
    Points,
    Record,
    Step,
    Text,
    Turn,
    YesNo,
)

QWEN25, QWEN3, ROBO = (families.get(n) for n in ("qwen2_5_vl", "qwen3_vl", "robobrain2"))
IMAGE = Media(key="m", width=640, height=480)  # Qwen2.5-VL sees it at 644x476

_disc = np.zeros((48, 64), np.uint8)
_disc[10:20, 20:30] = 1
RLE, RLE_SIZE = encode(_disc)
SHAPES = (
    Geometry(key="at", kind="point", media="m", frame="unit", values=(0.5, 0.25)),
    Geometry(key="all", kind="points", media="m", frame="pixel", values=(64, 48, 320, 240)),
    Geometry(
        key="box", kind="box", media="m", frame="pixel", values=(64, 48, 320, 240), label="mug"
    ),
    Geometry(key="way", kind="path", media="m", frame="permille", values=(0, 0, 500, 500)),
    Geometry(key="ring", kind="polygon", media="m", frame="unit", values=(0, 0, 0.5, 0, 0.5, 0.5)),
    Geometry(key="mask", kind="mask", media="m", frame="pixel", rle=RLE, rle_size=RLE_SIZE),
)


def asked(answer, form=None, text="Where is the mug?", ref=None, media=(IMAGE,)):
    parts = [MediaRef(media="m"), Text(text=text)]
    parts += [GeometryRef(geometry=ref)] if ref else []
    return Record(
        id="r",
        source="s",
        task="t",
        media=media,
        geometry=SHAPES,
        turns=(Turn(role="user", parts=(*parts, FormRef()) if form else tuple(parts)),),
        form=form,
        answer=answer,
    )


def text_of(record, family=QWEN3):
    (message,) = messages(record, family)
    return message["content"][-1]["text"]


@pytest.mark.parametrize(
    ("family", "answer", "expected"),
    [
        (QWEN25, Points(geometry="at"), '```json\n[\n\t{"point_2d": [322, 119]}\n]\n```'),
        (QWEN3, Points(geometry="at"), '```json\n[\n\t{"point_2d": [500, 250]}\n]\n```'),
        (ROBO, Points(geometry="at"), "[(322, 119)]"),
        (ROBO, Points(geometry="all"), "[(64, 47), (322, 238)]"),
        (
            QWEN25,
            Box(geometry="box"),
            '```json\n[\n\t{"bbox_2d": [64, 48, 322, 238], "label": "mug"}\n]\n```',
        ),
        (
            QWEN3,
            Box(geometry="box"),
            '```json\n[\n\t{"bbox_2d": [100, 100, 500, 500], "label": "mug"}\n]\n```',
        ),
        (ROBO, Box(geometry="box"), "[64, 48, 322, 238]"),
        (ROBO, Path(geometry="way"), "[[0, 0], [322, 238]]"),
    ],
)
def test_places_are_answered_in_the_familys_own_frame_and_notation(family, answer, expected):
    assert answer_text(answer, asked(answer), family) == expected


def test_a_form_overrides_frame_and_notation():
    form = Form(kind="points", frame="unit", notation="tuples")
    for family in (QWEN25, QWEN3, ROBO):
        answer = Points(geometry="all")
        written = answer_text(answer, asked(answer, form), family)
        assert written == "[(0.100, 0.100), (0.500, 0.500)]"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Choice(options=("x", "y", "z"), index=1), "B"),
        (Number(value=3), "3"),
        (Number(value=2.5), "2.5"),
        (Number(value=1 / 3), "0.333333"),
        (Number(value=0), "0"),
        (YesNo(yes=True), "yes"),
        (YesNo(yes=False), "no"),
        (Freeform(text="the red mug"), "the red mug"),
    ],
)
def test_plain_answers_are_written_plainly(answer, expected):
    assert answer_text(answer, asked(answer), QWEN3) == expected


def test_a_plan_is_written_as_act_reads_it():
    mug, bowl = Entity(id="o1", name="red mug"), Entity(id="o2", name="bowl")
    plan = Plan(steps=(Step(do=("pick", "o1")), Step(do=("put", "o2"))), entities=(mug, bowl))
    written = answer_text(plan, asked(plan), QWEN3)
    assert written == wire.write(plan) == '[["pick","red mug"],["put","bowl"]]'


def test_a_protocol_that_demands_an_answer_line_gets_one():
    form = Form(kind="points", frame="unit", notation="tuples", prompt=wording.P_POINT)
    answer = Points(geometry="at")
    record = asked(answer, form)
    assert answer_text(answer, record, QWEN3) == "Answer: [(0.500, 0.250)]"
    assert text_of(record) == "Where is the mug?\n" + wording.P_POINT


def test_a_mask_as_points_is_answered_by_a_point_inside_it():
    answer = Points(geometry="mask")
    written = answer_text(answer, asked(answer), ROBO)
    read = parse(written, "point", frame="pixel_resized")
    assert read is not None
    x, y = read.positions[0] * 640 / 644, read.positions[1] * 480 / 476
    assert contains(SHAPES[-1], x, y, QWEN25.resize((640, 480)))


def test_of_several_rings_the_largest_is_written():
    small, large = (0, 0, 0.1, 0, 0.1, 0.1), (0.5, 0.5, 1, 0.5, 1, 1)
    ring = Geometry(key="r", kind="polygon", media="m", frame="unit", values=small, rings=(large,))
    written = write_geometry(ring, QWEN3.resize((640, 480)), ROBO, frame="permille")
    assert written == "[(500, 500), (1000, 500), (1000, 1000)]"


def test_a_mask_is_written_as_its_box_or_its_outline():
    resize = QWEN3.resize((640, 480))
    assert write_geometry(SHAPES[-1], resize, ROBO, frame="pixel") == "[200, 100, 300, 200]"
    outline = write_geometry(SHAPES[-1], resize, ROBO, frame="pixel", notation="tuples")
    assert outline == "[(200, 100), (300, 100), (300, 200), (200, 200)]"


@pytest.mark.parametrize("family", [QWEN25, QWEN3, ROBO])
def test_a_written_outline_covers_what_the_mask_covers(family):
    rows, columns = np.mgrid[0:480, 0:640]
    disc = (columns - 300) ** 2 / 9 + (rows - 200) ** 2 / 4 < 40**2
    rle, rle_size = encode(disc)
    mask = Geometry(key="k", kind="mask", media="m", frame="pixel", rle=rle, rle_size=rle_size)
    resize = family.resize((640, 480))
    written = write_geometry(mask, resize, family, notation="tuples")
    read = parse(written, "polygon", frame=family.frame)
    assert read is not None
    ring = rescale(read.positions, family.frame, "pixel", resize)
    back = decode(*from_polygon([ring], (640, 480)))
    assert (disc & (back > 0)).sum() / (disc | (back > 0)).sum() > 0.97


def test_a_declared_grid_rounds_coordinates():
    answer = Points(geometry="all")
    form = Form(kind="points", notation="tuples")
    odd = QWEN3.with_processor(max_pixels=65536)
    assert answer_text(answer, asked(answer, form), odd, multiple=5) == "[(100, 100), (500, 500)]"


def test_options_are_listed_before_the_sentence():
    form = Form(kind="choice")
    record = asked(Choice(options=("left", "right"), index=0), form, text="Which side?")
    assert text_of(record) == f"Which side?\nA. left\nB. right\n{wording.P_DIRECT}"


def test_inline_options_are_not_repeated():
    form = Form(kind="choice", notation="inline", prompt=wording.P_COT)
    record = asked(Choice(options=("left", "right"), index=0), form, text="A. left B. right?")
    assert text_of(record) == f"A. left B. right?\n{wording.P_COT}"
    assert answer_text(record.answer, record, QWEN3) == "Answer: A"


def test_a_turn_without_a_form_gets_no_sentence():
    assert text_of(asked(Choice(options=("a", "b"), index=0))) == "Where is the mug?"


def test_robobrain_is_asked_in_its_own_words():
    record = asked(Points(geometry="at"), Form(kind="points"), text="Point at the mug.")
    assert text_of(record, ROBO) == PROMPTS["pointing"].replace("{text}", "Point at the mug")
    tuples = Form(kind="points", frame="unit", notation="tuples")
    assert "fractions" in text_of(asked(Points(geometry="at"), tuples), ROBO)


def test_numbers_inside_a_question_are_written_inline_for_the_family():
    record = asked(YesNo(yes=True), text="What is at ", ref="box")
    assert text_of(record, QWEN3) == "What is at [100, 100, 500, 500]"
    assert text_of(record, QWEN25) == "What is at [64, 48, 322, 238]"


def test_media_keep_their_place_among_the_words():
    frames = Media(key="m", kind="frames", frames=("0.png", "1.png"), width=64, height=64)
    record = asked(YesNo(yes=True), media=(frames,))
    assert messages(record, QWEN3) == [
        {
            "role": "user",
            "content": [
                {"type": "image", "media": "m", "index": 0},
                {"type": "image", "media": "m", "index": 1},
                {"type": "text", "text": "Where is the mug?"},
            ],
        }
    ]


def test_an_unread_header_is_an_error_until_its_size_is_given():
    answer = Points(geometry="at")
    record = asked(answer, Form(kind="points", notation="tuple"), media=(Media(key="m"),))
    with pytest.raises(GeometryError, match=r"r: the size of media 'm' is unknown"):
        answer_text(answer, record, QWEN3)
    assert answer_text(answer, record, QWEN3, sizes={"m": (640, 480)}) == "(500, 250)"


def test_geometry_outside_its_image_is_not_written():
    out = Geometry(key="out", kind="point", media="m", frame="pixel", values=(700, 10))
    record = asked(Points(geometry="at"))
    record = replace(record, geometry=(*SHAPES, out))
    with pytest.raises(GeometryError, match=r"r: point 'out'.*leaves its image"):
        answer_text(Points(geometry="out"), record, QWEN3)


@pytest.mark.parametrize("family", [QWEN25, QWEN3, ROBO])
def test_what_a_family_writes_it_can_read(family):
    for geometry in SHAPES:
        answer = {"box": Box, "path": Path}.get(geometry.kind, Points)(geometry=geometry.key)
        written = answer_text(answer, asked(answer), family)
        want = geometry.kind if geometry.kind in ("box", "path") else "points"
        assert parse(written, want, frame=family.frame) is not None


def test_every_kind_frame_and_notation_has_its_own_sentence():
    kinds = ("point", "points", "box", "path", "polygon")
    seen = {}
    for kind, frame, notation in itertools.product(
        kinds, ("unit", "permille", "percent", "pixel"), NOTATIONS
    ):
        shapes = NOTATIONS[notation][0]
        if ("box" if kind == "box" else "points") in shapes:
            said = (
                form_sentence(Form(kind=kind, frame=frame, notation=notation), QWEN3)
                if (kind != "polygon")
                else wording.sentence(kind, frame, notation)
            )
            assert said not in seen or seen[said][:2] == (kind, frame), (said, seen[said])
            seen[said] = (kind, frame, notation)
    for kind in ("choice", "number", "yes_no", "plan", "text"):
        assert form_sentence(Form(kind=kind), QWEN3)


@pytest.mark.parametrize(
    ("value", "text"), [(3.0, "3"), (2.9999999, "3"), (1e-9, "0"), (0.25, "0.25"), (-1.5, "-1.5")]
)
def test_a_number_never_ends_in_a_point(value, text):
    assert number_text(value) == text
