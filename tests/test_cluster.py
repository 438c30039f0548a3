"""The same work on a Ray cluster of two workers: the same bytes, errors that come home."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from seestep import run
from seestep.cluster import on_ray
from seestep.curate.engine import CurateConfig, curate
from seestep.curate.measuring import measure_parts
from seestep.errors import DataError, MediaError, RunError
from seestep.run import ShardResult
from seestep.workers import spread
from tests.curate.test_engine import TOY, folder_of
from tests.curate.test_measure import Letters, calls
from tests.foundation.folders import hashes, make, work
from tests.foundation.raising import TOLD, Nameless, is_that_of_media, raising

# Ray warns of its own settings, and leaves sockets to the garbage collector
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # "local" means this machine all the same
        with on_ray("local", cpus=2):
            yield


def _double(job: int) -> int:
    if job < 0:
        raise DataError("a negative job", got=str(job))
    return 2 * job


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != run.LOG and not p.name.startswith(".")
    }


def test_one_process_two_and_a_cluster_write_the_same_ledger(tmp_path, request):
    made = folder_of(tmp_path / "in", TOY[:3], TOY[3:5], TOY[5:])
    keep = partial(curate, [made], config=CurateConfig(look="trust"))
    keep(tmp_path / "one")
    keep(tmp_path / "two", workers=2)
    request.getfixturevalue("cluster")
    keep(tmp_path / "ray", workers=2)
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two") == _bytes(tmp_path / "ray")
    hashes = {run.ledger_sha256(tmp_path / name) for name in ("one", "two", "ray")}
    assert len(hashes) == 1


def test_a_cluster_measures_what_one_process_does_and_the_driver_keeps_it(tmp_path, cluster):
    folder = folder_of(tmp_path / "in", TOY[:3], TOY[3:])
    measure = Letters(str(tmp_path / "diary"))
    far = measure_parts(folder, [measure], {}, tmp_path / "cache")["letters"].table
    assert far["letters"].to_pylist() == [
        sum(p.text.count("e") for t in r.turns for p in t.parts if hasattr(p, "text")) for r in TOY
    ]
    assert calls(tmp_path / "diary") == [3, 5] or calls(tmp_path / "diary") == [5, 3]
    assert measure_parts(folder, [measure], {}, tmp_path / "cache")["letters"].table == far
    assert len(calls(tmp_path / "diary")) == 2


def test_results_and_errors_come_home(cluster):
    assert sorted(spread(_double, range(5), 2)) == [0, 2, 4, 6, 8]
    with pytest.raises(DataError, match=r"a negative job \(got -1\)"):
        list(spread(_double, [1, -1], 2))
    with pytest.raises(RunError, match="cannot be sent to a cluster"):
        list(spread(lambda job: job, [1, 2], 2))


@pytest.mark.parametrize("job", TOLD)
def test_an_error_that_cannot_travel_is_told_in_one_sentence(job, cluster):
    with pytest.raises(RunError, match=TOLD[job]):
        list(spread(raising, [job, "fine"], 2))


def test_errors_come_home_whole_and_unreadable_work_is_told(cluster):
    with pytest.raises(MediaError) as found:
        list(spread(raising, ["media", "fine"], 2))
    assert is_that_of_media(found.value)
    assert "in raising" in str(found.value.__cause__)
    with pytest.raises(RunError, match="this work cannot be read in another process"):
        list(spread(Nameless(), ["a", "b"], 2))


def _dies_while(n: int, *, flag: Path, diary: Path) -> ShardResult:
    with diary.open("a") as lines:
        lines.write(f"{n}\n")
    if n == 3 and flag.exists():
        time.sleep(1)  # the others are done
        os._exit(7)
    return work(n)


def test_a_worker_that_always_dies_is_told_and_the_same_command_goes_on(tmp_path, cluster):
    flag, diary = tmp_path / "flag", tmp_path / "diary"
    flag.touch()
    stage = partial(make, shards=4, workers=2, work=partial(_dies_while, flag=flag, diary=diary))
    with pytest.raises(RunError, match="ended its worker process on the cluster, 3 times"):
        stage(tmp_path / "ray")
    assert sorted(calls(diary)) == [0, 1, 2, 3, 3, 3]
    flag.unlink()
    stage(tmp_path / "ray")
    assert sorted(calls(diary)) == [0, 1, 2, 3, 3, 3, 3]
    make(tmp_path / "one", shards=4)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "ray")


def _killed_once(job: int, *, flag: Path) -> int:
    if job == 1 and flag.exists():
        flag.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def test_what_a_killed_worker_did_is_done_by_another(tmp_path, cluster):
    flag = tmp_path / "flag"
    flag.touch()
    assert sorted(spread(partial(_killed_once, flag=flag), range(4), 2)) == [0, 1, 2, 3]
    assert not flag.exists()


SHARDS = 16


def _slowly(n: int) -> ShardResult:
    time.sleep(0.4)
    return work(n)


def slow_stage(folder: str) -> None:
    """For a process of its own, that can be ended."""
    with on_ray("local", cpus=2):
        make(Path(folder), shards=SHARDS, workers=2, work=_slowly)


def _alive(mark: str) -> list[str]:
    """Processes with ``mark`` in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may have ended, or be another user's
            if mark.encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_text().replace("\0", " ")[:80])
    return found


def _ended(process: subprocess.Popen[bytes], ending: signal.Signals) -> int:
    """The exit code. Python may drop a Ctrl-C in compiled code: it is pressed again."""
    for _ in range(15):
        process.send_signal(ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(2)
    raise AssertionError(f"it does not end by {ending.name}")


def test_a_driver_that_was_ended_is_gone_on_with_and_leaves_no_process(tmp_path):
    out = tmp_path / "ray"
    start = [
        sys.executable,
        "-c",
        f"from tests.test_cluster import slow_stage as s; s({str(out)!r})",
    ]

    def commits() -> dict[str, int]:
        return {p.name: p.stat().st_mtime_ns for p in out.glob("commit-*.json")}

    done: dict[str, int] = {}
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        mark = f"{tmp_path}/{ending.name}"
        process = subprocess.Popen(
            start, env=os.environ | {"ENDED_DRIVER": mark}, stderr=subprocess.DEVNULL
        )
        while len(commits()) == len(done) and process.poll() is None:
            time.sleep(0.05)
        assert _ended(process, ending) != 0
        until = time.monotonic() + 15
        while ending != signal.SIGKILL and _alive(mark) and time.monotonic() < until:
            time.sleep(0.2)
        if ending != signal.SIGKILL:  # agents of Ray then wait a minute for their like
            assert _alive(mark) == []
        assert len(done) < len(commits()) < SHARDS
        assert {name: commits()[name] for name in done} == done
        done = commits()
    subprocess.run(start, check=True, stderr=subprocess.DEVNULL)
    assert {name: commits()[name] for name in done} == done
    make(tmp_path / "one", shards=SHARDS)
    assert hashes(tmp_path / "one") == hashes(out)


SETTINGS = """
import faulthandler, logging, os, signal, sys
import ray.data
from seestep.cluster import on_ray
from seestep.workers import spread

def settings():
    shown = ray.data.DataContext.get_current()
    loggers = {name: logging.getLogger(name).level for name in ("", "ray", "ray.data")}
    ended = signal.getsignal(signal.SIGTERM), sys.excepthook, faulthandler.is_enabled()
    bars = shown.enable_progress_bars, shown.print_on_execution_start
    return dict(os.environ), loggers, ended, bars

os.environ["RAY_USAGE_STATS_ENABLED"] = "maybe"
logging.getLogger("ray").setLevel(17)
before = settings()
with on_ray("local", cpus=1):
    assert list(spread(abs, [-3], 1)) == [3]
    assert settings()[1]["ray.data"] > before[1]["ray.data"]
    os.environ["OURS"] = "stays"
assert os.environ.pop("OURS") == "stays"
assert settings() == before, (settings(), before)
try:
    with on_ray("127.0.0.1:1"):
        pass
except Exception as error:
    assert "no Ray cluster answers" in str(error)
assert settings() == before, (settings(), before)
"""


def test_settings_are_afterwards_what_they_were():
    told = subprocess.run([sys.executable, "-c", SETTINGS], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


def test_an_address_where_nothing_listens_is_told_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RunError, match="no Ray cluster answers"), on_ray(f"127.0.0.1:{port}"):
        pass


def test_a_process_is_on_one_cluster_at_a_time(cluster):
    with pytest.raises(RunError, match="connected to a Ray cluster already"), on_ray("local"):
        pass


def _nothing_left(job: int) -> int:
    return next(iter(range(job - 1))) if job == 1 else job


def test_a_job_that_runs_out_of_something_is_an_error_here_and_on_a_cluster(cluster):
    with pytest.raises((RuntimeError, RunError), match="StopIteration"):
        list(spread(_nothing_left, range(4), 2))


def test_a_job_that_runs_out_of_something_is_an_error_in_this_process():
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(spread(_nothing_left, range(4), 1))
