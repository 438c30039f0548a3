import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep import families
from seestep.act import goals
from seestep.act import state as states
from seestep.act.goals import Goal, Want, Which
from seestep.act.judge import Judged
from seestep.act.state import State, Thing
from seestep.answers import SCORERS, frechet, mean_relative_accuracy, score
from seestep.errors import DataError
from seestep.families.prompt import answer_text
from seestep.geometry.boxes import iou
from seestep.geometry.masks import encode
from seestep.records import (
    Box,
    Choice,
    Entity,
    Form,
    Freeform,
    Geometry,
    Item,
    Media,
    Number,
    Path,
    Plan,
    Points,
    Step,
    YesNo,
)

QWEN3, QWEN25 = families.get("qwen3_vl"), families.get("qwen2_5_vl")
_grid = np.zeros((480, 640), np.uint8)
_grid[100:200, 100:300] = 1  # x 100..300, y 100..200: a fifteenth of the image
RLE, RLE_SIZE = encode(_grid)
SHAPES = (
    Geometry(key="mask", kind="mask", media="m", frame="pixel", rle=RLE, rle_size=RLE_SIZE),
    Geometry(key="box", kind="box", media="m", frame="pixel", values=(100, 100, 300, 200)),
    Geometry(key="way", kind="path", media="m", frame="pixel", values=(0, 0, 320, 240, 640, 480)),
    Geometry(key="at", kind="point", media="m", frame="pixel", values=(150, 150)),
)


def item(answer, scorer, form=None, context=None):
    return Item(
        id="i",
        source="s",
        task="t",
        media=(Media(key="m", width=640, height=480),),
        turns=(),
        geometry=SHAPES,
        form=form,
        suite="mini",
        answer=answer,
        scorer=scorer,
        skill="pointing",
        context=context or {},
        clusters=("scene:1",),
    )


CHOICE = item(Choice(options=("left", "right"), index=1), "choice")
UNIT = Form(kind="points", frame="unit", notation="tuples")


def test_a_score_carries_how_it_was_read():
    got = score(CHOICE, "<think>hm</think><answer>B</answer>", QWEN3)
    assert (got.value, got.parsed, got.rule) == (1.0, True, "answer_tag/leading_letter")
    assert (got.answer, got.gold) == ("B", "B")
    assert (got.item, got.suite, got.skill, got.clusters) == ("i", "mini", "pointing", ("scene:1",))


def test_an_unread_answer_is_worth_nothing_and_says_so():
    got = score(CHOICE, "perhaps", QWEN3)
    assert (got.value, got.parsed, got.rule, got.answer, got.gold) == (0.0, False, "", "", "B")


@pytest.mark.parametrize(
    ("answer", "scorer", "raw", "value"),
    [
        (Number(value=3), "number", "3", 1),
        (Number(value=3), "number", "three", 1),
        (Number(value=3), "number", "4", 0),
        (YesNo(yes=True), "yes_no", "Yes.", 1),
        (YesNo(yes=False), "yes_no", "Yes.", 0),
        (Freeform(text="The red mug"), "text", "red mug.", 1),
        (Freeform(text="The red mug"), "text", "blue mug", 0),
        (Number(value=10), "mra", "10", 1.0),
        (Number(value=10), "mra", "5", 0.1),  # only t = .5 lets half of the gold pass
        (Number(value=10), "mra", "30", 0.0),
        (Number(value=0), "mra", "0", 1.0),
        (Number(value=0), "mra", "1", 0.0),
    ],
)
def test_plain_answers_are_scored(answer, scorer, raw, value):
    assert score(item(answer, scorer), raw, QWEN3).value == pytest.approx(value)


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4).filter(bool))
def test_mra_is_that_of_vsi_bench(read, gold):
    # thinking-in-space, lmms_eval/tasks/vsibench/utils.py
    steps = np.linspace(0.5, 0.95, int((0.95 - 0.5) / 0.05 + 2))
    with np.errstate(over="ignore"):
        theirs = float((abs(read - gold) / abs(gold) <= 1 - steps).mean())
    assert mean_relative_accuracy(read, gold) == pytest.approx(theirs)


def test_points_are_worth_the_share_that_hits():
    pointing = item(Points(geometry="at", region="mask"), "points_in_mask", UNIT)
    assert score(pointing, "[(0.3, 0.3)]", QWEN3).value == 1
    assert score(pointing, "[(0.3, 0.3), (0.9, 0.9)]", QWEN3).value == 0.5
    assert score(pointing, "[(0.9, 0.9), (0.3, 0.3)]", QWEN3).value == 0.5
    assert score(pointing, "nowhere", QWEN3).parsed is False
    first = item(Points(geometry="at", region="mask"), "points_first", UNIT)
    assert score(first, "[(0.3, 0.3), (0.9, 0.9)]", QWEN3).value == 1
    assert score(first, "[(0.9, 0.9), (0.3, 0.3)]", QWEN3).value == 0


def test_naming_every_place_does_not_pay():
    pointing = item(Points(geometry="at", region="mask"), "points_in_mask", UNIT)
    spray = [(x / 20, y / 20) for x in range(1, 20) for y in range(1, 20)]
    got = score(pointing, str(spray), QWEN3)
    assert got.parsed
    assert got.value < 0.1  # near the region's share of the image


def test_a_point_outside_the_image_misses_without_an_error():
    pointing = item(Points(geometry="at", region="box"), "points_in_mask", UNIT)
    assert score(pointing, "(376, 309)", QWEN3).value == 0
    assert score(pointing, "(-0.1, 0.3)", QWEN3).value == 0


def test_answers_are_read_in_the_familys_frame_unless_the_form_names_one():
    pointing = item(Points(geometry="at", region="mask"), "points_in_mask")
    assert score(pointing, "(312, 312)", QWEN3).value == 1  # permille: (199.7, 149.8)
    assert score(pointing, "(312, 312)", QWEN25).value == 0  # pixels
    assert score(pointing, "(200, 150)", QWEN25).value == 1


@pytest.mark.parametrize(
    "family", [families.get(n) for n in ("qwen2_5_vl", "qwen3_vl", "robobrain2")]
)
@pytest.mark.parametrize(
    ("answer", "scorer"),
    [
        (Points(geometry="at", region="mask"), "points_in_mask"),
        (Points(geometry="mask"), "points_in_mask"),
        (Points(geometry="box"), "points_first"),
        (Box(geometry="box"), "box_iou"),
        (Box(geometry="mask"), "box_iou"),
        (Path(geometry="way"), "path"),
        (Choice(options=("a", "b"), index=1), "choice"),
        (Number(value=3), "number"),
        (Number(value=2.75), "mra"),
        (YesNo(yes=False), "yes_no"),
        (Freeform(text="the mug"), "text"),
    ],
)
def test_the_gold_as_a_family_writes_it_scores_full_marks(answer, scorer, family):
    asked = item(answer, scorer)
    written = answer_text(answer, asked, family)
    for raw in (written, f"<think></think><answer>{written}</answer>"):
        got = score(asked, raw, family)
        assert got.parsed
        assert got.value == pytest.approx(1, abs=0.02)


def test_a_box_needs_half_overlap():
    boxed = item(Box(geometry="box"), "box_iou", Form(kind="box", frame="pixel"))
    assert score(boxed, "[100, 100, 300, 200]", QWEN3).notes == ("iou 1.000",)
    assert score(boxed, "[100, 100, 201, 200]", QWEN3).value == 1  # 0.505
    assert score(boxed, "[100, 100, 199, 200]", QWEN3).value == 0  # 0.495


def test_overlap_of_boxes():
    assert iou((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert iou((0, 0, 1, 1), (2, 2, 3, 3)) == 0


def test_a_path_loses_by_its_worst_stray():
    walked = item(Path(geometry="way"), "path", Form(kind="path", frame="pixel"))
    assert score(walked, "[(0.0, 0.0), (320.0, 240.0), (640.0, 480.0)]", QWEN3).value == 1
    # 80 px aside, a tenth of the 800 px diagonal: half the marks
    aside = score(walked, "[(0.0, 0.0), (320.0, 320.0), (640.0, 480.0)]", QWEN3)
    assert aside.value == pytest.approx(0.5)
    assert aside.notes == ("frechet 0.100 of the diagonal",)
    back = "[(640.0, 480.0), (320.0, 240.0), (0.0, 0.0)]"
    assert score(walked, back, QWEN3).value == 0  # order matters


def test_the_frechet_distance_of_textbook_curves():
    assert frechet([(0, 0), (1, 0), (2, 0)], [(0, 1), (1, 1), (2, 1)]) == 1
    assert frechet([(0, 0), (2, 0)], [(0, 0), (1, 2), (2, 0)]) == pytest.approx(5**0.5)


def test_a_plan_is_judged_by_whoever_executes_it():
    mug = Entity(id="o1", name="red mug")
    plan = Plan(steps=(Step(do=("pick", "o1")),), entities=(mug,))
    planned = item(plan, "plan", context={"start": 1})
    heard = []

    def judge(context, text):
        heard.append((context, text))
        return Judged(parsed=True, value=0.0, reason="the cup is not reached")

    got = score(
        planned, '<think></think><answer>[["pick","red mug"]]</answer>', QWEN3, plan_judge=judge
    )
    assert heard == [({"start": 1}, '[["pick","red mug"]]')]
    assert (got.value, got.parsed, got.rule) == (0.0, True, "answer_tag/plan")
    assert got.notes == ("the cup is not reached",)
    assert got.gold == '[["pick","red mug"]]'


MUG = State(things={"Mug|1": Thing(id="Mug|1", type="Mug", pickupable=True)})
HOLD_IT = Goal(task="look_at_obj_in_light", wants=(Want(Which(type="Mug"), held=True),))
HOME = {"state": states.to_json(MUG), "goal": goals.to_json(HOLD_IT)}


def planned():
    return item(Plan(steps=()), "plan", context=HOME)


def test_a_plan_is_executed_and_its_goal_checked():
    done = score(planned(), '<answer>[["pick","mug"]]</answer>', QWEN3)
    assert (done.value, done.parsed, done.notes) == (1.0, True, ())
    twice = score(planned(), '[["pick","mug"],["pick","mug"]]', QWEN3)
    assert (twice.value, twice.parsed) == (0.0, True)
    assert "already" in twice.notes[0]


@pytest.mark.parametrize(
    "raw",
    ["", "{", '{"step_list": 3}', "[[]]", "[" * 50_000, "pick the mug", '[["fly"]]', "\ud800"],
)
def test_a_malformed_plan_is_unread_and_no_exception(raw):
    got = score(planned(), raw, QWEN3)
    assert (got.parsed, got.value) == (False, 0.0)


def test_an_item_that_does_not_fit_its_scorer_is_an_error_of_the_data():
    with pytest.raises(DataError, match="unknown scorer"):
        score(item(YesNo(yes=True), "guess"), "yes", QWEN3)
    with pytest.raises(DataError, match=r"does not fit.*Number.*YesNo"):
        score(item(YesNo(yes=True), "number"), "yes", QWEN3)
    with pytest.raises(DataError, match="needs a region"):
        score(item(Points(geometry="at"), "points_in_mask"), "(1, 2)", QWEN3)


ANSWERS = {
    "choice": Choice(options=("left", "right"), index=1),
    "number": Number(value=3),
    "mra": Number(value=3),
    "yes_no": YesNo(yes=True),
    "text": Freeform(text="mug"),
    "points_in_mask": Points(geometry="mask"),
    "points_first": Points(geometry="mask"),
    "box_iou": Box(geometry="box"),
    "path": Path(geometry="way"),
}


@given(st.text(max_size=80) | st.text(alphabet="()[],.-0123456789 ", max_size=80))
def test_no_output_makes_a_scorer_fail(raw):
    for scorer, answer in ANSWERS.items():
        got = score(item(answer, scorer), raw, QWEN3)
        assert 0 <= got.value <= 1
        assert got.parsed or got.value == 0
        assert bool(got.rule) == got.parsed
    assert set(ANSWERS) | {"plan"} == set(SCORERS)
