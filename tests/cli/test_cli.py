from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from seestep import __version__
from seestep.cli import app as module
from seestep.cli import main
from seestep.errors import RecipeError
from tests.foundation.folders import make

ROOT = Path(__file__).parents[2]


def seestep(*words: str, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seestep", *words], capture_output=True, text=True, cwd=ROOT, **more
    )


def test_help_names_every_verb(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in module.VERBS)


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.e2e
def test_help_is_quick():
    """Processor seconds, which a busy machine hardly changes; the promise is 0.3 s."""

    def used() -> float:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    times = []
    for _ in range(3):
        before = used()
        assert seestep("--help").returncode == 0
        times.append(used() - before)
    assert min(times) < 0.4


def test_a_misspelt_verb_gets_the_nearest(capsys):
    assert main(["doctr"]) == 2
    assert capsys.readouterr().err == (
        "seestep: there is no verb 'doctr'. Try: did you mean doctor?\n"
    )
    assert main(["xyz"]) == 2
    assert "verbs: run, sources, check, convert" in capsys.readouterr().err


def test_a_wrong_option_exits_with_2(capsys):
    assert main(["why", "--nowhere"]) == 2
    assert main(["doctor", "--recpe", "x"]) == 2


# --- what becomes of errors -------------------------------------------------------------------


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*args: object, **more: object) -> int:
        raise error

    monkeypatch.setattr(module, "app", fail)


def test_a_mistake_of_the_user_is_one_sentence_and_exit_2(monkeypatch, capsys):
    raising(monkeypatch, RecipeError("no such key", file="r.yaml", hint="did you mean lr?"))
    assert main(["run", "r.yaml"]) == 2
    assert capsys.readouterr().err == "seestep: r.yaml: no such key. Try: did you mean lr?\n"


def test_ctrl_c_prints_the_very_command_that_goes_on(monkeypatch, capsys):
    raising(monkeypatch, KeyboardInterrupt())
    assert main(["run", "my recipe.yaml", "--out", "runs/a", "seed=2"]) == 130
    said = capsys.readouterr().err
    assert "seestep: stopped." in said
    assert said.endswith("run:\n  seestep run 'my recipe.yaml' --out runs/a seed=2\n")


def test_ctrl_c_in_a_verb_that_leaves_nothing_behind_only_stops(monkeypatch, capsys):
    raising(monkeypatch, KeyboardInterrupt())
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "seestep: stopped.\n"


def test_a_crash_shows_where_and_how_to_go_on(monkeypatch, capsys):
    raising(monkeypatch, ZeroDivisionError("oops"))
    assert main(["train", "x.yaml"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: oops" in said
    assert said.endswith("\n  seestep train x.yaml\n")


# --- doctor -----------------------------------------------------------------------------------


@pytest.mark.e2e
def test_doctor_finds_this_machine_working():
    done = seestep("doctor", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    found = {f["name"]: f for f in told["findings"]}
    assert told["works"] is True
    assert found["core"]["state"] == found["python"]["state"] == "ok"
    assert {"torch", "gpu", "disk", "memory", "extra world", "extra train"} <= found.keys()
    lines = seestep("doctor").stdout
    assert f"seestep {__version__}" in lines


def test_doctor_tells_the_line_that_installs_what_is_missing(monkeypatch):
    from importlib import metadata

    from seestep import checkup

    def version(name: str) -> str:
        if name == "mujoco":
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "msgspec" else "999"

    monkeypatch.setattr(checkup.metadata, "version", version)
    found = {f.name: f for f in checkup._extras()}
    assert found["extra world"].state == "missing"
    assert found["extra world"].detail == "lacks mujoco"
    assert found["extra world"].fix == "pip install -c constraints.txt -e '.[world]'"
    assert found["core"].state == "fault"
    assert "msgspec>=0.19 (has 0.1)" in found["core"].detail
    assert not checkup.works(list(found.values()))


def test_doctor_checks_the_data_folders_of_a_recipe(tmp_path, capsys):
    (tmp_path / "vg").mkdir()
    recipe = tmp_path / "r.yaml"
    recipe.write_text(f"roots: {{vg: {tmp_path / 'vg'}, lvis: {tmp_path / 'lvis'}}}")
    assert main(["doctor", "--recipe", str(recipe), "--json"]) == 0
    found = {f["name"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    assert found["data vg"]["state"] == "ok"
    assert found["data lvis"]["state"] == "missing"
    assert "roots.lvis=FOLDER" in found["data lvis"]["fix"]


# --- why --------------------------------------------------------------------------------------


@pytest.fixture
def two_stages(tmp_path: Path) -> Path:
    """``z-first`` is read by ``a-second``, so the flow is against the alphabet."""
    make(tmp_path / "z-first", stage="first")
    make(tmp_path / "a-second", stage="second", inputs=[tmp_path / "z-first"])
    return tmp_path


def test_why_tells_every_verdict_in_the_order_the_data_flowed(two_stages, capsys):
    assert main(["why", "t:1-1", "--run", str(two_stages)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "t:1-1"
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["z-first", "kept", "length"],
        ["a-second", "kept", "length"],
    ]
    assert "z-first/part-00001.jsonl, line 2; " in lines[3]


def test_why_tells_the_reason_of_a_drop(two_stages, capsys):
    assert main(["why", "t:2-2", "--run", str(two_stages)]) == 0
    said = capsys.readouterr().out
    assert "DROPPED  length score 2: 2 words" in said
    assert "is in no part file of this run" in said


def test_the_place_that_why_tells_holds_the_record(two_stages, capsys):
    assert main(["why", "t:1-1", "--run", str(two_stages), "--json"]) == 0
    traces = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [t["stage"] for t in traces] == ["first", "second"]
    for trace in traces:
        line = Path(trace["part"]).read_text().splitlines()[trace["line"] - 1]
        assert json.loads(line)["id"] == "t:1-1"


def test_the_beginning_of_an_id_stands_for_all_that_begin_so(two_stages, capsys):
    assert main(["why", "t:1", "--run", str(two_stages), "--most", "2"]) == 0
    said = capsys.readouterr().out
    assert "t:1-0\n" in said and "t:1-1\n" in said and "t:1-2\n" not in said
    assert "... and 1 more ids that begin with 't:1' (--most 3)" in said


def test_an_unknown_id_gets_the_nearest(two_stages, capsys):
    assert main(["why", "t:11", "--run", str(two_stages)]) == 2
    assert "did you mean t:1-1" in capsys.readouterr().err
    assert main(["why", "t:1", "--run", str(two_stages / "nowhere")]) == 2
    (two_stages / "empty").mkdir()
    assert main(["why", "t:1", "--run", str(two_stages / "empty")]) == 2
    assert "there is no run folder here" in capsys.readouterr().err


def test_why_reads_a_run_that_is_not_finished_but_no_uncommitted_shard(two_stages, capsys):
    (two_stages / "z-first" / "manifest.json").unlink()
    (two_stages / "z-first" / "commit-00001.json").unlink()
    assert main(["why", "t:1-1", "--run", str(two_stages / "z-first")]) == 2
    assert main(["why", "t:0-1", "--run", str(two_stages / "z-first")]) == 0


@pytest.mark.e2e
def test_a_reader_that_goes_away_is_no_crash(two_stages):
    command = f"{sys.executable} -m seestep why t: --run {two_stages} | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert done.stderr == ""
