from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from seestep.errors import RunError
from seestep.run import ShardResult
from seestep.workers import shared_pool
from tests.foundation.folders import dying, hashes, make, slow_last_first


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
