"""Pipeline: the rooms joined in order, each writing a folder that the next one reads.

Nothing is decided here but the order: every step is a function of its own room. A run that was
killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from seestep import recipe
from seestep.disk import atomic_write
from seestep.pipeline.config import Pipeline
from seestep.pipeline.data import make_data
from seestep.pipeline.models import make_models, resolve_model
from seestep.pipeline.reporting import make_report
from seestep.pipeline.state import Run, peak_rss_mb
from seestep.progress import Mode

__all__ = ["Pipeline", "execute", "rebuild_report", "resolve_model"]


def execute(
    config: Pipeline, out: Path, *, mode: Mode = "auto", say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Do the run, or what is left of it; returns a summary that a program can read."""
    run = Run(config, out, out, mode, say)
    atomic_write(out / "recipe.yaml", recipe.resolved(config).encode())
    make_data(run)
    if config.stages or config.evaluate:
        make_models(run)
    page = make_report(run) if config.report and config.evaluate else None
    return finish(run, page)


def finish(run: Run, page: Path | None) -> dict[str, Any]:
    """Write and return the run's summary.json."""
    summary = {
        "run": str(run.out),
        "seconds": {k: round(v, 1) for k, v in run.seconds.items()},
        "peak_rss_mb": round(peak_rss_mb()),
        "models": {k: str(v) for k, v in run.models.items()},
        "report": str(page) if page else None,
    }
    data = msgspec.json.format(msgspec.json.encode(summary), indent=1)
    atomic_write(run.work / "summary.json", data + b"\n")
    return summary


def rebuild_report(config: Pipeline, out: Path) -> Path:
    """The report of a finished run, written again from its folder."""
    run = Run(config, out, out)
    run.roots["world"] = out / "world"
    names = ["base", *(s.name for s in config.stages)]
    for name in names:
        folder = out / "train" / name / "final"
        run.models[name] = resolve_model(config.model) if name == "base" else folder
    run.folders = [out / "world" / "homes", out / "world" / "episodes" / "records"]
    if config.world.suites:
        run.suites = {n: out / "world" / "suites" / n for n in config.world.suites.wanted}
    return make_report(run)
