"""recipes/real-sample.yaml on the official files, where they are on disk."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from seestep.media import open_image
from seestep.records import Record
from seestep.run import read_manifest, read_rows, read_verdicts
from seestep.sources.pictures import MISSING
from tests.e2e.commands import ROOT, seestep
from tests.e2e.conftest import Once

SHARED = Path(os.environ.get("SEESTEP_SHARED", ROOT.parent / "shared"))
REAL = (SHARED / "data" / "sources").resolve()
RECIPE = ROOT / "recipes" / "real-sample.yaml"
PICTURED = {"sharerobot:affordance-2486", "sharerobot:trajectory-456"}  # and all of bridge
EXPORTS = [f"{to}-{fam}" for to in ("sharegpt", "messages") for fam in ("qwen3_vl", "qwen2_5_vl")]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not REAL.is_dir(),
        reason="the sample of official files is not beside the repository (set SEESTEP_SHARED)",
    ),
]


@pytest.fixture(scope="module")
def run(tiny_model: Path, once: Once, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(out: Path) -> None:
        words = ("run", RECIPE, f"data={REAL}", f"model={tiny_model}", "--out", out)
        done = seestep(*words, cwd=tmp_path_factory.mktemp("elsewhere"))
        assert done.returncode == 0, done.stderr
        assert "is not here" not in done.stdout

    return once("real", make)


def rows(folder: Path) -> list[Record]:
    return list(read_rows(folder, Record))


def test_every_source_gives_records_and_what_is_left_out_has_a_reason(run: Path) -> None:
    # counts of the files themselves, as their ORIGIN pages state them
    out = {p.name: read_manifest(p).counts["out"] for p in (run / "sources").iterdir()}
    found = Counter(r.source for p in out for r in rows(run / "sources" / p))
    assert set(found) == {
        "visual_genome",
        "lvis",
        "epic_kitchens",
        "alfred",
        "sharerobot",
        "bridge",
    }
    assert sum(found.values()) == sum(out.values())
    for name in out:
        manifest = read_manifest(run / "sources" / name)
        drops = [v for v in read_verdicts(run / "sources" / name) if not v.keep]
        assert manifest.counts["in"] == manifest.counts["out"] + len(drops)
        assert all(v.reason for v in drops)
    place = run / "sources/visual_genome"
    every = {r.id for r in rows(place)} | {v.id for v in read_verdicts(place) if not v.keep}
    merged = {id for id in every if "-object-" in id or "-attribute-" in id}
    assert len(every - merged) == (
        158 + 1278 + 721  # relationships, regions, questions of the five images
    )
    assert found["sharerobot"] == 3


def test_curation_keeps_or_drops_every_record_by_name(run: Path) -> None:
    taken = {r.id for p in (run / "sources").iterdir() for r in rows(p)}
    kept = {r.id for r in rows(run / "curated")}
    dropped = {v.id for v in read_verdicts(run / "curated") if not v.keep}
    assert kept | dropped == taken and not kept & dropped


def test_a_record_is_tagged_missing_exactly_when_a_picture_is_not_there(run: Path) -> None:
    tagged = {r.id for r in rows(run / "curated") if MISSING in r.tags}
    with_pictures = {r.id for r in rows(run / "curated")} - tagged
    assert {i for i in with_pictures if not i.startswith("bridge:")} == PICTURED
    assert any(i.startswith("bridge:") for i in with_pictures)
    for record in rows(run / "curated"):
        assert all((m.sha256 is None) == (record.id in tagged) for m in record.media)


def test_only_records_with_real_pictures_are_trained_on(run: Path) -> None:
    trained = rows(run / "data" / "align-records")
    assert {
        r.id for r in trained
    } == PICTURED  # Bridge's have pictures too; its owners hold them out
    held_out = [r for r in rows(run / "curated") if r.source == "bridge"]
    assert held_out and {r.split for r in held_out} == {"val"}
    roots = {"sharerobot": REAL / "sharerobot", "bridge": run / "sources/bridge/media"}
    for media in (m for r in [*trained, *held_out] for m in r.media):
        colours = open_image(media, roots).getextrema()
        assert any(low < high for low, high in colours), f"{media.path} is blank"
    manifest = json.loads((run / "train/align/manifest.json").read_bytes())
    assert manifest["steps"] == 4 and manifest["loss"] > 0
    assert json.loads((run / "train/align/plan.json").read_bytes())["kept"] == len(trained)
    assert not list(run.glob("**/*blank*"))


def test_real_plans_and_relations_get_thoughts(run: Path) -> None:
    thinking = Counter((r.source, r.task) for r in rows(run / "thoughts") if r.thought)
    assert thinking["alfred", "plan"] == sum(
        r.task == "plan" and r.source == "alfred" for r in rows(run / "curated")
    )
    assert thinking["visual_genome", "relation"] > 0
    assert {r.id for r in rows(run / "curated")} <= {r.id for r in rows(run / "thoughts")}


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_open_in_datasets_with_one_picture_a_placeholder(
    run: Path, name: str, tmp_path: Path
) -> None:
    from datasets import Dataset, load_dataset

    folder = run / "exports" / name
    table = load_dataset(
        "json", data_files=str(folder / "data.jsonl"), split="train", cache_dir=str(tmp_path)
    )
    assert isinstance(table, Dataset)
    told = json.loads((folder / "export.json").read_bytes())
    wanted = rows(run / "thoughts")
    assert len(table) == told["rows"] == len(wanted) - told["dropped"]
    sides = [json.loads(line) for line in (folder / "sidecar.jsonl").read_bytes().splitlines()]
    gone = {r.id for r in wanted if MISSING in r.tags and r.split == "train"}
    assert {s["record"]["split"] for s in sides} == {"train"}  # LVIS val is for measuring
    assert {s["id"] for s in sides if s["media_missing"]} == gone
    for row, side in zip(table, sides, strict=True):
        if name.startswith("sharegpt"):
            said = [m["content"] for m in row["messages"]]
            assert said[0].count("<image>") == len(row["images"])
        else:
            said = [p["text"] for m in row["completion"] for p in m["content"]]
            shown = [p for m in row["prompt"] for p in m["content"] if p["type"] == "image"]
            assert len(shown) == len(row["images"])
        assert ("<think>{" in said[-1]) == (side["record"]["thought"] is not None)


def test_absent_sources_are_named_and_nothing_is_made_up(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/bridge_v2").symlink_to(REAL / "bridge_v2")
    words = (f"data={tmp_path / 'data'}", f"model={tiny_model}", "export=[]", "stages=[]")
    done = seestep("run", RECIPE, *words, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is not here; going on without it") == 5
    assert {r.source for r in rows(tmp_path / "out/curated")} == {"bridge"}
