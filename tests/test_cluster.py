"""The same work on a Ray cluster of two workers: the same bytes, errors that come home."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

import pytest

from seestep import run
from seestep.cluster import on_ray
from seestep.curate.engine import CurateConfig, curate
from seestep.curate.measuring import measure_parts
from seestep.errors import DataError, MediaError, RunError
from seestep.workers import spread
from tests.curate.test_engine import TOY, folder_of
from tests.curate.test_measure import Letters, calls
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


def test_an_address_where_nothing_listens_is_told_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RunError, match="no Ray cluster answers"), on_ray(f"127.0.0.1:{port}"):
        pass


def test_a_process_is_on_one_cluster_at_a_time(cluster):
    with pytest.raises(RunError, match="connected to a Ray cluster already"), on_ray("local"):
        pass
