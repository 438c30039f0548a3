import pytest

from seestep.act import executor, goals, judge, search, wire
from seestep.act.goals import Which
from seestep.world import plans
from tests.act.homes import home, kitchen, thing
from tests.act.test_goals import CASES


def compressed(task):
    start, goal = kitchen(), goals.make(task, **CASES[task])
    acts = search.primitives(start, search.expert(start, goal))
    return start, goal, acts, plans.compress(acts, start, goal)


@pytest.mark.parametrize("task", goals.TASKS)
def test_every_task_type_compresses_to_three_to_five_steps_that_reach_the_goal(task):
    start, goal, acts, plan = compressed(task)
    assert 3 <= len(plan.steps) <= 5 and len(plan.steps) <= len(acts)
    outcome = executor.run(plan, start)
    assert outcome.ok and goals.reached(goal, outcome.state)
    assert outcome.pre_rate == 1.0 and outcome.expect_rate == 1.0


@pytest.mark.parametrize("task", goals.TASKS)
def test_expanding_a_compressed_plan_gives_acts_that_reach_the_goal(task):
    start, goal, _, plan = compressed(task)
    acts = plans.expand(plan, start)
    outcome = executor.run(acts, start, executor.Rules(approach=False))
    assert outcome.ok and goals.reached(goal, outcome.state)
    assert [act for _, act in plans.spans(plan, start)] == acts
    assert max(step for step, _ in plans.spans(plan, start)) == len(plan.steps) - 1


def test_a_stay_in_the_microwave_is_one_step():
    _, _, acts, plan = compressed("pick_heat_then_place_in_recep")
    assert wire.write(plan) == (
        '[["open","fridge"],["pick","brown potato"],["heat","brown potato"],["put","dining table"]]'
    )
    assert len(acts) > 12


def test_a_short_plan_says_its_last_walk_again():
    *_, plan = compressed("pick_and_place_simple")
    assert wire.write(plan) == ('[["pick","green apple"],["goto","blue bowl"],["put","blue bowl"]]')


def test_closing_doors_behind_oneself_is_left_out():
    start = kitchen()
    goal = goals.make(
        "pick_and_place_simple", target=Which(type="Apple"), place=Which(type="Fridge")
    )
    acts = [("pick", "Apple|1"), ("open", "Fridge|1"), ("put", "Fridge|1"), ("close", "Fridge|1")]
    assert [s.do[0] for s in plans.compress(acts, start, goal).steps] == ["pick", "open", "put"]


def test_each_step_says_what_it_sees_needs_and_brings_about():
    *_, plan = compressed("pick_clean_then_place_in_recep")
    first, last = plan.steps[0], plan.steps[-1]
    name = {e.id: e.name for e in plan.entities}
    assert first.see == "red mug on the counter top"
    assert [p[0] for p in first.pre] == ["visible", "hand_empty"]
    assert [(e[0], *(name[a] for a in e[1:])) for e in last.expect] == [
        ("in", "red mug", "cabinet"),
        ("hand_empty",),
    ]


def test_a_plan_that_stays_too_long_is_refused_with_its_length():
    start = home(
        thing("CounterTop"), thing("Box", 1), thing("Box", 2), thing("Box", 3),
        thing("Apple", 1, "CounterTop|1"), thing("Egg", 1, "CounterTop|1"),
    )  # fmt: skip
    goal = goals.make("pick_and_place_simple", target=Which(type="Egg"), place=Which(id="Box|3"))
    acts = [
        ("pick", "Apple|1"), ("open", "Box|1"), ("put", "Box|1"), ("pick", "Egg|1"),
        ("open", "Box|3"), ("put", "Box|3"),
    ]  # fmt: skip
    assert plans.compress(acts, start, goal) == "6 steps after compression, more than 5"


def test_a_models_text_is_read_in_the_context_of_its_item():
    start, goal, _, plan = compressed("pick_two_obj_and_place")
    again = plans.read(wire.write(plan), judge.context(start, goal))
    assert plans.atoms(again) == plans.atoms(plan)
    assert (
        plans.read("I would rather not", judge.context(start, goal)) == "not a JSON list of steps"
    )
