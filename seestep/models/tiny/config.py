"""What the pretraining recipe of the tiny model may say (import-light)."""

from __future__ import annotations

import msgspec

from seestep.world.homes import HomesConfig


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the recipe's parts: frozen, unknown keys refused."""


class Data(Struct, frozen=True, kw_only=True):
    """Which homes are looked at, and what is asked there."""

    parts: dict[str, HomesConfig]  # to learn from, by name
    probe: HomesConfig  # for the final test
    workers: int = 2
    vocab: int = 1024  # of the tokenizer, at most

    def __post_init__(self) -> None:
        names = [*self.parts, "probe"]
        seeds = [part.seeds for part in (*self.parts.values(), self.probe)]
        for i, mine in enumerate(seeds):
            for j, other in enumerate(seeds[:i]):
                if set(mine) & set(other):
                    raise ValueError(f"{names[j]} and {names[i]} share homes; move one's first")


class Stage(Struct, frozen=True, kw_only=True):
    """One stage of training, bounded by steps."""

    steps: int
    batch: int  # pictures (vision) or groups of questions about the same pictures (joint)
    lr: float = 2e-3
    warmup: int = 60
    aux: float = 1.0  # weight of the per-token supervision
    lowest: float = 0.03  # last learning rate over the highest


class PretrainConfig(Struct, frozen=True, kw_only=True):
    """From random weights to a base that sees, points and answers in the wire form."""

    family: str = "qwen3_vl"
    seed: int = 0
    threads: int = 2
    data: Data
    vision: Stage
    joint: Stage
    questions: int = 8  # packed on one group of pictures
    pairs: float = 0.15  # share of joint steps that train questions about several pictures
    ability_weights: dict[str, float] = {}  # how often a task is drawn, 1 if not named
    form_weight: float = 0.2  # loss weight of a token that every answer has, such as </answer>
    save_every: int = 200  # steps between resumable states
    log_every: int = 50
