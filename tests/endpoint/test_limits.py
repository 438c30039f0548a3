"""So much a minute in any minute, one lane more for good calls, half for too many."""

import asyncio
import email.utils
import random
import time

import pytest

from seestep.endpoint.faults import backoff, of_status, retry_after
from seestep.endpoint.limits import Lanes, Window


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self, monkeypatch):
        self.now, real = 1000.0, asyncio.sleep

        async def sleep(seconds):
            self.now += seconds
            await real(0)

        monkeypatch.setattr("seestep.endpoint.limits.asyncio.sleep", sleep)

    def __call__(self):
        return self.now


def most_in_a_minute(taken):
    """The largest sum of any sixty seconds."""
    return max(sum(a for at, a in taken if start <= at < start + 60) for start, _ in taken)


@pytest.mark.parametrize("amounts", [[1] * 50, [7, 3, 9, 1, 10, 2] * 5, [25, 4, 4]])
def test_no_minute_has_more_than_the_limit(monkeypatch, amounts):
    clock = Clock(monkeypatch)
    window, taken = Window(10, clock), []

    async def all_of():
        for amount in amounts:
            await window.take(amount)
            taken.append((clock(), min(amount, 10)))

    asyncio.run(all_of())
    assert most_in_a_minute(taken) <= 10
    full = sum(min(a, 10) for a in amounts) / 10
    assert clock.now - 1000 <= 60 * 2 * full  # and no longer than it must


def test_what_was_announced_is_corrected(monkeypatch):
    clock = Clock(monkeypatch)
    window = Window(100, clock)

    async def all_of():
        for _ in range(5):
            Window.correct(await window.take(90), 20)

    asyncio.run(all_of())
    # 20 + 90 passes 100 at once: the second waits; so do the others, each for the one before
    assert clock.now == 1000 + 4 * 60


def test_without_a_limit_nobody_waits(monkeypatch):
    clock = Clock(monkeypatch)

    async def all_of():
        window = Window(None, clock)
        for _ in range(1000):
            await window.take(1e9)

    asyncio.run(all_of())
    assert clock.now == 1000


def test_lanes_open_by_one_a_round_and_halve_once_for_a_burst(monkeypatch):
    clock = Clock(monkeypatch)
    lanes = Lanes(16, clock)
    assert lanes.open == 4
    for _ in range(4):
        lanes.good()
    assert lanes.open == pytest.approx(5, abs=0.1)
    for _ in range(1000):
        lanes.good()
    assert lanes.open == 16
    began, clock.now = clock.now, clock.now + 1
    for _ in range(10):  # all were on their way together
        lanes.overrun(began)
    assert lanes.open == 8
    clock.now += 1
    lanes.overrun(clock.now - 0.5)
    assert lanes.open == 4
    for _ in range(9):
        clock.now += 1
        lanes.overrun(clock.now - 0.5)
    assert lanes.open == 1
    assert Lanes(2, clock).open == 2


def test_a_pause_holds_for_all(monkeypatch):
    clock = Clock(monkeypatch)
    lanes = Lanes(16, clock)

    async def all_of():
        lanes.overrun(clock(), 30.0)
        lanes.overrun(clock(), 5.0)
        return await lanes.calm()

    assert asyncio.run(all_of()) == 1030.0


def test_no_more_calls_than_lanes():
    async def all_of():
        lanes, busy, most = Lanes(16, time.monotonic), 0, 0

        async def one():
            nonlocal busy, most
            await lanes.enter()
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.001)
            busy -= 1
            await lanes.leave()

        await asyncio.gather(*(one() for _ in range(40)))
        return most

    assert asyncio.run(all_of()) == 4


def test_retry_after_is_seconds_or_a_date():
    assert retry_after({"retry-after": "2.5"}) == 2.5
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert 28 <= retry_after({"retry-after": date}) <= 30
    for nothing in ({}, {"retry-after": "soon"}, {"retry-after": "-3"}, {"retry-after": ""}):
        assert retry_after(nothing) == 0
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


def test_waits_grow_and_differ():
    rng = random.Random(0)
    for attempt, most in ((0, 1.0), (1, 2.0), (3, 8.0), (9, 60.0)):
        waits = [backoff(attempt, 1.0, 60.0, rng) for _ in range(400)]
        assert 0 <= min(waits) < 0.05 * most and 0.95 * most < max(waits) <= most


@pytest.mark.parametrize(
    ("status", "body", "what", "crowded"),
    [
        (429, {"error": {"message": "slow down"}}, "again", True),
        (429, {"error": {"code": "insufficient_quota"}}, "stop", False),
        (503, None, "again", True),
        (500, "oops", "again", False),
        (408, None, "again", False),
        (400, {"message": "bad"}, "refused", False),
        (422, None, "refused", False),
        (401, None, "stop", False),
        (404, {"error": {"message": "no such model"}}, "stop", False),
    ],
)
def test_what_a_status_means(status, body, what, crowded):
    found = of_status(status, body, {})
    assert (found.what, found.crowded) == (what, crowded)
    assert found.reason.startswith(f"HTTP {status}")
