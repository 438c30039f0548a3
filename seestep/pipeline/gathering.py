"""What the jobs of an evidence run left on disk, as ``study.results.Results``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from seestep import __version__
from seestep.evals.chance import chance
from seestep.evals.run import load_items
from seestep.families import Family
from seestep.pipeline.arms import PLAN_SUITES, arm, blind_name, scores_of, up_to
from seestep.pipeline.base import resolve_model
from seestep.pipeline.evidence import Evidence, Job, Part, jobs, stage_steps
from seestep.pipeline.models import stage_words
from seestep.pipeline.state import Run
from seestep.records import Item, Prediction, Score
from seestep.run import commit_of, read_rows
from seestep.study.ablate import settings_rows
from seestep.study.evidence import Seeds
from seestep.study.public import asks_fractions, public_id, public_scores
from seestep.study.results import (
    BASE,
    REFERENCE,
    Arm,
    Asked,
    Results,
    Suites,
    arm_parts,
    stage_parts,
)
from seestep.train.checkpoint import weights_sha256
from seestep.train.config import SftConfig
from seestep.train.stages import speaker


def gather(config: Evidence, data: Run, out: Path) -> Results | None:
    """Read every finished job; None while no seed of the reference is done."""
    every = jobs(config)
    finished = [job for job in every if job.done(out) is not None]
    seeds = [job for job in finished if job.name == REFERENCE]
    if not seeds or every[0] not in finished:
        return None
    told = config.world.suites
    assert told is not None and config.evaluate is not None  # held by Evidence
    items = {i.id: i for i in load_items(list(data.suites.values()), config.evaluate.limit)}
    base_model = resolve_model(config.model)
    family = speaker(SftConfig(model=str(base_model)), data.roots).encoder.family
    reader = _Reader(items, family, out)
    suites = Suites(frozenset(told.wanted) - PLAN_SUITES, PLAN_SUITES)
    rules = config.evidence.rules
    base = reader.scores(every[0], BASE)
    stages = {
        stage.name: Asked(
            seen=[reader.scores(job, stage.name) for job in seeds],
            blind=[reader.scores(job, blind_name(stage.name, "plans")) for job in seeds],
        )
        for stage in config.stages
    }
    wrong_plans = reader.scores(every[0], blind_name(BASE, "plans"))
    wrong = [*reader.scores(every[0], blind_name(BASE, "rest")), *wrong_plans]
    parts = stage_parts(
        Asked(seen=[base], blind=[wrong_plans]), wrong, stages, reader.guesses(), rules,
        suites=suites,
    )  # fmt: skip
    reference = [reader.scores(job, config.last) for job in seeds if _is_arm_seed(config, job)]
    runs: dict[str, Seeds] = {}
    arms: list[Arm] = []
    for job in finished:
        if job.setting is None or any(a.name == job.name for a in arms):
            continue
        same = [other for other in finished if other.name == job.name]
        if len(same) != len(reference):
            continue  # its other seeds are still to come
        runs[job.name] = [reader.scores(other, config.last) for other in same]
        arms.append(_arm(job, same, out))
    if runs:
        parts |= arm_parts([base], reference, runs, parts["facts"], rules, suites=suites)
        parts["settings"] = _settings(config, arms, parts["arm_suite"].mean)
    gone = [j for j in every if j not in finished]
    return Results(
        title=config.title or config.name,
        about=config.about,
        made=_made(config, base_model, finished, data, out),
        rules=rules,
        seeds=tuple(job.seed for job in seeds),
        stages=tuple(s.name for s in config.stages),
        until=config.last,
        missing=tuple(f"{j.name}, seed {j.seed}" for j in gone),
        arms=tuple(arms),
        **parts,
    )


class _Reader:
    """Stored scores of a job, with those of the public reader beside them."""

    def __init__(self, items: Mapping[str, Item], family: Family, out: Path) -> None:
        self.items, self.family, self.out = items, family, out

    def scores(self, job: Job, name: str) -> list[Score]:
        work = job.work(self.out)
        said = read_rows(work / "evals" / name / "predictions", Prediction)
        return [*scores_of(work, name), *public_scores(self.items, said, self.family)]

    def guesses(self) -> dict[str, float | None]:
        """Chance by item, and again for its second score."""
        known = {key: chance(item) for key, item in self.items.items()}
        twice = [key for key, item in self.items.items() if asks_fractions(item)]
        return known | {public_id(key): known[key] for key in twice}


def _is_arm_seed(config: Evidence, job: Job) -> bool:
    return job.seed in config.evidence.arm_seeds


def _arm(job: Job, same: Sequence[Job], out: Path) -> Arm:
    assert job.setting is not None and job.part != "seeds"  # the reference is no arm
    folder = out / "arms" / job.name
    steps = {s.name: stage_steps(folder, s.name) or 0 for s in job.config.stages}
    return Arm(
        name=job.name,
        part=job.part,
        about=job.setting.about,
        causes=tuple(job.setting.causes),
        seeds=tuple(other.seed for other in same),
        steps=steps,
    )


def _settings(
    config: Evidence, arms: Sequence[Arm], mean: Mapping[str, Any]
) -> tuple[dict[str, Any], ...]:
    """The settings table of the ablations: options of the last SFT stage, the computed mean."""
    done = {a.name for a in arms}
    told = {REFERENCE: config.pipeline} | {
        s.name: arm(config.pipeline, s) for s in config.evidence.ablations if s.name in done
    }
    sft = {
        name: [s.sft for s in up_to(p, config.last).stages if s.sft][-1] for name, p in told.items()
    }
    return tuple(
        settings_rows(sft, config.evidence.compare, {name: mean[name].score for name in sft})
    )


def _made(
    config: Evidence, base: Path, finished: Sequence[Job], data: Run, out: Path
) -> dict[str, str]:
    """How the run was made, in a reader's words; no path of this machine."""
    world, proof = config.world, config.evidence
    minutes: dict[Part | str, float] = {"data": sum(data.seconds.values())}
    for job in finished:
        took = job.done(out)
        assert took is not None
        steps = sum(step.seconds for step in took.steps.values())
        minutes[job.part] = minutes.get(job.part, 0.0) + steps
    homes = {
        "training questions": world.homes.seeds if world.homes else None,
        "suites": world.suites.seeds if world.suites else None,
    }
    spans = [f"{what} {s[0]} to {s[-1]}" for what, s in homes.items() if s is not None]
    if world.episodes is not None:
        play = world.episodes
        spans.insert(1, f"episodes: {play.homes} {play.purpose} homes from number {play.first}")
    return {
        "base": f"{config.model}, weights sha256 {weights_sha256(base)[:16]}",
        "seestep": f"{__version__}; {commits(finished, out)}",
        "stages": "; ".join(f"{s.name}: {stage_words(s)}" for s in config.stages),
        "training seeds": ", ".join(map(str, proof.seeds))
        + " (order of samples and every draw); arms: "
        + ", ".join(map(str, proof.arm_seeds)),
        "homes, by seed": "; ".join(spans),
        "evaluation": _evaluation(config),
        "how the recipe was chosen": proof.chosen or "not said",
        "minutes": "; ".join(f"{what} {s / 60:.0f}" for what, s in minutes.items()),
    }


def commits(finished: Sequence[Job], out: Path) -> str:
    """The commits of the code that answered, each with its jobs."""
    by: dict[str, list[str]] = {}
    for job in finished:
        answers = sorted(job.work(out).glob("evals/*/predictions"))
        for commit in sorted({_short(commit_of(folder)) for folder in answers}):
            by.setdefault(commit, []).append(f"{job.name} {job.seed}")
    return "; ".join(f"{commit}: {', '.join(names)}" for commit, names in by.items())


def _short(commit: str | None) -> str:
    """A commit as people write it; whether the code had been edited is kept."""
    if commit is None:
        return "commit not known"
    name, _, edited = commit.partition("+")
    return f"{name[:12]} with {edited}" if edited else name[:12]


def _evaluation(config: Evidence) -> str:
    plain = msgspec.to_builtins(config.evaluate)
    return ", ".join(f"{key} {value}" for key, value in plain.items() if value is not None)
