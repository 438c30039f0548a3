"""Muon with matrices of one shape orthogonalised as one batch, in float32 where bfloat16 is slow.

torch's Muon takes one matrix after another: of many small ones a batch takes half the time (the
embedded language model, two cores of a Zen 4, torch 2.13: 12.5 ms, not 23.5; the few large ones of
its tower 88 and 87, ``benchmarks/pretrain_parts.py``). It also orthogonalises in bfloat16 whatever
it is given, and a CPU without such products then takes 27 times as long as in float32 (a 768 x 192
matrix, Zen 3: 323 ms, not 11).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Muon

BATCH = 2**24  # entries: of large matrices a batch would take memory and save no time


class BatchedMuon(Muon):
    """torch's Muon (Nesterov, ``match_rms_adamw``), orthogonalising batches in ``dtype``."""

    def __init__(self, *args: Any, dtype: torch.dtype = torch.bfloat16, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        if closure is not None:
            raise TypeError("BatchedMuon takes no closure")
        for group in self.param_groups:
            params: list[Tensor] = []
            grads: list[Tensor] = []
            momenta: list[Tensor] = []
            self._init_group(group, params, grads, momenta)
            for grad, momentum in zip(grads, momenta, strict=True):
                momentum.lerp_(grad, 1 - group["momentum"])
            updates = orthogonal(
                [g.lerp(m, group["momentum"]) for g, m in zip(grads, momenta, strict=True)],
                group["ns_coefficients"],
                group["ns_steps"],
                group["eps"],
                self.dtype,
            )
            for param, update in zip(params, updates, strict=True):
                # as large as AdamW's steps: 0.2 root mean square (arXiv 2502.16982, section 2.2)
                scale = 0.2 * math.sqrt(max(param.shape))
                param.mul_(1 - group["lr"] * group["weight_decay"])
                param.add_(update, alpha=-group["lr"] * scale)


def orthogonal(
    matrices: Sequence[Tensor],
    coefficients: tuple[float, float, float],
    steps: int,
    eps: float,
    dtype: torch.dtype = torch.float32,
) -> list[Tensor]:
    """Each matrix (m, n), its singular values moved towards 1 by Newton and Schulz's iteration.

    Each step is X <- a X + (b G + c G G) X with G = X X^T, over the shorter side (Jordan et al.
    2024); with Muon's coefficients five steps leave singular values of about 0.7 to 1.2. Matrices
    of one shape, lying or standing, are one batch. Sums and what is made are in ``dtype``.
    """
    a, b, c = coefficients
    made: list[Tensor] = list(matrices)
    shapes: dict[tuple[int, int], list[int]] = {}
    for i, matrix in enumerate(matrices):
        rows, columns = matrix.shape
        shapes.setdefault((min(rows, columns), max(rows, columns)), []).append(i)
    for shape, members in _batches(shapes):
        standing = [matrices[i].shape != shape for i in members]
        x = torch.stack(
            [matrices[i].T if t else matrices[i] for i, t in zip(members, standing, strict=True)]
        ).to(dtype)
        x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=eps)
        for _ in range(steps):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        for i, t, one in zip(members, standing, x, strict=True):
            made[i] = one.T if t else one
    return made


def _batches(
    shapes: Mapping[tuple[int, int], Sequence[int]],
) -> Iterator[tuple[tuple[int, int], Sequence[int]]]:
    """Each shape with at most as many of its matrices as ``BATCH`` allows, but one at least."""
    for shape, members in shapes.items():
        most = max(1, BATCH // max(1, math.prod(shape)))
        for start in range(0, len(members), most):
            yield shape, members[start : start + most]
