import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep.act import executor as x
from seestep.act.executor import Rules, apply, holds_true, run
from seestep.act.vocabulary import VERBS
from seestep.records import Entity, Plan, Step
from tests.act.homes import home, kitchen, thing

KITCHEN = kitchen()


def done(*steps, rules=x.DEFAULT, state=KITCHEN):
    return run(list(steps), state, rules)


@pytest.mark.parametrize(
    ("steps", "bad", "reason"),
    [
        ([("put", "DiningTable|1")], 0, x.HAND_EMPTY),
        ([("pick", "Apple|1"), ("pick", "Mug|1")], 1, x.HAND_FULL),
        ([("pick", "Fridge|1")], 0, "Fridge|1 must have the property CanPickup to be picked up."),
        ([("pick", "Apple|1"), ("put", "Fridge|1")], 1, x.CLOSED),
        ([("pick", "Apple|1"), ("put", "DeskLamp|1")], 1, x.NOT_RECEPTACLE),
        (
            [("pick", "Book|1"), ("put", "SinkBasin|1")],
            1,
            "Book is not a valid Object Type to be placed in SinkBasin",
        ),
        ([("pick", "Potato|1")], 0, x.UNSEEN),
        ([("pick", "Zebra|1")], 0, x.UNKNOWN),
        ([("open", "Apple|1")], 0, "Apple|1 is not an Openable object"),
        ([("open", "Fridge|1"), ("open", "Fridge|1")], 1, x.ALREADY_OPEN),
        ([("close", "Fridge|1")], 0, x.ALREADY_CLOSED),
        ([("turn_off", "DeskLamp|1")], 0, x.ALREADY_OFF),
        ([("turn_on", "DeskLamp|1"), ("turn_on", "DeskLamp|1")], 1, x.ALREADY_ON),
        ([("turn_on", "Apple|1")], 0, x.NOT_TOGGLEABLE),
        ([("open", "Microwave|1"), ("turn_on", "Microwave|1")], 1, x.MUST_BE_CLOSED),
        ([("turn_on", "Microwave|1"), ("open", "Microwave|1")], 1, x.MUST_BE_OFF),
        ([("slice", "Mug|1")], 0, "Mug|1 Does not have the CanBeSliced property!"),
        (
            [("slice", "Apple|1"), ("slice", "Apple|1")],
            1,
            "Apple|1 Does not have the CanBeSliced property!",
        ),
        ([("heat", "Potato|1")], 0, x.HAND_EMPTY),
        ([("pick", "Bowl|1"), ("put", "Bowl|1")], 1, "No valid positions to place object found"),
    ],
)
def test_a_step_without_its_precondition_fails_in_ai2thors_words(steps, bad, reason):
    outcome = done(*steps)
    assert (outcome.ok, outcome.first_bad_step, outcome.reason) == (False, bad, reason)


def test_a_failed_step_changes_nothing():
    after, reason = apply(KITCHEN, ("put", "DiningTable|1"))
    assert reason and after is KITCHEN


def test_what_is_in_a_carried_bowl_comes_along():
    outcome = done(
        ("pick", "Apple|1"), ("put", "Bowl|1"), ("pick", "Bowl|1"), ("put", "CounterTop|1")
    )
    assert list(outcome.state.ancestors("Apple|1")) == ["Bowl|1", "CounterTop|1"]


def test_washing_heating_and_cooling_are_what_their_long_forms_are():
    for verb, thing_id, fact in (
        ("clean", "Mug|1", "clean"),
        ("heat", "Mug|1", "hot"),
        ("cool", "Mug|1", "cold"),
    ):
        held = done(("pick", thing_id)).state
        acts, reason = x.routine(held, (verb, thing_id))
        assert not reason
        long, short = run(acts, held).state, run([(verb, thing_id)], held).state
        assert long.key() == short.key()
        assert holds_true((fact, thing_id), short) and short.holding == thing_id


def test_a_burner_lit_by_its_knob_cooks_what_is_in_the_pan():
    state = home(
        thing("StoveBurner"),
        thing("StoveKnob", controls=("StoveBurner|1",)),
        thing("Pan", parent="StoveBurner|1"),
        thing("Potato", parent="Pan|1"),
    )
    potato = done(("turn_on", "StoveKnob|1"), state=state).state.things["Potato|1"]
    assert (potato.temperature, potato.is_cooked) == ("Hot", True)


def test_only_alfred_asks_for_a_knife():
    assert done(("slice", "Apple|1")).ok
    assert not done(("slice", "Apple|1"), rules=Rules(knife=True)).ok
    assert done(("pick", "Knife|1"), ("slice", "Apple|1"), rules=Rules(knife=True)).ok


def test_slices_take_the_place_of_the_whole_where_the_rules_say_so():
    outcome = done(("slice", "Apple|1"), ("pick", "Apple|1|AppleSliced_2"), rules=Rules(pieces=3))
    assert outcome.ok and outcome.state.holding == "Apple|1|AppleSliced_2"
    assert done(("slice", "Apple|1"), ("pick", "Apple|1"), rules=Rules(pieces=3)).reason == x.UNSEEN


def test_without_approach_an_act_needs_a_goto_first():
    strict = Rules(approach=False)
    assert "too far away" in done(("pick", "Apple|1"), rules=strict).reason
    assert done(("goto", "Apple|1"), ("pick", "Apple|1"), rules=strict).ok
    assert done(("goto", "CounterTop|1"), ("pick", "Apple|1"), rules=strict).ok


def test_pre_and_expect_atoms_are_counted_and_do_not_stop_a_plan():
    plan = Plan(
        entities=(
            Entity(id="o1", name="apple", sim="Apple|1"),
            Entity(id="o2", name="lamp", sim="DeskLamp|1"),
        ),
        steps=(
            Step(
                do=("pick", "o1"),
                pre=(("visible", "o1"), ("is_on", "o2")),
                expect=(("holding", "o1"),),
            ),
            Step(
                do=("turn_on", "o2"),
                pre=(("!is_on", "o2"),),
                expect=(("is_on", "o2"), ("hand_empty",)),
            ),
        ),
    )
    outcome = run(plan, KITCHEN)
    assert outcome.ok
    assert (outcome.pre_held, outcome.pre_total) == (2, 3)
    assert (outcome.expect_held, outcome.expect_total) == (2, 3)
    assert outcome.pre_rate == pytest.approx(2 / 3)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*VERBS, "fly"]),
            st.lists(st.sampled_from([*KITCHEN.things, "Zebra|1", ""]), max_size=3),
        ),
        max_size=12,
    ),
    st.booleans(),
    st.booleans(),
)
def test_no_plan_whatever_crashes_the_executor(steps, knife, approach):
    outcome = run(
        [(verb, *args) for verb, args in steps],
        KITCHEN,
        Rules(knife=knife, approach=approach, pieces=2),
    )
    assert outcome.ok == (outcome.first_bad_step is None) == (outcome.reason == "")
    if outcome.ok:
        assert sum(t.id == outcome.state.holding for t in outcome.state.things.values()) <= 1


def test_nothing_is_ever_inside_itself_or_in_two_hands():
    rng = random.Random(0)
    state = KITCHEN
    for _ in range(400):
        state, _reason = apply(
            state, (rng.choice(("pick", "put", "open", "close")), rng.choice(list(state.things)))
        )
        for one in state.things.values():
            assert one.id not in state.ancestors(one.id)
            assert not (one.id == state.holding and one.parents)
