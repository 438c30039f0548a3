"""Small models of the real Qwen-VL architectures from nothing: the base, and test models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import torch
from torch import nn
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from seestep import families
from seestep.models import card as cards
from seestep.models.load import Loaded, family_of
from seestep.models.processor import PLACEHOLDERS, make_image_processor, make_processor
from seestep.models.tiny.tokenizer import TEMPLATE, train_tokenizer


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes of a tiny model. One image of ``image`` x ``image`` pixels is 36 visual tokens."""

    image: int = 96  # pixels a side
    patch: int = 8
    merge: int = 2
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    mlp: int = 2  # feed-forward width over hidden width
    vision_hidden: int = 192
    vision_layers: int = 4
    deepstack: tuple[int, ...] = ()

    @property
    def grid(self) -> int:
        """Visual tokens along one side."""
        return self.image // (self.patch * self.merge)


SMALL = Shape(hidden=32, layers=2, heads=2, vision_hidden=32, vision_layers=2)
"""A random model for tests: builds and answers nonsense in milliseconds."""

WORDS = (
    "Is there a red mug? Answer yes or no.",
    "Point to the blue bowl. How many apples are there? A. left B. right",
    '{"entities":[["o1","red mug"]],"steps":[{"do":["pick","o1"]}]} [(0.25, 0.5), (120, 340)]',
)


def build(
    family: str = "qwen3_vl",
    *,
    shape: Shape = SMALL,
    texts: Sequence[str] = WORDS,
    tokenizer: Any = None,
    vocab: int = 512,
    seed: int = 0,
) -> Loaded:
    """A tiny random model of ``family`` with its processor; the tokenizer is trained on ``texts``.

    The same seed gives the same weights. Image size caps are ``shape.image`` squared both ways, so
    a square image of any size is seen at exactly that size.
    """
    model_type = cards.architectures(families.get(family))[0]
    tokenizer = tokenizer or train_tokenizer(texts, vocab=vocab)
    pixels = shape.image**2
    image = make_image_processor(shape.patch, shape.merge, pixels, pixels, mean=0.5, std=0.25)
    processor = make_processor(model_type, image, tokenizer, TEMPLATE)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = (_qwen3 if model_type == "qwen3_vl" else _qwen2_5)(tokenizer, shape)
        initialise(model, shape)
    spoken = family_of(processor, model_type, family)
    return Loaded(model.eval(), processor, spoken, cards.describe(spoken, processor))


@torch.no_grad()
def initialise(model: nn.Module, shape: Shape) -> None:
    """Fan-in initialisation, halved where a block writes to the residual stream.

    The vision tower's learned position table starts as sines and cosines of the row and column:
    a model this small, trained for minutes, does not find the grid by itself.
    """
    writers = ("o_proj", "down_proj", "attn.proj", "mlp.linear_fc2")
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            continue
        if "pos_embed" in name:
            side = math.isqrt(weight.shape[0])
            weight.copy_(0.5 * _sinusoids(side, weight.shape[1]))
        elif "embed_tokens" in name or "lm_head" in name:
            weight.normal_(0, 0.04)
        else:
            scale = 0.5 if any(w in name for w in writers) else 1.0
            weight.normal_(0, scale / math.sqrt(weight[0].numel()))


def _sinusoids(side: int, width: int) -> torch.Tensor:
    """(side * side, width): a quarter each of sin and cos of the row, sin and cos of the column."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    rates = torch.exp(torch.linspace(math.log(0.15), math.log(2.0), width // 4))
    parts = [f(p.reshape(-1, 1) * rates) for p in (rows, columns) for f in (torch.sin, torch.cos)]
    return torch.cat(parts, dim=1)


def _text_config(tokenizer: Any, shape: Shape) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": shape.hidden,
        "intermediate_size": shape.hidden * shape.mlp,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "max_position_embeddings": 4096,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
        "tie_word_embeddings": True,
    }


def _vision_config(shape: Shape) -> dict[str, Any]:
    return {
        "depth": shape.vision_layers,
        "hidden_size": shape.vision_hidden,
        "intermediate_size": shape.vision_hidden * shape.mlp,
        "num_heads": shape.heads,
        "patch_size": shape.patch,
        "temporal_patch_size": 2,
        "spatial_merge_size": shape.merge,
        "out_hidden_size": shape.hidden,
    }


def _special_ids(tokenizer: Any) -> dict[str, Any]:
    return {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(token)
        for name, token in PLACEHOLDERS.items()
    }


def _rope(shape: Shape, **more: Any) -> dict[str, Any]:
    # The sections (time, height, width) share out half of the head width.
    half = shape.hidden // shape.heads // 2
    third = half // 3
    section = [half - 2 * third, third, third]
    return {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": section,
        **more,
    }


def _qwen3(tokenizer: Any, shape: Shape) -> Any:
    text = _text_config(tokenizer, shape) | {
        "head_dim": shape.hidden // shape.heads,
        "rope_parameters": _rope(shape, mrope_interleaved=True),
    }
    vision = _vision_config(shape) | {
        "num_position_embeddings": (shape.image // shape.patch) ** 2,
        "deepstack_visual_indexes": list(shape.deepstack),
    }
    config = Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=True,
        **_special_ids(tokenizer),
    )
    return _generates(Qwen3VLForConditionalGeneration(config), tokenizer)


def _qwen2_5(tokenizer: Any, shape: Shape) -> Any:
    text = _text_config(tokenizer, shape) | {"rope_parameters": _rope(shape)}
    vision = _vision_config(shape) | {
        "window_size": 8 * shape.patch,
        "fullatt_block_indexes": [shape.vision_layers - 1],
    }
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=True,
        **_special_ids(tokenizer),
    )
    return _generates(Qwen2_5_VLForConditionalGeneration(config), tokenizer)


def _generates(model: Any, tokenizer: Any) -> Any:
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model
