from __future__ import annotations

import io
import json

import pytest

from seestep import progress as module
from seestep.progress import Progress


class Clock:
    """Seconds that pass only when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(module.time, "monotonic", lambda: self.now)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_come_at_most_every_few_seconds_and_at_the_end(monkeypatch):
    clock, out = Clock(monkeypatch), io.StringIO()
    progress = Progress("homes", stream=out, every_s=5)
    for done in range(101):
        progress.update(done, 100)
        clock.now += 0.1
    lines = out.getvalue().splitlines()
    assert lines[0] == "homes: 0/100"
    assert lines[-1] == "homes: 100/100"
    assert len(lines) == 3  # one in between: all took ten seconds


def test_the_eta_is_the_mean_time_of_what_was_done_here(monkeypatch):
    clock, out = Clock(monkeypatch), io.StringIO()
    progress = Progress("homes", stream=out, every_s=0)
    progress.update(50, 100)  # found done: says nothing about speed
    clock.now = 20.0
    progress.update(60, 100, "home 60")
    assert out.getvalue().splitlines()[-1] == "homes: 60/100, about 1 min 20 s left - home 60"


def test_json_mode_writes_one_object_a_line():
    out = io.StringIO()
    progress = Progress("homes", mode="json", stream=out, every_s=0)
    progress.update(1, 2)
    progress.event("stage", name="curate")
    first, second = map(json.loads, out.getvalue().splitlines())
    assert (first["event"], first["done"], first["total"]) == ("progress", 1, 2)
    assert second == {"event": "stage", "title": "homes", "name": "curate"}


def test_a_terminal_gets_a_bar():
    out = Terminal()
    with Progress("homes", stream=out) as progress:
        assert progress.mode == "bar"
        progress.update(1, 2, "x")
        progress.update(2, 2)
    assert "homes" in out.getvalue() and "2/2" in out.getvalue()


def test_silence_is_silent():
    out = io.StringIO()
    progress = Progress("homes", mode="none", stream=out)
    progress.update(2, 2)
    progress.event("stage")
    assert out.getvalue() == ""


def test_a_progress_can_serve_one_stage_after_another():
    out = io.StringIO()
    progress = Progress("a", stream=out, every_s=0)
    progress.update(1, 1)
    progress.close()
    progress.update(0, 1)
    progress.child("b").update(1, 1)
    assert out.getvalue().splitlines() == ["a: 1/1", "a: 0/1", "b: 1/1"]


def test_a_part_of_a_step_does_not_say_when_the_step_ends():
    out, told = io.StringIO(), []
    step = Progress("a", stream=out, every_s=0, whole=lambda left: told.append(left) or "2 of 3")
    for part in (False, True):
        with step.child("b", part=part) as bar:
            bar.update(0, 4)
            bar.update(1, 4)
    assert told[1] is not None and told[2:] == [None, None]
    assert out.getvalue().splitlines()[-1].endswith("2 of 3")
