"""A trained checkpoint taken part of the way back to where it started.

WiSE-FT (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv:2109.01903): weights
on the line between two checkpoints of one run often lose little of what was learnt and much less of
what was known before.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from seestep.models.load import load, save
from seestep.train.config import AnyConfig


@torch.no_grad()
def keep_start(config: AnyConfig, final: Path) -> None:
    """Every weight of ``final`` becomes ``keep`` x that of ``config.model`` + (1 - ``keep``) x its
    own, added in float32; on disk it has the precision it had."""
    dtype = json.loads((final / "config.json").read_bytes())["dtype"]
    ended = load(final, family=config.family)
    started = dict(load(config.model, family=config.family).model.named_parameters())
    for name, weight in ended.model.named_parameters():  # tied ones once
        weight.lerp_(started[name], config.keep)
    save(ended, final, wire=config.wire, source_run=config.stage, dtype=dtype)
