"""Every pipeline recipe that ships resolves, and its stages find what they name."""

from pathlib import Path

import pytest

from seestep import recipe
from seestep.errors import RecipeError
from seestep.pipeline.config import Pipeline

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.mark.parametrize("name", ["quickstart", "quickstart-short", "real-sample", "mu-data-20k"])
def test_it_resolves_and_reads_back_the_same(name: str, tmp_path: Path) -> None:
    config = recipe.load(RECIPES / f"{name}.yaml", (), Pipeline)
    written = tmp_path / "resolved.yaml"
    written.write_text(recipe.resolved(config))
    assert recipe.load(written, (), Pipeline) == config


def test_the_stage_recipes_learn_from_folders_that_mu_data_makes() -> None:
    config = recipe.load(RECIPES / "mu-data-20k.yaml", (), Pipeline)
    made = {f"runs/mu-data-20k/data/{name}" for name in config.selections}
    made.add("runs/mu-data-20k/world/episodes/pairs")
    for folder in ("robobrain2-7b", "qwen3-vl-8b"):
        for stage in ("align", "inject", "fuse", "dpo"):
            data = recipe.read(RECIPES / folder / f"{stage}.yaml")["data"]
            assert {*data["records"], *data.get("replay", ())} <= made


def test_the_short_demo_has_every_stage_of_the_demo() -> None:
    full, short = (
        recipe.load(RECIPES / f"{n}.yaml", (), Pipeline) for n in ("quickstart", "quickstart-short")
    )
    assert [s.name for s in full.stages] == [s.name for s in short.stages]
    assert full.world.suites and short.world.suites
    assert full.world.suites.wanted == short.world.suites.wanted


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("stages.2.replay=null", "stage 'fuse': sft.anchor holds what is replayed"),
        ("stages.3.dpo=null", "preferences are for a DPO stage"),
        ("stages.0.sft.data.records=[x]", "name its data under records and replay"),
    ],
)
def test_a_stage_that_cannot_be_is_refused_before_anything_is_made(change: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        recipe.load(RECIPES / "quickstart.yaml", [change], Pipeline)
