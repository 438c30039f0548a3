from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seestep import recipe
from seestep.pipeline import eta
from seestep.pipeline.config import Pipeline
from seestep.pipeline.eta import Step, left_s, place

PLAN = [
    Step("homes", "data", "", 10.0),
    Step("episodes", "data", "", 20.0),
    Step("align", "train", "", 100.0),
    Step("fuse", "train", "", 50.0),
]
RECIPES = Path(__file__).parents[2] / "recipes"


def test_before_anything_was_done_the_guesses_are_the_answer():
    assert left_s(PLAN, {}) == 180.0


def test_what_was_measured_corrects_the_guesses_of_its_kind():
    # homes took twice its guess, so episodes will; training is as guessed
    assert left_s(PLAN, {"homes": 20.0}) == 40.0 + 150.0


def test_a_running_step_counts_with_its_own_estimate_and_corrects_those_after_it():
    done = {"homes": 10.0, "episodes": 20.0}
    # align: 30 s gone, 20 s to go, half of its guess; so fuse will take 25 s
    assert left_s(PLAN, done, "align", 30.0, 20.0) == 20.0 + 25.0


def test_a_running_step_that_says_nothing_counts_with_what_is_left_of_its_guess():
    assert left_s(PLAN, {"homes": 10.0}, "episodes", 15.0) == 5.0 + 150.0
    assert left_s(PLAN, {"homes": 10.0}, "episodes", 999.0) == 150.0


def test_steps_that_were_passed_over_take_no_time():
    assert left_s(PLAN, {}, "align", 0.0) == 150.0  # no homes, no episodes in this run


def test_guesses_for_another_model_are_no_answer():
    assert left_s(PLAN, {"homes": 10.0}, guessed=False) is None
    assert left_s(PLAN, {}, "align", 60.0, 40.0, guessed=False) == 40.0 + 50.0


def test_when_all_is_done_nothing_is_left():
    assert left_s(PLAN, {step.name: 1.0 for step in PLAN}) == 0.0


def test_the_place_of_a_step_is_told():
    assert place(PLAN, "align", 200.0) == "3 of 4, about 3 min left"
    assert place(PLAN, "align", None) == "3 of 4"
    assert place(PLAN, "something else", 1.0) == ""


def test_a_stage_is_explained_by_what_it_is_given():
    align, inject, fuse, dpo = recipe.load(RECIPES / "quickstart.yaml", (), Pipeline).stages
    assert "replay" not in eta.stage_why(align) and "Clean questions" in eta.stage_why(align)
    assert "steps written out" in eta.stage_why(inject)
    assert "60 % of the lesson repeats" in eta.stage_why(inject)
    assert "Plans and next actions" in eta.stage_why(fuse)
    assert "80 % of the lesson repeats" in eta.stage_why(fuse)
    assert "right answers against wrong ones" in eta.stage_why(dpo)
    alone = msgspec.structs.replace(dpo, preferences=None)
    assert "answers" not in eta.stage_why(alone)


@pytest.mark.parametrize("name", ["quickstart", "quickstart-short", "real-sample"])
def test_every_step_of_a_recipe_has_a_reason_and_a_name_of_its_own(name):
    plan = eta.steps(recipe.load(RECIPES / f"{name}.yaml", (), Pipeline))
    assert len({step.name for step in plan}) == len(plan)
    for step in plan:
        assert step.why.endswith(".") and step.guess_s >= 0, step


def test_every_stage_is_examined_right_after_it():
    names = [s.name for s in eta.steps(recipe.load(RECIPES / "quickstart.yaml", (), Pipeline))]
    assert names.index("Evaluating base") < names.index("Training: align")
    assert names.index("Evaluating fuse") == names.index("Training: fuse") + 1
