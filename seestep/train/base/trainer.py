"""The engine's trainer with one thing more: each visual token learns to tell what it shows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import TrainerCallback

from seestep.run import atomic_write
from seestep.train.base.config import PretrainConfig
from seestep.train.base.corpus import BINS, DEPTH_BINS, HEADS, IGNORE
from seestep.train.collate import Batch
from seestep.train.config import Group
from seestep.train.optimise import floored_cosine
from seestep.train.trainer import SftTrainer

HEADS_FILE = "heads.safetensors"
AUX_WEIGHTS = (2.0, 2.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5)  # of HEADS: what it is matters most


class PretrainTrainer(SftTrainer):
    """SFT on packed questions plus ``aux`` times the loss of ``heads`` over visual tokens.

    A batch without ``targets`` (the vision stage) has that second loss only and never runs the
    language model. The heads are kept in checkpoints to go on from, and are no part of the model.
    """

    def __init__(
        self, *args: Any, recipe: PretrainConfig, heads: nn.ModuleList, **kwargs: Any
    ) -> None:
        self._recipe, self.heads = recipe, heads
        self._seen: list[Tensor] = []
        super().__init__(*args, **kwargs)
        self.heads.to(self.args.device)
        self._model.model.visual.merger.register_forward_hook(
            lambda module, inputs, output: self._seen.append(output)
        )
        self.add_callback(_Forget(self))

    # --- the step ---

    def counts(self, batch: Batch) -> Tensor:
        return super().counts(batch) if "targets" in batch else torch.ones(1, dtype=torch.float64)

    def step_loss(self, model: nn.Module, batch: Batch, total: Tensor) -> Tensor:
        self._seen.clear()
        if "targets" in batch:
            answers = super().step_loss(model, batch, total)
            self.watch(answers=answers)
        else:
            self._look(batch)
            answers = torch.zeros((), device=self.args.device)
        losses = cell_losses(self.heads, self._seen.pop(), batch["cells"])
        self.watch(**{f"aux_{name}": x for name, x in zip(HEADS, losses, strict=True)})
        aux = torch.stack([w * x for w, x in zip(AUX_WEIGHTS, losses, strict=True)]).sum()
        return answers + float(batch["aux"]) * aux

    def _look(self, batch: Batch) -> None:
        enabled = self._config.precision == "bf16"
        with torch.autocast(self.args.device.type, torch.bfloat16, enabled=enabled):
            self._model.model.visual(batch["pixel_values"], grid_thw=batch["image_grid_thw"])

    def tokens(self, batch: Batch) -> int:
        return super().tokens(batch) if "targets" in batch else len(batch["cells"])

    def note(self, logs: dict[str, float]) -> str:
        stage = self._recipe.stages[self._recipe.place(self.state.global_step - 1)[0]][0]
        answers = f", answers {logs['answers']:.2f}" if "answers" in logs else ""
        return f"{stage}{answers}, what it is {logs['aux_type']:.2f}, where {logs['aux_x']:.2f}"

    def forget_gradients(self, model: nn.Module) -> None:
        super().forget_gradients(model)
        self.heads.zero_grad()

    def floating_point_ops(self, inputs: Any) -> int:
        return 0  # nobody reads them, and counting takes longer than a step may lose

    # --- learning rates ---

    def named_parameters(self, model: nn.Module) -> list[tuple[str, Group, nn.Parameter]]:
        # An output layer, as lm_head is: AdamW's whatever its shape.
        group: Group = "language"
        heads = [(f"lm_head.{n}", group, p) for n, p in self.heads.named_parameters()]
        return [*super().named_parameters(model), *heads]

    def rate(self, step: int, steps: int) -> float:
        number, k = self._recipe.place(step)
        _, stage = self._recipe.stages[number]
        optim = self._recipe.optim
        return (stage.lr or optim.lr) / optim.lr * floored_cosine(optim, k, stage.steps)

    # --- checkpoints and metrics ---

    def keep_state(self, folder: Path) -> None:
        atomic_write(folder / HEADS_FILE, to_bytes(self.heads.state_dict()))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self.heads.load_state_dict(load_file(Path(resume_from_checkpoint) / HEADS_FILE))

    def write(self, line: dict[str, Any]) -> None:
        super().write(line | {"time": round(time.time(), 2)})


class _Forget(TrainerCallback):
    """transformers clears the gradients of the model, and the heads are none of it."""

    def __init__(self, trainer: PretrainTrainer) -> None:
        self._trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._trainer.heads.zero_grad()


def make_heads(width: int, classes: tuple[int, int], seed: int) -> nn.ModuleList:
    """One linear layer for each of ``HEADS``; ``classes`` counts types and colours, "none" too."""
    sizes = (*classes, *[BINS] * 6, DEPTH_BINS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.ModuleList([nn.Linear(width, size) for size in sizes])


def cell_losses(heads: nn.ModuleList, seen: Tensor, cells: Tensor) -> list[Tensor]:
    """Cross entropy of each head over the visual tokens (n, width) that ``cells`` (n, 9) teaches.

    -100 is not taught; a head that nothing is taught to has loss 0.
    """
    out = []
    for head, target in zip(heads, cells.T, strict=True):
        total = F.cross_entropy(head(seen.float()), target, ignore_index=IGNORE, reduction="sum")
        out.append(total / (target != IGNORE).sum().clamp(min=1))
    return out
