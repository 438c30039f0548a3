"""The whole pipeline in small, through the command line, on a model that has learnt nothing."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from seestep import recipe
from seestep.pipeline.closing import next_commands
from seestep.pipeline.config import Pipeline
from seestep.pipeline.state import Run
from seestep.records import Pair, Record, Score
from seestep.run import read_rows, read_verdicts
from tests.e2e.commands import ENV, ROOT, command, hashes, on_a_terminal, seestep
from tests.e2e.conftest import Once

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# Times, and the log that each stage keeps of them, are not part of what a run promises.
TIMES = ("timings.json", "summary.json", "run.log.json")
STAGES = ("align", "inject", "fuse", "dpo")
VIEWS = [f"world.homes.views.{k}" for k in ("close=2", "wide=1", "orbits=1", "turns=0")]


@pytest.fixture(scope="module")
def words(tiny_model: Path) -> list[str | Path]:
    """recipes/quickstart.yaml with every number small."""
    steps = [
        f"stages.{i}.{kind}.{value}"
        for i, kind in enumerate(("sft", "sft", "sft", "dpo"))
        for value in ("max_steps=2", "optim.warmup_steps=1", "batch={effective: 4, micro: 4}")
    ]
    return [
        "run", ROOT / "recipes/quickstart.yaml", f"model={tiny_model}", "workers=1", "threads=1",
        "world.homes.homes=3", *VIEWS, "world.episodes.homes=2", "world.episodes.episodes.tasks=2",
        "world.suites={per_suite: 2, homes: 6}", "evaluate={max_new_tokens: 4, batch_size: 12}",
        *steps,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(words: list[str | Path], once: Once) -> Path:
    def make(out: Path) -> None:
        done = seestep(*words, "--out", out)
        assert done.returncode == 0, done.stderr

    return once("small", make)


def test_every_stage_trains_and_every_model_is_evaluated_on_every_suite(run: Path) -> None:
    for name in STAGES:
        told = json.loads((run / "train" / name / "manifest.json").read_bytes())
        assert told["steps"] == 2, name
        assert (run / "train" / name / "final" / "seestep.json").is_file()
    for name in ("base", *STAGES):
        suites = {s.suite for s in read_rows(run / "evals" / name / "scores", Score)}
        assert len(suites) == 18, name  # 17 that mirror benchmarks, and mini-plan
    summary = json.loads((run / "summary.json").read_bytes())
    assert set(summary["models"]) == {"base", *STAGES}
    assert 0 < summary["peak_rss_mb"] < 8000
    assert all(seconds >= 0 for seconds in summary["seconds"].values())


def test_the_report_says_what_the_scores_say(run: Path) -> None:
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    told = json.loads((run / "report" / "results.json").read_bytes())
    scores = list(read_rows(run / "evals" / "dpo" / "scores", Score))
    assert told and "mini-where2place" in page
    mine = [s.value for s in scores if s.suite == "mini-blink"]
    (cell,) = (c for c in cells(told) if c[:2] == ("dpo", "mini-blink"))
    assert cell[2] == pytest.approx(sum(mine) / len(mine))
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


def cells(told: object) -> list[tuple[str, str, float]]:
    """(model, suite, score) wherever results.json keeps them, whatever stands around."""
    assert isinstance(told, dict)
    by_model = told["tables"]["suite"]["cells"]
    return [
        (model, group, cell["score"])
        for model, groups in by_model.items()
        for group, cell in groups.items()
    ]


def test_why_tells_the_verdicts_of_a_record(run: Path) -> None:
    record = next(iter(read_rows(run / "thoughts", Record)))
    done = seestep("why", record.id, "--run", run)
    assert done.returncode == 0 and record.id in done.stdout
    for check in ("pictures", "has_output", "quality"):
        assert check in done.stdout
    pair = next(iter(read_rows(run / "world/episodes/pairs", Pair)))
    assert seestep("why", pair.id, "--run", run).returncode == 0
    dropped = [v for v in read_verdicts(run / "world/homes") if not v.keep]
    assert dropped and "DROPPED" in seestep("why", dropped[0].id, "--run", run).stdout


def test_what_the_demo_says_to_try_next_can_be_run(run: Path) -> None:
    told = recipe.load(ROOT / "recipes" / "quickstart.yaml", [], Pipeline)
    lines = [shlex.split(line) for line, _ in next_commands(Run(told, run, run))]
    assert [words[:2] for words in lines] == [["seestep", "why"], ["seestep", "train"]]
    for words in lines:
        done = seestep(*words[1:])
        assert done.returncode == 0, done.stderr


def test_running_it_again_and_writing_the_report_again_change_nothing(
    run: Path, words: list[str | Path]
) -> None:
    before = hashes(run, "run.log.json")
    assert seestep("report", run).returncode == 0
    assert hashes(run, "run.log.json") == before
    done = seestep(*words, "--out", run)
    assert done.returncode == 0, done.stderr
    assert hashes(run, "run.log.json") == before


def test_the_dry_run_of_a_finished_folder_knows_the_steps(
    run: Path, words: list[str | Path]
) -> None:
    before = hashes(run, ".lock")
    done = seestep(*words, "--out", run, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": 2 steps") == len(STAGES)
    for stage in ("align", "inject", "fuse"):  # two of them replay
        plan = json.loads((run / "train" / stage / "plan.json").read_bytes())
        assert f"{plan['samples']} samples, {plan['tokens']:,} tokens" in done.stdout
    assert hashes(run, ".lock") == before


def test_ctrl_c_tells_how_to_go_on_and_the_second_call_ends_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    told = ["run", ROOT / "recipes/quickstart.yaml", "stages=[]", "evaluate=null", "model=none"]
    told += ["world.homes.homes=3", "world.homes.shard_homes=1", "world.episodes=null", *VIEWS]
    told += ["world.suites=null", "workers=1"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert seestep(*told, "--out", whole).returncode == 0

    process = subprocess.Popen(
        command(*told, "--out", cut), cwd=ROOT, env=ENV, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    end = time.monotonic() + 120
    while not list(cut.glob("world/homes/commit-*.json")):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "seestep: stopped. Finished parts are kept; to go on where it stopped, run:" in said
    assert f"seestep run {told[1]}" in said and str(cut) in said
    assert not (cut / "curated").exists()

    assert seestep(*told, "--out", cut).returncode == 0
    assert hashes(cut, *TIMES) == hashes(whole, *TIMES)


def test_a_terminal_sees_each_step_once_and_no_bar_stays(tmp_path: Path) -> None:
    told = ["run", ROOT / "recipes/quickstart.yaml", "stages=[]", "evaluate=null", "model=none"]
    told += ["world.homes.homes=2", "world.homes.shard_homes=1", *VIEWS]
    told += ["world.episodes=null", "world.suites=null", "workers=2", "--out", tmp_path / "run"]
    code, said = on_a_terminal(*told)
    assert code == 0, said
    lines = [line.rstrip() for line in said.splitlines()]
    for name in ("Starting up", "Building homes", "Curating", "Building thoughts"):
        assert len([line for line in lines if f"  {name}" in line]) == 1, name
    assert "left out with a reason" in said and "Where the time went:" in said
    assert "/2" not in said.split("Curating")[-1]  # its bars are gone
