"""Measures: kept by what they depend on, the same whatever the workers, decided about apart."""

from __future__ import annotations

import functools
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import msgspec
import pyarrow as pa
import pytest

from seestep.curate.batch import Batch, make_batch
from seestep.curate.engine import CurateConfig, curate
from seestep.curate.measure import join, kept, key_of, measure_rows
from seestep.curate.measuring import measure_parts
from seestep.curate.reward import Reward
from seestep.errors import RunError
from seestep.run import ledger_sha256
from tests.curate.test_engine import TOY, folder_of


class Letters(msgspec.Struct, frozen=True):
    """How many of one letter a question has; every call leaves a line in ``diary``."""

    diary: str
    letter: str = "e"
    version: int = 1
    name: str = "letters"
    reads: tuple[str, ...] = ("prompts",)
    loads_model: bool = False

    def parameters(self) -> dict[str, str]:
        return {"letter": self.letter}

    def __call__(self, batch: Batch, roots: object) -> pa.Table:
        with Path(self.diary).open("a") as diary:
            diary.write(f"{len(batch)}\n")
        return pa.table({"letters": [p.count(self.letter) for p in batch.prompts]})


def calls(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_values_are_found_by_id_whatever_the_order(tmp_path):
    folder = folder_of(tmp_path / "in", TOY[:3], TOY[3:])
    measure = Letters(str(tmp_path / "diary"))
    column = measure_parts(folder, [measure], {}, tmp_path / "cache")["letters"]
    backwards = make_batch(TOY[::-1])
    assert column.of(backwards)["letters"].to_pylist() == [p.count("e") for p in backwards.prompts]
    assert calls(tmp_path / "diary") == [3, 5]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_measured_is_not_measured_again(tmp_path, workers):
    folder = folder_of(tmp_path / "in", TOY[:3], TOY[3:])
    diary = tmp_path / "diary"
    ask = functools.partial(
        measure_parts, folder, roots={}, cache=tmp_path / "cache", workers=workers
    )
    first = ask(measures=[Letters(str(diary))])["letters"].table
    assert ask(measures=[Letters(str(diary))])["letters"].table == first
    assert len(calls(diary)) == 2
    ask(measures=[Letters(str(diary), letter="a")])
    assert len(calls(diary)) == 4
    ask(measures=[Letters(str(diary), version=2)])
    assert len(calls(diary)) == 6


def test_one_changed_shard_is_measured_alone(tmp_path):
    measure = Letters(str(tmp_path / "diary"))
    one = folder_of(tmp_path / "one", TOY[:3], TOY[3:])
    other = folder_of(tmp_path / "other", TOY[:2], TOY[3:])
    for folder in (one, other):
        measure_parts(folder, [measure], {}, tmp_path / "cache")
    assert calls(tmp_path / "diary") == [3, 5, 2]


def test_a_key_depends_on_the_columns_that_are_read_alone(tmp_path):
    measure = Letters(str(tmp_path / "diary"))
    batch = make_batch(TOY)
    renamed = make_batch([msgspec.structs.replace(r, id=f"x:{r.id}") for r in TOY])
    reworded = make_batch([*TOY[1:], TOY[0]])
    assert key_of(measure, batch) == key_of(measure, renamed) != key_of(measure, reworded)


def test_a_damaged_file_of_the_cache_is_measured_again(tmp_path):
    folder = folder_of(tmp_path / "in", TOY)
    measure = Letters(str(tmp_path / "diary"))
    good = measure_parts(folder, [measure], {}, tmp_path / "cache")["letters"].table
    (file,) = (tmp_path / "cache").rglob("*.measure")
    whole = file.read_bytes()
    file.write_bytes(whole[:40])
    assert measure_parts(folder, [measure], {}, tmp_path / "cache")["letters"].table == good
    assert calls(tmp_path / "diary") == [8, 8]
    for place in range(0, len(whole), 7):  # one bit, wherever it lies
        other = bytearray(whole)
        other[place] ^= 1 << place % 8
        file.write_bytes(bytes(other))
        assert kept(file, 8) is None
    file.write_bytes(whole)
    assert kept(file, 8) == good


def test_another_number_of_rows_and_an_unmeasured_record_are_errors(tmp_path):
    batch = make_batch(TOY)
    with pytest.raises(RunError, match="another number of rows"):
        measure_rows(Letters(str(tmp_path / "d")), batch, {}) and measure_rows(_Short(), batch, {})
    some = make_batch(TOY[:2])
    with pytest.raises(RunError, match="t:other-picture"):
        join([some], [pa.table({"x": [1, 2]})]).of(batch)


class _Short(Letters, frozen=True):
    diary: str = ""

    def __call__(self, batch: Batch, roots: object) -> pa.Table:
        return pa.table({"letters": [0]})


class Long(Letters, frozen=True):
    """A reward that is the number of letters in the question."""

    name: str = "reward"

    def __call__(self, batch: Batch, roots: object) -> pa.Table:
        counted = super().__call__(batch, roots)["letters"].to_pylist()
        return pa.table({"reward": [float(n) for n in counted], "why": [""] * len(counted)})


def test_another_threshold_decides_anew_and_measures_nothing(tmp_path):
    folder = folder_of(tmp_path / "in", TOY[:3], TOY[3:])
    diary = tmp_path / "diary"
    told = {}
    for share in (1.0, 0.5, 0.01):
        config = CurateConfig(look="trust", reward=Reward(model="toy", keep=share))
        out = tmp_path / f"out-{share}"
        manifest = curate(
            [folder], out, config, measures={"reward": Long(str(diary))}, cache=tmp_path / "cache"
        )
        told[share] = manifest.counts["out"], manifest.drops.get("reward:below_top", 0)
    # three records come so far, all of one source and task: round half up, one at least
    assert told == {1.0: (3, 0), 0.5: (2, 1), 0.01: (1, 2)}
    assert len(calls(diary)) == 2


def test_a_measure_that_nobody_brings_is_an_error(tmp_path):
    folder = folder_of(tmp_path / "in", TOY)
    with pytest.raises(RunError, match="nothing measures reward"):
        curate([folder], tmp_path / "out", CurateConfig(reward=Reward(model="toy")))


class Noise(Letters, frozen=True):
    """A thousand bytes a row, which no compression makes fewer."""

    name: str = "noise"

    def __call__(self, batch: Batch, roots: object) -> pa.Table:
        super().__call__(batch, roots)
        return pa.table({"noise": [Random(p).randbytes(1000) for p in batch.prompts]})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_keeps_what_was_measured_and_the_same_command_goes_on(tmp_path, workers):
    folder = folder_of(tmp_path / "in", TOY[:3], TOY[3:])
    ask = functools.partial(
        measure_parts,
        folder,
        [Noise(str(tmp_path / "diary"))],
        {},
        tmp_path / "cache",
        workers=workers,
    )
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:  # room for three rows and not for five
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, old[1]))
        for _ in range(2):
            with pytest.raises(RunError, match=r"measure: no room to write this file"):
                ask()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)
    left = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert len(left) in ({1} if workers == 1 else {0, 1}) and all(
        kept(p, 3) is not None for p in left
    )
    assert ask()["noise"].table.num_rows == 8
    assert calls(tmp_path / "diary").count(5) == 3


@pytest.fixture
def nobody():
    """A folder that all may read, and this process as one that may not write there."""
    place = Path(mkdtemp())
    place.chmod(0o755)
    user = os.geteuid()

    def become() -> None:
        if user == 0:  # to whom no folder is read-only
            os.seteuid(65534)

    yield place, become
    os.seteuid(user)
    shutil.rmtree(place)


def test_a_cache_that_cannot_be_written_is_told_before_anything_is_measured(nobody):
    place, become = nobody
    folder = folder_of(place / "in", TOY[:3], TOY[3:])
    cache = place / "cache"
    diary = place / "diary"
    diary.touch()
    diary.chmod(0o666)
    measure = Letters(str(diary))
    first = measure_parts(folder, [measure], {}, cache)["letters"].table
    before = {p: p.read_bytes() for p in cache.rglob("*.measure")}
    folders = [cache, *(p for p in cache.rglob("*") if p.is_dir())]
    for each in folders:
        each.chmod(0o555)
    become()
    assert measure_parts(folder, [measure], {}, cache)["letters"].table == first
    with pytest.raises(RunError, match=r"nothing can be kept in this cache: Permission.*--cache"):
        measure_parts(folder, [Letters(str(diary), letter="a")], {}, cache)
    assert calls(diary) == [3, 5]
    assert {p: p.read_bytes() for p in cache.rglob("*") if p.is_file()} == before
    for each in folders:
        os.seteuid(cache.stat().st_uid)
        each.chmod(0o755)
    measure_parts(folder, [Letters(str(diary), letter="a")], {}, cache)
    assert calls(diary) == [3, 5, 3, 5]


class Slow(Long, frozen=True):
    def __call__(self, batch: Batch, roots: object) -> pa.Table:
        made = super().__call__(batch, roots)
        time.sleep(1)
        return made


def keep_with(root: str, name: str) -> None:
    """For a process of its own: waits for the word, then curates."""
    place = Path(root)
    (place / f"{name}-ready").touch()
    while not (place / "go").exists():
        time.sleep(0.01)
    config = CurateConfig(look="trust", reward=Reward(model="toy", keep=0.5))
    curate(
        [place / "in"],
        place / name,
        config,
        measures={"reward": Slow(str(place / "diary"))},
        cache=place / "cache",
    )


def test_two_processes_that_measure_into_one_cache_write_one_ledger(tmp_path):
    folder_of(tmp_path / "in", TOY[:3], TOY[3:])
    code = "import sys; from tests.curate.test_measure import keep_with; keep_with(*sys.argv[1:])"
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in ("a", "b")
    ]
    while not all((tmp_path / f"{name}-ready").exists() for name in "ab"):
        assert all(process.poll() is None for process in both)
        time.sleep(0.01)
    (tmp_path / "go").touch()
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(calls(tmp_path / "diary")) == 4  # each found what the other had not yet kept
    assert ledger_sha256(tmp_path / "a") == ledger_sha256(tmp_path / "b")
    files = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert sorted(p.suffix for p in files) == [".measure", ".measure"]
