"""Where a run stands, and how it tells its user."""

from __future__ import annotations

import hashlib
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec

from seestep import recipe
from seestep.disk import atomic_write
from seestep.pipeline import eta
from seestep.pipeline.config import Pipeline
from seestep.progress import Mode, Progress
from seestep.run import Manifest
from seestep.terminal import Look, clock, folded, shown_width

TIMINGS = "timings.json"


class Timing(msgspec.Struct):
    """What a step took until it was first done, over all the calls that worked on it."""

    seconds: float = 0.0
    peak_mb: float = 0.0  # of the process, up to the end of the step
    done: bool = False


class Timings(msgspec.Struct):
    """``timings.json``: kept for as long as the recipe stays the same."""

    recipe: str  # sha256
    steps: dict[str, Timing] = {}
    start_s: float = 0.0  # from the start of the process to its first step, on the first call


@dataclass
class Run:
    """Where a run stands: its folders, the media roots known so far, the checkpoints made.

    ``out`` holds the data; ``work`` what is trained and evaluated on it (another folder for the
    arms of an ablation, which share their data).
    """

    config: Pipeline
    out: Path
    work: Path
    mode: Mode = "auto"
    say: Callable[[str], None] = print
    look: Look = field(default_factory=Look)
    roots: dict[str, Path] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)  # of records, before curation
    suites: dict[str, Path] = field(default_factory=dict)  # name -> folder of items
    models: dict[str, Path] = field(default_factory=dict)  # name -> checkpoint
    timings: Timings = field(init=False)
    _running: str | None = field(init=False, default=None)
    _began: float = field(init=False, default=0.0)
    _told: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.timings = _timings(self.work / TIMINGS, self.config)

    @cached_property
    def plan(self) -> list[eta.Step]:
        """All steps of the recipe, in order."""
        return eta.steps(self.config)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds each step took until it was first done."""
        return {name: step.seconds for name, step in self.timings.steps.items()}

    @property
    def pairs(self) -> Path:
        return self.out / "world" / "episodes" / "pairs"

    def progress(self, title: str) -> Progress:
        return Progress(title, mode=self.mode, whole=self.whole)

    def whole(self, step_left_s: float | None = None) -> str:
        """Where the run stands: "3 of 14, about 4 min left", "" outside a known step."""
        done = {name: t.seconds for name, t in self.timings.steps.items() if t.done}
        if self._running is None:
            return ""
        done.pop(self._running, None)
        ran = time.monotonic() - self._began
        embedded = self.config.model == "embedded"
        left = eta.left_s(self.plan, done, self._running, ran, step_left_s, guessed=embedded)
        return eta.place(self.plan, self._running, left)

    def tell(self, text: str) -> None:
        """A result of the running step, said when the step ends, with the time it took."""
        self._told.append(text)

    def counts(self, manifest: Manifest) -> None:
        """Tell how many rows a stage kept and left out."""
        kept, gone = manifest.counts["out"], manifest.counts["dropped"]
        left = f", {gone:,} left out with a reason" if gone else ""
        self.tell(f"{kept:,} kept{left}")

    @contextmanager
    def step(self, what: str, why: str = "") -> Iterator[None]:
        """Announce a step and note what it takes, unless an earlier call has finished it.

        Steps of the recipe have a reason of their own; ``why`` is for others.
        """
        took = self.timings.steps.setdefault(what, Timing())
        before, self._began = took.seconds, time.monotonic()
        self._running, self._told = what, []
        known = {step.name: step.why for step in self.plan}
        self._announce(what, why or known.get(what, ""))
        started = self._began
        try:
            yield
        except BaseException:
            if not took.done:
                self._note(took, before, started)
            raise
        finally:
            self._running = None
        if not took.done:
            took.done = True
            self._note(took, before, started)
        here = time.monotonic() - started
        told = ", ".join(self._told) or "done"
        if self.look.colour:
            spent = self.look.paint(f"· {clock(here)}", "dim")
            self.say(f"{' ' * 8}{self.look.paint('✓', 'green')} {told} {spent}")
        else:
            self.say(f"   {told} ({clock(here)})")

    def _announce(self, what: str, why: str) -> None:
        stands, look = self.whole(), self.look
        if not look.colour:
            where = f"[{stands}] " if stands else ""
            self.say(f"{where}{what}: {why}" if why else f"{where}{what}")
            return
        number, _, left = stands.partition(", ")
        head = f"{look.paint(f'{number:>8}', 'cyan')}  {look.paint(what, 'bold')}"
        gap = max(2, look.width - shown_width(head) - len(left))
        self.say("")
        self.say(head + " " * gap + look.paint(left, "dim") if left else head)
        for line in folded(why, look.width, indent=" " * 10):
            self.say(look.paint(line, "dim"))

    def _note(self, took: Timing, before: float, started: float) -> None:
        took.seconds = round(before + time.monotonic() - started, 1)
        took.peak_mb = float(round(max(took.peak_mb, peak_rss_mb())))
        data = msgspec.json.format(msgspec.json.encode(self.timings), indent=1)
        atomic_write(self.work / TIMINGS, data + b"\n")


def _timings(file: Path, config: Pipeline) -> Timings:
    print_ = hashlib.sha256(recipe.resolved(config).encode()).hexdigest()
    if file.is_file():
        found = msgspec.json.decode(file.read_bytes(), type=Timings)
        if found.recipe == print_:
            return found
    return Timings(print_)


def peak_rss_mb() -> float:
    """Largest resident size of this process or of any child that has ended, in MB."""
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(u.ru_maxrss for u in usage) / 1024


def process_age_s() -> float:
    """Seconds since this process was started; 0 where the system does not tell."""
    stat = Path("/proc/self/stat")
    if not stat.is_file():
        return 0.0
    ticks = int(stat.read_text().rpartition(")")[2].split()[19])  # field 22: starttime
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
