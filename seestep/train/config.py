"""What a training stage is told, as frozen structs; impossible combinations fail while loading."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Group = Literal["vision", "projector", "language"]
SHAPES = ("qwen2.5-vl-7b", "robobrain2.0-7b", "qwen3-vl-8b")  # models whose sizes are built in


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the structs below: frozen, keyword-only, unknown keys refused."""


class Optim(Config, frozen=True, kw_only=True):
    """The optimiser and its schedule.

    ``vision_lr`` None is a tenth of ``lr``: at the full rate a vision tower forgets where things
    are. ``projector_lr`` None is ``lr``. ``muon_adamw`` is Muon for the matrices of the blocks and
    AdamW for the rest; ``floored_cosine`` falls to ``lowest`` of the peak and not to 0.
    """

    kind: Literal["adamw", "muon_adamw"] = "adamw"
    lr: float = 2e-5
    vision_lr: float | None = None
    projector_lr: float | None = None
    schedule: Literal["cosine", "linear", "constant", "floored_cosine"] = "cosine"
    lowest: float = 0.0  # last learning rate over the peak
    warmup_steps: int = 80
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    grad_clip: float = 1.0

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise ValueError(f"optim.lr must be positive, got {self.lr}")
        if self.warmup_steps < 0:
            raise ValueError(f"optim.warmup_steps must be 0 or more, got {self.warmup_steps}")
        if not 0 <= self.lowest < 1:
            raise ValueError(f"optim.lowest must be in [0, 1), got {self.lowest}")
        if self.lowest and self.schedule != "floored_cosine":
            raise ValueError("optim.lowest is set: it needs optim.schedule floored_cosine")
        for name in ("vision_lr", "projector_lr"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"optim.{name} must be positive, got {value}; freeze it instead")

    def rate(self, group: Group) -> float:
        """Peak learning rate of a parameter group."""
        if group == "vision":
            return 0.1 * self.lr if self.vision_lr is None else self.vision_lr
        if group == "projector":
            return self.lr if self.projector_lr is None else self.projector_lr
        return self.lr


class Batch(Config, frozen=True, kw_only=True):
    """``effective`` samples an optimiser step, ``micro`` of them at a time on each rank."""

    effective: int = 32
    micro: int = 1

    def __post_init__(self) -> None:
        if self.micro < 1 or self.effective < 1 or self.effective % self.micro:
            raise ValueError(
                f"batch.effective ({self.effective}) must be a multiple of batch.micro"
                f" ({self.micro})"
            )

    def accumulation(self, ranks: int) -> int:
        """Micro-batches each of ``ranks`` processes adds up for one step."""
        if self.effective % (self.micro * ranks):
            raise ValueError(
                f"batch.effective ({self.effective}) must be a multiple of batch.micro"
                f" ({self.micro}) x {ranks} ranks"
            )
        return self.effective // (self.micro * ranks)


class Lora(Config, frozen=True, kw_only=True):
    """Low-rank adapters on the linear layers of ``groups``; all else stays frozen."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    groups: tuple[Group, ...] = ("language",)

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"lora.rank must be 1 or more, got {self.rank}")
        if not self.groups:
            raise ValueError("lora.groups is empty, so nothing would train")


class Data(Config, frozen=True, kw_only=True):
    """Run folders to learn from.

    ``replay_share`` of the samples of every epoch come from the ``replay`` folders, spread evenly.
    ``roots`` say which directory each media root name stands for.
    """

    records: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    replay_share: float = 0.0
    roots: dict[str, str] = {}
    limit: int | None = None  # first so many records only, for trials
    most_dropped: float = 0.1  # share of records that may be dropped before the stage refuses

    def __post_init__(self) -> None:
        if not 0 <= self.replay_share < 1:
            raise ValueError(f"data.replay_share must be in [0, 1), got {self.replay_share}")
        if not 0 <= self.most_dropped <= 1:
            raise ValueError(f"data.most_dropped must be in [0, 1], got {self.most_dropped}")


class TrainConfig(Config, frozen=True, kw_only=True):
    """What SFT and DPO share.

    ``keep`` is the share of the weights before the stage in those after it (see ``train.keep``):
    of what a stage makes forget, it brings back more than it costs of what the stage teaches.
    """

    model: str
    family: str | None = None  # needed when a plain folder's model_type does not settle it
    shape: str | None = None  # one of SHAPES: for the dry run while the weights are not on disk
    data: Data = Data()
    optim: Optim = Optim()
    batch: Batch = Batch()
    epochs: float = 3.0
    max_steps: int | None = None  # instead of what the epochs come to
    max_sequence_length: int = 4096  # tokens, text and visual
    overlong: Literal["shrink", "drop", "fail"] = "shrink"
    min_pixels: int | None = None  # None: as the model's own processor says
    max_pixels: int | None = None
    wire: Literal["tags", "plain"] = "tags"
    freeze: tuple[Group, ...] = ("vision",)
    lora: Lora | None = None
    keep: float = 0.0  # 0: what was trained, as it is
    precision: Literal["bf16", "fp32"] = "bf16"
    attention: Literal["sdpa", "flash_attention_2", "eager"] = "sdpa"
    sharding: Literal["none", "zero2", "zero3", "fsdp2"] = "none"
    gradient_checkpointing: bool = False
    device: Literal["auto", "cpu"] = "auto"
    ranks: int = 1  # processes the recipe is meant for; what the dry run counts with
    seed: int = 0
    save_steps: int = 0  # 0: only the final checkpoint
    keep_checkpoints: int = 2
    log_steps: int = 1
    most_bad_steps: int = 3  # steps with a non-finite gradient before the run is aborted
    cache_mb: int = 512  # decoded pictures kept in memory
    states_mb: int = 0  # what a frozen vision tower (Qwen3-VL) made of pictures, kept on the device
    workers: int = 0
    regression: Literal["stop", "report"] = "stop"  # what a lost guard group does

    def __post_init__(self) -> None:
        self.batch.accumulation(self.ranks)
        if self.epochs <= 0 or (self.max_steps is not None and self.max_steps < 1):
            raise ValueError("epochs must be positive and max_steps 1 or more")
        warms = self.optim.schedule != "constant"
        if warms and self.max_steps is not None and self.optim.warmup_steps >= self.max_steps:
            raise ValueError(
                f"the warm-up is as long as the whole run: optim.warmup_steps must be below"
                f" max_steps ({self.max_steps}), got {self.optim.warmup_steps}"
            )
        if self.max_sequence_length < 16:
            raise ValueError(f"max_sequence_length {self.max_sequence_length} holds no sample")
        if self.min_pixels and self.max_pixels and self.min_pixels > self.max_pixels:
            raise ValueError(f"min_pixels {self.min_pixels} is over max_pixels {self.max_pixels}")
        if self.shape is not None and self.shape not in SHAPES:
            raise ValueError(f"shape must be one of {', '.join(SHAPES)}, got {self.shape!r}")
        if {"vision", "projector", "language"} <= set(self.freeze):
            raise ValueError("freeze names every group, so nothing would train")
        if "vision" in self.freeze and self.optim.vision_lr is not None:
            raise ValueError("optim.vision_lr is set but freeze names vision: drop one of them")
        if "projector" in self.freeze and self.optim.projector_lr is not None:
            raise ValueError("optim.projector_lr is set but freeze names projector: drop one")
        if not 0 <= self.keep < 1:
            raise ValueError(f"keep must be in [0, 1), got {self.keep}")
        if self.keep and self.lora:
            raise ValueError("keep is for whole weights; with lora choose a smaller lora.alpha")
        if self.lora and set(self.lora.groups) & set(self.freeze):
            both = ", ".join(sorted(set(self.lora.groups) & set(self.freeze)))
            raise ValueError(f"lora.groups and freeze both name {both}")
        if self.attention == "flash_attention_2" and self.precision == "fp32":
            raise ValueError("attention flash_attention_2 needs precision bf16")
        if self.device == "cpu" and self.attention == "flash_attention_2":
            raise ValueError("attention flash_attention_2 needs a GPU, but device is cpu")
        if self.device == "cpu" and self.sharding != "none":
            raise ValueError(f"sharding {self.sharding} needs GPUs, but device is cpu")
        if self.states_mb and self.sharding != "none":
            raise ValueError("states_mb needs whole weights on every rank: set sharding: none")
        if self.optim.kind == "muon_adamw" and self.sharding != "none":
            raise ValueError("optim.kind muon_adamw needs whole matrices: set sharding: none")


Average = Literal["token", "square", "sample"]


class Anchor(Config, frozen=True, kw_only=True):
    """What replayed samples are held to (see ``train.anchor``).

    ``share`` of what such a sample teaches is what another model says there, its whole distribution
    over the next token; the rest is the token of the record. ``to`` is that model, None the one the
    stage starts from; with the base of several stages, what those before made it forget is taught
    again. It costs a frozen copy of the weights (none with lora and ``to`` None) and one more
    forward.
    """

    share: float
    to: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"anchor.share must be in (0, 1], got {self.share}")


class SftConfig(TrainConfig, frozen=True, kw_only=True):
    """Supervised fine-tuning on answers. ``stage`` is a name for reports: align, inject, fuse.

    ``average`` says what a token weighs in the loss, of an answer with n of them: "token" 1, so
    that a thought of 150 tokens outweighs fifty short answers; "sample" 1 / n, so that all answers
    weigh the same; "square" 1 / sqrt(n), between the two (square averaging, Chen et al. 2024,
    "Expanding Performance Boundaries of Open-Source Multimodal Models", InternVL 2.5).
    """

    method: Literal["sft"] = "sft"
    stage: str = "sft"
    average: Average = "token"
    anchor: Anchor | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data.replay_share and not self.data.replay:
            raise ValueError("data.replay_share is set but data.replay names no folder")
        if self.anchor and self.sharding != "none":
            raise ValueError("anchor needs whole weights on every rank: set sharding: none")


class DpoConfig(TrainConfig, frozen=True, kw_only=True):
    """Preference alignment on pairs: sigmoid loss plus ``sft_weight`` x NLL of the chosen.

    Plans that differ in a token or two drag the chosen answer down with the rejected one; the
    SFT term holds it up, and ``displacement_stop`` ends the run when it falls all the same.
    """

    method: Literal["dpo"] = "dpo"
    stage: str = "dpo"
    beta: float = 0.1
    sft_weight: float = 1.0
    label_smoothing: float = 0.0
    layout: Literal["shared", "split"] = "shared"
    displacement_stop: float | None = 0.1  # nats a chosen token below the reference
    displacement_window: int = 10  # steps averaged before it is judged

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta <= 0:
            raise ValueError(f"beta must be positive, got {self.beta}")
        if self.sft_weight < 0:
            raise ValueError(f"sft_weight must be 0 or more, got {self.sft_weight}")
        if not 0 <= self.label_smoothing < 0.5:
            raise ValueError(f"label_smoothing must be in [0, 0.5), got {self.label_smoothing}")
        if self.layout == "shared" and self.attention == "flash_attention_2":
            raise ValueError(
                "layout shared needs a 4-D mask, which flash_attention_2 cannot take:"
                " set layout: split or attention: sdpa"
            )
        if self.data.replay or self.data.replay_share:
            raise ValueError("DPO has no replay: its SFT term is what holds the answers")


AnyConfig: TypeAlias = SftConfig | DpoConfig
