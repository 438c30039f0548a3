"""The last step of a run: its report, from what is stored in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seestep import __version__
from seestep.models.load import load
from seestep.pipeline.models import stage_words
from seestep.pipeline.state import Run
from seestep.report.build import Inputs, ModelRun, build
from seestep.world.suites import PLAN

STEP = "Writing the report"

ONE_SEED = (
    "One seed. The intervals cover the choice of items, not the luck of a training run: "
    "train with other seeds before you believe a small change."
)


def make_report(run: Run) -> Path:
    """Write the run's page and results.json; returns the page."""
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
    with run.step(STEP, "one page, and results.json beside it"):
        return build(
            Inputs(
                title=run.config.title or run.config.name,
                summary=run.config.about,
                models=models,
                items=list(run.suites.values()),
                family=load(run.models["base"]).family,
                roots=run.roots,
                stages=_steps(run),
                pairs=run.pairs if run.config.world.episodes else None,
                apart=[PLAN],
                run_folder=str(run.out),
                facts=_facts(run),
                banners=[ONE_SEED],
            ),
            run.work / "report",
        )


def _steps(run: Run) -> list[tuple[str, Path]]:
    """Data steps of the run, in order, in a reader's words."""
    world = run.out / "world"
    names = {
        world / "homes": "questions asked in homes",
        world / "episodes" / "records": "records from episodes",
        run.out / "curated": "kept by curation",
        run.out / "thoughts": "with thoughts beside",
        run.pairs: "plan pairs proved",
    }
    folders = [*run.folders, *list(names)[2:]]
    return [(names.get(f, f.name), f) for f in folders if (f / "manifest.json").is_file()]


def _facts(run: Run) -> Mapping[str, str]:
    # The step that writes this page is left out, so that writing it again changes nothing.
    took = {k: t for k, t in run.timings.steps.items() if k != STEP}
    memory = max((t.peak_mb for t in took.values()), default=0.0)
    stages = run.config.stages
    return {
        "seestep": __version__,
        "recipe": f"{run.out}/recipe.yaml (resolved)",
        "base model": run.config.model,
        "seed": str(run.config.seed),
        "stages": "; ".join(f"{s.name}: {stage_words(s)}" for s in stages) or "none",
        "checkpoints": "; ".join(f"{k}: {v}" for k, v in run.models.items()),
        "took": "; ".join(f"{k} {t.seconds:.0f} s" for k, t in took.items()) or "not noted",
        "peak memory": f"{memory:.0f} MB" if memory else "not noted",
        "numbers": "results.json beside this page: every cell with n, interval, p, Holm p and MDE",
    }
