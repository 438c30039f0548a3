"""Thoughts built by rule say only what the record shows; checks execute them."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest

from seestep import families, run
from seestep.act import goals
from seestep.act.judge import context
from seestep.act.state import State, Thing
from seestep.records import (
    Choice,
    Entity,
    Geometry,
    Item,
    Media,
    MediaRef,
    Plan,
    Points,
    Record,
    Step,
    Text,
    Thought,
    Turn,
    YesNo,
)
from seestep.thought.build import BuildConfig, build
from seestep.thought.check import CHECKS, check_thought, simulate
from seestep.thought.stage import build_thoughts, drawn
from seestep.thought.validity import Validity, summarise, validity
from seestep.thought.wire import completion, write_thought

QWEN = families.get("qwen3_vl")


def picture(key: str) -> Media:
    return Media(key=key, path=f"{key}.png", width=100, height=100)


def box(key: str, label: str, *values: float, media: str = "v", kind: str = "box") -> Geometry:
    return Geometry(key=key, kind=kind, media=media, frame="pixel", values=values, label=label)


def ask(words, answer, *geometry, task="relation", media=("v",), id="t:1", **more) -> Record:
    parts = (*(MediaRef(media=m) for m in media), Text(text=words))
    return Record(
        id=id,
        source="t",
        task=task,
        media=tuple(picture(m) for m in media),
        turns=(Turn(role="user", parts=parts),),
        geometry=geometry,
        answer=answer,
        **more,
    )


MUG, BOWL = box("m", "red mug", 10, 40, 30, 60), box("b", "bowl", 60, 42, 90, 62)
SIDE = Choice(options=("right", "left"), index=1)


def sees(record: Record) -> list[str]:
    thought = build(record)
    assert isinstance(thought, Thought), thought
    return [s.see for s in thought.steps]


def test_a_relation_is_said_when_the_boxes_show_it():
    # centres 20 and 75: 55 apart, extents 20 + 30, a quarter of that is 12.5
    record = ask("Is the red mug left or right of the bowl?", SIDE, BOWL, MUG)
    assert sees(record) == ["red mug", "red mug left of bowl"]
    above = box("b", "bowl", 10, 80, 30, 95)
    record = ask("Is the red mug above the bowl?", YesNo(yes=True), MUG, above)
    assert sees(record) == ["red mug", "red mug above bowl"]


def test_a_relation_boxes_cannot_show_is_not_said():
    depth = Choice(options=("in front of", "behind"), index=0)
    record = ask("Is the red mug in front of or behind the bowl?", depth, MUG, BOWL)
    assert sees(record) == ["red mug", "bowl"]
    near = box("b", "bowl", 18, 40, 40, 60)  # centres 9 apart, a quarter of 42 is 10.5
    record = ask("Is the red mug left or right of the bowl?", SIDE, MUG, near)
    assert sees(record) == ["red mug", "bowl"]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("Is the bowl left or right of the red mug?", SIDE),
        ("Is the red mug right of the bowl?", YesNo(yes=True)),
        ("Is the red mug left of the bowl?", YesNo(yes=False)),
    ],
)
def test_an_answer_against_its_boxes_gets_no_thought(words, answer):
    assert build(ask(words, answer, MUG, BOWL)) == "boxes_disagree_with_the_answer"


def test_what_cannot_be_built_leaves_its_reason():
    assert build(ask("Is it left?", SIDE, MUG)) == "two_things_are_not_placed"
    twin = msgspec.structs.replace(BOWL, label="red mug")
    assert build(ask("Is it left?", SIDE, MUG, twin)) == "things_share_a_name"
    words = "Is the red mug left or right of the bowl?"
    third = msgspec.structs.replace(twin, key="third")
    assert build(ask(words, SIDE, MUG, BOWL, third)) == "things_share_a_name"
    assert build(ask("How many?", SIDE, MUG, BOWL, task="count")) == "no_rule_for_count"
    assert build(ask("Same?", SIDE, MUG, BOWL, task="multiview")) == "one_picture_only"


def test_a_name_that_one_view_has_twice_is_not_matched():
    there = box("m2", "red mug", 50, 40, 70, 60, media="w")
    twin = box("m3", "red mug", 5, 40, 20, 60, media="w")
    turn = Choice(options=("left", "right"), index=0)
    record = ask("Which way did it go?", turn, MUG, there, twin, task="multiview", media=("v", "w"))
    assert build(record) == "nothing_is_in_both_views"


def test_two_views_are_matched_by_name():
    there = box("m2", "red mug", 50, 40, 70, 60, media="w")
    turn = Choice(options=("left", "right"), index=0)
    record = ask(
        "Which way did the camera turn?",
        turn,
        MUG,
        BOWL,
        there,
        task="multiview",
        media=("v", "w"),
    )
    thought = build(record)
    assert [(e.id, e.name, e.media) for e in thought.entities] == [
        ("o1", "red mug", "v"),
        ("o2", "red mug", "w"),
    ]
    assert (thought.views[0].same, thought.views[0].camera) == ((("o1", "o2"),), "turn_left")
    assert [v.keep for v in check_thought(thought, record, QWEN)] == [True] * 5


def test_pointing_in_the_second_view_comes_next():
    at = box("p", "red mug", 55, 50, media="w", kind="point")
    record = ask("Point to it.", Points(geometry="p"), MUG, at, task="multiview", media=("v", "w"))
    assert build(record).next == ("point", "o2")


MUG_TO_SINK = Plan(
    entities=(
        Entity(id="o1", name="red mug", sim="Mug|1"),
        Entity(id="o2", name="sink", sim="Sink|1"),
    ),
    steps=(
        Step(
            do=("pick", "o1"),
            see="red mug on the table",
            pre=(("visible", "o1"), ("hand_empty",)),
            expect=(("holding", "o1"),),
        ),
        Step(
            do=("put", "o2"),
            see="sink",
            pre=(("holding", "o1"),),
            expect=(("in", "o1", "o2"), ("hand_empty",)),
        ),
    ),
)
STATE = State(
    things={
        "Mug|1": Thing(id="Mug|1", type="Mug", color="red", pickupable=True, parents=("Table|1",)),
        "Sink|1": Thing(id="Sink|1", type="Sink", receptacle=True),
        "Table|1": Thing(id="Table|1", type="DiningTable", receptacle=True),
    }
)


def plan_record(plan: Plan = MUG_TO_SINK) -> Record:
    return ask("Put the red mug in the sink.", plan, MUG, task="plan")


def test_a_plan_is_its_own_thought_with_its_things_placed():
    thought = build(plan_record())
    assert thought.entities[0].geometry == "m"
    assert thought.entities[1].geometry is None
    assert [s.see for s in thought.steps] == ["red mug on the table", ""]  # no sink in the picture
    assert (thought.next, thought.annotator) == (("pick", "o1"), "sim")


def test_boxes_and_preconditions_can_be_left_out():
    record = plan_record()
    thought = build(record, BuildConfig(boxes=False, pre=False))
    text = write_thought(thought, record, QWEN)
    assert '"b":' not in text and '"pre":' not in text


@pytest.mark.parametrize("state", [None, STATE], ids=["declared", "executed"])
def test_a_good_plan_passes_every_check(state):
    record = plan_record()
    verdicts = check_thought(build(record), record, QWEN, state=state)
    assert [(v.check, v.keep) for v in verdicts] == [(c, True) for c in CHECKS]


def changed(index: int, **fields) -> Thought:
    steps = list(MUG_TO_SINK.steps)
    steps[index] = msgspec.structs.replace(steps[index], **fields)
    return msgspec.structs.replace(build(plan_record()), steps=tuple(steps))


@pytest.mark.parametrize(
    ("thought", "check"),
    [
        (changed(0, do=("pick", "o1", "o2")), "thought_schema"),
        (changed(0, pre=(("holding",),)), "thought_schema"),
        (changed(0, see="x" * 81), "thought_geometry"),
        (changed(1, pre=(("hand_empty",),)), "thought_preconditions"),
        (changed(1, expect=(("holding", "o1"),)), "thought_preconditions"),
        (changed(1, do=("pick", "o2")), "thought_preconditions"),
        (msgspec.structs.replace(build(plan_record()), next=("put", "o2")), "thought_next"),
    ],
)
def test_a_bad_thought_is_stopped_by_the_right_check(thought, check):
    last = check_thought(thought, plan_record(), QWEN)[-1]
    assert (last.check, last.keep) == (check, False)


def test_a_lost_reference_is_found():
    thought = build(plan_record())
    entities = (msgspec.structs.replace(thought.entities[0], geometry="gone"), thought.entities[1])
    last = check_thought(msgspec.structs.replace(thought, entities=entities), plan_record(), QWEN)[
        -1
    ]
    assert (last.check, last.keep) == ("thought_references", False)


def test_declared_steps_are_held_against_themselves():
    def held(*steps: Step):
        entities = (Entity(id="o1", name="door"), Entity(id="o2", name="cup"))
        return simulate(Thought(entities=entities, steps=steps, next=steps[0].do), None)

    opened = Step(do=("open", "o1"), pre=(("closed", "o1"),), expect=(("open", "o1"),))
    assert held(opened, opened).first_bad == 1
    assert held(opened, Step(do=("close", "o1"), pre=(("open", "o1"),))).first_bad is None
    assert held(Step(do=("put", "o1"), pre=(("hand_empty",),))).reason == (
        "there is nothing in the hand to put"
    )
    wrong = held(opened, Step(do=("pick", "o2"), pre=(("closed", "o1"),)))
    assert (wrong.pre_held, wrong.pre_total) == (1, 2)


def _rows(n: int, *, rows) -> run.ShardResult:
    return run.ShardResult(rows=rows[n::2])


def test_the_stage_keeps_originals_beside_thoughts(tmp_path):
    rows = [
        plan_record(),
        ask("Is the red mug left or right of the bowl?", SIDE, MUG, BOWL, id="t:2"),
        ask("Is the red mug left or right of the bowl?", SIDE, MUG, id="t:3"),
        ask("How many mugs are there?", YesNo(yes=True), task="vqa", id="t:4"),
    ]
    work = partial(_rows, rows=rows)
    run.shard_stage(
        tmp_path / "in", stage="toy", version=1, config={}, inputs=[], shards=2, work=work
    )
    config = BuildConfig(shares={"plan": 1.0, "relation": 1.0})
    manifest = build_thoughts(tmp_path / "in", tmp_path / "out", config)
    out = {r.id: r for r in run.read_rows(tmp_path / "out", Record)}
    assert sorted(out) == ["t:1", "t:1-thought", "t:2", "t:2-thought", "t:3", "t:4"]
    assert out["t:1"].thought is None
    assert out["t:1-thought"].thought is not None
    assert out["t:1-thought"].tags == ("thought",)
    assert manifest.drops == {"thought_build:two_things_are_not_placed": 1}
    two = build_thoughts(tmp_path / "in", tmp_path / "two", config, workers=2)
    assert two.commits == manifest.commits


def test_the_budget_refuses_and_does_not_cut(tmp_path):
    work = partial(_rows, rows=[plan_record(), plan_record().__class__(**_fields(id="t:5"))])
    run.shard_stage(
        tmp_path / "in", stage="toy", version=1, config={}, inputs=[], shards=2, work=work
    )
    manifest = build_thoughts(tmp_path / "in", tmp_path / "out", BuildConfig(most_chars=100))
    assert manifest.drops == {"thought_budget:too_long": 2}
    assert manifest.counts["out"] == 2


def _fields(**changes):
    record = plan_record()
    return {name: getattr(record, name) for name in record.__struct_fields__} | changes


def test_a_share_is_drawn_by_id_and_seed():
    rows = [ask("Is it left?", SIDE, MUG, BOWL, id=f"t:{i}") for i in range(1000)]
    half = BuildConfig(shares={"relation": 0.5})
    chosen = {r.id for r in rows if drawn(r, half)}
    assert 440 < len(chosen) < 560
    fewer = {r.id for r in rows if drawn(r, BuildConfig(shares={"relation": 0.2}))}
    assert fewer < chosen  # a smaller share is a part of a larger one
    other = {r.id for r in rows if drawn(r, BuildConfig(shares={"relation": 0.5}, seed=1))}
    assert other != chosen


# --- scores of what a model wrote -------------------------------------------------------------

IN_SINK = goals.Goal(
    task="pick_and_place_simple",
    wants=(goals.Want(what=goals.Which(type="Mug", inside=goals.Which(type="Sink"))),),
)


def item(**context_) -> Item:
    record = plan_record()
    fields = {n: getattr(record, n) for n in record.__struct_fields__ if n != "thought"}
    return Item(**fields, suite="mini", scorer="plan", skill="planning", context=context_)


def test_with_the_state_of_the_home_the_goal_is_judged_too():
    record = plan_record()
    text = completion(record.answer, record, QWEN, build(record))
    asked = item(**context(STATE, IN_SINK))
    good = validity(text, asked, QWEN)
    assert (good.executed, good.pre_rate, good.expect_rate, good.goal) == (True, 1.0, 1.0, True)
    lost = validity(text.replace('"put","o2"', '"put","o1"'), asked, QWEN)
    assert (lost.executed, lost.first_bad, lost.goal) == (False, 1, False)
    other = validity(text.replace('"n":"red mug"', '"n":"blue jug"'), asked, QWEN)
    assert (other.executed, other.first_bad, other.goal) == (False, 0, False)


def test_a_models_thought_is_scored_on_every_count():
    record = plan_record()
    text = completion(record.answer, record, QWEN, build(record))
    score = validity(text, item(), QWEN, count_tokens=len)
    assert score == Validity(
        present=True,
        parsed=True,
        schema=True,
        refs=True,
        pre_rate=1.0,
        expect_rate=1.0,
        executed=True,
        next=True,
        grounded=1.0,
        agrees=True,
        tokens=len(text),
    )


@pytest.mark.parametrize(
    ("old", "new", "field", "value"),
    [
        ('"steps":[', '"steps":[[', "parsed", False),
        ('"do":["pick"', '"do":["grab"', "schema", False),
        ('"do":["put","o2"]', '"do":["put","o7"]', "refs", False),
        ("[100,400,300,600]", "[300,400,100,600]", "refs", False),
        ("[100,400,300,600]", "[700,400,900,600]", "grounded", 0.0),
        ('"pre":[["holding","o1"]]', '"pre":[["hand_empty"]]', "pre_rate", 2 / 3),
        ('"next":["pick","o1"]', '"next":["put","o2"]', "next", False),
        ('[["pick","red mug"]', '[["open","red mug"]', "agrees", False),
    ],
)
def test_each_fault_shows_in_its_own_score(old, new, field, value):
    record = plan_record()
    text = completion(record.answer, record, QWEN, build(record))
    assert old in text
    score = validity(text.replace(old, new), item(), QWEN)
    assert getattr(score, field) == (pytest.approx(value) if isinstance(value, float) else value)


def test_an_empty_think_has_no_score_and_a_lost_one_is_unparsed():
    record = plan_record()
    empty = validity(completion(record.answer, record, QWEN), item(), QWEN)
    assert (empty.present, empty.parsed) == (False, None)
    lost = validity("<answer>[]</answer>", item(), QWEN)
    assert (lost.present, lost.parsed) == (True, False)


def test_means_are_over_the_outputs_they_apply_to():
    scores = [
        Validity(present=False),
        Validity(present=True, parsed=True, pre_rate=0.5, tokens=10),
        Validity(present=True, parsed=False, tokens=30),
    ]
    rates = summarise(scores)
    assert (rates["present"].value, rates["present"].n) == (pytest.approx(2 / 3), 3)
    assert (rates["parsed"].value, rates["parsed"].n) == (0.5, 2)
    assert (rates["pre_rate"].value, rates["pre_rate"].n) == (0.5, 1)
    assert rates["tokens_p95"].value == 30


def test_a_thing_may_be_put_back_where_it_was():
    entities = (Entity(id="o1", name="pen"), Entity(id="o2", name="shelf"))
    pick = Step(do=("pick", "o1"), expect=(("holding", "o1"),))
    put = Step(do=("put", "o2"), expect=(("on", "o1", "o2"), ("hand_empty",)))
    steps = (pick, put, pick, put)
    held = simulate(Thought(entities=entities, steps=steps, next=pick.do), None)
    assert held.expect_held == held.expect_total == 6


def test_a_next_action_in_words_is_left_alone():
    record = ask("What is next?", YesNo(yes=True), task="next_action")
    assert not drawn(record, BuildConfig())
