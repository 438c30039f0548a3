"""Shards on one process or several: the same files whatever the number and the timing."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seestep.errors import RunError

if TYPE_CHECKING:
    from seestep.run import ShardResult

    Work = Callable[[int], ShardResult]


def run_shards(
    folder: Path, fingerprint: str, todo: Sequence[int], work: Work, workers: int
) -> Iterator[tuple[int, float]]:
    """Make and commit the shards in ``todo``; yields (shard, seconds) as each is committed."""
    if workers <= 1 or len(todo) <= 1:
        for n in todo:
            yield _make(folder, fingerprint, work, n)
        return
    yield from _pool(folder, fingerprint, todo, work, min(workers, len(todo)))


def _make(folder: Path, fingerprint: str, work: Work, n: int) -> tuple[int, float]:
    from seestep.run import commit_shard

    began = time.monotonic()
    commit_shard(folder, n, fingerprint, work(n))
    return n, round(time.monotonic() - began, 3)


def _pool(
    folder: Path, fingerprint: str, todo: Sequence[int], work: Work, workers: int
) -> Iterator[tuple[int, float]]:
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    try:
        frozen = pickle.dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise RunError(
            f"the work of this stage cannot be sent to {workers} processes: {error}",
            file=folder,
            hint="workers: 1",
        ) from error
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(folder, fingerprint, frozen),
    )
    try:
        for future in as_completed([pool.submit(_work_on, n) for n in todo]):
            yield future.result()
    except BrokenProcessPool as error:
        raise RunError(
            "a worker process died, most often for want of memory",
            file=folder,
            hint="run the same command again with fewer workers; finished shards are kept",
        ) from error
    except BaseException:  # a failed shard, Ctrl-C, or a caller that stops listening
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()  # uncommitted shards are made again, so nothing is lost
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_job: tuple[Path, str, Work] | None = None


def _start_worker(folder: Path, fingerprint: str, frozen: bytes) -> None:
    global _job  # one job a process, set once when it starts
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _job = (folder, fingerprint, pickle.loads(frozen))


def _die_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work_on(n: int) -> tuple[int, float]:
    assert _job is not None
    folder, fingerprint, work = _job
    return _make(folder, fingerprint, work, n)
