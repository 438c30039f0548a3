"""Pretrain the tiny base from nothing: homes -> views and questions -> two stages -> checkpoint.

``run(config, out)`` can be killed at any time and called again: finished cache files are kept and
training goes on from its last state.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import torch

from seestep import families
from seestep.models import card as cards
from seestep.models.load import load, save
from seestep.models.processor import make_image_processor, make_processor
from seestep.models.tiny.asked import COLORS, TYPES, to_shot
from seestep.models.tiny.build import Shape, build
from seestep.models.tiny.config import PretrainConfig
from seestep.models.tiny.corpus import Corpus, Shot, read_shard, write_shard
from seestep.models.tiny.domain import domain_texts, form_phrases
from seestep.models.tiny.learn import make_learner, train
from seestep.models.tiny.probe import probe, write_model_card
from seestep.models.tiny.tokenizer import TEMPLATE, train_tokenizer
from seestep.progress import Progress
from seestep.run import ShardResult, shard_stage, side_files
from seestep.world.homes import HomesConfig, ask_shot, look_around

VERSION = 2
TOKENIZER_TEXTS = 40_000


def run(config: PretrainConfig, out: str | Path, *, shape: Shape | None = None) -> Path:
    """Make the base checkpoint in ``out``/checkpoint and return that folder.

    Also writes ``views/`` and ``probe/`` (pictures and questions), ``metrics.jsonl``, ``start/``
    (the untrained checkpoint), ``state.pt`` (its weights now, to resume) and, in the checkpoint,
    ``MODEL_CARD.md`` with the score of every ability on homes it never saw.
    """
    out, shape = Path(out), shape or Shape()
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(config.threads)
    began = time.time()
    corpus = Corpus.join(
        shot
        for name, homes in config.data.parts.items()
        for shot in _shots(out / "views" / name, homes, config, shape, gold=False)
    )
    texts = [q.suffix + q.completion for g in corpus.groups for q in g]
    step = max(1, len(texts) // TOKENIZER_TEXTS)
    tokenizer = train_tokenizer(
        [*texts[::step], *domain_texts()], vocab=config.data.vocab, phrases=form_phrases()
    )
    loaded = build(config.family, shape=shape, tokenizer=tokenizer, seed=config.seed)
    save(loaded, out / "start", source_run="recipes/tiny/base.yaml")  # what state.pt fits
    learner = make_learner(config, loaded, corpus, (len(TYPES), len(COLORS)), shape.grid)
    state = out / "state.pt"
    if state.is_file():
        learner.restore(state)
    metrics = out / "metrics.jsonl"
    with metrics.open("a") as log, Progress("pretrain") as bar:
        train(learner, state, partial(_note, log, bar, config.log_every))
    folder = out / "checkpoint"
    save(loaded, folder, source_run="recipes/tiny/base.yaml", dtype="float16")
    test(config, folder, out, minutes=(time.time() - began) / 60)
    return folder


def test(config: PretrainConfig, folder: Path, out: Path, *, minutes: float | None = None) -> None:
    """Score the saved checkpoint on fresh homes and write its ``MODEL_CARD.md``."""
    loaded = load(folder)
    shape = Shape()
    unseen = Corpus.join(_shots(out / "probe", config.data.probe, config, shape))
    scores = probe(loaded, unseen)
    (out / "probe.json").write_text(json.dumps(scores, indent=1) + "\n")
    write_model_card(folder, loaded, config, scores, minutes=minutes)


def _shots(
    folder: Path, homes: HomesConfig, config: PretrainConfig, shape: Shape, *, gold: bool = True
) -> Iterator[Shot]:
    with Progress(f"homes for {folder.name}") as bar:
        shard_stage(
            folder,
            stage="tiny.views",
            version=VERSION,
            config={"homes": homes, "family": config.family, "shape": shape, "gold": gold},
            inputs=[],
            shards=-(-homes.homes // homes.shard_homes),
            work=partial(_look, homes, config.family, shape, gold),
            workers=config.data.workers,
            progress=bar,
        )
    for file in sorted(side_files(folder)):
        yield from read_shard(file)


def _look(homes: HomesConfig, family_name: str, shape: Shape, gold: bool, n: int) -> ShardResult:
    """One cache file: the homes of shard ``n`` seen, asked about and written as text."""
    torch.set_num_threads(1)
    family = families.get(family_name)
    pixels = shape.image**2
    image = make_image_processor(shape.patch, shape.merge, pixels, pixels, 0.5, 0.25)
    blank = train_tokenizer([], vocab=512)  # only its chat template is used here
    processor = make_processor(family.model_types[0], image, blank, TEMPLATE)
    family = family.with_processor(**cards.image_limits(processor))
    seeds = homes.seeds[n * homes.shard_homes : (n + 1) * homes.shard_homes]
    made = []
    for home in look_around(seeds, homes.views, seed=homes.seed, clutter=homes.clutter):
        looks = [view.look for shot in home for view in shot]
        records = [record for shot in home for record in ask_shot(shot, homes)[0]]
        if looks and records:
            made.append(to_shot(looks, records, family, processor, grid=shape.grid, gold=gold))
    return ShardResult(rows=[], files={f"views/{n:05d}.npz": write_shard(made)} if made else {})


def _note(log: Any, bar: Progress, every: int, row: dict[str, Any]) -> None:
    if row["step"] % every == 0 or row["step"] == row["of"]:
        log.write(msgspec.json.encode({**row, "time": time.time()}).decode() + "\n")
        log.flush()
        words = " ".join(f"{k} {v:.2f}" for k, v in row.items() if isinstance(v, float))
        bar.update(row["step"], row["of"], f"{row['stage']} {words}")
