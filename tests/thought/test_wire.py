"""Thoughts as text and back; what a model may write wrong never raises."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seestep import families
from seestep.act.vocabulary import PREDICATES, VERBS
from seestep.errors import DataError, GeometryError
from seestep.records import (
    Choice,
    Entity,
    Geometry,
    Media,
    MediaRef,
    Record,
    Step,
    Text,
    Thought,
    Turn,
    View,
    YesNo,
)
from seestep.thought import wire
from seestep.thought.schema import CAMERAS, ID, json_schema

PERMILLE = families.get("qwen3_vl")
PIXELS = families.get("robobrain2")  # 28-pixel grid: 640x480 is seen as 644x476
VIEW = Media(key="v", path="v.png", width=640, height=480)
OTHER = Media(key="w", path="w.png", width=640, height=480)

CUP = Geometry(key="cup", kind="box", media="v", frame="pixel", values=(64, 48, 320, 240))
TAP = Geometry(key="tap", kind="point", media="w", frame="unit", values=(0.5, 0.25))
THOUGHT = Thought(
    entities=(
        Entity(id="o1", name="cup", media="v", geometry="cup"),
        Entity(id="o2", name="tap", media="w", geometry="tap"),
        Entity(id="o3", name="fridge"),
    ),
    steps=(
        Step(
            do=("pick", "o1"),
            see="cup in sink",
            pre=(("visible", "o1"), ("hand_empty",)),
            expect=(("holding", "o1"),),
        ),
        Step(do=("goto", "o3"), see="fridge closed", expect=(("near", "o3"),)),
    ),
    next=("pick", "o1"),
    views=(View(src="v", dst="w", same=(("o1", "o2"),), camera="turn_right"),),
)


def record(thought: Thought | None = THOUGHT, **more) -> Record:
    parts = (MediaRef(media="v"), MediaRef(media="w"), Text(text="What next?"))
    plain = {
        "id": "t:1",
        "source": "t",
        "task": "plan",
        "media": (VIEW, OTHER),
        "geometry": (CUP, TAP),
        "turns": (Turn(role="user", parts=parts),),
        "answer": YesNo(yes=True),
    }
    return Record(**{**plain, "thought": thought, **more})


WRITTEN = (
    '{"frame":"n1000","objs":[{"id":"o1","n":"cup","im":0,"b":[100,100,500,500]},'
    '{"id":"o2","n":"tap","im":1,"b":[500,250]},{"id":"o3","n":"fridge"}],'
    '"views":[{"from":0,"to":1,"same":[["o1","o2"]],"cam":"turn_right"}],'
    '"steps":[{"see":"cup in sink","pre":[["visible","o1"],["hand_empty"]],'
    '"do":["pick","o1"],"expect":[["holding","o1"]]},'
    '{"see":"fridge closed","do":["goto","o3"],"expect":[["near","o3"]]}],"next":["pick","o1"]}'
)


def test_a_thought_is_minified_json_in_the_familys_frame():
    assert wire.write_thought(THOUGHT, record(), PERMILLE) == WRITTEN


def test_pixels_are_those_of_the_resized_picture():
    seen = json.loads(wire.write_thought(THOUGHT, record(), PIXELS))
    assert seen["frame"] == "px"
    # x: 64 * 644 / 640 = 64.4, 320 -> 322; y: 48 * 476 / 480 = 47.6, 240 -> 238
    assert seen["objs"][0]["b"] == [64, 48, 322, 238]
    assert seen["objs"][1]["b"] == [322, 119]


def test_the_answer_never_stands_inside_the_json():
    asked = record(answer=Choice(options=("red", "blue"), index=1))
    text = wire.completion(asked.answer, asked, PERMILLE, THOUGHT)
    assert text == f"<think>{WRITTEN}</think><answer>B</answer>"


def test_without_a_thought_the_think_is_empty():
    asked = record(None)
    assert wire.completion(asked.answer, asked, PERMILLE) == "<think></think><answer>yes</answer>"
    assert wire.completion(asked.answer, asked, PERMILLE, THOUGHT, style="plain") == "yes"


@pytest.mark.parametrize("family", [PERMILLE, PIXELS])
def test_what_is_written_is_read_back(family):
    text = wire.completion(YesNo(yes=True), record(), family, THOUGHT)
    reading = wire.read_thought(text, (VIEW, OTHER), family)
    assert reading.reason == ""
    back = reading.thought
    assert (back.steps, back.next, back.views) == (THOUGHT.steps, THOUGHT.next, THOUGHT.views)
    again = record(back, geometry=(CUP, TAP, *reading.geometry))
    assert wire.write_thought(back, again, family) in text


BAD = {
    "<think>{}": "missing",
    "<answer>yes</answer>": "missing",
    "<think> </think><answer>yes</answer>": "empty",
    WRITTEN[:-5]: "parse",
    "[1, 2]": "schema",
    WRITTEN.replace('"pick"', '"grab"'): "schema",
    WRITTEN.replace('"near"', '"nigh"'): "schema",
    WRITTEN.replace('"id":"o3",', '"id":"x3",'): "schema",
    WRITTEN.replace("[500,250]", "[500,250,600]"): "schema",
    WRITTEN.replace("[500,250]", "[500.5,250]"): "schema",
    WRITTEN.replace("n1000", "px"): "schema",
    WRITTEN.replace('"n":"fridge"', '"n":"fridge","im":0'): "schema",
    WRITTEN.replace('"next"', '"after":1,"next"'): "schema",
    WRITTEN.replace("cup in sink", "x" * 81): "schema",
    WRITTEN.replace('"goto","o3"', '"goto","o9"'): "reference",
    WRITTEN.replace('"id":"o3"', '"id":"o2"'): "reference",
    WRITTEN.replace('"im":1', '"im":2'): "reference",
    WRITTEN.replace('"to":1', '"to":0'): "reference",
    WRITTEN.replace("[500,250]", "[500,1001]"): "range",
    WRITTEN.replace("[100,100,500,500]", "[500,100,100,500]"): "range",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_thought_is_stopped_at_its_gate(text):
    assert wire.read_thought(text, (VIEW, OTHER), PERMILLE).stage == BAD[text]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(WRITTEN)), st.integers(0, 30), st.text(max_size=6))
def test_reading_never_raises(at, cut, noise):
    text = WRITTEN[:at] + noise + WRITTEN[at + cut :]
    reading = wire.read_thought(text, (VIEW, OTHER), PERMILLE)
    assert (reading.thought is None) == bool(reading.reason)


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(*[st.floats(0, 1)] * 4).filter(lambda b: b[0] < b[2] and b[1] < b[3]),
    st.integers(8, 2000),
    st.integers(8, 2000),
    st.sampled_from([PERMILLE, PIXELS]),
)
def test_every_box_survives_the_way_there_and_back(box, width, height, family):
    if max(width, height) / min(width, height) > 150:
        return
    media = Media(key="v", path="v.png", width=width, height=height)
    geometry = Geometry(key="g", kind="box", media="v", frame="unit", values=box)
    resize = family.resize((width, height))
    values = wire.wire_values(geometry, media, family)
    extent = resize.extent(family.frame)
    assert 0 <= values[0] < values[2] <= extent[0] and 0 <= values[1] < values[3] <= extent[1]
    for i, v in enumerate(values):
        assert abs(v - box[i] * extent[i % 2]) <= 1


def test_a_polygon_is_its_bounding_box_and_a_mask_is_refused():
    ring = (10, 20, 110, 30, 60, 90)
    polygon = Geometry(key="g", kind="polygon", media="v", frame="permille", values=ring)
    assert wire.wire_values(polygon, VIEW, PERMILLE) == (10, 20, 110, 90)
    mask = Geometry(key="g", kind="mask", media="v", frame="pixel", rle="0", rle_size=(480, 640))
    with pytest.raises(GeometryError, match="point, box or polygon"):
        wire.wire_values(mask, VIEW, PERMILLE)


def test_too_much_is_refused_not_cut():
    long = msgspec.structs.replace(THOUGHT, steps=THOUGHT.steps * 4)
    with pytest.raises(DataError, match=r"too many steps.*at most 6, got 8"):
        wire.write_thought(long, record(), PERMILLE)
    with pytest.raises(DataError, match="n`"):
        named = msgspec.structs.replace(THOUGHT.entities[2], name="f" * 33)
        entities = (*THOUGHT.entities[:2], named)
        wire.write_thought(msgspec.structs.replace(THOUGHT, entities=entities), record(), PERMILLE)


def test_an_unknown_size_or_a_hidden_picture_is_an_error():
    bare = Media(key="v", path="v.png")
    with pytest.raises(GeometryError, match="size is unknown"):
        wire.write_thought(THOUGHT, record(media=(bare, OTHER)), PERMILLE)
    turns = (Turn(role="user", parts=(MediaRef(media="w"),)),)
    with pytest.raises(GeometryError, match="no turn shows"):
        wire.write_thought(THOUGHT, record(turns=turns), PERMILLE)


def test_the_budget_counts_tokens():
    assert wire.within_budget("abc", len, most=3)
    assert not wire.within_budget("abcd", len, most=3)


def test_the_schema_says_what_the_published_draft_says():
    schema = json_schema("n1000")
    step = schema["properties"]["steps"]["items"]
    assert schema["$id"] == "xcot/1"
    assert schema["required"] == ["frame", "objs", "steps", "next"]
    assert step["required"] == ["see", "do", "expect"]
    assert step["properties"]["see"]["maxLength"] == 80
    assert step["properties"]["do"]["prefixItems"] == [{"enum": list(VERBS)}]
    facts = [*PREDICATES, *(f"!{p}" for p in PREDICATES)]
    for name, most in (("pre", 3), ("expect", 2)):
        part = step["properties"][name]
        assert part["maxItems"] == most
        assert part["items"]["prefixItems"] == [{"enum": facts}]
        assert part["items"]["items"] == {"type": "string", "pattern": ID}
    objects = schema["properties"]["objs"]
    assert (objects["maxItems"], objects["items"]["properties"]["n"]["maxLength"]) == (8, 32)
    box = objects["items"]["properties"]["b"]
    assert (box["minItems"], box["maxItems"], box["items"]["maximum"]) == (2, 4, 1000)
    view = schema["properties"]["views"]["items"]["properties"]
    assert sorted(view["cam"]["enum"]) == sorted(CAMERAS)
    assert schema["properties"]["steps"]["maxItems"] == 6
    assert schema["properties"]["frame"] == {"const": "n1000"}
    assert list(step["properties"]) == ["see", "pre", "do", "expect"]  # the order of writing
