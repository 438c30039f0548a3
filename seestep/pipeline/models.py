"""The model half of a run: stages trained in order, then everything evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch

from seestep.curate.select import SelectConfig, select
from seestep.evals.config import EvalConfig
from seestep.evals.engines.local import LocalEngine, weights_fingerprint
from seestep.evals.run import predict, score
from seestep.models.load import load
from seestep.pipeline.base import resolve_model
from seestep.pipeline.config import Stage
from seestep.pipeline.state import Run
from seestep.records import Pair
from seestep.run import read_rows
from seestep.train.config import SftConfig
from seestep.train.stages import run_dpo, run_sft
from seestep.world import preferences


def make_models(run: Run, *, only: Sequence[str] | None = None) -> None:
    """Train every stage, then evaluate the base and each of them (or ``only`` those named)."""
    if run.config.threads:
        torch.set_num_threads(run.config.threads)
    run.models["base"] = resolve_model(run.config.model)
    for stage in run.config.stages:
        with run.step(f"Training: {stage.name}", stage_words(stage)):
            run.models[stage.name] = train_stage(run, stage)
    if run.config.evaluate is not None:
        for name, checkpoint in run.models.items():
            if only is not None and name not in only:
                continue
            with run.step(f"Evaluating {name}", "every suite, raw answers kept"):
                evaluate(run, name, checkpoint, run.config.evaluate)


def train_stage(run: Run, stage: Stage) -> Path:
    """Train one stage from what the run has made so far; returns its checkpoint."""
    names = {"base": run.models["base"], "previous": list(run.models.values())[-1]}
    told = stage.config.model
    start = names.get(told) or resolve_model(told)
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
        return run_sft(config, out, roots=run.roots, progress=progress)
    pairs = list(read_rows(run.pairs, Pair))
    if folders["preferences"]:
        made = run.work / "data" / f"{stage.name}-pairs"
        preferences.build(made, folders["preferences"], seed=run.config.seed)
        pairs += read_rows(made, Pair)
    return run_dpo(config, out, pairs=pairs, roots=run.roots, progress=progress)


def _picked(run: Run, stage: Stage, part: str) -> Path | None:
    """The folder of what a stage's ``part`` selects, None where it selects nothing."""
    wanted: SelectConfig | None = getattr(stage, part)
    if wanted is None:
        return None
    folder = run.work / "data" / f"{stage.name}-{part}"
    select(wanted, run.out, folder)
    return folder


def evaluate(run: Run, name: str, checkpoint: Path, config: EvalConfig) -> None:
    """Ask a checkpoint every item of the run's suites and score its words."""
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
    run.say(f"   {len(scores)} answers, {100 * mean:.1f} right, {100 * parsed:.0f} % readable")


def stage_words(stage: Stage) -> str:
    config = stage.config
    steps = (
        f"{config.max_steps} steps"
        if config.max_steps
        else f"{config.epochs:g} epoch{'' if config.epochs == 1 else 's'}"
    )
    return f"{config.method.upper()}, {steps}, learning rate {config.optim.lr:g}"
