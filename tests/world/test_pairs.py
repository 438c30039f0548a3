import msgspec
import pytest

from seestep.act import goals, search, wire
from seestep.records import (
    Choice,
    Form,
    FormRef,
    Media,
    MediaRef,
    Number,
    Record,
    Text,
    Turn,
    YesNo,
)
from seestep.world import mishaps, pairs, plans
from seestep.world.acting import carry_out
from tests.act.homes import kitchen
from tests.act.test_goals import CASES
from tests.world.paper import PaperHome


def asked(answer, kind="plan"):
    return Record(
        id="room:home-1-t0",
        source="room",
        task=kind,
        media=(Media(key="v0", path="media/v0.png"),),
        turns=(
            Turn(role="user", parts=(MediaRef(media="v0"), Text(text="Put it there."), FormRef())),
        ),
        form=Form(kind="plan"),
        answer=answer,
    )


def played(task):
    start, goal = kitchen(), goals.make(task, **CASES[task])
    home = PaperHome(start)
    plan = plans.compress(search.primitives(start, search.expert(start, goal)), start, goal)
    return start, goal, home, plan, carry_out(plan, home, goal)


def proofs(task, kind):
    start, goal, home, plan, good = played(task)

    def fresh():
        home.reset(0)
        return home

    for bad in mishaps.inject(kind, plan, start, goal, "seed"):
        yield plan, bad, pairs.verify(
            plan, bad, kind, state=start, goal=goal, good=good, fresh=fresh
        )  # fmt: skip


@pytest.mark.parametrize("task", goals.TASKS)
def test_a_plan_runs_in_a_simulator_that_navigates_as_ai2thor_does(task):
    *_, trace = played(task)
    assert trace.reached and trace.reason == "" and trace.first_bad_step is None


@pytest.mark.parametrize("kind", mishaps.KINDS)
@pytest.mark.parametrize("task", goals.TASKS)
def test_a_kept_pair_is_proved_and_a_dropped_one_says_why(task, kind):
    for plan, bad, proof in proofs(task, kind):
        if proof.problem:
            verdict = pairs.dropped("room:home-1-t0", kind, proof, bad)
            assert (verdict.check, verdict.keep) == ("pair:verify", False) and verdict.reason
            continue
        assert proof.trace.reached == (kind == mishaps.COSTLIER)
        made = pairs.pair(asked(plan), bad, kind, proof)
        assert made.reason and made.verified_by == "room"
        assert (made.first_bad_step is None) == proof.trace.ok
        assert made.mishap == ("costlier" if kind == mishaps.COSTLIER else kind)


def test_forgetting_to_open_the_fridge_fails_at_the_step_that_needed_it():
    plan, _, proof = next(
        p
        for p in proofs("pick_heat_then_place_in_recep", "drop_step")
        if p[1].steps[0].do[0] == "pick"
    )
    assert wire.write(plan).startswith('[["open","fridge"]')
    assert proof.first_bad_step == 0 and "no place to stand" in proof.reason


def test_a_rejected_plan_that_still_works_is_dropped():
    start, goal, _, plan, good = played("pick_and_place_simple")
    shorter = msgspec.structs.replace(plan, steps=(plan.steps[0], plan.steps[2]))
    proof = pairs.verify(
        plan, shorter, "drop_step", state=start, goal=goal, good=good,
        fresh=lambda: PaperHome(start),
    )  # fmt: skip
    assert proof.problem == "rejected plan still reaches the goal"
    with pytest.raises(ValueError, match="not a pair"):
        pairs.pair(asked(plan), shorter, "drop_step", proof)


def test_a_rejected_plan_that_reads_like_the_chosen_is_dropped():
    start, goal, _, plan, good = played("pick_and_place_simple")
    proof = pairs.verify(
        plan, plan, "drop_step", state=start, goal=goal, good=good,
        fresh=lambda: PaperHome(start),
    )  # fmt: skip
    assert proof.problem == "rejected plan reads like the chosen one"


def test_the_plan_view_has_the_same_structure_on_both_sides():
    plan, bad, proof = next(iter(proofs("pick_and_place_simple", "wrong_object")))
    view = pairs.as_json(pairs.pair(asked(plan), bad, "wrong_object", proof))
    assert list(view) == ["instruction", "observation", "chosen_plan", "rejected_plan"]
    for side in ("chosen_plan", "rejected_plan"):
        (steps,) = view[side].values()
        assert list(view[side]) == ["step_list"]
        assert all(set(s) == {"see", "pre", "do", "expect"} and s["do"] for s in steps)
    assert view["chosen_plan"]["step_list"][0]["do"] == ["pick", "green apple"]


@pytest.mark.parametrize(
    "answer",
    [Choice(options=("left", "right"), index=1), YesNo(yes=True), Number(value=0), Number(value=3)],
)
def test_a_wrong_answer_has_the_form_of_the_right_one(answer):
    made = pairs.from_question(asked(answer, "relation"), seed=1)
    assert type(made.rejected) is type(answer) and made.rejected != answer
    assert made == pairs.from_question(asked(answer, "relation"), seed=1)
    if isinstance(answer, Number):
        assert made.rejected.value >= 0


def test_an_answer_without_a_wrong_neighbour_gives_no_pair():
    assert pairs.from_question(asked(Number(value=1.5, unit="m"), "distance"), seed=1) is None
