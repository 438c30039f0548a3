"""``seestep pretrain`` from homes to a card, at toy size."""

import json

import msgspec
import pytest

from seestep import recipe
from seestep.cli import main
from seestep.models.tiny.build import SMALL
from seestep.pipeline.pretrain import Probed, make_base, probe_base
from seestep.progress import Progress
from seestep.train.base.config import PretrainConfig
from tests.train.test_base import RECIPE, SHORT

TOY = (
    *SHORT,
    "vision={steps: 1, batch: 2}",
    "joint={steps: 1, batch: 1}",
    "settle={steps: 1, batch: 1}",
    "phases=[]",
    "pairs=0",
    "notes=[made as a toy]",
    "data.workers=1",
    "data.parts={tables: {purpose: base, homes: 1, shard_homes: 1,"
    " views: {close: 1, wide: 0, orbits: 0, turns: 0, supersample: 1}}}",
    "data.probe.homes=2",
    "data.probe.first=900000",
    "data.probe.shard_homes=2",
    "data.probe.views={close: 1, wide: 0, orbits: 0, turns: 0, supersample: 1}",
)


@pytest.mark.slow
def test_a_base_is_made_tested_and_told_about(tmp_path):
    config, silent = recipe.load(RECIPE, TOY, PretrainConfig), Progress(mode="none")
    folder, found = make_base(config, tmp_path, shape=SMALL, progress=silent)
    card = (folder / "MODEL_CARD.md").read_text()
    assert "| pointing |" in card and ">= 0.85" in card
    assert "seeds 5900000 to 5900001" in card and "no base was\n    chosen by them" in card
    assert "- **Note**: made as a toy\n" in card
    assert found.weights_sha256 in card
    kept = msgspec.json.decode((tmp_path / "probe.json").read_bytes(), type=Probed)
    assert kept == found and kept.seeds == (5900000, 5900002)
    assert {item.home for item in kept.items} == {"5900000", "5900001"}
    # a finished folder is not asked again, a test that is asked for is
    (tmp_path / "probe.json").write_bytes(
        msgspec.json.encode(msgspec.structs.replace(kept, items=[]))
    )
    assert make_base(config, tmp_path, shape=SMALL, progress=silent)[1].items == []
    assert probe_base(config, tmp_path, shape=SMALL, progress=silent) == found


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        main(
            [
                "pretrain",
                str(RECIPE),
                "--out",
                str(out),
                "--dry-run",
                "joint.steps=7",
                "phases=[{steps: 3, weights: {point: 1}}]",
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "# joint: 7 steps of 12 looks with 8 questions" in said
    assert "kind: muon_adamw" in said
    assert main(["pretrain", str(RECIPE), "--out", str(out), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["would"]
    assert not out.exists()


def test_mistakes_are_told_before_anything_is_done(tmp_path, capsys):
    words = ["pretrain", str(RECIPE), "--out", str(tmp_path / "out")]
    assert main([*words, "--checkpoint", str(tmp_path)]) == 2
    assert "--probe-only" in capsys.readouterr().err
    assert main([*words, "--probe-only"]) == 2
    assert "no checkpoint to test" in capsys.readouterr().err
