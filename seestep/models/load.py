"""Load and save checkpoints: the class comes from ``config.model_type``, never from a name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import (
    Qwen2_5_VLForConditionalGeneration,
    Qwen3VLForConditionalGeneration,
)
from transformers.utils import logging

from seestep import families
from seestep.errors import DataError
from seestep.families import Family
from seestep.models import card as cards
from seestep.models.card import Card
from seestep.models.processor import load_processor

MODELS: dict[str, Any] = {
    "qwen2_5_vl": Qwen2_5_VLForConditionalGeneration,
    "qwen3_vl": Qwen3VLForConditionalGeneration,
}
DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@dataclass(frozen=True)
class Loaded:
    """A model with what is needed to talk to it.

    ``family`` already carries this checkpoint's patch size and pixel caps. ``card`` describes how
    it was trained; for a plain checkpoint without ``seestep.json`` it is what its files say.
    """

    model: Any
    processor: Any
    family: Family
    card: Card

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer


def load(
    path: str | Path,
    *,
    dtype: str = "float32",
    attn: str = "sdpa",
    device: str = "cpu",
    family: str | None = None,
    beside: Callable[[str], bool] | None = None,
    renames: dict[str, str] | None = None,
) -> Loaded:
    """Load a checkpoint folder: model (eval mode), processor, family and card.

    ``family`` declares what a plain folder speaks when its model_type does not settle it
    (robobrain2 is a qwen2_5_vl). Safetensors only. ``beside`` tells the names of weights that the
    caller does without: they may stand in the files or lack; ``renames`` (pattern -> text) is
    applied to names first. Raises ``DataError`` for an unknown model_type, missing or misfitting
    weights, and a card that contradicts the files beside it.
    """
    folder = Path(path)
    model_type = read_model_type(folder)
    processor = load_processor(folder, model_type)
    found = cards.read(folder)
    if found is not None:
        cards.check(found, processor, model_type, file=folder / cards.NAME)
        if family is not None and family != found.family:
            raise DataError(
                "the checkpoint speaks another family than asked for",
                file=folder / cards.NAME,
                wanted=family,
                got=found.family,
            )
    spoken = family_of(processor, model_type, found.family if found else family)
    if found is not None and found.frame != spoken.frame:
        spoken = spoken.with_frame(found.frame, cards.NAME)
    model = _load_weights(folder, model_type, dtype, attn, beside, renames).to(device).eval()
    return Loaded(model, processor, spoken, found or cards.describe(spoken, processor))


def save(
    loaded: Loaded,
    folder: str | Path,
    *,
    wire: Literal["tags", "plain"] | None = None,
    source_run: str = "",
    dtype: str | None = None,
) -> Card:
    """Write a plain transformers folder plus ``seestep.json``; returns the card written.

    ``dtype`` is that of the weights on disk, None for the model's own.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = loaded.model
    config, state = model.config, None
    kept = config.dtype
    if dtype is not None:
        state = {k: v.to(DTYPES[dtype]) for k, v in model.state_dict().items()}
        config.dtype = DTYPES[dtype]
    try:
        with _quiet():
            model.save_pretrained(folder, state_dict=state)
        if dtype is not None:  # save_pretrained writes the dtype of the live parameters
            file = folder / "config.json"
            found = json.loads(file.read_text())
            file.write_text(json.dumps(_with_dtype(found, dtype), indent=2, sort_keys=True) + "\n")
    finally:
        config.dtype = kept
    loaded.processor.save_pretrained(folder)
    card = cards.describe(
        loaded.family,
        loaded.processor,
        wire=wire or loaded.card.wire,
        source_run=source_run,
    )
    cards.write(folder, card)
    return card


def read_model_type(folder: Path) -> str:
    """``model_type`` of a checkpoint folder's ``config.json``, one of ``MODELS``."""
    file = folder / "config.json"
    if not file.is_file():
        raise DataError(
            "no checkpoint here",
            file=file,
            hint="name the folder that holds config.json",
        )
    model_type = str(json.loads(file.read_text()).get("model_type", ""))
    if model_type not in MODELS:
        raise DataError(
            "this model type is not supported",
            file=file,
            wanted=" or ".join(MODELS),
            got=model_type or "none",
        )
    return model_type


def family_of(processor: Any, model_type: str, name: str | None = None) -> Family:
    """The family of a checkpoint, with the patch size and pixel caps of its processor."""
    family = families.get(name) if name else families.for_model_type(model_type)
    if model_type not in cards.architectures(family):
        raise DataError(
            f"family {family.name} is not spoken by this model",
            wanted=" or ".join(cards.architectures(family)),
            got=model_type,
        )
    return family.with_processor(**cards.image_limits(processor))


def _load_weights(
    folder: Path,
    model_type: str,
    dtype: str,
    attn: str,
    beside: Callable[[str], bool] | None,
    renames: dict[str, str] | None,
) -> Any:
    if not any(folder.glob("*.safetensors")):
        raise DataError(
            "no safetensors weights here",
            file=folder,
            got=", ".join(sorted(p.name for p in folder.glob("*.bin"))) or "no weights",
            hint="convert pickled weights with transformers' save_pretrained on a trusted machine",
        )
    try:
        with _quiet():
            model, info = MODELS[model_type].from_pretrained(
                str(folder),
                dtype=DTYPES[dtype],
                attn_implementation=attn,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                key_mapping=renames,
            )
    except (RuntimeError, OSError) as error:
        raise DataError(f"the weights do not fit the config: {error}", file=folder) from error
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        keys = sorted(str(k) for k in info[problem])
        if problem != "mismatched_keys" and beside is not None:
            keys = [key for key in keys if not beside(key)]
        if keys:
            raise DataError(
                f"the weights do not fit the config: {len(keys)} {problem.replace('_', ' ')}",
                file=folder,
                got=", ".join(keys[:3]),
            )
    return model


def _with_dtype(config: dict[str, Any], dtype: str) -> dict[str, Any]:
    return {
        k: _with_dtype(v, dtype) if isinstance(v, dict) else dtype if k == "dtype" else v
        for k, v in config.items()
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' own bars and reports: a line a tensor drowns the run's progress."""
    bars: Any = logging
    shown, level = bars.is_progress_bar_enabled(), bars.get_verbosity()
    bars.disable_progress_bar()
    bars.set_verbosity_error()
    try:
        yield
    finally:
        bars.set_verbosity(level)
        if shown:
            bars.enable_progress_bar()
