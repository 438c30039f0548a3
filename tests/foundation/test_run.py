from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import msgspec
import pytest

from seestep import disk, run
from seestep.errors import DataError, RunError
from seestep.progress import Progress
from seestep.records import Item, Record, Verdict
from seestep.run import ShardResult, read_manifest, read_rows, read_verdicts
from tests.foundation.folders import dying, hashes, make, record, slow_last_first, work


def test_a_folder_holds_what_its_shards_made(tmp_path):
    manifest = make(tmp_path / "out")
    ids = [row.id for row in read_rows(tmp_path / "out", Record)]
    assert ids == ["t:0-0", "t:0-1", "t:1-0", "t:1-1", "t:2-0", "t:2-1"]
    assert manifest.counts == {"in": 9, "out": 6, "dropped": 3}
    assert manifest.drops == {"length:0 words": 1, "length:1 words": 1, "length:2 words": 1}
    assert manifest.seed == 1
    assert read_manifest(tmp_path / "out") == manifest
    assert [p.name for p in run.side_files(tmp_path / "out")] == ["0.png", "1.png", "2.png"]
    assert not list((tmp_path / "out").glob(".*"))  # no lock, no leftovers


def test_the_ledger_has_rows_first_in_their_order_then_the_dropped(tmp_path):
    import pyarrow.parquet as pq

    make(tmp_path / "out", shards=1)
    lines = pq.read_table(tmp_path / "out" / "ledger-00000.parquet").to_pylist()
    assert [(x["row"], x["id"], x["check"], x["keep"]) for x in lines] == [
        (0, "t:0-0", "", True),
        (1, "t:0-1", "length", True),
        (None, "t:0-2", "length", False),
    ]
    verdicts = list(read_verdicts(tmp_path / "out"))
    assert verdicts == [
        Verdict(id="t:0-1", check="length", keep=True, score=9.0),
        Verdict(id="t:0-2", check="length", keep=False, reason="0 words", score=0.0),
    ]


def test_a_record_counts_as_dropped_once_and_by_its_first_failing_check(tmp_path):
    def twice(n: int) -> ShardResult:
        no = [Verdict(id="a", check=c, keep=False, reason="bad") for c in ("first", "second")]
        return ShardResult(rows=[record("b")], verdicts=no)

    manifest = make(tmp_path, shards=1, work=twice)
    assert manifest.counts == {"in": 2, "out": 1, "dropped": 1}
    assert manifest.drops == {"first:bad": 1}


def test_very_many_reasons_are_told_without_their_numbers(tmp_path):
    def many(n: int) -> ShardResult:
        return ShardResult(
            rows=[],
            verdicts=[
                Verdict(id=f"{i}", check="length", keep=False, reason=f"{i}.5 words, wanted {i}")
                for i in range(40)
            ]
            + [Verdict(id="x", check="other", keep=False, reason="2 of them")],
        )

    drops = make(tmp_path, shards=1, work=many).drops
    assert drops == {"length:N words, wanted N": 40, "other:2 of them": 1}


def test_making_a_closed_folder_again_does_no_work(tmp_path):
    first = make(tmp_path / "out")
    before = hashes(tmp_path / "out")

    def never(n: int) -> ShardResult:
        raise AssertionError("there is nothing to do")

    assert make(tmp_path / "out", work=never) == first
    assert hashes(tmp_path / "out") == before


def test_the_bytes_depend_neither_on_workers_nor_on_timing(tmp_path):
    make(tmp_path / "one")
    make(tmp_path / "two", workers=2, work=slow_last_first)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_the_bytes_do_not_depend_on_hash_seed_zone_or_language(tmp_path):
    for i, (seed, zone, language) in enumerate([("0", "UTC", "C"), ("1", "Asia/Tokyo", "C.UTF-8")]):
        subprocess.run(
            [
                sys.executable,
                "-c",
                f"from tests.foundation.folders import *; make(Path({str(tmp_path / str(i))!r}))",
            ],
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language},
            check=True,
        )
    assert hashes(tmp_path / "0") == hashes(tmp_path / "1")


def test_work_that_cannot_be_sent_to_workers_is_told(tmp_path):
    with pytest.raises(RunError, match="cannot be sent to 2 processes"):
        make(tmp_path / "out", workers=2, work=lambda n: work(n))


def test_a_dying_worker_is_told_and_what_was_done_is_kept(tmp_path):
    with pytest.raises(RunError, match="a worker process died"):
        make(tmp_path / "out", workers=2, work=dying)
    make(tmp_path / "out")
    make(tmp_path / "clean")
    assert hashes(tmp_path / "out") == hashes(tmp_path / "clean")


def test_another_recipe_is_refused_and_the_key_that_differs_is_shown(tmp_path):
    make(tmp_path / "out")
    with pytest.raises(RunError, match=r"config\.seed was 1, now 2"):
        make(tmp_path / "out", seed=2)
    with pytest.raises(RunError, match="version was 1, now 2"):
        make(tmp_path / "out", version=2)
    with pytest.raises(RunError, match="shards was 3, now 4"):
        make(tmp_path / "out", shards=4)


def test_a_folder_in_which_nothing_was_made_is_free_for_another_recipe(tmp_path):
    def broken(n: int) -> ShardResult:
        raise DataError("a bad file")

    with pytest.raises(DataError, match="a bad file"):
        make(tmp_path / "out", seed=1, work=broken)
    assert make(tmp_path / "out", seed=2).config["seed"] == 2
    with pytest.raises(RunError, match="another recipe"):
        make(tmp_path / "out", seed=1)


def test_other_inputs_are_refused(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text("1")
    make(tmp_path / "out", inputs=[source])
    make(tmp_path / "out", inputs=[source])
    source.write_text("2")
    with pytest.raises(RunError, match=r"inputs\.0\.sha256"):
        make(tmp_path / "out", inputs=[source])


def test_an_unfinished_folder_is_no_input(tmp_path):
    def broken(n: int) -> ShardResult:
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        make(tmp_path / "first", work=broken)
    with pytest.raises(RunError, match="not a closed run folder"):
        make(tmp_path / "second", inputs=[tmp_path / "first"])
    with pytest.raises(RunError, match="has not finished"):
        list(read_rows(tmp_path / "first", Record))
    with pytest.raises(RunError, match="not a run folder"):
        read_manifest(tmp_path)


def test_a_folder_without_its_stage_is_left_alone(tmp_path):
    (tmp_path / "part-00000.jsonl").write_text("mine")
    with pytest.raises(RunError, match=r"has part-00000.jsonl but no stage.json"):
        make(tmp_path)
    assert (tmp_path / "part-00000.jsonl").read_text() == "mine"


@pytest.mark.parametrize("name", ["part-00001.jsonl", "ledger-00001.parquet", "commit-00001.json"])
def test_a_flipped_byte_is_found_when_read(tmp_path, name):
    make(tmp_path / "out")
    path = tmp_path / "out" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunError, match=f"{name}: this file changed after it was written"):
        list(read_rows(tmp_path / "out", Record))
        list(read_verdicts(tmp_path / "out"))


def test_a_missing_part_is_found_when_read(tmp_path):
    make(tmp_path / "out")
    (tmp_path / "out" / "part-00001.jsonl").unlink()
    with pytest.raises(RunError, match=r"part-00001.jsonl: a file of this run folder is gone"):
        list(read_rows(tmp_path / "out", Record))


def test_a_changed_shard_stops_a_resume(tmp_path):
    def second_fails(n: int) -> ShardResult:
        if n == 1:
            raise ValueError("stop")
        return work(n)

    with pytest.raises(ValueError, match="stop"):
        make(tmp_path / "out", work=second_fails)
    (tmp_path / "out" / "media" / "0.png").write_bytes(b"other")
    with pytest.raises(RunError, match=r"0\.png: this file changed"):
        make(tmp_path / "out")


def test_rows_of_another_kind_are_told_with_line_and_byte(tmp_path):
    make(tmp_path / "out")
    with pytest.raises(DataError, match=r"part-00000.jsonl: line 1, byte 0: not a valid Item"):
        list(read_rows(tmp_path / "out", Item))


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x.png", "x.png", "manifest.json"])
def test_a_side_file_stays_in_a_subfolder(tmp_path, name):
    with pytest.raises(RunError, match="must be in a subfolder"):
        make(
            tmp_path / "out",
            shards=1,
            work=lambda n: ShardResult(rows=[], files={name: b""}),
        )
    assert not (tmp_path / "x.png").exists()


def test_structs_and_paths_may_stand_in_a_config(tmp_path):
    class Config(msgspec.Struct, frozen=True):
        root: Path
        seed: int = 7

    made = partial(run.shard_stage, stage="s", version=1, inputs=[], shards=0, work=work)
    manifest = made(tmp_path / "a", config=Config(root=Path("x/y")))
    assert (manifest.config, manifest.seed) == ({"root": "x/y", "seed": 7}, 7)
    with pytest.raises(TypeError, match="a config may not hold a"):
        made(tmp_path / "b", config={"f": print})


def test_progress_counts_shards_done_before(tmp_path, capsys):
    def third_fails(n: int) -> ShardResult:
        if n == 2:
            raise ValueError("stop")
        return work(n)

    with pytest.raises(ValueError, match="stop"):
        make(tmp_path / "out", work=third_fails)
    make(tmp_path / "out", progress=Progress("again", mode="json", every_s=0))
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(e["done"], e["total"]) for e in events] == [(2, 3), (3, 3)]


# --- the lock ---------------------------------------------------------------------------------


def test_a_second_process_is_refused_with_the_pid_of_the_first(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from seestep import disk\n"
        f"with disk.locked(Path({str(tmp_path)!r})): print('mine', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner, owner.stdout:
        assert owner.stdout.readline() == "mine\n"
        with pytest.raises(RunError, match=f"another process .* pid {owner.pid} on "):
            make(tmp_path)
        owner.kill()
        owner.wait()
    assert (tmp_path / disk.LOCK_NAME).exists()  # stale
    make(tmp_path)
    assert not (tmp_path / disk.LOCK_NAME).exists()


def test_a_lock_is_freed_when_its_block_fails(tmp_path):
    with pytest.raises(ValueError, match="stop"), disk.locked(tmp_path):
        raise ValueError("stop")
    with disk.locked(tmp_path):
        pass


def test_shards_that_nobody_counted_end_with_the_work(tmp_path, capsys):
    def until_third(n: int) -> ShardResult | None:
        return work(n) if n < 3 else None

    def dies(n: int) -> ShardResult | None:
        if n == 2:
            raise ValueError("stop")
        return work(n)

    with pytest.raises(ValueError, match="stop"):
        make(tmp_path / "open", shards=None, work=dies)
    told = Progress("again", mode="json", every_s=0)
    manifest = make(tmp_path / "open", shards=None, work=until_third, progress=told)
    plain = make(tmp_path / "counted")
    assert (manifest.shards, manifest.counts) == (plain.shards, plain.counts)
    rows = [list(read_rows(tmp_path / name, Record)) for name in ("open", "counted")]
    assert rows[0] == rows[1] and len(rows[0]) == 6
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(e["done"], e["total"]) for e in events] == [(1, None), (2, None), (3, None), (3, 3)]
    assert make(tmp_path / "open", shards=None, work=dies) == manifest  # closed: nothing is made
