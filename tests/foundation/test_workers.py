from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from seestep.errors import MediaError, RunError
from seestep.run import ShardResult
from seestep.workers import Pool, shared_pool
from tests.foundation.folders import dying, hashes, make, slow_last_first
from tests.foundation.raising import TOLD, Nameless, is_that_of_media, raising


def sign(n: int, folder: Path) -> ShardResult:
    """Leaves the name of the process that worked."""
    (folder / f"{os.getpid()}").touch()
    return ShardResult(rows=[])


def started(folder: Path) -> None:
    (folder / f"started-{os.getpid()}").touch()


def test_stages_inside_share_their_workers_and_prepare_them_once(tmp_path):
    seen, ready = tmp_path / "seen", tmp_path / "ready"
    seen.mkdir()
    ready.mkdir()
    with shared_pool(2, partial(started, ready)):
        assert list(ready.iterdir())  # at least one is ready before any stage begins
        for name in ("a", "b", "c"):
            make(tmp_path / name, shards=6, workers=2, work=partial(sign, folder=seen))
    worked = {path.name for path in seen.iterdir()}
    assert 1 <= len(worked) <= 2 and str(os.getpid()) not in worked
    assert {f"started-{pid}" for pid in worked} <= {path.name for path in ready.iterdir()}


def test_shared_workers_write_the_same_bytes(tmp_path):
    make(tmp_path / "one")
    with shared_pool(2):
        make(tmp_path / "two", workers=2, work=slow_last_first)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_a_shared_worker_that_dies_is_told(tmp_path):
    with pytest.raises(RunError, match="a worker process died"), shared_pool(2):
        make(tmp_path / "out", workers=2, work=dying)


def test_with_one_worker_nothing_is_started(tmp_path):
    with shared_pool(1, partial(started, tmp_path)):
        make(tmp_path / "out")
    assert not list(tmp_path.glob("started-*"))


@pytest.mark.parametrize("job", TOLD)
def test_an_error_that_cannot_travel_is_told_in_one_sentence(job, pool):
    with pytest.raises(RunError, match=TOLD[job]):
        list(pool.each(raising, [job]))


@pytest.fixture
def pool():
    with Pool(1) as made:
        yield made


def test_an_error_that_can_travel_comes_home_as_itself_with_its_traceback(pool):
    with pytest.raises(MediaError) as found:
        list(pool.each(raising, ["media"]))
    assert is_that_of_media(found.value)
    with Pool(1) as other, pytest.raises(ValueError) as plain:
        list(other.each(raising, ["value"]))
    assert plain.value.args == ("a plain one", 7)
    assert "in raising" in str(plain.value.__cause__)


def test_work_that_cannot_be_sent_or_read_is_told(pool):
    with pytest.raises(RunError, match="this work cannot be sent to 1 processes"):
        list(pool.each(lambda job: job, [1]))
    with pytest.raises(RunError, match="this work cannot be read in another process: invalid lit"):
        list(pool.each(Nameless(), ["a"]))
