"""Where a run stands, and how it tells its user."""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from seestep import recipe
from seestep.disk import atomic_write
from seestep.pipeline.config import Pipeline
from seestep.progress import Mode, Progress
from seestep.run import Manifest

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
    roots: dict[str, Path] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)  # of records, before curation
    suites: dict[str, Path] = field(default_factory=dict)  # name -> folder of items
    models: dict[str, Path] = field(default_factory=dict)  # name -> checkpoint
    timings: Timings = field(init=False)

    def __post_init__(self) -> None:
        self.timings = _timings(self.work / TIMINGS, self.config)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds each step took until it was first done."""
        return {name: step.seconds for name, step in self.timings.steps.items()}

    @property
    def pairs(self) -> Path:
        return self.out / "world" / "episodes" / "pairs"

    def progress(self, title: str) -> Progress:
        return Progress(title, mode=self.mode)

    def counts(self, manifest: Manifest) -> None:
        """Say how many rows a stage kept and left out."""
        kept, gone = manifest.counts["out"], manifest.counts["dropped"]
        left = f", {gone:,} left out with a reason" if gone else ""
        self.say(f"   {kept:,} kept{left}")

    @contextmanager
    def step(self, what: str, why: str) -> Iterator[None]:
        """Announce a step and note what it takes, unless an earlier call has finished it."""
        self.say(f"{what}: {why}")
        took = self.timings.steps.setdefault(what, Timing())
        before, started = took.seconds, time.monotonic()
        try:
            yield
        except BaseException:
            if not took.done:
                self._note(took, before, started)
            raise
        if not took.done:
            took.done = True
            self._note(took, before, started)

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
