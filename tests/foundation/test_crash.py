"""Dying at the n-th step of all writes, for every n, then running again."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seestep import disk
from seestep.disk import atomic_file, atomic_write
from seestep.errors import RunError
from seestep.run import ShardResult
from tests.foundation.folders import hashes, make, work


class Died(BaseException):
    """Stands for a kill: nothing in the code under test may catch it."""


def steps_of(folder: Path, monkeypatch: pytest.MonkeyPatch, shards: int = 3) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(disk, "_crash_point", seen.append)
    make(folder, shards=shards)
    return seen


def test_every_write_has_its_crash_points(tmp_path, monkeypatch):
    steps = steps_of(tmp_path, monkeypatch)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(steps) == 5 * len(files) == 5 * (3 * 4 + 3)


def test_killed_at_any_step_of_any_write_and_run_again_gives_the_same_bytes(tmp_path, monkeypatch):
    steps = steps_of(tmp_path / "clean", monkeypatch, shards=2)
    wanted = hashes(tmp_path / "clean")
    for n in range(len(steps)):
        left = n

        def die_at_n(name: str) -> None:
            nonlocal left
            if left == 0:
                raise Died(name)
            left -= 1

        folder = tmp_path / f"at-{n}"
        monkeypatch.setattr(disk, "_crash_point", die_at_n)
        with pytest.raises(Died, match=steps[n].replace(".", r"\.")):
            make(folder, shards=2)
        monkeypatch.setattr(disk, "_crash_point", lambda name: None)
        make(folder, shards=2)
        assert hashes(folder) == wanted, steps[n]
        assert not list(folder.rglob("*.tmp"))


def test_work_committed_before_a_kill_is_not_done_again(tmp_path, monkeypatch):
    def die_late(name: str) -> None:
        if name == "before write commit-00002.json":
            raise Died(name)

    monkeypatch.setattr(disk, "_crash_point", die_late)
    with pytest.raises(Died):
        make(tmp_path)
    monkeypatch.setattr(disk, "_crash_point", lambda name: None)
    done: list[int] = []

    def counted(n: int) -> ShardResult:
        done.append(n)
        return work(n)

    make(tmp_path, work=counted)
    assert done == [2]


EXIT = """
import os, sys
from pathlib import Path
from seestep import disk
from tests.foundation.folders import make
left = int(sys.argv[2])
def die(name):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
disk._crash_point = die
make(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("n", [0, 2, 7, 31, 73])
def test_a_process_that_ends_without_cleaning_up_leaves_nothing_wrong(tmp_path, n):
    """``os._exit`` runs no ``finally``: temporary files and the lock file stay behind."""
    done = subprocess.run([sys.executable, "-c", EXIT, str(tmp_path / "out"), str(n)], check=False)
    assert done.returncode == 9
    assert (tmp_path / "out" / disk.LOCK_NAME).exists()
    make(tmp_path / "out")
    make(tmp_path / "clean")
    assert hashes(tmp_path / "out") == hashes(tmp_path / "clean")


@pytest.mark.slow
def test_random_kills_with_two_workers_leave_nothing_wrong(tmp_path):
    make(tmp_path / "clean", shards=12)
    wanted = hashes(tmp_path / "clean")
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.foundation.folders import make, slow_last_first\n"
        "if __name__ == '__main__':\n"
        "    make(Path(sys.argv[1]), shards=12, workers=2, work=slow_last_first)"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    rng = random.Random(0)
    for _ in range(6):
        running = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "out")],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0.2, 1.5))
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    make(tmp_path / "out", shards=12)
    assert hashes(tmp_path / "out") == wanted


STOP = """
import sys, time
from pathlib import Path
from tests.foundation.folders import make, work
def slow(n):
    print("began", flush=True)
    time.sleep(60)
if __name__ == "__main__":
    try:
        make(Path(sys.argv[1]), workers=2, work=slow)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_workers_end_with_their_parent(tmp_path, how, code):
    script = tmp_path / "script.py"
    script.write_text(STOP)
    running = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "out")],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert running.stdout is not None
    with running, running.stdout as said:
        said.readline(), said.readline()
        running.send_signal(how)
        assert running.wait(timeout=30) == code
        assert said.read() == b""  # the pipe closes when the last worker is gone


# --- a full disk ------------------------------------------------------------------------------


def test_a_full_disk_names_file_and_space_and_keeps_what_was_committed(tmp_path, monkeypatch):
    def full(name: str) -> None:
        if name == "after write part-00001.jsonl":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(disk, "_crash_point", full)
    with pytest.raises(RunError, match=r"part-00001\.jsonl: no room .* bytes free") as caught:
        make(tmp_path / "out")
    assert "run the same command again" in str(caught.value)
    assert (tmp_path / "out" / "commit-00000.json").exists()
    assert not list((tmp_path / "out").rglob("*.tmp"))
    monkeypatch.setattr(disk, "_crash_point", lambda name: None)
    make(tmp_path / "out")
    make(tmp_path / "clean")
    assert hashes(tmp_path / "out") == hashes(tmp_path / "clean")


def test_a_file_above_the_size_limit_is_refused_and_the_old_one_stays(tmp_path):
    """RLIMIT_FSIZE makes the kernel itself refuse the write (EFBIG), as a quota does."""
    path = tmp_path / "x"
    atomic_write(path, b"old")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
        with pytest.raises(RunError, match="no room to write this file"):
            atomic_write(path, b"n" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_in_pieces_takes_its_place_only_when_all_are_written(tmp_path, error):
    path = tmp_path / "x"
    with atomic_file(path) as file:
        file.writelines([b"old", b"er"])
        assert not path.exists()
    with pytest.raises(error), atomic_file(path) as file:
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_device_that_is_full_is_told(tmp_path, monkeypatch):
    """/dev/full takes small writes and refuses them when they are flushed."""
    real_open = open
    monkeypatch.setattr("builtins.open", lambda *a, **k: real_open("/dev/full", "wb"))
    with pytest.raises(RunError, match=r"no room to write this file: No space left on device"):
        atomic_write(tmp_path / "x", b"data")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write this file"):
        atomic_write(tmp_path / "file" / "x", b"data")


def test_leftovers_are_swept_but_not_those_of_a_run_folder_inside(tmp_path):
    inner = tmp_path / "inner"
    make(inner)
    for folder in (tmp_path, tmp_path / "media", inner):
        folder.mkdir(exist_ok=True)
        (folder / ".part-00000.jsonl.4711.tmp").write_text("half")
    (tmp_path / "notes.tmp").write_text("mine")
    assert disk.sweep(tmp_path) == 2
    assert (tmp_path / "notes.tmp").exists()
    assert (inner / ".part-00000.jsonl.4711.tmp").exists()
