"""What a model said before a stage, as the target of what it is shown again.

Beside the token of its record a replayed sample teaches the distribution over the next token that
the starting model had, at temperature 1: distillation as in Learning without Forgetting (Li and
Hoiem 2016, arXiv:1606.09282), on replayed samples with their labels as in DER++ (Buzzega et al.
2020, arXiv:2004.07211). Tokens alone teach replayed answers anew; what else the model knew there is
lost.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from seestep.errors import RunError
from seestep.models.load import load
from seestep.train import engine
from seestep.train.collate import Batch
from seestep.train.config import Anchor, SftConfig
from seestep.train.forward import answer_logits
from seestep.train.seen import Looks


class Start:
    """The model as a stage finds it, or as an earlier one did: a frozen copy, or the model itself
    without its adapters."""

    def __init__(self, model: Any, *, adapters: bool, narrow: bool) -> None:
        self._model, self._adapters, self._narrow = model, adapters, narrow

    @torch.no_grad()
    def logits(self, batch: Batch) -> Tensor:
        """As ``answer_logits`` (N, V), in the precision that the model is trained in."""
        kind = batch["input_ids"].device.type
        bare = self._model.disable_adapter() if self._adapters else nullcontext()
        with bare, torch.autocast(kind, torch.bfloat16, enabled=self._narrow):
            return answer_logits(self._model, batch)


def start_of(
    config: SftConfig, anchor: Anchor, model: Any, looks: Looks | None, device: torch.device
) -> Start:
    """What a stage that trains ``model`` holds to. What a frozen tower made of pictures is shared
    with it through ``looks``. Raises ``RunError`` if it has another vocabulary."""
    narrow = config.precision == "bf16"
    if config.lora is not None and anchor.to is None:
        return Start(model, adapters=True, narrow=narrow)
    folder, dtype = anchor.to or config.model, engine.load_dtype(config)
    copy = load(folder, dtype=dtype, attn=config.attention, family=config.family).model
    copy.requires_grad_(False)
    if copy.config.text_config.vocab_size != model.config.text_config.vocab_size:
        raise RunError(
            "anchor.to has other tokens than the model",
            file=folder,
            wanted=f"{model.config.text_config.vocab_size} tokens",
            got=str(copy.config.text_config.vocab_size),
            hint="name a checkpoint that the model was made from",
        )
    copy.to(device)
    if looks is not None:
        looks.share(copy.model.visual)
    return Start(copy, adapters=False, narrow=narrow)
