"""How much memory a rank will need: shapes from ``config.json``, a formula, no weights read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from seestep.train.config import SHAPES, AnyConfig, DpoConfig, SftConfig

GIB = 2**30


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of a Qwen-VL model; ``source`` says where they come from."""

    model_type: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    tied: bool
    qkv_bias: bool
    qk_norm: bool
    vision_hidden: int
    vision_layers: int
    vision_intermediate: int
    patch: int
    merge: int
    temporal: int = 2
    gated_vision: bool = False
    positions: int = 0  # learned vision position embeddings
    deepstack: int = 0
    source: str = ""

    @property
    def language(self) -> int:
        """Parameters of embedding, decoder layers and head."""
        q, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = 2 * self.hidden * q + 2 * self.hidden * kv
        attention += q + 2 * kv if self.qkv_bias else 0
        attention += 2 * self.head_dim if self.qk_norm else 0
        layer = attention + 3 * self.hidden * self.intermediate + 2 * self.hidden
        embeddings = self.vocab * self.hidden * (1 if self.tied else 2)
        return self.layers * layer + embeddings + self.hidden

    @property
    def vision(self) -> int:
        """Parameters of the vision tower without its mergers."""
        d, m = self.vision_hidden, self.vision_intermediate
        attention = 4 * d * d + 4 * d
        if self.gated_vision:  # Qwen2.5-VL: SwiGLU with bias, RMS norms
            block = attention + 3 * d * m + 2 * m + d + 2 * d
            stem = 3 * self.temporal * self.patch**2 * d
        else:  # Qwen3-VL: two-layer MLP, layer norms with bias
            block = attention + 2 * d * m + m + d + 4 * d
            stem = 3 * self.temporal * self.patch**2 * d + d + self.positions * d
        return self.vision_layers * block + stem

    @property
    def projector(self) -> int:
        """Parameters of the merger, and of Qwen3-VL's deepstack mergers."""
        wide = self.vision_hidden * self.merge**2
        core = wide * wide + wide + wide * self.hidden + self.hidden
        if self.gated_vision:
            return core + self.vision_hidden
        return core + 2 * self.vision_hidden + self.deepstack * (core + 2 * wide)

    @property
    def total(self) -> int:
        return self.language + self.vision + self.projector


_QWEN2_5_7B = Shape(
    model_type="qwen2_5_vl",
    hidden=3584,
    layers=28,
    heads=28,
    kv_heads=4,
    head_dim=128,
    intermediate=18944,
    vocab=152064,
    tied=False,
    qkv_bias=True,
    qk_norm=False,
    vision_hidden=1280,
    vision_layers=32,
    vision_intermediate=3420,
    patch=14,
    merge=2,
    gated_vision=True,
)
_QWEN3_8B = Shape(
    model_type="qwen3_vl",
    hidden=4096,
    layers=36,
    heads=32,
    kv_heads=8,
    head_dim=128,
    intermediate=12288,
    vocab=151936,
    tied=False,
    qkv_bias=False,
    qk_norm=True,
    vision_hidden=1152,
    vision_layers=27,
    vision_intermediate=4304,
    patch=16,
    merge=2,
    positions=2304,
    deepstack=3,
)
BUILT_IN = dict(zip(SHAPES, (_QWEN2_5_7B, _QWEN2_5_7B, _QWEN3_8B), strict=True))
"""Published shapes, for a dry run before the weights are on disk."""


def read_shape(model: str, known: str | None = None) -> Shape | None:
    """The shape of a checkpoint folder; while its weights are not on disk, that of a known model:
    the one called ``known``, else one the folder is named after; None when there is none.
    """
    file = Path(model) / "config.json"
    if file.is_file():
        return _from_config(json.loads(file.read_text()), str(file))
    name = (known or Path(model).name).lower()
    for built_in, shape in BUILT_IN.items():
        if name.startswith(built_in):
            return msgspec.structs.replace(shape, source=f"the built-in shape of {built_in}")
    return None


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Expected bytes on each rank, by what they are for."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    trainable: int  # parameters
    source: str

    @property
    def total(self) -> float:
        return (
            self.weights + self.gradients + self.optimizer + self.activations + self.logits
        ) * 1.1


def trainable(shape: Shape, config: AnyConfig) -> int:
    """Parameters that get gradients, adapters instead of groups when the recipe is LoRA."""
    if config.lora is None:
        sizes = {
            "language": shape.language,
            "vision": shape.vision,
            "projector": shape.projector,
        }
        return sum(n for group, n in sizes.items() if group not in config.freeze)
    rank, q, kv = config.lora.rank, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    h, m, d = shape.hidden, shape.intermediate, shape.vision_hidden
    mlp = 3 if shape.gated_vision else 2
    sides = {
        "language": shape.layers * (2 * (h + q) + 2 * (h + kv) + 3 * (h + m)),
        "vision": shape.vision_layers * (6 * d + mlp * (d + shape.vision_intermediate)),
        "projector": (1 + shape.deepstack) * (3 * d * shape.merge**2 + h),
    }
    return rank * sum(sides[g] for g in config.lora.groups)


def estimate(
    shape: Shape, config: AnyConfig, *, longest: int, visual: int, answer: int
) -> Estimate:
    """Memory of one rank for micro-batches of the longest sample.

    Weights and gradients are 2 bytes a parameter in bf16 with a sharded engine, else 4 (fp32
    masters under autocast; a frozen base under LoRA is kept in bf16); Adam holds 8 bytes a
    trainable parameter, and 4 more for the fp32 master where weights are bf16. ZeRO-2 splits
    gradients and optimiser over the ranks, ZeRO-3 and FSDP2 the weights too. Activations are
    tokens x layers x (34 hidden / 2 bytes) without checkpointing (Korthikanti et al. 2022,
    without the attention matrix, which flash and sdpa kernels do not keep) and 2 hidden bytes a
    layer plus one live layer with it; a frozen tower keeps none. Logits are 2 + 4 + 4 bytes (bf16,
    fp32, gradient) at answer positions only. An anchor doubles the logits, and adds the weights
    once more unless it is the model below adapters. What ``states_mb`` lets a tower remember counts
    as activations. A tenth is added for the allocator.
    """
    ranks, sharded = config.ranks, config.sharding != "none"
    bf16 = config.precision == "bf16"
    learns = trainable(shape, config)
    narrow = bf16 and (sharded or config.lora is not None)
    width = 2 if narrow else 4
    master = 12 if bf16 and sharded else 8
    split_weights = ranks if config.sharding in ("zero3", "fsdp2") else 1
    split_rest = ranks if sharded else 1
    rows = config.batch.micro
    if isinstance(config, DpoConfig) and config.layout == "split":
        rows *= 2
    size = 2 if bf16 else 4
    layer = longest * rows * shape.hidden * 17 * size
    if config.gradient_checkpointing:
        text = longest * rows * shape.hidden * size * shape.layers + layer
    else:
        text = layer * shape.layers
    patches = visual * shape.merge**2 * rows
    tower = patches * shape.vision_hidden * 17 * size
    if "vision" not in config.freeze and config.lora is None:
        tower *= 1 if config.gradient_checkpointing else shape.vision_layers
    anchor = config.anchor if isinstance(config, SftConfig) else None
    copied = anchor is not None and (config.lora is None or anchor.to is not None)
    again = shape.total * width if copied else 0
    return Estimate(
        weights=shape.total * width / split_weights + again,
        gradients=learns * (width if config.lora is None else 4) / split_rest,
        optimizer=learns * master / split_rest,
        activations=float(text + tower + config.states_mb * 2**20),
        logits=float(answer * rows * shape.vocab * (10 if bf16 else 8) * (2 if anchor else 1)),
        trainable=learns,
        source=shape.source,
    )


def _from_config(config: dict[str, Any], source: str) -> Shape:
    text, vision = config.get("text_config", config), config["vision_config"]
    heads = int(text["num_attention_heads"])
    third = config["model_type"] == "qwen3_vl"
    return Shape(
        model_type=config["model_type"],
        hidden=text["hidden_size"],
        layers=text["num_hidden_layers"],
        heads=heads,
        kv_heads=text.get("num_key_value_heads") or heads,
        head_dim=text.get("head_dim") or text["hidden_size"] // heads,
        intermediate=text["intermediate_size"],
        vocab=text["vocab_size"],
        tied=bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))),
        qkv_bias=not third,
        qk_norm=third,
        vision_hidden=vision["hidden_size"],
        vision_layers=vision["depth"],
        vision_intermediate=vision["intermediate_size"],
        patch=vision["patch_size"],
        merge=vision["spatial_merge_size"],
        temporal=vision.get("temporal_patch_size", 2),
        gated_vision=not third,
        positions=vision.get("num_position_embeddings", 0) if third else 0,
        deepstack=len(vision.get("deepstack_visual_indexes", ())) if third else 0,
        source=source,
    )
