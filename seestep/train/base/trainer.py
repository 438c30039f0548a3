"""The engine's trainer with one thing more: tokens learn to tell what and where things are.

Each visual token tells what it shows, each name in a question tells where its thing is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import TrainerCallback

from seestep.act.vocabulary import words
from seestep.models.load import Loaded
from seestep.run import atomic_write
from seestep.train.base.asked import COLORS, TYPES
from seestep.train.base.config import PretrainConfig
from seestep.train.base.corpus import BINS, DEPTH_BINS, HEADS, IGNORE
from seestep.train.base.reading import MANY
from seestep.train.collate import Batch
from seestep.train.config import Group
from seestep.train.optimise import floored_cosine
from seestep.train.trainer import SftTrainer, group_of

HEADS_FILE = "heads.safetensors"
AUX_WEIGHTS = (5.0, 4.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 2.0)  # of HEADS: what, first


NAMED = ("named_x", "named_y", "named_count", "named_on")
"""What the name of a thing in a question is taught to tell, one head each after those of HEADS.

Told half-way up: what a name knows at the last layer comes too late for an answer that compares two
names.
"""


class PretrainTrainer(SftTrainer):
    """SFT on packed questions plus ``aux`` times the loss of ``heads`` over tokens.

    A batch without ``targets`` (the vision stage) has that second loss only and never runs the
    language model. The heads are kept in checkpoints to go on from, and are no part of the model.
    """

    def __init__(
        self,
        *args: Any,
        recipe: PretrainConfig,
        heads: nn.ModuleList,
        look_ahead: Callable[[], None] | None,
        **kwargs: Any,
    ) -> None:
        """``look_ahead`` is called where a stage freezes the tower, before its first step."""
        self._recipe, self.heads, self._look_ahead = recipe, heads, look_ahead
        self._frozen: tuple[Group, ...] = ()
        self._seen: list[Tensor] = []
        self._states: list[Tensor] = []
        super().__init__(*args, **kwargs)
        self.heads.to(self.args.device)
        self._model.model.visual.merger.register_forward_hook(
            lambda module, inputs, output: self._seen.append(output)
        )
        layers = self._model.model.language_model.layers
        layers[len(layers) // 2 - 1].register_forward_hook(
            lambda module, inputs, output: self._states.append(_first(output))
        )
        self.add_callback(_Forget(self))

    # --- the step ---

    def training_step(
        self, model: nn.Module, inputs: Batch, num_items_in_batch: Any = None
    ) -> Tensor:
        stage = self._recipe.stages[self._recipe.place(self.state.global_step)[0]][1]
        if stage.freeze != self._frozen:
            for name, parameter in self._model.named_parameters():
                parameter.requires_grad_(group_of(name) not in stage.freeze)
            self._frozen = stage.freeze
            if self._look_ahead is not None and "vision" in stage.freeze:
                with self._autocast():
                    self._look_ahead()
        return super().training_step(model, inputs, num_items_in_batch)

    def counts(self, batch: Batch) -> Tensor:
        return super().counts(batch) if "targets" in batch else torch.ones(1, dtype=torch.float64)

    def step_loss(self, model: nn.Module, batch: Batch, total: Tensor) -> Tensor:
        self._seen.clear()
        self._states.clear()
        if "targets" in batch:
            answers = super().step_loss(model, batch, total)
            self.watch(answers=answers)
        else:
            self._look(batch)
            answers = torch.zeros((), device=self.args.device)
        cells, named = self.heads[: len(HEADS)], self.heads[len(HEADS) :]
        losses = cell_losses(cells, self._seen.pop(), batch["cells"])
        self.watch(**{f"aux_{name}": x for name, x in zip(HEADS, losses, strict=True)})
        aux = torch.stack([w * x for w, x in zip(AUX_WEIGHTS, losses, strict=True)]).sum()
        if "named" in batch and len(batch["named"]):
            where = name_losses(named, self._states.pop(), batch["named"])
            self.watch(**{f"aux_{name}": x for name, x in zip(NAMED, where, strict=True)})
            aux = aux + torch.stack(where).sum()
        return answers + float(batch["aux"]) * aux

    def _look(self, batch: Batch) -> None:
        with self._autocast():
            self._model.model.visual(batch["pixel_values"], grid_thw=batch["image_grid_thw"])

    def _autocast(self) -> torch.autocast:
        enabled = self._config.precision == "bf16"
        return torch.autocast(self.args.device.type, torch.bfloat16, enabled=enabled)

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
        # Output layers, as lm_head is: AdamW's whatever their shape.
        parts: tuple[tuple[Group, nn.ModuleList], ...] = (
            ("vision", self.heads[: len(HEADS)]),
            ("language", self.heads[len(HEADS) :]),
        )
        heads = [
            (f"lm_head.{group}.{n}", group, p)
            for group, part in parts
            for n, p in part.named_parameters()
        ]
        return [*super().named_parameters(model), *heads]

    def rate(self, step: int, steps: int) -> float:
        number, k = self._recipe.place(step)
        stage = self._recipe.stages[number][1]
        optim = self._recipe.optim
        peak = optim.rate("vision" if number == 0 else "language")
        return (stage.lr or peak) / peak * floored_cosine(optim, k, stage.steps)

    # --- checkpoints and metrics ---

    def keep_state(self, folder: Path) -> None:
        atomic_write(folder / HEADS_FILE, to_bytes(self.heads.state_dict()))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self.heads.load_state_dict(load_file(Path(resume_from_checkpoint) / HEADS_FILE))

    def write(self, line: dict[str, Any]) -> None:
        super().write(line | {"time": round(time.time(), 2)})


def _first(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    return output[0] if isinstance(output, tuple) else output


class _Forget(TrainerCallback):
    """transformers clears the gradients of the model, and the heads are none of it."""

    def __init__(self, trainer: PretrainTrainer) -> None:
        self._trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._trainer.heads.zero_grad()


class Named(nn.Module):
    """Logits of names: how far a visual token points the way the words' embeddings point.

    With weights of its own a head would leave the language model to learn word by word which
    direction of a visual token goes with which word; tied to the embeddings, one match serves all.
    """

    def __init__(self, embed: nn.Embedding, tokens: list[list[int]]) -> None:
        """``tokens`` of each name; name 0 is "nothing" and has none."""
        super().__init__()
        self._embed = [embed]  # in a list, so that its weights are no parameters of the head
        longest = max(map(len, tokens))
        ids = torch.tensor([t + [0] * (longest - len(t)) for t in tokens])
        used = torch.tensor([[1.0] * len(t) + [0.0] * (longest - len(t)) for t in tokens])
        self.register_buffer("ids", ids, persistent=False)
        self.register_buffer("used", used, persistent=False)
        self.nothing = nn.Parameter(0.04 * torch.randn(embed.weight.shape[1]))
        self.bias = nn.Parameter(torch.zeros(len(tokens)))

    def forward(self, seen: Tensor) -> Tensor:
        """(n, width) -> (n, names)."""
        ids, used = self.get_buffer("ids"), self.get_buffer("used")
        means = (self._embed[0].weight[ids] * used[..., None]).sum(1)
        means = means / used.sum(1, keepdim=True).clamp(min=1)
        names = F.normalize(torch.cat([self.nothing[None], means[1:]]), dim=-1)
        logits: Tensor = seen @ names.T + self.bias
        return logits


def make_heads(loaded: Loaded, seed: int) -> nn.ModuleList:
    """One head for each of ``HEADS`` and ``NAMED``; what words name is told by them."""
    tokenizer, embed = loaded.tokenizer, loaded.model.get_input_embeddings()
    width = embed.weight.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        names = [
            Named(embed, [list(tokenizer(f" {words(n)}").input_ids) if n else [] for n in told])
            for told in (TYPES, COLORS, TYPES)
        ]
        places = [nn.Linear(width, size) for size in (*[BINS] * 6, DEPTH_BINS)]
        named = [nn.Linear(width, size) for size in (BINS, BINS, MANY + 1, MANY + 1)]
        return nn.ModuleList([*names[:2], *places, names[2], nn.Linear(width, 2), *named])


def name_losses(heads: Iterable[nn.Module], states: Tensor, named: Tensor) -> list[Tensor]:
    """Cross entropy of each of ``NAMED`` at names: ``named`` (n, 6) is row and position in
    ``states`` (B, L, width), then column and row of the thing, how many bear its name and how many
    things are on it."""
    told = states[named[:, 0], named[:, 1]].float()
    return losses(heads, F.rms_norm(told, told.shape[-1:]), named[:, 2:])


def cell_losses(heads: Iterable[nn.Module], seen: Tensor, cells: Tensor) -> list[Tensor]:
    """Cross entropy of each head over visual tokens (n, width), as ``cells`` (n, 11) teaches."""
    return losses(heads, seen.float(), cells)


def losses(heads: Iterable[nn.Module], states: Tensor, targets: Tensor) -> list[Tensor]:
    """Cross entropy of each head over ``states`` (n, width), with its column of ``targets``.

    -100 is not taught; a head that nothing is taught to has loss 0.
    """
    out = []
    for head, target in zip(heads, targets.T, strict=True):
        total = F.cross_entropy(head(states), target, ignore_index=IGNORE, reduction="sum")
        out.append(total / (target != IGNORE).sum().clamp(min=1))
    return out
