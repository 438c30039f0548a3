"""The model half of a run: the base evaluated, then each stage trained and evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import torch

from seestep.curate.select import SelectConfig, select
from seestep.evals.config import EvalConfig
from seestep.evals.engines.local import LocalEngine
from seestep.evals.run import predict, score
from seestep.families import Family
from seestep.models.fingerprint import weights_fingerprint
from seestep.models.load import load
from seestep.pipeline import eta, samples
from seestep.pipeline.base import resolve_model
from seestep.pipeline.config import Stage
from seestep.pipeline.state import Run
from seestep.records import Pair
from seestep.run import read_rows
from seestep.train.config import SftConfig
from seestep.train.stages import run_dpo, run_sft
from seestep.world import preferences


def make_models(run: Run, *, only: Sequence[str] | None = None) -> None:
    """Train every stage; evaluate the base before it all, and each stage (or ``only`` those)."""
    if run.config.threads:
        torch.set_num_threads(run.config.threads)
    run.models["base"] = resolve_model(run.config.model)
    asked = Asked(run)
    _exam(run, "base", only, asked)
    for stage in run.config.stages:
        with run.step(f"Training: {stage.name}"):
            run.models[stage.name] = train_stage(run, stage)
            run.tell(stage_words(stage))
        _exam(run, stage.name, only, asked)
    if only is None:
        for name in eta.floored(run.config):
            _blind_exam(run, name)


def _exam(run: Run, name: str, only: Sequence[str] | None, asked: Asked) -> None:
    if run.config.evaluate is None or (only is not None and name not in only):
        return
    with run.step(f"Evaluating {name}"):
        family = evaluate(run, name, run.models[name], run.config.evaluate)
    if only is None:  # one arm of many is no demo
        asked.show(name, family)


def _blind_exam(run: Run, name: str) -> None:
    assert run.config.evaluate is not None  # held by Pipeline
    config = msgspec.structs.replace(run.config.evaluate, control="wrong_image")
    with run.step(eta.blind_step(name)):
        evaluate(run, eta.blind_name(name), run.models[name], config)


class Asked:
    """The sample questions of a run, shown again after each model's evaluation."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._last: tuple[str, samples.Answers] | None = None
        self._items = samples.choose(list(run.suites.values())) if run.suites else {}

    def show(self, name: str, family: Family) -> None:
        """Say what the model ``name`` answers; after the first, beside the one before it."""
        run = self._run
        said = samples.answers(run.work / "evals" / name, self._items)
        if not said:
            return
        window = samples.Window(family, run.roots, run.look, run.work / "samples")
        if self._last is None:
            told = f"Some of the questions, and what {name} says; every stage is asked them too."
            lines = window.introduce(self._items, name, said)
        else:
            told = f"The same questions: {self._last[0]}, then {name}."
            lines = window.compare(self._items, self._last, (name, said))
        run.say("")
        run.say(samples.INDENT + run.look.paint(told, "bold"))
        for line in lines:
            run.say(line)
        self._last = (name, said)


def train_stage(run: Run, stage: Stage) -> Path:
    """Train one stage from what the run has made so far; returns its checkpoint."""
    names = {"base": run.models["base"], "previous": list(run.models.values())[-1]}
    start = _checkpoint(names, stage.config.model)
    out = run.work / "train" / stage.name
    folders = {part: _picked(run, stage, part) for part in ("records", "replay", "preferences")}
    data = msgspec.structs.replace(
        stage.config.data,
        records=tuple(str(f) for f in [folders["records"]] if f),
        replay=tuple(str(f) for f in [folders["replay"]] if f),
        replay_share=stage.replay_share if folders["replay"] else 0.0,
    )
    config = msgspec.structs.replace(stage.config, model=str(start), stage=stage.name, data=data)
    progress = run.progress(stage.name)
    if isinstance(config, SftConfig):
        if config.anchor is not None and config.anchor.to is not None:
            held = str(_checkpoint(names, config.anchor.to))
            anchor = msgspec.structs.replace(config.anchor, to=held)
            config = msgspec.structs.replace(config, anchor=anchor)
        return run_sft(config, out, roots=run.roots, progress=progress)
    pairs = list(read_rows(run.pairs, Pair))
    if folders["preferences"]:
        made = run.work / "data" / f"{stage.name}-pairs"
        preferences.build(made, folders["preferences"], seed=run.config.seed)
        pairs += read_rows(made, Pair)
    return run_dpo(config, out, pairs=pairs, roots=run.roots, progress=progress)


def _checkpoint(names: Mapping[str, Path], told: str) -> Path:
    """The folder of "base", "previous" or what else a stage names."""
    return names.get(told) or resolve_model(told)


def _picked(run: Run, stage: Stage, part: str) -> Path | None:
    """The folder of what a stage's ``part`` selects, None where it selects nothing."""
    wanted: SelectConfig | None = getattr(stage, part)
    if wanted is None:
        return None
    folder = run.work / "data" / f"{stage.name}-{part}"
    select(wanted, run.out, folder)
    return folder


def evaluate(run: Run, name: str, checkpoint: Path, config: EvalConfig) -> Family:
    """Ask a checkpoint every item of the run's suites and score its words; its family."""
    engine = LocalEngine(
        load(checkpoint), batch_size=config.batch_size, fingerprint=weights_fingerprint(checkpoint)
    )
    items = list(run.suites.values())
    folder = run.work / "evals" / name
    predict(engine, items, folder / "predictions", config, run.roots, progress=run.progress(name))
    scores = score(
        folder / "predictions", items, folder / "scores", engine.family, limit=config.limit
    )
    mean = sum(s.value for s in scores) / len(scores)
    parsed = sum(s.parsed for s in scores) / len(scores)
    run.tell(
        f"{len(scores):,} answers, {100 * mean:.1f} of 100 right, {100 * parsed:.0f} % readable"
    )
    return engine.family


def stage_words(stage: Stage) -> str:
    config = stage.config
    steps = (
        f"{config.max_steps} steps"
        if config.max_steps
        else f"{config.epochs:g} epoch{'' if config.epochs == 1 else 's'}"
    )
    return f"{config.method.upper()}, {steps}, learning rate {config.optim.lr:g}"
