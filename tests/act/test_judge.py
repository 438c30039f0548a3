import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep.act import goals, judge, wire
from seestep.act.goals import Which
from seestep.act.names import entities, names
from seestep.errors import DataError
from seestep.records import Plan, Step
from tests.act.homes import home, kitchen, thing

GOAL = goals.make("pick_and_place_simple", target=Which(type="Apple"), place=Which(type="Fridge"))
CONTEXT = json.loads(json.dumps(judge.context(kitchen(), GOAL)))
GOOD = '[["pick","green apple"],["open","fridge"],["put","fridge"]]'


def value(text, context=CONTEXT):
    return judge.judge_plan(context, text).value


def test_a_plan_that_reaches_the_goal_is_worth_one():
    judged = judge.judge_plan(CONTEXT, GOOD)
    assert (judged.parsed, judged.value, judged.reason) == (True, 1.0, "")


@pytest.mark.parametrize(
    "text",
    [
        '```json\n[["pick","green apple"],["open","fridge"],["put","fridge"]]\n```',
        '{"step_list": [["pick","the Green Apple"],["open","a fridge"],'
        '["put","green apple","fridge"]]}',
        '[{"do":["pick","green apple"]},{"do":["open","fridge"]},{"do":["put","fridge"]},'
        '{"do":["done"]}]',
    ],
)
def test_other_spellings_of_the_same_plan_are_read(text):
    assert value(text) == 1.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[["pick","green apple"],["put","fridge"]]', "Target openable Receptacle is CLOSED"),
        ('[["pick","green apple"],["open","fridge"]]', "no apple in or on the fridge"),
        (
            '[["pick","purple apple"],["open","fridge"],["put","fridge"]]',
            "Object ID appears to be invalid",
        ),
        ('[["pick","brown potato"],["open","fridge"],["put","fridge"]]', "not found within"),
    ],
)
def test_a_wrong_plan_is_read_and_worth_nothing(text, reason):
    judged = judge.judge_plan(CONTEXT, text)
    assert judged.parsed and judged.value == 0.0 and reason in judged.reason


@pytest.mark.parametrize(
    "probe",
    [
        "",
        "[]",
        "{}",
        "null",
        "pick the green apple",
        '[["done"]]',
        '[["fly","green apple"]]',
        '[["pick"]]',
        "[[1,2]]",
        json.dumps([["pick", "green apple"]] * 50),
        json.dumps([["put", "fridge"]] * 10),
        json.dumps(json.loads(GOOD) * 20),
        '[["verb","object"]]',
        "[" * 5000,
    ],
)
def test_probes_that_try_to_cheat_are_worth_nothing(probe):
    assert value(probe) == 0.0


@given(
    st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.text(max_size=8) | st.integers(),
            lambda c: st.lists(c, max_size=4),
            max_leaves=12,
        ).map(json.dumps),
    )
)
def test_no_answer_whatever_crashes_the_judge(text):
    assert value(text) in (0.0, 1.0)


def test_a_broken_context_is_an_error_of_ours_not_of_the_model():
    with pytest.raises(DataError, match="not a symbolic state"):
        judge.judge_plan({"state": {}, "goal": {}}, GOOD)


def test_writing_and_reading_give_the_same_plan():
    cast = entities(kitchen(), ["Apple|1", "Fridge|1"])
    plan = Plan(
        steps=(Step(do=("pick", "o1")), Step(do=("open", "o2")), Step(do=("put", "o2"))),
        entities=cast,
    )
    assert wire.write(plan) == GOOD
    assert wire.read(GOOD, cast) == plan
    assert wire.read("nonsense", cast) == "not a JSON list of steps"


def test_names_are_as_short_as_they_can_be():
    called = names(kitchen())
    assert called["Mug|1"] == "red mug" and called["Fridge|1"] == "fridge"
    twins = home(
        thing("Mug", 1, color="red", size="small"),
        thing("Mug", 2, color="red", size="large"),
        thing("Sofa", 1, color="blue"),
        thing("Sofa", 2, color="gray"),
    )
    assert sorted(names(twins).values()) == [
        "blue sofa",
        "gray sofa",
        "large red mug",
        "small red mug",
    ]


def test_a_shared_name_means_the_first_thing_with_which_the_step_works():
    state = home(
        thing("Cabinet", 1, is_open=True),
        thing("Cabinet", 2),
        thing("CounterTop"),
        thing("Mug", parent="CounterTop|1", color="red"),
    )
    plan = judge.ground([("open", "cabinet"), ("pick", "red mug"), ("put", "cabinet")], state)
    sim = {e.id: e.sim for e in plan.entities}
    assert [[sim[a] for a in s.do[1:]] for s in plan.steps] == [
        ["Cabinet|2"],
        ["Mug|1"],
        ["Cabinet|1"],
    ]


def test_a_name_said_twice_means_both_of_two_alike():
    state = home(
        thing("CounterTop"),
        thing("Bowl", color="blue"),
        thing("Apple", 1, "CounterTop|1", color="red"),
        thing("Apple", 2, "CounterTop|1", color="red"),
    )
    goal = goals.make(
        "pick_two_obj_and_place", target=Which(type="Apple"), place=Which(type="Bowl")
    )
    steps = [["pick", "red apple"], ["put", "blue bowl"]] * 2
    assert value(json.dumps(steps), judge.context(state, goal)) == 1.0


def test_a_shared_name_is_read_so_that_later_steps_work_too():
    state = home(
        thing("Cabinet", 1),
        thing("Cabinet", 2),
        thing("CounterTop"),
        thing("Mug", 1, "Cabinet|2", color="red"),
    )
    plan = judge.ground([("open", "cabinet"), ("pick", "red mug"), ("put", "counter top")], state)
    assert next(e.sim for e in plan.entities if e.name == "cabinet") == "Cabinet|2"
