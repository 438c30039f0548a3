"""Pipeline: the rooms joined in order, each writing a folder that the next one reads.

Nothing is decided here but the order: every step is a function of its own room. A run that was
killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from seestep import families, recipe
from seestep.disk import atomic_write, locked
from seestep.errors import RunError
from seestep.pipeline import eta
from seestep.pipeline.base import resolve_model
from seestep.pipeline.closing import closing
from seestep.pipeline.config import Pipeline
from seestep.pipeline.data import known_data, make_data
from seestep.pipeline.state import Run, process_age_s
from seestep.progress import Mode
from seestep.sources import catalog
from seestep.terminal import Look

__all__ = ["Pipeline", "execute", "rebuild_report", "resolve_model"]


def execute(
    config: Pipeline,
    out: Path,
    *,
    mode: Mode = "auto",
    say: Callable[[str], None] = print,
    look: Look | None = None,
) -> dict[str, Any]:
    """Do the run, or what is left of it; returns a summary that a program can read."""
    with own(out, recipe.resolved(config)):
        check_first(config)
        run = Run(config, out, out, mode, say, look or Look())
        run.timings.start_s = run.timings.start_s or round(process_age_s(), 2)
        make_data(run)
        page = None
        if config.stages or config.evaluate:
            with run.step(eta.TORCH):  # only where it is needed
                from seestep.pipeline.models import make_models
                from seestep.pipeline.reporting import make_report

            make_models(run)
            if config.report and config.evaluate:
                page = make_report(run)
        for line in closing(run, page):
            say(line)
        return finish(run, page)


@contextmanager
def own(out: Path, resolved: str) -> Iterator[None]:
    """Hold ``out`` against other processes; its recipe.yaml is the one that last went through.

    A first recipe is written at once. Another recipe for the same folder may be refused by what
    lies there, so it takes the place of the first only when all is done.
    """
    with locked(out):
        file = out / "recipe.yaml"
        if not file.exists():
            atomic_write(file, resolved.encode())
        yield
        if file.read_text(encoding="utf-8") != resolved:
            atomic_write(file, resolved.encode())


def check_first(config: Pipeline) -> None:
    """Raise at once what would else be found after the data were made."""
    for spec in config.sources:
        source = catalog.get(spec.source)
        root = Path(config.data, spec.root)
        if root.is_dir() or not spec.optional:
            source.files(root)
    for export in config.export:
        families.get(export.family)
    if config.stages or config.evaluate:
        resolve_model(config.model)
    for stage in config.stages:
        anchor = stage.sft.anchor if stage.sft is not None else None
        for name in (stage.config.model, anchor.to if anchor is not None else None):
            if name not in ("base", "previous", None):
                resolve_model(name)


def finish(run: Run, page: Path | None) -> dict[str, Any]:
    """Write and return the run's summary.json."""
    steps = run.timings.steps
    summary = {
        "run": str(run.out),
        "seconds": run.seconds,
        "start_seconds": run.timings.start_s,
        "peak_rss_mb": max((s.peak_mb for s in steps.values()), default=0.0),
        "models": {k: str(v) for k, v in run.models.items()},
        "report": str(page) if page else None,
    }
    data = msgspec.json.format(msgspec.json.encode(summary), indent=1)
    atomic_write(run.work / "summary.json", data + b"\n")
    return summary


def rebuild_report(config: Pipeline, out: Path, *, say: Callable[[str], None] = print) -> Path:
    """The report of a finished run, written again from its folder."""
    from seestep.pipeline.reporting import make_report

    if config.evaluate is None:
        raise RunError(
            "this run evaluated no model, so there is nothing to report",
            file=out,
            hint="give its recipe an evaluate section and run it again",
        )
    run = Run(config, out, out, say=say)
    known_data(run)
    run.models["base"] = resolve_model(config.model)
    for stage in config.stages:
        run.models[stage.name] = out / "train" / stage.name / "final"
    for name in (*run.models, *map(eta.blind_name, eta.floored(config))):
        if not (out / "evals" / name / "scores" / "manifest.json").is_file():
            raise RunError(
                f"{name} has not been evaluated yet",
                file=out / "evals" / name,
                hint=f"finish the run first: seestep run {out / 'recipe.yaml'} --out {out}",
            )
    return make_report(run)
