"""Bad input to the real command line: one clear sentence each, nothing lost."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.e2e.commands import ENV, ROOT, command, hashes, refused, seestep

pytestmark = pytest.mark.e2e

SIZE = (64, 48)


def robot(root: Path, ids: list[int], **changes: object) -> Path:
    """A ShareRobot folder: one path in one picture of noise each; ``changes`` go to the last."""
    (root / "trajectory/images").mkdir(parents=True)
    rows: list[dict[str, object]] = [
        {
            "id": i,
            "meta_data": {"original_width": SIZE[0], "original_height": SIZE[1]},
            "instruction": f"reach for thing number {i}",
            "points": [[i, 2], [30, 40 - i]],
        }
        for i in ids
    ]
    rows[-1] |= changes
    (root / "trajectory/trajectory.json").write_text(json.dumps(rows))
    for i in ids:
        noise = Image.frombytes("RGB", SIZE, os.urandom(3 * SIZE[0] * SIZE[1]))
        noise.save(root / f"trajectory/images/{i}.png")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return robot(tmp_path / "data", [1, 2, 3])


@pytest.fixture
def recipe(tmp_path: Path, root: Path) -> Path:
    file = tmp_path / "small.yaml"
    told = {"name": "small", "sources": [{"source": "sharerobot", "root": str(root)}]}
    file.write_text(yaml.safe_dump(told | {"curate": {"look": "decode"}}))
    return file


def kept(folder: Path) -> list[str]:
    parts = sorted(folder.glob("part-*.jsonl"))
    return [json.loads(line)["id"] for part in parts for line in part.read_bytes().splitlines()]


# --- recipes ----------------------------------------------------------------------------------


def test_a_misspelt_key_is_refused_with_the_nearest_one(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(recipe.read_text() + "\nthougt: {}\n")
    said = refused(seestep("run", recipe, "--out", tmp_path / "out"))
    assert "thougt" in said and "did you mean thought?" in said and recipe.name in said
    assert not (tmp_path / "out").exists()


def test_a_misspelt_override_is_refused_with_the_nearest_one(recipe: Path, tmp_path: Path) -> None:
    said = refused(seestep("run", recipe, "curate.lok=trust", "--out", tmp_path / "out"))
    assert "did you mean" in said and "look" in said
    assert not (tmp_path / "out").exists()


def test_what_cannot_work_is_said_before_anything_is_written(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stages = (
        "stages=[{name: a, records: {folders: [curated]}, sft: {model: previous, device: cpu}}]"
    )
    for words, wanted in (
        (["sources.0.source=sharerobt"], "did you mean sharerobot?"),
        (["sources.0.root=nowhere"], "nowhere"),
        (["export=[{to: messages, family: qwen9}]"], "qwen9"),
        (["model=nowhere", stages], "nowhere"),
        (["sources=[]"], "where records come from"),
    ):
        assert wanted in refused(seestep("run", recipe, *words, "--out", out))
        assert not list(out.glob("*/"))


def test_the_recipe_of_a_stage_is_sent_to_its_own_verb() -> None:
    file = ROOT / "recipes/robobrain2-7b/align.yaml"
    assert f"seestep train {file}" in refused(seestep("run", file, "--dry-run"))


def test_a_dry_run_writes_nothing_and_is_json_where_a_program_asks(recipe: Path) -> None:
    out = recipe.parent / "out"
    told = json.loads(seestep("run", recipe, "--out", out, "--dry-run", "--json").stdout)
    assert told["recipe"]["name"] == "small" and "found" in str(told["would"])
    assert "NOT FOUND" in seestep("run", recipe, "sources.0.root=x", "--dry-run").stdout
    assert not out.exists()


def test_a_report_of_what_was_never_run_or_evaluated_is_refused(recipe: Path) -> None:
    out = recipe.parent / "out"
    assert "not the folder of a run" in refused(seestep("report", out))
    assert seestep("run", recipe, "--out", out).returncode == 0
    assert "evaluated no model" in refused(seestep("report", out))


# --- data -------------------------------------------------------------------------------------


def test_a_truncated_picture_drops_its_record_with_a_reason(recipe: Path, root: Path) -> None:
    picture = root / "trajectory/images/2.png"
    picture.write_bytes(picture.read_bytes()[:900])
    out = recipe.parent / "out"
    done = seestep("run", recipe, "--out", out)
    assert done.returncode == 0, done.stderr
    assert kept(out / "curated") == ["sharerobot:trajectory-1", "sharerobot:trajectory-3"]
    told = seestep("why", "sharerobot:trajectory-2", "--run", out).stdout
    assert "DROPPED" in told and "2.png" in told and "truncated" in told


def test_a_box_or_path_that_leaves_its_picture_is_dropped_with_a_reason(tmp_path: Path) -> None:
    root = robot(tmp_path / "data", [1, 2], points=[[5, 5], [400, 20]])
    done = seestep("convert", "sharerobot", root, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["records"] == 1 and told["dropped"] == 1
    assert "source:outside" in str(told["drops"])
    assert "a point leaves the image" in (
        seestep("why", "sharerobot:trajectory-2", "--run", tmp_path / "out").stdout
    )


def test_a_cut_annotation_file_is_named_and_leaves_no_half_folder(
    recipe: Path, root: Path, tmp_path: Path
) -> None:
    file = root / "trajectory/trajectory.json"
    file.write_bytes(file.read_bytes()[:-40])
    said = refused(seestep("convert", "sharerobot", root, "--out", tmp_path / "out"))
    assert "trajectory.json" in said
    assert not list((tmp_path / "out").glob("part-*"))


def test_a_row_without_its_fields_is_named(tmp_path: Path) -> None:
    root = robot(tmp_path / "data", [1, 2], points=None)
    done = seestep("convert", "sharerobot", root, "--out", tmp_path / "out")
    assert done.returncode == 0 and "not as documented" in done.stdout  # the other is kept
    root = robot(tmp_path / "more", [2], meta_data={"width": 3})
    said = refused(seestep("convert", "sharerobot", root, "--out", tmp_path / "none"))
    assert "no row can be read" in said and "original_width" in said and "row 0" in said


def test_a_corrupt_line_in_a_run_folder_is_refused_by_file(recipe: Path) -> None:
    out = recipe.parent / "out"
    assert seestep("run", recipe, "--out", out).returncode == 0
    (part,) = (out / "sources/sharerobot").glob("part-*.jsonl")
    whole = part.read_bytes()
    part.write_bytes(whole.replace(b'"source"', b'"sour\x00ce', 1))
    before = hashes(out)
    said = refused(seestep("run", recipe, "--out", out))
    assert part.name in said
    assert hashes(out) == before  # nothing deleted, nothing mended in silence
    part.write_bytes(whole)
    assert seestep("run", recipe, "--out", out).returncode == 0


def test_wrong_roots_and_sources_of_convert_are_one_sentence(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "did you mean lvis?" in refused(seestep("convert", "lvi", root, "--out", out))
    assert "nowhere" in refused(seestep("convert", "lvis", tmp_path / "nowhere", "--out", out))
    assert "lvis_*.json" in refused(seestep("convert", "lvis", root, "--out", out))
    words = ("convert", "sharerobot", root, "--images", tmp_path / "nowhere", "--out", out)
    assert "the folder of pictures is not here" in refused(seestep(*words))
    assert "limit" in refused(seestep("convert", "sharerobot", root, "--out", out, "--limit", "0"))
    assert not out.exists()


# --- the disk ---------------------------------------------------------------------------------


def test_a_full_disk_keeps_what_was_finished_and_the_same_command_goes_on(
    recipe: Path, root: Path
) -> None:
    out = recipe.parent / "out"
    assert (
        seestep("convert", "sharerobot", root, "--out", out / "sources/sharerobot").returncode == 0
    )
    before = hashes(out)

    def quota() -> None:  # no file longer than this can be written: EFBIG, like a quota
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))

    done = seestep("run", recipe, "--out", out, before=quota)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("seestep: ")]
    assert "no room to write this file" in said and "run the same command again" in said
    now = hashes(out)
    assert {name: now.get(name) for name in before} == before
    assert not list(out.rglob("*.tmp"))
    assert seestep("run", recipe, "--out", out).returncode == 0
    assert len(kept(out / "curated")) == 3


def test_an_out_that_cannot_be_a_folder_is_said(recipe: Path, root: Path, tmp_path: Path) -> None:
    assert "/dev/full" in refused(seestep("run", recipe, "--out", "/dev/full/run"))
    (tmp_path / "file").write_text("mine")
    assert "file" in refused(seestep("convert", "sharerobot", root, "--out", tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "mine"


# --- two in one folder ------------------------------------------------------------------------


def test_a_second_run_in_the_same_folder_is_refused_with_the_owners_pid(recipe: Path) -> None:
    out = recipe.parent / "out"
    first = subprocess.Popen(command("run", recipe, "--out", out), cwd=ROOT, env=ENV)
    try:
        wait_for(out / ".lock", first)
        first.send_signal(signal.SIGSTOP)
        said = refused(seestep("run", recipe, "--out", out))
        assert f"pid {first.pid}" in said
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait(120) == 0
    assert len(kept(out / "curated")) == 3


def test_another_recipe_in_a_finished_folder_is_refused_and_changes_nothing(recipe: Path) -> None:
    out = recipe.parent / "out"
    assert seestep("run", recipe, "--out", out).returncode == 0
    before = hashes(out)
    done = seestep("run", recipe, "sources.0.limit=1", "--out", out)
    assert done.returncode == 2 and "limit" in done.stderr and "Traceback" not in done.stderr
    assert hashes(out, "timings.json") == {k: v for k, v in before.items() if k != "timings.json"}


def wait_for(path: Path, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.02)
