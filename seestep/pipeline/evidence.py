"""An evidence run: the stages from several seeds, control arms and ablations, on one set of data.

Every job (one arm at one seed) is done once and kept; the report tells of what is there and names
what is missing, so that the parts can be run alone and in any order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec

from seestep import recipe
from seestep.disk import atomic_write
from seestep.evals.run import item_folders
from seestep.pipeline import check_first, finish, own
from seestep.pipeline.arms import (
    PLAN_SUITES,
    Blind,
    Done,
    arm,
    done,
    run_arm,
    seeded,
    up_to,
    write_spoilt,
)
from seestep.pipeline.config import Config, Pipeline, Stage
from seestep.pipeline.data import known_data, make_data
from seestep.pipeline.eta import WARM_UP
from seestep.pipeline.state import Run
from seestep.progress import Mode
from seestep.run import read_manifest
from seestep.study.ablate import Setting
from seestep.study.evidence import Rules
from seestep.study.results import BASE, REFERENCE, WRONG
from seestep.terminal import about
from seestep.workers import Pool
from seestep.world.suites import MORE, SuitesConfig

Part = Literal["seeds", "controls", "ablations"]
PARTS: tuple[Part, ...] = ("seeds", "controls", "ablations")


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one job takes where nothing was measured yet, in seconds.

    ``--dry-run`` adds it up; a run corrects it by what its jobs really take.
    """

    data: float = 0.0
    stages: dict[str, float] = {}
    items_per_second: float = 60.0

    def __post_init__(self) -> None:
        if self.items_per_second <= 0 or self.data < 0 or min(self.stages.values(), default=0) < 0:
            raise ValueError(
                "evidence.expected takes more than 0 items a second and no negative seconds"
            )


class Proof(Config, frozen=True, kw_only=True):
    """What is trained besides the pipeline itself, and how it is judged.

    ``until`` is the stage that control arms and ablations stop after; they are compared with the
    reference's checkpoint of the same stage and seeds. ``chosen`` says how the recipe was found.
    ``side_by_side`` jobs run at once, each in a process of its own with the pipeline's ``threads``:
    of a tiny model two with one thread are done sooner than one with two after the other.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    arm_seeds: tuple[int, ...] = (0,)
    until: str | None = None
    controls: tuple[Setting, ...] = ()
    ablations: tuple[Setting, ...] = ()
    compare: tuple[str, ...] = ()  # dotted training options shown in the settings table
    rules: Rules = Rules()
    chosen: str = ""
    side_by_side: int = 1
    expected: Expected = Expected()

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"evidence.seeds must be some, each once: {self.seeds}")
        if not self.arm_seeds or not set(self.arm_seeds) <= set(self.seeds):
            raise ValueError("evidence.arm_seeds must be some of evidence.seeds")
        if self.side_by_side < 1:
            raise ValueError("evidence.side_by_side must be at least 1")
        names = [s.name for s in (*self.controls, *self.ablations)]
        if len({*names, BASE, REFERENCE, WRONG}) != len(names) + 3:
            raise ValueError(f"arms need names that differ from each other and {REFERENCE}")
        if loose := [s.name for s in self.ablations if s.together]:
            raise ValueError(f"an ablation changes exactly one key: {', '.join(loose)}")


class Evidence(Pipeline, frozen=True, kw_only=True):
    """A pipeline recipe with one section more. Based on a recipe it has its very stages."""

    evidence: Proof

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.evaluate is None or not self.stages or self.evaluate.control != "none":
            raise ValueError("an evidence run needs stages and evaluate, control none")
        if self.world.suites is None or not self.world.suites.plans:
            raise ValueError("an evidence run needs world.suites with plans")
        names = [s.name for s in self.stages]
        if self.evidence.until not in (None, *names):
            raise ValueError(f"evidence.until must be a stage: {', '.join(names)}")
        spoilt = any(s.sabotage for s in self.evidence.controls)
        if spoilt and any(s.dpo for s in self.stages[: names.index(self.last) + 1]):
            raise ValueError("pairs are never spoilt: let evidence.until stop before DPO")

    @property
    def last(self) -> str:
        """The stage that arms stop after."""
        return self.evidence.until or self.stages[-1].name

    @property
    def pipeline(self) -> Pipeline:
        """The recipe without its evidence."""
        return Pipeline(**{name: getattr(self, name) for name in Pipeline.__struct_fields__})


@dataclass(frozen=True)
class Job:
    """One arm at one seed: what to train, what to evaluate, with which suites blind as well."""

    part: Part
    name: str
    seed: int
    config: Pipeline
    only: tuple[str, ...]
    blind: tuple[Blind, ...] = ()
    setting: Setting | None = None

    def work(self, out: Path) -> Path:
        return out / "arms" / self.name / f"seed-{self.seed}"

    def done(self, out: Path) -> Done | None:
        return done(self.work(out), self.config, self.only, self.blind)


def jobs(config: Evidence) -> list[Job]:
    """Every job, in order: base, the reference's seeds, control arms, ablations."""
    proof, reference = config.evidence, config.pipeline
    bare = msgspec.structs.replace(reference, stages=())
    made = [Job("seeds", BASE, 0, bare, (BASE,), ("rest", "plans"))]
    names = tuple(s.name for s in reference.stages)
    for seed in proof.seeds:
        told = seeded(reference, seed)
        made.append(Job("seeds", REFERENCE, seed, told, names, ("plans",)))
    arms: list[tuple[Part, tuple[Setting, ...]]] = [
        ("controls", proof.controls), ("ablations", proof.ablations)
    ]  # fmt: skip
    for part, settings in arms:
        for setting in settings:
            changed = up_to(arm(reference, setting), config.last)
            made += [
                Job(part, setting.name, s, seeded(changed, s), (config.last,), (), setting)
                for s in proof.arm_seeds
            ]
    return made


def run_evidence(
    config: Evidence,
    out: Path,
    *,
    only: Sequence[Part] = PARTS,
    publish: Path | None = None,
    mode: Mode = "auto",
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Do the jobs of the parts ``only`` that are not done, then write the report of all that are.

    ``publish`` is a folder that gets results.md and results.json as well.
    """
    with own(out, recipe.resolved(config)):
        check_first(config.pipeline)
        data = Run(config.pipeline, out, out, mode, say)
        # how long jobs take is told job by job; until then what is left is what is left of the data
        data.plan = [s for s in data.plan if s.kind == "data" or s.name == WARM_UP]
        make_data(data)
        todo = _wanted_jobs(config, only)
        if config.evidence.side_by_side == 1:
            for n, job in enumerate(todo, 1):
                say(f"--- {n} of {len(todo)}: {_job_words(job)}")
                _write_spoilt(data, [job])
                run_arm(data, job.config, job.work(out), only=job.only, blind=job.blind)
        else:
            _side_by_side(config, data, [job for job in todo if job.done(out) is None])
        page = _report(config, data, out, publish)
        return finish(data, page)


def _wanted_jobs(config: Evidence, only: Sequence[Part]) -> list[Job]:
    """The jobs of the parts ``only``; all parts are held against base."""
    return [job for job in jobs(config) if job.part in only or job.name == BASE]


def _side_by_side(config: Evidence, data: Run, todo: Sequence[Job]) -> None:
    """Do jobs several at once, each told about when it is done."""
    _write_spoilt(data, todo)
    proof, items = config.evidence, _items(data.out)
    guess = {_job_words(job): _expected(job, items, proof.expected) for job in todo}
    rest, took = sum(guess.values()), 0.0
    first = f", {about(rest / proof.side_by_side)}" if todo and proof.expected.stages else ""
    data.say(f"--- {len(todo)} jobs, {proof.side_by_side} at once{first}")
    with Pool(proof.side_by_side) as pool:
        for n, (job, seconds) in enumerate(
            pool.each(partial(_alone, data.config, data.out), todo), 1
        ):
            took += seconds
            rest -= guess[_job_words(job)]
            at_once = min(proof.side_by_side, len(todo) - n) or 1
            left = remaining(rest, sum(guess.values()) - rest, took, at_once)
            data.say(
                f"--- {n} of {len(todo)} done: {_job_words(job)} ({_minutes(seconds)})"
                + (f"; {about(left)} left" if n < len(todo) else "")
            )


def remaining(rest: float, done: float, took: float, side_by_side: int) -> float:
    """Seconds until all is done: what was guessed for the rest, by as much as the guess was off.

    ``rest`` and ``done`` are guessed seconds of jobs not done and done, ``took`` what the latter
    really took. Jobs that run now count as not done.
    """
    return rest * took / max(done, 1e-9) / side_by_side


def _alone(config: Pipeline, out: Path, job: Job) -> tuple[Job, float]:
    """One job by this process, silently; its data are made.

    Returns it with its seconds, those of earlier calls that were stopped among them.
    """
    data = Run(config, out, out, "none", lambda _: None)
    known_data(data)
    made = run_arm(data, job.config, job.work(out), only=job.only, blind=job.blind)
    return job, made.seconds


def _write_spoilt(data: Run, todo: Sequence[Job]) -> None:
    for job in todo:
        if job.setting and job.setting.sabotage and job.done(data.out) is None:
            write_spoilt(data, job.config, job.setting.sabotage)


def _job_words(job: Job) -> str:
    causes = ", ".join(job.setting.causes) if job.setting else "as the recipe says"
    return f"{job.name}, seed {job.seed} ({causes})"


def _report(config: Evidence, data: Run, out: Path, publish: Path | None) -> Path | None:
    from seestep.pipeline.gathering import gather
    from seestep.report.evidence import write

    results = gather(config, data, out)
    if results is None:
        data.say("No seed of the reference is done yet, so there is nothing to report.")
        return None
    page = write(results, out / "report")
    if publish is not None:
        for name in ("results.md", "results.json"):
            atomic_write(publish / name, (out / "report" / name).read_bytes())
        data.say(f"   also in {publish}: results.md, results.json")
    return page


def preview(config: Evidence, out: Path, *, only: Sequence[Part] = PARTS) -> list[str]:
    """Lines on what is to be done of ``only`` and what is expected of it; writes nothing."""
    suites = config.world.suites
    assert suites is not None  # held by __post_init__
    made = _items(out)
    items = made or _wanted(suites)
    expected = config.evidence.expected
    roughly = "" if made else "about "
    span = f"{suites.seeds[0]} to {suites.seeds[-1]}"
    lines = [
        f"{roughly}{sum(items.values()):,} items in {len(items)} suites; homes {span}",
        f"data: {'done' if made else _minutes(expected.data)}",
    ]
    left = 0.0 if made else expected.data
    for job in _wanted_jobs(config, only):
        head = f"{job.part}: {job.name}, seed {job.seed}"
        found = job.done(out)
        if found is not None:
            lines.append(f"{head}: done in {_minutes(found.seconds)}")
            continue
        seconds = _expected(job, items, expected)
        left += seconds / config.evidence.side_by_side
        causes = f"{', '.join(job.setting.causes)}; " if job.setting else ""
        stages = ", ".join(_stage_words(s, out) for s in job.config.stages) or "no training"
        told = f"{causes}{stages}; evaluates {', '.join(job.only)}"
        lines.append(f"{head}: {told}: {_minutes(seconds)}")
    return [*lines, f"left to do: about {_minutes(left)}"]


def _expected(job: Job, items: dict[str, int], expected: Expected) -> float:
    plans = sum(n for name, n in items.items() if name in PLAN_SUITES)
    rest = sum(items.values()) - plans
    asked = plans + rest + sum({"plans": plans, "rest": rest}[label] for label in job.blind)
    training = sum(expected.stages.get(s.name, 0.0) for s in job.config.stages)
    return training + len(job.only) * asked / expected.items_per_second


def _stage_words(stage: Stage, out: Path) -> str:
    """A stage with its steps, where the reference has been trained."""
    steps = stage_steps(out / "arms" / REFERENCE, stage.name)
    return f"{stage.name} ({steps} steps in the reference)" if steps else stage.name


def stage_steps(arm_folder: Path, stage: str) -> int | None:
    """Optimiser steps of a trained stage of an arm, from its first seed that has it."""
    for file in sorted(arm_folder.glob(f"seed-*/train/{stage}/manifest.json")):
        return int(json.loads(file.read_bytes())["steps"])
    return None


def _items(out: Path) -> dict[str, int]:
    """Suite -> its number of items, once the data are made."""
    if not (out / "curated" / "manifest.json").is_file():
        return {}
    folders = item_folders([out / "world" / "suites"])
    return {folder.name: read_manifest(folder).counts["out"] for folder in folders}


def _wanted(suites: SuitesConfig) -> dict[str, int]:
    """Suite -> the items it is to have; one more stands for all that skills lack in these."""
    sizes = {name: suites.size(name) for name in suites.wanted}
    lack = sum(map(suites.of_skill, suites.skills)) - sum(sizes.values())
    return sizes | {f"{MORE}skills": lack} if lack > 0 else sizes


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes"
