"""Funnels and differences of runs, read from ledgers that are written here."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from seestep.cli import main
from seestep.errors import RunError
from seestep.flow import funnels, parted
from seestep.records import Freeform, Record, Text, Turn, Verdict
from seestep.run import ShardResult, shard_stage


def record(id: str, said: str = "a mug") -> Record:
    turn = Turn(role="user", parts=(Text(text="What is it?"),))
    return Record(
        id=id,
        source=id.split(":")[0],
        task="vqa",
        media=(),
        turns=(turn,),
        answer=Freeform(text=said),
    )


def verdict(id: str, check: str, keep: bool = True, reason: str = "", **more) -> Verdict:
    return Verdict(id=id, check=check, keep=keep, reason=reason, **more)


def shards(told: list[tuple[list[Record], list[Verdict]]], n: int) -> ShardResult:
    return ShardResult(rows=told[n][0], verdicts=told[n][1])


def folder(path: Path, told, stage: str = "curate", config=None, inputs=()) -> Path:
    shard_stage(
        path, stage=stage, version=1, config=config or {}, inputs=inputs, shards=len(told),
        work=partial(shards, told),
    )  # fmt: skip
    return path


def curated(path: Path, least: float = 3, low: float = 2.0, said: str = "a mug") -> Path:
    first = [
        verdict("vg:1", "length"), verdict("vg:1", "quality"),
        verdict("vg:2", "length", False, "short", score=1, threshold=2),
    ]  # fmt: skip
    keep = low >= least
    second = [
        verdict("lvis:3", "length"),
        verdict("lvis:3", "quality", keep, "" if keep else "low", score=low, threshold=least),
        verdict("lvis:4", "length"), verdict("lvis:4", "quality"), verdict("lvis:4", "mix"),
    ]  # fmt: skip
    rows = [record("lvis:4", said)] if not keep else [record("lvis:3"), record("lvis:4", said)]
    told = [([record("vg:1")], first), (rows, second)]
    return folder(path, told, config={"quality": {"least": least}})


def test_a_funnel_loses_records_check_by_check(tmp_path):
    (one,) = funnels(curated(tmp_path / "curated"))
    assert (one.folder, one.stage, one.taken, one.kept) == ("curated", "curate", 4, 2)
    assert [(c.name, c.taken, c.gone) for c in one.checks] == [
        ("length", 4, {"short": 1}), ("quality", 3, {"low": 1}), ("mix", 2, {})
    ]  # fmt: skip


def test_reasons_that_differ_by_numbers_are_one(tmp_path):
    said = [verdict(f"vg:{n}", "size", False, f"{n} pixels, wanted 64") for n in range(3)]
    said.append(verdict("vg:3", "size", False, "2 boxes"))
    (one,) = funnels(folder(tmp_path / "a", [([record("vg:9")], said)]))
    assert one.checks[0].gone == {"N pixels, wanted N": 3, "2 boxes": 1}


def test_sources_apart_sum_to_the_whole(tmp_path):
    apart = funnels(curated(tmp_path / "curated"), by_source=True)
    assert [(f.source, f.taken, f.kept) for f in apart] == [("lvis", 2, 1), ("vg", 2, 1)]


def test_folders_come_in_the_order_of_the_data_and_checks_of_their_parent_once(tmp_path):
    run = tmp_path / "run"
    made = folder(run / "z/data", [([record("vg:1"), record("vg:2")], [])], stage="convert")
    checks = folder(run / "a/checks", [([record("vg:1")], [])], inputs=[made])
    folder(run / "a", [([record("vg:1")], [])], inputs=[checks])
    assert [f.folder for f in funnels(run)] == ["z/data", "a"]


def test_every_moved_record_is_told_with_the_reason(tmp_path):
    before = curated(tmp_path / "a/curated")
    after = curated(tmp_path / "b/curated", least=2, said="a cup")
    (one,) = parted(tmp_path / "a", tmp_path / "b")
    assert one.settings == ["quality.least was 3, now 2"]
    assert one.kept == (2, 3)
    (move,) = one.moves
    assert (move.id, move.before, move.after) == ("lvis:3", "quality:low", "kept")
    assert move.why == "score 2, threshold 3"
    assert one.rewritten == ["lvis:4"]
    (back,) = parted(after, before)  # two folders alone are compared whatever their names
    assert [(m.before, m.after) for m in back.moves] == [("kept", "quality:low")]


def test_records_of_one_run_alone_are_absent_in_the_other(tmp_path):
    folder(tmp_path / "a", [([record("vg:1")], [])])
    folder(tmp_path / "b", [([record("vg:2")], [])])
    (one,) = parted(tmp_path / "a", tmp_path / "b")
    assert [(m.id, m.before, m.after) for m in one.moves] == [
        ("vg:1", "kept", "absent"), ("vg:2", "absent", "kept")
    ]  # fmt: skip


def test_runs_without_a_folder_in_common_are_refused(tmp_path):
    for name in ("a/x", "a/y", "b/z"):
        folder(tmp_path / name, [([record("vg:1")], [])])
    with pytest.raises(RunError, match="no folder in common"):
        parted(tmp_path / "a", tmp_path / "b")


def test_the_verbs_print_and_draw(tmp_path, capsys):
    a, b = curated(tmp_path / "a/curated"), curated(tmp_path / "b/curated", least=2)
    assert main(["funnel", str(a), "--svg", str(tmp_path / "f.svg")]) == 0
    said = capsys.readouterr().out
    assert "curated: 4 in, 2 kept (50%)" in said and "-1" in said and "low" in said
    drawn = (tmp_path / "f.svg").read_text()
    assert drawn.startswith("<svg") and drawn.count(" left out<") == 2
    first = drawn.split("<rect")[0], drawn.split("</text>")[1]
    assert ">in" in first[0] and first[1].endswith(">4")  # all that came, before any check
    assert main(["funnel", str(a), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checks"][0]["gone"] == {"short": 1}
    assert main(["diff", str(a), str(b)]) == 0
    said = capsys.readouterr().out
    assert "setting: quality.least was 3, now 2" in said
    assert "quality:low -> kept" in said and "lvis:3: score 2, threshold 3" in said
    assert main(["diff", str(a), str(a)]) == 0
    assert "the same records" in capsys.readouterr().out
    assert main(["diff", str(a), str(b), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["after"] == "kept"
