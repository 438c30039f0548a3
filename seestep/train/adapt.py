"""Which weights learn: frozen groups, low-rank adapters, and merging those back."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from seestep.errors import need
from seestep.models import card as cards
from seestep.models.card import Card
from seestep.models.load import Loaded, load
from seestep.train import engine
from seestep.train.config import AnyConfig
from seestep.train.trainer import group_of


def prepare_model(loaded: Loaded, config: AnyConfig) -> Any:
    """Freeze what the recipe freezes, or wrap the model in adapters."""
    model = loaded.model
    if config.lora is not None:
        return _with_adapters(model, config)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(group_of(name) not in config.freeze)
    return model


def _with_adapters(model: Any, config: AnyConfig) -> Any:
    need("peft", "train")
    from peft import LoraConfig, get_peft_model

    lora = config.lora
    if lora is None:
        raise TypeError("no adapters asked for")
    head = model.get_output_embeddings()
    targets = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and module is not head
        and group_of(name + ".") in lora.groups
    ]
    settings = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets
    )
    with _peft_is_behind():
        return get_peft_model(model, settings)


@contextmanager
def _peft_is_behind() -> Iterator[None]:
    """peft still asks for an attribute that transformers has renamed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".is_gradient_checkpointing. is deprecated")
        yield


def merge_adapters(config: AnyConfig, final: Path, processor: Any, card: Card) -> None:
    """Turn a folder of adapters into a plain checkpoint; the adapters stay in ``adapter/``."""
    from peft import PeftModel

    adapter = final / "adapter"
    adapter.mkdir(exist_ok=True)
    for file in final.glob("adapter_*"):
        os.replace(file, adapter / file.name)
    base = load(config.model, dtype=engine.load_dtype(config), family=config.family)
    with _peft_is_behind():
        merged = PeftModel.from_pretrained(base.model, str(adapter)).merge_and_unload()
    merged.save_pretrained(final)
    processor.save_pretrained(final)
    cards.write(final, card)
