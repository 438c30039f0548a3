"""The last step of a run: its report, from what is stored in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seestep import __version__
from seestep.models.load import load
from seestep.pipeline import eta
from seestep.pipeline.eta import REPORT
from seestep.pipeline.models import stage_words
from seestep.pipeline.state import Run
from seestep.report.build import Inputs, ModelRun, build
from seestep.world.suites import PLAN

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
            _blind(run, name),
        )
        for name in run.models
    ]
    with run.step(REPORT):
        page = build(
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
                done=_done(run),
                plans=PLAN,
            ),
            run.work / "report",
        )
        run.tell("one page, and all its numbers in results.json beside it")
        return page


def _blind(run: Run, name: str) -> Path | None:
    if name not in eta.floored(run.config):
        return None
    return run.work / "evals" / eta.blind_name(name) / "scores"


def _done(run: Run) -> list[tuple[str, str]]:
    """The run's steps and why, without start-up, the report and the exams between stages."""
    stages = {f"Training: {s.name}": stage_words(s) for s in run.config.stages}
    between = {f"Evaluating {name}" for name in run.models if name != "base"}
    told = []
    for step in run.plan:
        if step.name in stages:
            why = f"{step.why} Then the same exam again." if run.config.evaluate else step.why
            told.append((f"{step.name} ({stages[step.name]}).", why))
        elif step.kind not in ("start", "report") and step.name not in between:
            told.append((f"{step.name}.", step.why))
    return told


def _steps(run: Run) -> list[tuple[str, Path]]:
    """Data steps of the run, in order, in a reader's words."""
    world = run.out / "world"
    names = {
        world / "homes": "questions asked in homes",
        world / "episodes" / "records": "records from episodes",
        run.out / "curated": "kept by curation",
        run.out / "thoughts": "with thoughts beside",
        run.out / "judged": "passed by the judge",
        run.pairs: "plan pairs proved",
    }
    folders = [*run.folders, *list(names)[2:]]
    return [(names.get(f, f.name), f) for f in folders if (f / "manifest.json").is_file()]


def _facts(run: Run) -> Mapping[str, str]:
    # The step that writes this page is left out, so that writing it again changes nothing.
    took = {k: t for k, t in run.timings.steps.items() if k != REPORT}
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
