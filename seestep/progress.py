"""Progress for whoever listens: a bar on a terminal, lines in a log, JSON for a program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TextIO

from seestep.stopping import stop_if_asked
from seestep.terminal import clock

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

Mode = Literal["auto", "bar", "lines", "json", "none"]


class Progress:
    """How far a piece of work has come.

    Args:
        title: what is being done, in a few words.
        mode: "bar" draws with an ETA, "lines" prints at most one line every ``every_s`` seconds,
            "json" prints one JSON object a line, "none" is silent; "auto" is a bar when the stream
            is a terminal, else lines.
        stream: where to write, stderr by default.
        every_s: least seconds between two lines; the last one is always written.
        whole: for a step of a longer run: from the seconds this step has left (None if unknown) to
            a few words on the run; a bar of such a step leaves the screen when it is done.
    """

    def __init__(
        self,
        title: str = "",
        *,
        mode: Mode = "auto",
        stream: TextIO | None = None,
        every_s: float = 5.0,
        whole: Callable[[float | None], str] | None = None,
    ) -> None:
        self.title, self.every_s, self._whole = title, every_s, whole
        self._stream = stream if stream is not None else sys.stderr
        if mode == "auto":
            mode = "bar" if self._stream.isatty() else "lines"
        self.mode: Mode = mode
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._begin()

    def _begin(self) -> None:
        self._started: float | None = None
        self._done_at_start = 0
        self._said = float("-inf")
        self._last: tuple[int, int | None] | None = None

    def update(self, done: int, total: int | None, note: str = "") -> None:
        """Say that ``done`` of ``total`` pieces are ready; ``note`` is a short remark.

        ``total`` is None while nobody can know it, as of a file that is read once. Raises the
        ``KeyboardInterrupt`` of a Ctrl-C that was lost on its way.
        """
        stop_if_asked()
        if self.mode == "none":
            return
        now = time.monotonic()
        if self._started is None:
            self._started, self._done_at_start = now, done
        if self.mode == "bar":
            self._draw(done, total, note, self._eta_s(done, total, now))
            return
        finished = total is not None and done >= total
        if (now - self._said < self.every_s and not finished) or (
            finished and self._last == (done, total)
        ):
            return
        self._said, self._last = now, (done, total)
        eta_s = self._eta_s(done, total, now)
        if self.mode == "json":
            self.event("progress", done=done, total=total, eta_s=eta_s, note=note)
        else:
            eta = f", about {clock(eta_s)} left" if eta_s else ""
            whole = self._whole(eta_s) if self._whole is not None and not finished else ""
            tail = "".join(f" - {words}" for words in (note, whole) if words)
            of = "" if total is None else f"/{total}"
            print(
                f"{self.title or 'work'}: {done}{of}{eta}{tail}",
                file=self._stream,
                flush=True,
            )

    def event(self, kind: str, **fields: Any) -> None:
        """Write one JSON line ``{"event": kind, "title": ..., ...}``; other modes ignore it."""
        if self.mode == "json":
            line = {"event": kind, "title": self.title} | fields
            print(json.dumps(line, ensure_ascii=False), file=self._stream, flush=True)

    def child(self, title: str, *, part: bool = False) -> Progress:
        """A new progress in the same manner and on the same stream, for one stage of many.

        ``part``: more of the step comes after it, so what it has left is not what the step has.
        """
        whole = self._whole
        if part and whole is not None:
            whole = partial(_unknown, whole)
        return Progress(
            title, mode=self.mode, stream=self._stream, every_s=self.every_s, whole=whole
        )

    def close(self) -> None:
        """Leave the bar as it stands; the object may be used again for another piece of work."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None
        self._begin()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _eta_s(self, done: int, total: int | None, now: float) -> float | None:
        """Seconds left at the mean speed since the first update; shards found done do not count."""
        fresh = done - self._done_at_start
        if self._started is None or total is None or fresh <= 0 or done >= total:
            return None
        return round((now - self._started) / fresh * (total - done), 1)

    def _draw(self, done: int, total: int | None, note: str, eta_s: float | None) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
            from rich.progress import Progress as RichProgress

            inset = [TextColumn(" " * 7)] if self._whole is not None else []
            self._bar = RichProgress(
                *inset,
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TextColumn("{task.fields[eta]}", style="cyan", markup=False),
                TextColumn("{task.fields[note]}", markup=False),
                TextColumn("{task.fields[whole]}", style="dim", markup=False),
                console=Console(file=self._stream),
                transient=self._whole is not None,
            )
            self._task = self._bar.add_task(
                self.title or "work", total=total, note=note, eta="", whole=""
            )
            self._bar.start()
        assert self._task is not None
        eta = f"{clock(eta_s)} left" if eta_s else ""
        whole = self._whole(eta_s) if self._whole is not None else ""
        self._bar.update(self._task, completed=done, total=total, note=note, eta=eta, whole=whole)
        if total is not None and done >= total:
            self.close()


def _unknown(whole: Callable[[float | None], str], _: float | None) -> str:
    """What ``whole`` says of a step of which nobody knows how long it takes yet."""
    return whole(None)
