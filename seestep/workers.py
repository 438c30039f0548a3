"""Shards on one process or several: the same files whatever the number and the timing."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from seestep.errors import RunError
from seestep.outcome import Kind, attempt, outcome

if TYPE_CHECKING:
    from seestep.run import ShardResult

    Work = Callable[[int], ShardResult]

J = TypeVar("J")
R = TypeVar("R")


def run_shards(
    folder: Path, fingerprint: str, todo: Sequence[int], work: Work, workers: int
) -> Iterator[tuple[int, float]]:
    """Make and commit the shards in ``todo``; yields (shard, seconds) as each is committed."""
    if _shared is not None and todo and (_shared.far or min(workers, len(todo)) > 1):
        yield from _shared.run(folder, fingerprint, todo, work)
        return
    if workers <= 1 or len(todo) <= 1:
        for n in todo:
            yield _make(folder, fingerprint, work, n)
        return
    with Pool(min(workers, len(todo))) as pool:
        yield from pool.run(folder, fingerprint, todo, work)


def spread(work: Callable[[J], R], jobs: Sequence[J], workers: int) -> Iterator[R]:
    """``work(job)`` of every job, here or in the processes that stages share; results as they are
    done."""
    if _shared is not None and jobs and (_shared.far or min(workers, len(jobs)) > 1):
        yield from _shared.each(work, jobs)
    elif workers <= 1 or len(jobs) <= 1:
        for job in jobs:  # a StopIteration would end a map as if all were done
            yield work(job)
    else:
        with Pool(min(workers, len(jobs))) as pool:
            yield from pool.each(work, jobs)


@contextmanager
def shared_pool(workers: int, prepare: Callable[[], object] | None = None) -> Iterator[None]:
    """Inside it all stages of this process that want several workers use the same ones.

    Starting a process and loading what it needs costs seconds, once instead of once a stage.
    Each worker calls ``prepare`` when it starts; this waits until the first of them is ready.
    With one worker or fewer nothing is started.
    """
    if workers <= 1 or _shared is not None:
        yield
        return
    with Pool(workers, prepare) as pool:
        pool.wait()
        with working(pool):
            yield


class Crew(Protocol):
    """Processes, here or elsewhere, that make shards and do other jobs."""

    @property
    def far(self) -> bool:
        """Whether they are other machines', which also do what this process could do alone."""
        ...

    def run(
        self, folder: Path, fingerprint: str, todo: Sequence[int], work: Work
    ) -> Iterator[tuple[int, float]]: ...
    def each(self, work: Callable[[J], R], jobs: Sequence[J]) -> Iterator[R]: ...


@contextmanager
def working(crew: Crew) -> Iterator[None]:
    """Inside it all stages of this process leave their shards to ``crew``."""
    global _shared
    before, _shared = _shared, crew
    try:
        yield
    finally:
        _shared = before


class Pool:
    """Spawned processes that make shards of one job after another."""

    far = False

    def __init__(self, workers: int, prepare: Callable[[], object] | None = None) -> None:
        self._workers = workers
        self._others = set(multiprocessing.active_children())
        self._pool = ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(prepare,),
        )

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def wait(self) -> None:
        """Start the processes; returns as soon as one of them can work."""
        with _no_dead_workers(None):
            next(as_completed([self._pool.submit(os.getpid) for _ in range(self._workers)]))

    def run(
        self, folder: Path, fingerprint: str, todo: Sequence[int], work: Work
    ) -> Iterator[tuple[int, float]]:
        """Make and commit shards; yields (shard, seconds) as each is committed."""
        try:
            frozen = pickle.dumps(partial(_make, folder, fingerprint, work))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise self._unsent("the work of this stage", error, folder) from error
        with _no_dead_workers(folder):
            yield from self._all(frozen, todo, "shard")

    def each(self, work: Callable[[J], R], jobs: Sequence[J]) -> Iterator[R]:
        """``work(job)`` of every job in the processes; yields results as they are done.

        ``work`` and the jobs must be picklable. The first failure ends the others.
        """
        try:
            frozen = pickle.dumps(work)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise self._unsent("this work", error) from error
        with _no_dead_workers(None):
            yield from self._all(frozen, jobs, "job")

    def _unsent(self, what: str, error: Exception, folder: Path | None = None) -> RunError:
        return RunError(
            f"{what} cannot be sent to {self._workers} processes: {error}",
            file=folder,
            hint="workers: 1",
        )

    def _all(self, work: bytes, jobs: Sequence[object], kind: Kind) -> Iterator[Any]:
        try:
            sent = [self._pool.submit(attempt, work, pickle.dumps(job), kind) for job in jobs]
            for future in as_completed(sent):
                yield outcome(future.result())
        except BaseException:  # a failure, Ctrl-C, or a caller that stops listening
            self._terminate()
            raise

    def _terminate(self) -> None:
        for worker in set(multiprocessing.active_children()) - self._others:
            worker.terminate()  # uncommitted shards are made again, so nothing is lost


@contextmanager
def _no_dead_workers(folder: Path | None) -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise RunError(
            "a worker process died, most often for want of memory",
            file=folder,
            hint="run the same command again with fewer workers; finished shards are kept",
        ) from error


_shared: Crew | None = None  # one a process, for stages that know nothing of one another


def _make(folder: Path, fingerprint: str, work: Work, n: int) -> tuple[int, float]:
    from seestep.shards import commit_shard

    began = time.monotonic()
    commit_shard(folder, n, fingerprint, work(n))
    return n, round(time.monotonic() - began, 3)


def _start_worker(prepare: Callable[[], object] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def _die_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
