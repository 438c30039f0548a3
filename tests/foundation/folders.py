"""A small stage for the tests of run folders, importable by worker processes."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from seestep.records import Freeform, Record, Verdict
from seestep.run import LOG, Manifest, ShardResult, shard_stage

SHARDS = 3


def record(id: str) -> Record:
    answer = Freeform(text=f"answer to {id}")
    return Record(id=id, source="test", task="exists", media=(), turns=(), answer=answer)


def work(n: int) -> ShardResult:
    """Two rows kept, one dropped, one side file a shard."""
    return ShardResult(
        rows=[record(f"t:{n}-0"), record(f"t:{n}-1")],
        verdicts=[
            Verdict(id=f"t:{n}-2", check="length", keep=False, reason=f"{n} words", score=float(n)),
            Verdict(id=f"t:{n}-1", check="length", keep=True, score=9.0),
        ],
        files={f"media/{n}.png": b"picture %d" % n},
    )


def slow_last_first(n: int) -> ShardResult:
    """The first shards take longest, so that workers finish out of order."""
    time.sleep(0.05 * (SHARDS - n))
    return work(n)


def dying(n: int) -> ShardResult:
    os._exit(9)


def make(folder: Path, seed: int = 1, shards: int | None = SHARDS, **more) -> Manifest:
    settings = {"stage": "test", "version": 1, "inputs": [], "work": work} | more
    return shard_stage(
        folder, config={"seed": seed, "words": {"least": 2}}, shards=shards, **settings
    )


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file of a folder, but for the log, which holds timings."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != LOG
    }
