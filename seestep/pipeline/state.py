"""Where a run stands, and how it tells its user."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from seestep.pipeline.config import Pipeline
from seestep.progress import Mode, Progress
from seestep.run import Manifest


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
    seconds: dict[str, float] = field(default_factory=dict)

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
        """Announce a step and note how long it took."""
        self.say(f"{what}: {why}")
        started = time.monotonic()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - started


def peak_rss_mb() -> float:
    """Largest resident size of this process or of any child that has ended, in MB."""
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(u.ru_maxrss for u in usage) / 1024
