"""A batch through a model: logits and log-probabilities at the answer tokens alone."""

from __future__ import annotations

from torch import Tensor, nn

from seestep.train.collate import Batch
from seestep.train.losses import token_nll

_MODEL_INPUTS = (
    "input_ids",
    "attention_mask",
    "position_ids",
    "mm_token_type_ids",
    "pixel_values",
    "image_grid_thw",
    "logits_to_keep",
    "slots",
    "in_prefix",
)


def answer_logits(model: nn.Module, batch: Batch) -> Tensor:
    """Logits (N, V) that a batch's target tokens are judged by."""
    inputs = {k: batch[k] for k in _MODEL_INPUTS if k in batch}
    logits: Tensor = model(**inputs, use_cache=False).logits
    return logits


def answer_logp(model: nn.Module, batch: Batch) -> Tensor:
    """Log-probabilities (N,) of a batch's target tokens, float32."""
    return -token_nll(answer_logits(model, batch), batch["targets"])
