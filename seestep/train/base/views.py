"""The cache of views: homes rendered, asked about and written as text, once, shard by shard."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from seestep import families
from seestep.models import card as cards
from seestep.models.processor import make_image_processor, make_processor
from seestep.models.tiny.build import Shape
from seestep.models.tiny.tokenizer import TEMPLATE, train_tokenizer
from seestep.progress import Progress
from seestep.run import ShardResult, shard_stage, side_files
from seestep.train.base.asked import to_shot
from seestep.train.base.config import PretrainConfig
from seestep.train.base.corpus import Shot, read_shard, write_shard
from seestep.world.blocked import leave_out
from seestep.world.homes import HomesConfig, ask_shot, look_around

VERSION = 6


def views(
    folder: Path,
    homes: HomesConfig,
    config: PretrainConfig,
    shape: Shape,
    *,
    gold: bool,
    progress: Progress,
) -> Iterator[tuple[str, Shot]]:
    """Every home as (its name, its shot), rendered into ``folder`` where it is not there yet.

    Without ``gold`` the questions can be learnt from but not scored. A home is named by its seed;
    in a shard that lost homes nobody could ask about, by shard and place.
    """
    sight = shape.image, shape.patch, shape.merge  # what the rest of the model is decides no view
    with progress.child(f"homes for {folder.name}") as bar:
        shard_stage(
            folder,
            stage="tiny.views",
            version=VERSION,
            config={"homes": homes, "family": config.family, "sight": sight, "gold": gold},
            inputs=[],
            shards=-(-homes.homes // homes.shard_homes),
            work=partial(_look, homes, config.family, shape, gold),
            workers=config.data.workers,
            progress=bar,
        )
    for file in sorted(side_files(folder)):
        n = int(file.stem)
        seeds, shots = _seeds(homes, n), list(read_shard(file))
        known = len(shots) == len(seeds)
        for i, shot in enumerate(shots):
            yield str(seeds[i]) if known else f"shard {n}, {i}", shot


def _seeds(homes: HomesConfig, n: int) -> range:
    return homes.seeds[n * homes.shard_homes : (n + 1) * homes.shard_homes]


def _look(homes: HomesConfig, family_name: str, shape: Shape, gold: bool, n: int) -> ShardResult:
    """One cache file: the homes of shard ``n`` seen, asked about and written as text."""
    torch.set_num_threads(1)
    family = families.get(family_name)
    pixels = shape.image**2
    image = make_image_processor(shape.patch, shape.merge, pixels, pixels, 0.5, 0.25)
    blank = train_tokenizer([], vocab=512)  # only its chat template is used here
    processor = make_processor(family.model_types[0], image, blank, TEMPLATE)
    family = family.with_processor(**cards.image_limits(processor))
    made = []
    around = look_around(leave_out(_seeds(homes, n), homes.blocked)[0], homes)
    for home in around:
        looks = [view.look for shot in home for view in shot]
        records = [record for shot in home for record in ask_shot(shot, homes)[0]]
        if looks and records:
            made.append(to_shot(looks, records, family, processor, grid=shape.grid, gold=gold))
    return ShardResult(rows=[], files={f"views/{n:05d}.npz": write_shard(made)} if made else {})
