"""Two processes make the step that one makes: the loss is that of the global batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from seestep.run import ShardResult, shard_stage

REPO = Path(__file__).parents[2]


def lines(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def launch(processes: int, recipe: Path, out: Path) -> None:
    words = [sys.executable, "-m"]
    if processes > 1:
        words += ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"]
    words += ["seestep", "train", str(recipe), "--out", str(out), "--json"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPO)}
    done = subprocess.run(words, cwd=REPO, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    ends = [line for line in done.stdout.splitlines() if line.startswith('{"checkpoint"')]
    assert len(ends) == 1, done.stdout[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sft", "anchor", "dpo"])
def test_two_ranks_make_the_step_of_one(kind, checkpoints, roots, make, tmp_path):
    # Records 4 and 9 have no picture: some batch of a rank has none while the other's has. With an
    # anchor one rank has replayed samples in a step where the other has none.
    rows = make.pairs(6) if kind == "dpo" else make.records(10)
    parts = {"rows": rows[:6], "again": rows[6:]} if kind == "anchor" else {"rows": rows}
    for name, part in parts.items():
        shard_stage(
            tmp_path / name,
            stage="rows",
            version=1,
            config={},
            inputs=[],
            shards=1,
            work=lambda n, part=part: ShardResult(rows=part),
        )
    recipe = tmp_path / "stage.yaml"
    plain = {
        "method": "dpo" if kind == "dpo" else "sft",
        "model": str(checkpoints["qwen3_vl"]),
        "data": {
            "records": [str(tmp_path / "rows")],
            "roots": {k: str(v) for k, v in roots.items()},
        },
        "optim": {"lr": 1e-3, "warmup_steps": 0, "schedule": "constant"},
        "batch": {"effective": 2, "micro": 1},
        "max_steps": 4,
        "save_steps": 2,
        "freeze": [],
        "device": "cpu",
        "precision": "fp32",
    }
    if kind == "anchor":
        plain["data"] |= {"replay": [str(tmp_path / "again")], "replay_share": 0.4}
        plain |= {"anchor": {"share": 0.5}, "max_steps": 5}
    recipe.write_text(json.dumps(plain))
    for ranks in (1, 2):
        launch(ranks, recipe, tmp_path / str(ranks))
    for one, two in zip(lines(tmp_path / "1"), lines(tmp_path / "2"), strict=True):
        for name in one.keys() - {"step", "epoch", "lr", "tokens_per_s"}:
            assert two[name] == pytest.approx(one[name], rel=1e-4, abs=1e-5), name
    first = [lines(tmp_path / n)[0]["loss"] for n in ("1", "2")]
    assert first[1] == pytest.approx(first[0], rel=1e-6)
    ends = [load_file(tmp_path / n / "final" / "model.safetensors") for n in ("1", "2")]
    for name, weight in ends[0].items():
        torch.testing.assert_close(ends[1][name], weight, atol=2e-4, rtol=0)
