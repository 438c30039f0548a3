import json

import pytest

from seestep.act import executor, goals, search
from seestep.act.executor import Rules
from seestep.act.goals import Which
from seestep.errors import DataError
from tests.act.homes import kitchen

CASES = {
    "pick_and_place_simple": {"target": Which(type="Apple"), "place": Which(type="Bowl")},
    "look_at_obj_in_light": {
        "target": Which(type="Book", color="blue"),
        "lamp": Which(type="DeskLamp"),
    },
    "pick_clean_then_place_in_recep": {"target": Which(type="Mug"), "place": Which(type="Cabinet")},
    "pick_heat_then_place_in_recep": {
        "target": Which(type="Potato"),
        "place": Which(type="DiningTable"),
    },
    "pick_cool_then_place_in_recep": {
        "target": Which(type="Apple"),
        "place": Which(type="DiningTable"),
    },
    "pick_two_obj_and_place": {"target": Which(type="Book"), "place": Which(type="CounterTop")},
    "pick_and_place_with_movable_recep": {
        "target": Which(type="Spoon"),
        "carrier": Which(type="Bowl"),
        "place": Which(type="CounterTop"),
    },
}


@pytest.mark.parametrize("task", goals.TASKS)
def test_the_expert_reaches_a_goal_of_every_alfred_type(task):
    home, goal = kitchen(), goals.make(task, **CASES[task])
    assert goals.unmet(goal, home)
    steps = search.expert(home, goal)
    assert steps
    outcome = executor.run(steps, home)
    assert outcome.ok and goals.reached(goal, outcome.state)
    assert search.expert(home, goal) == steps


@pytest.mark.parametrize("task", goals.TASKS)
def test_the_spelt_out_plan_executes_with_explicit_walks(task):
    home, goal = kitchen(), goals.make(task, **CASES[task])
    acts = search.primitives(home, search.expert(home, goal))
    outcome = executor.run(acts, home, Rules(approach=False))
    assert outcome.ok and goals.reached(goal, outcome.state)
    assert not {a[0] for a in acts} & {"clean", "heat", "cool"}


@pytest.mark.parametrize("rules", [Rules(), Rules(knife=True), Rules(knife=True, pieces=2)])
@pytest.mark.parametrize("task", ["pick_and_place_simple", "pick_heat_then_place_in_recep"])
def test_sliced_goals_are_reached_with_and_without_a_knife(task, rules):
    goal = goals.make(
        task, target=Which(type="Apple"), place=Which(type="DiningTable"), sliced=True
    )
    home = kitchen()
    steps = search.expert(home, goal, rules)
    assert steps and ("pick", "Knife|1") in steps if rules.knife else steps
    outcome = executor.run(steps, home, rules)
    assert outcome.ok and goals.reached(goal, outcome.state)


def test_two_things_must_lie_in_one_and_the_same_place():
    goal = goals.make("pick_two_obj_and_place", target=Which(type="Book"), place=Which())
    assert not goals.reached(goal, kitchen())  # one book on the table, one on the counter
    moved = executor.run([("pick", "Book|2"), ("put", "DiningTable|1")], kitchen()).state
    assert goals.reached(goal, moved)


def test_a_goal_says_what_is_missing():
    goal = goals.make(
        "pick_heat_then_place_in_recep",
        target=Which(type="Mug", color="red"),
        place=Which(type="Cabinet"),
    )
    assert goals.unmet(goal, kitchen()) == ["no hot red mug in or on the cabinet"]


def test_json_gives_the_same_goal_back():
    goal = goals.make(
        "pick_and_place_with_movable_recep", **CASES["pick_and_place_with_movable_recep"]
    )
    assert goals.from_json(json.loads(json.dumps(goals.to_json(goal)))) == goal


def test_a_goal_without_its_parts_is_refused():
    with pytest.raises(DataError, match="needs a lamp"):
        goals.make("look_at_obj_in_light", target=Which(type="Book"))
    with pytest.raises(DataError, match="no such task type"):
        goals.make("fly", target=Which(type="Book"))


def test_an_impossible_goal_has_no_plan():
    goal = goals.make("pick_and_place_simple", target=Which(type="Zebra"), place=Which(type="Bowl"))
    assert search.expert(kitchen(), goal) is None
