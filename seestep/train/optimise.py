"""Optimisers and learning rates that the recipe names: AdamW, Muon beside AdamW, a floored cosine.

Muon (Jordan et al. 2024) orthogonalises the momentum of a matrix before it steps; scaled to the
size of AdamW's steps (Liu et al. 2025, arXiv 2502.16982) both take the same learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Muon, Optimizer

from seestep.checkup import bf16_is_slow
from seestep.train.config import Group, Optim
from seestep.train.muon import BatchedMuon

MOMENTUM = 0.95
# Lookups and what reads them back are matrices by shape only: their rows are tokens or places.
TABLES = ("embed_tokens", "lm_head", "pos_embed")

Named = Iterable[tuple[str, Group, nn.Parameter]]


def make_optimiser(
    named: Named, optim: Optim, adamw: type[Optimizer], options: Mapping[str, Any]
) -> Optimizer:
    """The optimiser of ``optim`` over parameters given with name and group.

    ``adamw`` and its ``options`` are those of the training arguments. Its groups carry the name
    of their part of the model; matrices decay, vectors (norms, biases) do not.
    """
    matrices: list[tuple[str, Group, nn.Parameter]] = []
    rest: list[tuple[str, Group, nn.Parameter]] = []
    for name, group, parameter in named:
        tall = optim.kind == "muon_adamw" and parameter.dim() == 2
        is_matrix = tall and not any(table in name for table in TABLES)
        (matrices if is_matrix else rest).append((name, group, parameter))
    usual = adamw(parameter_groups(rest, optim), **options)
    if optim.kind == "adamw":
        return usual
    muon = BatchedMuon(
        parameter_groups(matrices, optim),
        lr=optim.lr,
        momentum=MOMENTUM,
        adjust_lr_fn="match_rms_adamw",
        dtype=torch.float32 if bf16_is_slow() else torch.bfloat16,
    )
    return MuonAdamW(muon, usual)


def parameter_groups(named: Named, optim: Optim) -> list[dict[str, Any]]:
    """Optimiser groups (named): learning rate by part of the model, decay for matrices only."""
    found: dict[tuple[Group, bool], list[nn.Parameter]] = {}
    for _, group, parameter in named:
        found.setdefault((group, parameter.dim() > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "name": group,
            "lr": optim.rate(group),
            "weight_decay": optim.weight_decay if decays else 0.0,
        }
        for (group, decays), parameters in sorted(found.items(), key=lambda item: item[0])
    ]


class MuonAdamW(Optimizer):
    """Two optimisers that step as one; ``param_groups`` are those of both, shared with them."""

    def __init__(self, muon: Muon, adamw: Optimizer) -> None:
        self.parts = (muon, adamw)
        super().__init__([g for part in self.parts for g in part.param_groups], {})
        self._share()

    def _share(self) -> None:
        self.param_groups = [g for part in self.parts for g in part.param_groups]

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        if closure is not None:
            raise TypeError("MuonAdamW takes no closure")
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, kept in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(kept)
        self._share()


def floored_cosine(optim: Optim, step: int, steps: int) -> float:
    """Learning rate over its peak: linear warm-up times a cosine over all ``steps`` that ends at
    ``optim.lowest``. The first step (0) is not idle."""
    warm = min(1.0, (step + 1) / max(1, optim.warmup_steps))
    fall = 0.5 * (1 + math.cos(math.pi * step / steps))
    return warm * (optim.lowest + (1 - optim.lowest) * fall)
