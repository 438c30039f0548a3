"""Losses over answer tokens: SFT and the sigmoid preference loss. Pure tensor functions."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


def token_nll(logits: Tensor, targets: Tensor) -> Tensor:
    """Negative log-likelihood (N,) in float32 of ``targets`` (N,) under ``logits`` (N, V)."""
    return F.cross_entropy(logits.float(), targets, reduction="none")


class Anchored(NamedTuple):
    """Cost of each token (N,) and how far from the start the model is there: KL(start || model),
    nats, without a gradient."""

    loss: Tensor
    drift: Tensor


def anchored(logits: Tensor, start: Tensor) -> Anchored:
    """Cross-entropy in float32 of logits (N, V) against the distributions that other logits
    (N, V) give (Hinton et al. 2015, arXiv:1503.02531, at temperature 1)."""
    wanted = start.float().softmax(dim=-1)
    loss = F.cross_entropy(logits.float(), wanted, reduction="none")
    entropy = torch.special.entr(wanted).sum(dim=-1)
    return Anchored(loss, (loss - entropy).detach())


def sum_by_row(values: Tensor, rows: Tensor, count: int) -> Tensor:
    """Sums (count,) of ``values`` (N,) over equal ``rows`` (N,)."""
    return values.new_zeros(count).index_add(0, rows, values)


class Preference(NamedTuple):
    """Loss of each pair (P,), and what to watch."""

    loss: Tensor
    chosen_reward: Tensor
    rejected_reward: Tensor


def sigmoid_preference(
    chosen: Tensor,
    rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    *,
    beta: float,
    label_smoothing: float = 0.0,
) -> Preference:
    """DPO (Rafailov et al. 2023, eq. 7) on summed log-probabilities (P,) of each completion.

    ``label_smoothing`` is the conservative variant of Mitchell (2023): the share of pairs
    believed to be labelled the wrong way round.
    """
    chosen_reward = beta * (chosen - reference_chosen)
    rejected_reward = beta * (rejected - reference_rejected)
    margin = chosen_reward - rejected_reward
    loss = -(1 - label_smoothing) * F.logsigmoid(margin) - label_smoothing * F.logsigmoid(-margin)
    return Preference(loss, chosen_reward.detach(), rejected_reward.detach())
