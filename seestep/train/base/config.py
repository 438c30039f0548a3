"""What the pretraining recipe of the tiny model may say (import-light)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from seestep.train.config import Batch, Group, Optim, SftConfig
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
        if self.probe.purpose != "base" or any(p.purpose != "base" for p in self.parts.values()):
            raise ValueError('pretraining and its test have seeds of their own: purpose "base"')


class Stage(Struct, frozen=True, kw_only=True):
    """One stage of training, bounded by steps."""

    steps: int
    batch: int  # pictures (vision) or groups of questions about the same pictures (joint)
    lr: float | None = None  # peak, that of optim if None: vision_lr in the vision stage, else lr
    aux: float = 1.0  # weight of the per-token supervision
    freeze: tuple[Group, ...] = ()  # parts of the model that do not learn in it
    weights: dict[str, float] = {}  # how often a family is drawn; ability_weights where empty


class Phase(Struct, frozen=True, kw_only=True):
    """What ``steps`` of the joint stage ask: these families and no other.

    Only questions about one picture, in the family's own form; "list" and "extreme" are the
    listings of ``reading``.
    """

    steps: int
    weights: dict[str, float]


class PretrainConfig(Struct, frozen=True, kw_only=True):
    """From random weights to a base that sees, points and answers in the wire form.

    The schedule of ``optim`` is gone through once a stage; its state is kept between them.
    """

    family: str = "qwen3_vl"
    seed: int = 0
    threads: int = 2
    device: Literal["auto", "cpu"] = "auto"
    precision: Literal["bf16", "fp32"] = "bf16"
    data: Data
    optim: Optim
    vision: Stage
    joint: Stage
    settle: Stage | None = None  # asks as joint does after its phases, with weights of its own
    phases: tuple[Phase, ...]  # the first of the joint steps, one phase after another
    questions: int = 8  # packed on one group of pictures
    pairs: float = 0.15  # share of joint steps that train questions about several pictures
    words: tuple[str, ...] = ()  # families whose choices are asked in words too ("side words")
    letters: tuple[str, ...] = ()  # and those whose answer is told too, but for its letter
    ability_weights: dict[str, float] = {}  # how often a family is drawn, 1 if not named
    form_weight: float = 0.2  # loss weight of a token that every answer has, such as </answer>
    states_mb: int = 0  # what a frozen vision tower made of pictures, kept in memory
    save_every: int = 200  # steps between checkpoints to go on from
    log_every: int = 50
    notes: tuple[str, ...] = ()  # what the card says besides, word for word

    def __post_init__(self) -> None:
        if self.optim.schedule != "floored_cosine":
            raise ValueError("pretraining needs optim.schedule floored_cosine, once a stage")
        if any(stage.steps < 1 for _, stage in self.stages):
            raise ValueError("the steps of every stage must be at least 1")
        if sum(p.steps for p in self.phases) > self.joint.steps:
            raise ValueError("the steps of all phases must lie within joint.steps")
        if any(p.steps < 1 or not p.weights for p in self.phases):
            raise ValueError("every phase needs steps and families in weights")
        if self.questions < 1 or not 0 <= self.pairs <= 1:
            raise ValueError("questions must be at least 1 and pairs lie in [0, 1]")

    @property
    def stages(self) -> tuple[tuple[str, Stage], ...]:
        """Names and stages in the order they are trained."""
        first = (("vision", self.vision), ("joint", self.joint))
        return first if self.settle is None else (*first, ("settle", self.settle))

    @property
    def steps(self) -> int:
        return sum(stage.steps for _, stage in self.stages)

    def phase(self, step: int) -> int | None:
        """Which phase ``step`` (from 0) of the joint stage is in; None after the last."""
        for number, phase in enumerate(self.phases):
            if step < phase.steps:
                return number
            step -= phase.steps
        return None

    def place(self, step: int) -> tuple[int, int]:
        """Which stage ``step`` (from 0) of the whole run is in, and its number in that stage."""
        for number, (_, stage) in enumerate(self.stages):
            if step < stage.steps:
                return number, step
            step -= stage.steps
        return len(self.stages) - 1, self.stages[-1][1].steps  # the schedule looks one step ahead

    def engine(self, start: Path) -> SftConfig:
        """The same as a recipe of the training engine, from the untrained checkpoint ``start``.

        One sample of it is the whole batch of a step.
        """
        return SftConfig(
            model=str(start),
            family=self.family,
            stage="pretrain",
            optim=self.optim,
            batch=Batch(effective=1, micro=1),
            epochs=1.0,
            freeze=(),
            precision=self.precision,
            device=self.device,
            seed=self.seed,
            save_steps=self.save_every,
            log_steps=self.log_every,
            keep_checkpoints=2,  # the older is dropped before the newer is sealed
        )
