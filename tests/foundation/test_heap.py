import resource
import subprocess
import sys

import pytest

from seestep.heap import keep_freed

ASK_AGAIN = """
import resource, sys
from seestep.heap import keep_freed
if "keep" in sys.argv:
    assert keep_freed()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step(): [b"x" * 3_000_000 for _ in range(20)]
step()
before = faults()
for _ in range(10): step()
print(faults() - before)
"""


@pytest.fixture
def plain(monkeypatch):
    for name in ("GLIBC_TUNABLES", "MALLOC_ARENA_MAX"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_what_was_freed_is_used_again(plain):
    def pages(*args):
        line = [sys.executable, "-c", ASK_AGAIN, *args]
        return int(subprocess.run(line, capture_output=True, text=True, check=True).stdout)

    size = 10 * 60_000_000 // resource.getpagesize()
    assert pages() > size / 4
    assert pages("keep") < size / 20


def test_settings_of_the_environment_go_first(plain, monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    assert not keep_freed()


def test_other_c_libraries_are_left_alone(plain, monkeypatch):
    def unknown(name):
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr("os.confstr", unknown)
    assert not keep_freed()
