"""Reward models: a vision-language model and a linear head that reads one number off its states.

The layout is that of trl's ``AutoModelForCausalLMWithValueHead``, with which Skywork-VL-Reward was
published: names ``v_head.summary.weight`` (1, width) and ``v_head.summary.bias`` (1,), in a file of
their own beside the shards or in the shards. The head reads the last layer's state after the final
norm, in float32, and the score is its value at the last token.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from seestep.errors import DataError
from seestep.models.load import Loaded, load, read_model_type

FILES = ("value_head.safetensors", "value_head.bin")
WRAPPERS = {r"^pretrained_model\.": ""}  # what trl's wrapper puts before every name
_HEAD = re.compile(r"(?:^|\.)v(?:alue)?_head\.")
_SUMMARY = re.compile(r"(?:^|\.)summary\.(weight|bias)$")


@dataclass(frozen=True)
class RewardModel:
    """A loaded model with its head; ``weight`` is (width,) float32."""

    loaded: Loaded
    weight: torch.Tensor
    bias: torch.Tensor

    @torch.inference_mode()
    def score(self, inputs: dict[str, Any]) -> list[float]:
        """One value a row of what a processor brought, padded on either side."""
        inputs = {key: value.to(self.weight.device) for key, value in inputs.items()}
        mask = inputs["attention_mask"]
        # no logits: the vocabulary's would take more memory than all else
        states = self.loaded.model.model(**inputs, use_cache=False).last_hidden_state
        last = mask.shape[1] - 1 - mask.flip(1).argmax(1)
        ends = states[torch.arange(len(mask), device=mask.device), last].float()
        values: list[float] = (ends @ self.weight + self.bias).tolist()
        return values


def load_reward_model(
    folder: Path, *, device: str = "cpu", precision: str = "float32"
) -> RewardModel:
    """Model, processor and head of a folder.

    The head is ``value_head.safetensors``, else ``value_head.bin`` (read as plain tensors), else
    names with ``v_head.`` in the shards. Names of the model may be those before transformers 4.52
    (``model.layers``, ``visual``) or after it, with or without ``pretrained_model.`` before them;
    ``lm_head``, which a reward has no use for, may lack.
    Raises ``DataError`` for a folder without a head, or with one that does not fit.
    """
    read_model_type(folder)
    head = _read_head(folder)
    wrapped = any(name.startswith("pretrained_model.") for name in _names(folder))
    loaded = load(
        folder,
        dtype=precision,
        device=device,
        beside=lambda name: name == "lm_head.weight" or bool(_HEAD.search(name)),
        renames=WRAPPERS if wrapped else None,
    )
    width = int(loaded.model.get_input_embeddings().weight.shape[1])
    shapes = {name: tuple(tensor.shape) for name, tensor in head.items()}
    if shapes != {"weight": (1, width), "bias": (1,)}:
        raise DataError(
            "the value head does not fit the model",
            file=folder,
            wanted=f"v_head.summary.weight (1, {width}) and v_head.summary.bias (1,)",
            got=", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items())),
        )
    return RewardModel(
        loaded,
        weight=head["weight"].to(device, torch.float32)[0],
        bias=head["bias"].to(device, torch.float32),
    )


def _read_head(folder: Path) -> dict[str, torch.Tensor]:
    """weight and bias, of whatever shape they have."""
    own, pickled = (folder / name for name in FILES)
    if own.is_file():
        found = dict(_tensors(own))
    elif pickled.is_file():
        try:
            told = torch.load(pickled, map_location="cpu", weights_only=True)
            found = told if isinstance(told, dict) else {}
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            raise DataError(
                "this pickle holds more than tensors and is not opened",
                file=pickled,
                hint="save its tensors as value_head.safetensors on a machine that may run it",
            ) from error
    else:
        found = {
            name: tensor for file in _shards(folder) for name, tensor in _tensors(file, only=_HEAD)
        }
    head = {}
    for name, tensor in found.items():
        if match := _SUMMARY.search(name):
            head[match.group(1)] = tensor
    if len(head) != len(found) or head.keys() != {"weight", "bias"}:
        raise DataError(
            "no value head here: this is no reward model"
            if not found
            else "this value head is not one linear layer",
            file=folder,
            wanted="v_head.summary.weight and .bias, in value_head.safetensors or in the shards",
            got=", ".join(sorted(map(str, found))[:4]) or "no name with v_head",
        )
    return head


def _shards(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob("*.safetensors")) if file.name not in FILES]


def _names(folder: Path) -> Iterator[str]:
    for file in _shards(folder):
        with _opened(file) as stream:
            yield from stream.keys()


def _tensors(
    file: Path, *, only: re.Pattern[str] | None = None
) -> Iterator[tuple[str, torch.Tensor]]:
    with _opened(file) as stream:
        for name in stream.keys():  # noqa: SIM118 - no mapping
            if only is None or only.search(name):
                yield name, stream.get_tensor(name)


def _opened(file: Path) -> Any:
    try:
        return safe_open(file, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise DataError(f"not a safetensors file: {error}", file=file) from error
