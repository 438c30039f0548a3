"""What an evaluation is: which engine settings, which control."""

from __future__ import annotations

from typing import Literal

import msgspec


class EvalConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one evaluation; all of them are part of its fingerprint."""

    max_new_tokens: int = 768
    batch_size: int = 16
    thinking: Literal["free", "off"] = "free"  # "off" starts every answer at <answer>
    control: Literal["none", "wrong_image", "no_image"] = "none"
    constrain: Literal["none", "plan", "all"] = "none"  # answers decoded under their grammar
    names: Literal["any", "home"] = "any"  # in a constrained plan; "home": words of our homes
    limit: int | None = None  # items a suite, first by order; None for all

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.batch_size < 1:
            raise ValueError("max_new_tokens and batch_size must be at least 1")
        if self.limit is not None and self.limit < 1:
            raise ValueError("limit must be at least 1, or null for all items")
        if self.names != "any" and self.constrain == "none":
            raise ValueError("names bound what a constrained plan says: set constrain as well")


class EvalRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One checkpoint on some folders of items, as a recipe file says it."""

    model: str
    items: tuple[str, ...]
    roots: dict[str, str] = {}
    family: str | None = None  # needed when a plain folder's model_type does not settle it
    shape: str | None = None  # a model whose sizes are built in, for a dry run without weights
    precision: Literal["float32", "bfloat16"] = "float32"
    attention: Literal["sdpa", "flash_attention_2", "eager"] = "sdpa"
    device: str = "auto"
    ask: EvalConfig = EvalConfig()

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("items names no folder, so there is nothing to ask")
        if self.attention == "flash_attention_2" and self.precision == "float32":
            raise ValueError("attention flash_attention_2 needs precision bfloat16")
