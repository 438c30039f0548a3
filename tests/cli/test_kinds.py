"""A recipe given to the wrong verb is told the right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from seestep import recipe as recipes
from seestep.cli import main
from seestep.cli.kinds import SIGNS, expect, verb_of, warn_of_precision
from seestep.errors import RecipeError

RECIPES = Path(__file__).parents[2] / "recipes"
ONE_OF_EACH = {
    "evidence": "evidence.yaml",
    "pretrain": "tiny/base.yaml",
    "run": "ablations/quick.yaml",
    "eval": "qwen3-vl-8b/eval-lora.yaml",
    "train": "robobrain2-7b/dpo-lora.yaml",
    "curate": "curate.yaml",
}


def test_every_recipe_that_ships_is_of_one_kind():
    found = {path: verb_of(set(recipes.read(path))) for path in sorted(RECIPES.rglob("*.yaml"))}
    assert None not in found.values()
    assert {verb: found[RECIPES / name] for verb, name in ONE_OF_EACH.items()} == {
        verb: verb for verb in ONE_OF_EACH
    }
    seven_b = [verb for path, verb in found.items() if path.parent.name.endswith(("7b", "8b"))]
    assert sorted(set(seven_b)) == ["eval", "train"]


@pytest.mark.parametrize("verb", SIGNS)
@pytest.mark.parametrize("kind", SIGNS)
def test_a_wrong_verb_names_the_right_one(verb, kind, capsys, tmp_path):
    path = RECIPES / ONE_OF_EACH[kind]
    if verb == kind:
        expect(verb, path)
        return
    assert main([verb, str(path), "--out", str(tmp_path / "out")]) == 2
    assert f"Try: seestep {kind} {path}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_keys_that_tell_nothing_are_left_to_the_verb(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text("name: odd\n", "utf-8")
    expect("run", path)
    path.write_text("name: odd\njoint: {steps: 1}\n", "utf-8")
    with pytest.raises(RecipeError, match="pretraining of a base"):
        expect("run", path)


def test_bf16_on_a_cpu_without_it_is_said_and_fp32_is_not(monkeypatch, capsys):
    for slow, precision, told in (
        (True, "bf16", True),
        (True, "fp32", False),
        (False, "bf16", False),
    ):
        monkeypatch.setattr("seestep.checkup.bf16_is_slow", lambda slow=slow: slow)
        warn_of_precision(precision)
        assert ("precision=fp32" in capsys.readouterr().err) == told
