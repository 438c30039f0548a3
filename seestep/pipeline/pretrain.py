"""``seestep pretrain``: the base is made, then tested in homes of its own, then told about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import torch

from seestep import disk
from seestep.errors import RunError
from seestep.models.load import load
from seestep.models.tiny.build import Shape
from seestep.pipeline.abilities import Ability, by_family, by_group
from seestep.pipeline.basecard import model_card
from seestep.progress import Progress
from seestep.run import atomic_write
from seestep.train import checkpoint as checkpoints
from seestep.train.base.config import PretrainConfig
from seestep.train.base.pretrain import CHECKPOINT, minutes_spent, pretrain
from seestep.train.base.probe import Tried, probe
from seestep.train.base.views import views

PROBE = "probe.json"
CARD = "MODEL_CARD.md"


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """``probe.json``: the tables of the card, and every answer behind them."""

    weights_sha256: str
    seeds: tuple[int, int]  # of the homes: first, and the one after the last
    groups: list[Ability]
    families: list[Ability]
    items: list[Tried]


def make_base(
    config: PretrainConfig,
    out: Path,
    *,
    shape: Shape | None = None,
    progress: Progress | None = None,
) -> tuple[Path, Probed]:
    """Pretrain into ``out``, test the result and write its card; or go on where that stopped."""
    progress = progress or Progress()
    folder = pretrain(config, out, shape=shape, progress=progress)
    done = out / PROBE
    if done.is_file() and (folder / CARD).is_file():
        found = msgspec.json.decode(done.read_bytes(), type=Probed)
        if found.weights_sha256 == checkpoints.weights_sha256(folder):
            return folder, found
    return folder, probe_base(config, out, folder, shape=shape, progress=progress)


def probe_base(
    config: PretrainConfig,
    out: Path,
    folder: Path | None = None,
    *,
    shape: Shape | None = None,
    progress: Progress | None = None,
) -> Probed:
    """Score a checkpoint on the recipe's test homes; writes ``out``/probe.json and its card.

    ``folder`` is ``out``/checkpoint where it is not given. The views of those homes are kept in
    ``out``/probe.
    """
    progress, folder = progress or Progress(), folder or out / CHECKPOINT
    if not (folder / "config.json").is_file():
        raise RunError("there is no checkpoint to test", file=folder, hint="pretrain it first")
    torch.set_num_threads(config.threads)
    with disk.locked(out):
        told, seen = config.data.probe, shape or Shape()
        homes = list(views(out / "probe", told, config, seen, gold=True, progress=progress))
        loaded = load(folder)
        with progress.child("answers") as bar:
            items = probe(loaded, homes, note=bar.update)
        found = Probed(
            weights_sha256=checkpoints.weights_sha256(folder),
            seeds=(told.seeds.start, told.seeds.stop),
            groups=by_group(items),
            families=by_family(items),
            items=items,
        )
        atomic_write(out / PROBE, msgspec.json.format(msgspec.json.encode(found), indent=1))
        card = model_card(
            loaded,
            config,
            found.groups,
            found.families,
            weights=found.weights_sha256,
            minutes=minutes_spent(out),
        )
        atomic_write(folder / CARD, card.encode())
    return found


def describe(config: PretrainConfig, out: Path) -> list[str]:
    """What a run would do, for a dry run; nothing is written."""
    lines = []
    for name, homes in config.data.parts.items():
        seeds = homes.seeds
        lines.append(f"{name}: {homes.homes} homes, seeds {seeds.start} to {seeds.stop - 1}")
    tested = config.data.probe.seeds
    lines.append(f"test: {len(tested)} homes, seeds {tested.start} to {tested.stop - 1}")
    for name, stage in config.stages:
        what = "pictures" if name == "vision" else f"looks with {config.questions} questions"
        lines.append(f"{name}: {stage.steps} steps of {stage.batch} {what}")
    last = checkpoints.last_complete(out / "checkpoints")
    if (out / CHECKPOINT / "config.json").is_file():
        lines.append(f"{out}: trained already")
    elif last is not None:
        step = json.loads((last / "trainer_state.json").read_bytes())["global_step"]
        lines.append(f"{out}: goes on after step {step} of {config.steps}")
    return lines


def summary(found: Probed) -> list[dict[str, Any]]:
    """Group, score, interval, control and bar, for a program."""
    keys = ("name", "n", "score", "low", "high", "chance", "control", "bar")
    return [{k: getattr(a, k) for k in keys} | {"passed": a.passed} for a in found.groups]
