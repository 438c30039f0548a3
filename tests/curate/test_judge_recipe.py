"""What a recipe of the judge must say, and that what docs/judge.md shows can be read."""

import re
from pathlib import Path

import pytest

from seestep import recipe as recipes
from seestep.curate.judge.config import Judge, JudgeRecipe, settled
from seestep.curate.judge.gold import read_gold
from seestep.errors import RecipeError
from seestep.records import Verdict


def test_a_recipe_must_say_what_becomes_of_the_undecided(tmp_path):
    text = "judge:\n  endpoint: {base_url: 'http://127.0.0.1:1/v1', model: m}\n"
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match="undecided"):
        recipes.load(path, (), JudgeRecipe)
    path.write_text(text + "  undecided: hold\n")
    told = recipes.load(path, ("judge.endpoint.concurrency=3",), JudgeRecipe).judge
    assert (told.undecided, told.least_kappa, told.ungated) == ("hold", 0.5, False)
    assert settled(told) == settled(recipes.load(path, (), JudgeRecipe).judge)
    other = recipes.load(path, ("judge.least_kappa=0.6",), JudgeRecipe).judge
    assert settled(other) != settled(told)
    for wrong in ("judge.canaries=0", "judge.checks=[]", "judge.most_fooled=1", "judge.pixels=9",
                  "judge.least.quality=7"):  # fmt: skip
        with pytest.raises(RecipeError):
            recipes.load(path, (wrong,), JudgeRecipe)
    assert isinstance(told, Judge) and Verdict(id="a", check="judge", keep=True).reason == ""


def test_what_the_page_shows_can_be_read(tmp_path):
    page = (Path(__file__).parents[2] / "docs/judge.md").read_text()
    blocks = re.findall(r"```(yaml|json)\n(.*?)```", page, re.DOTALL)
    for kind, text in blocks:
        path = tmp_path / f"shown.{kind}"
        path.write_text(text)
        if kind == "yaml":
            assert recipes.load(path, (), JudgeRecipe).judge.undecided in ("hold", "keep")
        else:
            assert [one.check for one in read_gold(path)] == [
                "quality",
                "consistency",
                "plan",
                "pair",
            ]
    assert [kind for kind, _ in blocks] == ["yaml", "yaml", "json"]
