"""recipes/ablations/quick.yaml: its arms, and the same code from data to page on a random model."""

import csv
import io
import json
from pathlib import Path

import msgspec
import pytest

from seestep import recipe as recipes
from seestep.models import load as models
from seestep.models.tiny import build as tiny
from seestep.pipeline.ablation import REFERENCE, Ablation, arm, run_ablation
from seestep.study.ablate import differences

QUICK = Path(__file__).parents[2] / "recipes" / "ablations" / "quick.yaml"

# The original's table of settings: learning rate, batch, warm-up, scheduler, vision frozen. The
# embedded model learns with a frozen tower, so its last arm is the original's the other way round.
ORIGINAL = """\
2e-5,32,80,cosine,no
5e-5,32,80,cosine,no
1e-5,32,80,cosine,no
2e-5,16,80,cosine,no
2e-5,32,0,cosine,no
2e-5,32,80,linear,no
2e-5,32,80,cosine,yes
"""


@pytest.fixture(scope="module")
def quick() -> Ablation:
    return recipes.load(QUICK, (), Ablation)


def test_every_arm_differs_from_the_reference_in_exactly_its_key(quick: Ablation) -> None:
    keys = [key for s in quick.settings for key in s.options]
    assert sorted({*keys}) == sorted(quick.compare)
    for setting in quick.settings:
        made = arm(quick.pipeline, setting)
        for before, after in zip(quick.pipeline.stages, made.stages, strict=True):
            assert before.sft is not None and after.sft is not None
            assert differences(before.sft, after.sft) == setting.options
        rest = msgspec.structs.replace(made, stages=quick.pipeline.stages)
        assert rest == quick.pipeline


def test_the_arms_are_those_of_the_original(quick: Ablation) -> None:
    reference, *others = csv.reader(io.StringIO(ORIGINAL))
    wanted = [
        {i: (value, old) for i, (value, old) in enumerate(zip(row, reference, strict=True))}
        for row in others
    ]
    base = quick.pipeline.stages[0].sft
    assert base is not None
    assert (base.optim.schedule, base.freeze) == ("cosine", ("vision",))
    for setting, row in zip(quick.settings, wanted, strict=True):
        (column, (value, old)) = next((i, pair) for i, pair in row.items() if pair[0] != pair[1])
        (key,) = setting.options
        assert key == quick.compare[column]
        if setting.times:
            assert setting.times[key] == pytest.approx(float(value) / float(old))
        else:
            told = setting.change[key]
            assert told == {"0": 0, "linear": "linear", "yes": []}[value]


def test_stages_count_epochs_so_that_batch_alone_changes(quick: Ablation) -> None:
    assert all(s.sft is not None and s.sft.max_steps is None for s in quick.pipeline.stages)


def test_the_reference_is_the_quickstart_in_small(quick: Ablation) -> None:
    full = recipes.read(QUICK.parents[1] / "quickstart.yaml")
    small = recipes.read(QUICK)["pipeline"]
    trained = [stage for stage in full["stages"] if "sft" in stage]
    for mine, theirs in zip(small["stages"], trained, strict=True):
        merged = {**theirs["sft"], "optim": {**theirs["sft"]["optim"], "schedule": "cosine"}}
        assert mine["sft"] == merged
    for key in ("model", "thought"):
        assert small[key] == full[key]


@pytest.mark.slow
def test_two_arms_go_from_data_to_page_and_do_so_alike_twice(tmp_path: Path) -> None:
    models.save(tiny.build("qwen3_vl", shape=tiny.SMALL), tmp_path / "model")
    small = [
        f"pipeline.model={tmp_path / 'model'}",
        "pipeline.threads=1",
        "pipeline.workers=1",
        "pipeline.world={homes: {homes: 2}, suites: {per_suite: 1, homes: 2, plans: false}}",
        "pipeline.evaluate={max_new_tokens: 2, batch_size: 64}",
        "settings=[{name: trained, change: {freeze: []}}]",
        "compare=[optim.lr, freeze]",
    ]
    stage = recipes.read(QUICK)["pipeline"]["stages"][0]
    stage["records"]["limit"] = 4
    stage["sft"] |= {
        "max_steps": 2,
        "batch": {"effective": 2, "micro": 2},
        "optim": {"lr": 5e-4, "warmup_steps": 1},
    }
    small.append(f"pipeline.stages={json.dumps([stage])}")
    config = recipes.load(QUICK, small, Ablation)
    said: list[str] = []
    run_ablation(config, tmp_path / "run", mode="none", say=said.append)
    report = tmp_path / "run" / "report"
    first = {f.name: f.read_bytes() for f in report.iterdir()}
    results = json.loads(first["results.json"])
    assert [row["run"] for row in results["settings"]] == [REFERENCE, "trained"]
    assert results["tables"]["suite"]["models"] == ["base", REFERENCE, "trained"]
    means = results["tables"]["suite"]["mean"]
    assert all(row["mean"] == means[row["run"]]["score"] for row in results["settings"])
    run_ablation(config, tmp_path / "run", mode="none", say=said.append)
    assert {f.name: f.read_bytes() for f in report.iterdir()} == first
