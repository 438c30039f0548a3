"""The last step of a run: its report, from what is stored in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seestep import __version__
from seestep.models.load import load
from seestep.pipeline.state import Run, peak_rss_mb
from seestep.report.build import Inputs, ModelRun, build
from seestep.world.suites import PLAN


def make_report(run: Run) -> Path:
    """Write the run's page and results.json; returns the page."""
    data = [f for f in (*run.folders, run.out / "curated", run.out / "thoughts") if f.exists()]
    trained = {s.name: run.work / "train" / s.name for s in run.config.stages}
    models = [
        ModelRun(
            name,
            run.work / "evals" / name / "predictions",
            run.work / "evals" / name / "scores",
            trained.get(name),
        )
        for name in run.models
    ]
    with run.step("Writing the report", "one page, and results.json beside it"):
        return build(
            Inputs(
                title=run.config.title or run.config.name,
                summary=run.config.about,
                models=models,
                items=list(run.suites.values()),
                family=load(run.models["base"]).family,
                roots=run.roots,
                stages=[(f.name, f) for f in data],
                pairs=run.pairs if run.config.world.episodes else None,
                apart=[PLAN],
                run_folder=str(run.out),
                facts=_facts(run),
                banners=["Single seed: differences between runs of another seed are not shown."],
            ),
            run.work / "report",
        )


def _facts(run: Run) -> Mapping[str, str]:
    return {
        "seestep": __version__,
        "recipe": f"{run.out}/recipe.yaml (resolved)",
        "base model": run.config.model,
        "seed": str(run.config.seed),
        "checkpoints": ", ".join(f"{k}: {v}" for k, v in run.models.items()),
        "seconds": ", ".join(f"{k} {v:.0f}" for k, v in run.seconds.items()),
        "peak memory": f"{peak_rss_mb():.0f} MB",
    }
