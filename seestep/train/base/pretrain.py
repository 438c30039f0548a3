"""Pretrain the tiny base from nothing: homes -> views and questions -> stages -> checkpoint.

``pretrain(config, out)`` can be killed at any time and called again: finished cache files are kept
and training goes on from its last checkpoint, to the weights an uninterrupted run ends with.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

import numpy as np
import torch

from seestep import disk
from seestep.errors import RunError
from seestep.heap import keep_freed
from seestep.models.load import Loaded, save
from seestep.models.processor import Patches
from seestep.models.tiny.build import Shape, build
from seestep.models.tiny.tokenizer import train_tokenizer
from seestep.progress import Progress
from seestep.run import atomic_write, to_builtins
from seestep.train import checkpoint, engine, stages
from seestep.train.ahead import TOGETHER
from seestep.train.base.attention import packed_attention
from seestep.train.base.config import PretrainConfig
from seestep.train.base.corpus import Corpus
from seestep.train.base.domain import domain_texts, form_phrases
from seestep.train.base.lessons import Lessons, Steps
from seestep.train.base.pack import Packer
from seestep.train.base.trainer import PretrainTrainer, make_heads
from seestep.train.base.views import views
from seestep.train.order import Schedule
from seestep.train.seen import Looks, looking_once
from seestep.train.trainer import METRICS

VERSION = 10
SOURCE = "recipes/tiny/base.yaml"
TOKENIZER_TEXTS = 40_000
STAGE = "pretrain.json"
CHECKPOINT = "checkpoint"
PAUSE_S = 600  # two lines of metrics further apart than this have a kill between them


def pretrain(
    config: PretrainConfig, out: Path, *, shape: Shape | None = None, progress: Progress
) -> Path:
    """Make the base checkpoint in ``out``/checkpoint and return that folder.

    Also writes ``views/`` (pictures and questions), ``start/`` (the untrained checkpoint),
    ``checkpoints/`` (to go on from) and ``metrics.jsonl``. A finished ``out`` is returned as it is.

    Raises ``RunError`` when ``out`` belongs to another recipe or another process is in it.
    """
    shape, folder = shape or Shape(), out / CHECKPOINT
    out.mkdir(parents=True, exist_ok=True)
    with disk.locked(out):
        disk.sweep(out)
        _claim(out, config, shape)
        if (folder / "config.json").is_file():
            return folder
        torch.set_num_threads(config.threads)
        corpus = Corpus.join(
            shot
            for name, homes in config.data.parts.items()
            for _, shot in views(
                out / "views" / name, homes, config, shape, gold=False, progress=progress
            )
        )
        trained = train(config, out, corpus, shape, progress)
        save(trained, folder.with_suffix(".part"), source_run=SOURCE, dtype="float16")
        folder.with_suffix(".part").rename(folder)
    return folder


def train(
    config: PretrainConfig, out: Path, corpus: Corpus, shape: Shape, progress: Progress
) -> Loaded:
    """All stages on ``corpus``, from the last checkpoint in ``out`` if there is one."""
    loaded = _start(config, out / "start", corpus, shape)
    tokenizer = loaded.tokenizer
    packer = Packer(
        lambda text: list(tokenizer(text).input_ids),
        image_id=loaded.model.config.image_token_id,
        pad_id=tokenizer.pad_token_id,
        grid=shape.grid,
        form_weight=config.form_weight,
    )
    patches = Patches(loaded.processor.image_processor)
    told, total = config.engine(out / "start"), config.steps
    stages.quiet()
    if not torch.cuda.is_available():
        keep_freed()
    with (
        progress.child("pretrain") as bar,
        packed_attention(loaded.model),
        looking_once(loaded.model, config.states_mb) as looks,
    ):
        trainer = PretrainTrainer(
            loaded,
            told,
            engine.arguments(told, out / stages.CHECKPOINTS, steps=total),
            recipe=config,
            heads=make_heads(loaded, config.seed + 1),
            look_ahead=partial(_look_ahead, looks, corpus, patches) if looks else None,
            samples=Steps(total),
            collator=Lessons(config, corpus, packer, patches),
            schedule=Schedule(np.arange(total), total, 1, total, total),
            folder=out,
            progress=bar,
        )
        last = checkpoint.last_complete(out / stages.CHECKPOINTS)
        stages.trim(out / METRICS, int(last.name.removeprefix(checkpoint.PREFIX)) if last else 0)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    return loaded


def _look_ahead(looks: Looks, corpus: Corpus, patches: Patches) -> None:
    """All pictures, in batches that a run which goes on makes again the same."""
    starts = range(0, len(corpus.pictures), TOGETHER)
    looks.all_ahead(patches(corpus.pictures[i : i + TOGETHER]) for i in starts)


def minutes_spent(out: Path) -> float | None:
    """Wall-clock minutes of rendering and training, all attempts together; None if not known."""
    seconds = 0.0
    for log in out.glob("views/*/run.log.json"):
        told = json.loads(log.read_bytes())
        seconds += sum(told["shard_seconds"].values()) / told["workers"]
    file = out / METRICS
    if not file.is_file():
        return None
    times = [json.loads(line)["time"] for line in file.read_bytes().splitlines()]
    gaps = np.diff(times)
    steps = gaps[gaps < PAUSE_S]
    return float(seconds + steps.sum()) / 60 if len(steps) else None


def _start(config: PretrainConfig, folder: Path, corpus: Corpus, shape: Shape) -> Loaded:
    """The untrained checkpoint: a tokenizer of the corpus, random weights."""
    texts = [q.suffix + q.completion for g in corpus.groups for q in g]
    step = max(1, len(texts) // TOKENIZER_TEXTS)
    tokenizer = train_tokenizer(
        [*texts[::step], *domain_texts()], vocab=config.data.vocab, phrases=form_phrases()
    )
    loaded = build(config.family, shape=shape, tokenizer=tokenizer, seed=config.seed)
    save(loaded, folder, source_run=SOURCE)
    return loaded


def _claim(out: Path, config: PretrainConfig, shape: Shape) -> None:
    """Hold ``out`` to what decides the weights: the recipe without how the run is watched."""
    plain = to_builtins(config)
    for key in ("threads", "save_every", "log_every", "notes"):
        plain.pop(key)
    plain["data"] = {k: v for k, v in plain["data"].items() if k not in ("probe", "workers")}
    told = {"version": VERSION, "config": plain, "shape": to_builtins(shape)}
    print_ = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    file = out / STAGE
    if not file.is_file():
        data = json.dumps({"fingerprint": print_} | told, indent=1, sort_keys=True)
        atomic_write(file, data.encode() + b"\n")
        return
    found = json.loads(file.read_bytes())["fingerprint"]
    if found != print_:
        raise RunError(
            "this folder was made with another recipe",
            file=file,
            wanted=print_[:12],
            got=str(found)[:12],
            hint="choose another --out, or delete this folder to train anew",
        )
