"""Shards and other jobs on a Ray cluster, through Ray Data: the same work, files and order of rows.

Every machine of the cluster must have the same version of seestep, and see the input folders and
the media roots under the same paths (a shared file system). What is made comes back to the driver,
which alone writes run folders and the cache.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import pickle
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from seestep.errors import RunError, need
from seestep.outcome import Kind, attempt, outcome
from seestep.workers import working

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.exceptions import RayError

    from seestep.shards import Sealed, ShardResult

J = TypeVar("J")
R = TypeVar("R")
LOCAL = "local"
ANSWER_S = 10.0
RETRIES = 2  # of a job whose worker died; without a number Ray would go on for ever
LOGGERS = ("ray", "ray.data")
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # or Ray would hide the GPUs of a machine from work that reserves none
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_task_oom_retries": str(RETRIES),
}


@contextmanager
def on_ray(address: str, *, cpus: int | None = None) -> Iterator[None]:
    """Inside it all stages of this process leave their shards to a Ray cluster.

    ``address`` is that of its head ("auto" for one that runs on this machine), or "local" for a
    cluster of this machine with ``cpus`` workers that ends with the block.

    Raises ``RunError`` where there is no such cluster.
    """
    need("ray", "ray")
    with _as_it_was(), _settings():
        import ray

        _answers(address)
        if ray.is_initialized():
            raise RunError("this process is connected to a Ray cluster already", wanted=address)
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if address == LOCAL:
                # by name, else $RAY_ADDRESS would decide
                ray.init(address=LOCAL, num_cpus=cpus, include_dashboard=False, **quiet)
            else:
                ray.init(address=address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _none(address, error) from error
        try:
            with working(RayCrew()):
                yield
        finally:
            ray.shutdown()


@contextmanager
def _as_it_was() -> Iterator[None]:
    """After it the variables of Ray, how it logs, the handlers of SIGTERM and of uncaught errors
    are what they were; ``ray.init`` changes them all and ``ray.shutdown`` none."""
    environ = {name: value for name, value in os.environ.items() if _is_of_ray(name)}
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    hook, faults = sys.excepthook, faulthandler.is_enabled()
    ended = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        for name in filter(_is_of_ray, list(os.environ)):
            del os.environ[name]
        os.environ.update(environ)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        sys.excepthook = hook
        if not faults:
            faulthandler.disable()
        if ended is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ended)


@contextmanager
def _settings() -> Iterator[None]:
    """Ray says nothing where all is well, and tries what a dead worker did a few times more."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from ray.data import DataContext  # which sets levels when it is first imported

    context = DataContext.get_current()
    shown = context.enable_progress_bars, context.print_on_execution_start
    context.enable_progress_bars = context.print_on_execution_start = False
    # what it would log beside an error is the traceback of the error that we raise
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        context.enable_progress_bars, context.print_on_execution_start = shown


def _is_of_ray(name: str) -> bool:
    return name.startswith("RAY_") or name == "PYTHONBREAKPOINT"


def _answers(address: str) -> None:
    """Raise ``RunError`` where nothing listens at HOST:PORT; Ray would wait for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except (OSError, ValueError) as error:
        raise _none(address, error) from error


def _none(address: str, error: Exception) -> RunError:
    return RunError(
        f"no Ray cluster answers: {error}",
        wanted=address,
        hint=f'start one (ray start --head), or address "{LOCAL}" for this machine alone',
    )


class RayCrew:
    """The processes of a Ray cluster this process is connected to."""

    far = True

    def run(
        self,
        folder: Path,
        fingerprint: str,
        todo: Sequence[int],
        work: Callable[[int], ShardResult],
    ) -> Iterator[tuple[int, float]]:
        """Make shards on the cluster and commit them here; yields (shard, seconds)."""
        from seestep.shards import write_shard

        sealed = partial(_sealed, folder=folder, fingerprint=fingerprint, work=work)
        for n, seconds, shard in self._all(sealed, todo, "shard"):
            write_shard(folder, n, shard)
            yield n, seconds

    def each(self, work: Callable[[J], R], jobs: Sequence[J]) -> Iterator[R]:
        """``work(job)`` of every job, each in a batch of its own; results as they are done."""
        return self._all(work, jobs, "job")

    def _all(self, work: Callable[[J], R], jobs: Sequence[J], kind: Kind) -> Iterator[R]:
        import ray
        from ray.exceptions import RayError

        try:
            frozen = pickle.dumps(work)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise RunError(f"this work cannot be sent to a cluster: {error}") from error
        rows = [{"job": pickle.dumps(job)} for job in jobs]
        asked = ray.data.from_items(rows, override_num_blocks=len(rows))
        with warnings.catch_warnings():
            # Ray 2.60 calls the one place deprecated in which retries can be told
            warnings.simplefilter("ignore", DeprecationWarning)
            made = asked.map_batches(
                partial(_done, frozen, kind),
                batch_size=1,
                batch_format="pyarrow",
                zero_copy_batch=True,
                ray_remote_args_fn=_bounded,
            )
        try:
            # what was fetched ahead would be lost with a worker that dies
            batches = made.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
            for batch in batches:
                for result in cast("pa.Table", batch)["result"].to_pylist():
                    yield outcome(result)  # a StopIteration would end a map as if all were done
        except RayError as error:
            raise _lost(error) from error


def _bounded() -> dict[str, Any]:
    return {"max_retries": RETRIES}


def _lost(error: RayError) -> RunError:
    from ray.exceptions import OutOfMemoryError, WorkerCrashedError

    hint = "run the same command again; finished shards are kept"
    if isinstance(error, OutOfMemoryError):
        return RunError(
            f"one job took too much memory on the cluster, {1 + RETRIES} times",
            hint=f"a machine with more memory, or fewer workers; then {hint}",
        )
    if isinstance(error, WorkerCrashedError):
        return RunError(
            f"one job ended its worker process on the cluster, {1 + RETRIES} times, most often "
            "for want of memory",
            hint=f"see /tmp/ray/session_latest/logs there, then {hint}",
        )
    return RunError(f"the cluster lost work: {str(error).strip().splitlines()[-1]}", hint=hint)


def _done(frozen: bytes, kind: Kind, batch: pa.Table) -> pa.Table:
    import pyarrow as pa

    made = [attempt(frozen, job, kind) for job in batch["job"].to_pylist()]
    return pa.table({"result": pa.array(made, pa.large_binary())})


def _sealed(
    n: int, *, folder: Path, fingerprint: str, work: Callable[[int], ShardResult]
) -> tuple[int, float, Sealed]:
    from seestep.shards import seal

    began = time.monotonic()
    shard = seal(folder, n, fingerprint, work(n))
    return n, round(time.monotonic() - began, 3), shard
