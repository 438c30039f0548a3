"""How fast a server is asked: so much a minute, and as many at a time as it bears."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

MINUTE = 60.0
START = 4  # calls at a time, before it is known how many are borne


class Window:
    """At most ``most`` in any sixty seconds; None is no limit. What was announced may be corrected
    when it is known."""

    def __init__(self, most: int | None, clock: Callable[[], float]) -> None:
        self._most, self._clock = most, clock
        self._taken: deque[list[float]] = deque()  # [when, how much], oldest first
        self._turn = asyncio.Lock()  # first come, first served

    async def take(self, amount: float) -> list[float]:
        """Wait until there is room for ``amount`` (for all of the window, if it is more)."""
        entry = [self._clock(), amount]
        if self._most is None:
            return entry
        async with self._turn:
            while (wait := self._wait(min(amount, self._most))) > 0:
                await asyncio.sleep(wait)
            entry[0] = self._clock()
            self._taken.append(entry)
        return entry

    @staticmethod
    def correct(entry: list[float], amount: float) -> None:
        """What ``take`` returned turned out to be ``amount``."""
        entry[1] = amount

    def _wait(self, amount: float) -> float:
        """Seconds until ``amount`` may fit."""
        assert self._most is not None
        now = self._clock()
        while self._taken and self._taken[0][0] <= now - MINUTE:
            self._taken.popleft()
        over = sum(entry[1] for entry in self._taken) + amount - self._most
        for when, taken in self._taken:
            if over <= 0:
                break
            over -= taken
            if over <= 0:
                return max(when + MINUTE - now, 0.001)
        return 0.0


class Lanes:
    """Calls at a time: one more after as many good ones as there are lanes, half after a call that
    the server could not take (additive increase, multiplicative decrease; Chiu and Jain 1989)."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = most, clock
        self.open = float(min(START, most))
        self._busy, self._until = 0, 0.0
        self._changed = asyncio.Condition()
        self._halved = -1.0  # when: what was on its way then says nothing new

    async def enter(self) -> None:
        """Wait for a lane."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._busy < int(self.open))
            self._busy += 1

    async def calm(self) -> float:
        """Wait for the end of a pause; returns when that was."""
        while (wait := self._until - self._clock()) > 0:
            await asyncio.sleep(wait)
        return self._clock()

    async def leave(self) -> None:
        async with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def good(self) -> None:
        """A call was answered."""
        self.open = min(self._most, self.open + 1 / max(1, int(self.open)))

    def overrun(self, began: float, pause: float = 0.0) -> None:
        """A call that ``began`` then was too much; no other begins for ``pause`` seconds."""
        self._until = max(self._until, self._clock() + pause)
        if began > self._halved:
            self._halved = self._clock()
            self.open = max(1.0, self.open / 2)
