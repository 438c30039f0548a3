"""The two training stages: visual tokens learn what they show, then questions are answered."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from seestep.models.load import Loaded
from seestep.models.processor import Patches
from seestep.models.tiny.attention import packed_attention
from seestep.models.tiny.config import PretrainConfig, Stage
from seestep.models.tiny.corpus import BINS, DEPTH_BINS, HEADS, IGNORE, Corpus, Question
from seestep.models.tiny.pack import Batch, Packer
from seestep.run import atomic_write

AUX_WEIGHTS = (2.0, 2.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5)  # of HEADS: what it is matters most

Note = Callable[[dict[str, Any]], None]


@dataclass
class Learner:
    """A model, the heads that are thrown away, and the optimisers: all that a resume needs."""

    config: PretrainConfig
    loaded: Loaded
    corpus: Corpus
    packer: Packer
    heads: nn.ModuleList
    optimisers: list[torch.optim.Optimizer]
    patches: Patches
    pools: tuple[list[list[Question]], list[list[Question]]]  # about one picture, about several
    done: dict[str, int]  # steps done, by stage

    def save(self, file: Path) -> None:
        """Write the whole state, atomically."""
        stream = io.BytesIO()
        state = {
            "model": self.loaded.model.state_dict(),
            "heads": self.heads.state_dict(),
            "optimisers": [o.state_dict() for o in self.optimisers],
            "done": self.done,
        }
        torch.save(state, stream)
        atomic_write(file, stream.getvalue())

    def restore(self, file: Path) -> None:
        """Go on from ``save``; no random state is kept, since every step seeds its own."""
        state = torch.load(file, weights_only=True)
        self.loaded.model.load_state_dict(state["model"])
        self.heads.load_state_dict(state["heads"])
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.done = dict(state["done"])


def make_learner(
    config: PretrainConfig, loaded: Loaded, corpus: Corpus, classes: tuple[int, int], grid: int
) -> Learner:
    """A learner at step 0. ``classes`` are the numbers of types and colours, "none" included."""
    tokenizer = loaded.tokenizer
    packer = Packer(
        lambda text: list(tokenizer(text).input_ids),
        image_id=loaded.model.config.image_token_id,
        pad_id=tokenizer.pad_token_id,
        grid=grid,
        form_weight=config.form_weight,
    )
    width = loaded.model.config.text_config.hidden_size
    sizes = dict(zip(HEADS, (*classes, *[BINS] * 6, DEPTH_BINS), strict=True))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed + 1)
        heads = nn.ModuleList([nn.Linear(width, sizes[name]) for name in HEADS])
    return Learner(
        config=config,
        loaded=loaded,
        corpus=corpus,
        packer=packer,
        heads=heads,
        optimisers=_optimisers(loaded.model, heads),
        patches=Patches(loaded.processor.image_processor),
        pools=(
            [g for g in corpus.groups if len(g[0].views) == 1],
            [g for g in corpus.groups if len(g[0].views) > 1],
        ),
        done={"vision": 0, "joint": 0},
    )


def train(learner: Learner, state: Path, note: Note) -> None:
    """Run both stages from wherever ``learner`` is, saving to ``state`` now and then.

    Step k draws its data from (seed, stage, k) alone, so a killed run that goes on from a state
    sees what the uninterrupted run saw.
    """
    learner.loaded.model.train()
    with packed_attention(learner.loaded.model):
        _train(learner, state, note)
    learner.loaded.model.eval()


def _train(learner: Learner, state: Path, note: Note) -> None:
    for number, (name, stage, step) in enumerate(_stages(learner)):
        for k in range(learner.done[name], stage.steps):
            for optimiser in learner.optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate(stage, k)
            rng = np.random.default_rng([learner.config.seed, number, k])
            losses = step(learner, stage, rng)
            learner.done[name] = k + 1
            note({"stage": name, "step": k + 1, "of": stage.steps, **losses})
            if (k + 1) % learner.config.save_every == 0 or k + 1 == stage.steps:
                learner.save(state)


def learning_rate(stage: Stage, step: int) -> float:
    """Linear warm-up, then cosine down to ``lowest`` of the highest."""
    warm = min(1.0, (step + 1) / max(1, stage.warmup))
    fall = 0.5 * (1 + math.cos(math.pi * step / stage.steps))
    return stage.lr * warm * (stage.lowest + (1 - stage.lowest) * fall)


def answer_loss(model: Any, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Weighted cross entropy over the answer tokens only; logits are made for no other token."""
    targets, weights = batch.labels[:, 1:], batch.weights[:, 1:]
    taught = targets != IGNORE
    logits = model.lm_head(hidden[:, :-1][taught].float())
    loss = F.cross_entropy(logits, targets[taught], reduction="none")
    weight = weights[taught]
    return (loss * weight).sum() / weight.sum()


def forward(loaded: Loaded, batch: Batch, pixels: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """Last hidden states (B, L, hidden) of a packed batch, inside ``packed_attention``."""
    hidden: torch.Tensor = loaded.model.model(
        input_ids=batch.input_ids,
        attention_mask=batch.mask,
        position_ids=batch.positions,
        pixel_values=pixels,
        image_grid_thw=grid,
        use_cache=False,
        slots=batch.slots,
        in_prefix=batch.owner == 0,
    ).last_hidden_state
    return hidden


def _vision_step(learner: Learner, stage: Stage, rng: np.random.Generator) -> dict[str, float]:
    views = rng.integers(len(learner.corpus.pictures), size=stage.batch)
    pixels, grid = learner.patches(learner.corpus.pictures[views])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        seen = learner.loaded.model.model.visual(pixels, grid_thw=grid).pooler_output
    losses = _aux_losses(learner, seen, views)
    _update(learner, _weigh_aux(losses))
    return _named(losses)


def _joint_step(learner: Learner, stage: Stage, rng: np.random.Generator) -> dict[str, float]:
    groups = _draw(learner, stage.batch, rng)
    batch = learner.packer(groups)
    pixels, grid = learner.patches(learner.corpus.pictures[batch.views])
    kept: list[torch.Tensor] = []
    hook = learner.loaded.model.model.visual.merger.register_forward_hook(
        lambda module, inputs, output: kept.append(output)
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = forward(learner.loaded, batch, pixels, grid)
    hook.remove()
    loss = answer_loss(learner.loaded.model, hidden, batch)
    losses = _aux_losses(learner, kept[0], batch.views)
    _update(learner, loss + stage.aux * _weigh_aux(losses))
    return {"loss": loss.item(), **_named(losses)}


def _draw(learner: Learner, count: int, rng: np.random.Generator) -> list[list[Question]]:
    """``count`` groups, all about one picture or all about several, with a few questions each."""
    weights = learner.config.ability_weights
    several = bool(learner.pools[1]) and rng.random() < learner.config.pairs
    pool = learner.pools[several]
    drawn = []
    for index in rng.integers(len(pool), size=count):
        group = pool[index]
        weight = np.array([weights.get(q.ability, 1.0) for q in group])
        most = min(learner.config.questions, int((weight > 0).sum()))
        picks = rng.choice(len(group), size=most, replace=False, p=weight / weight.sum())
        drawn.append([group[i] for i in picks])
    return drawn


def _aux_losses(
    learner: Learner, seen: torch.Tensor, views: np.ndarray[Any, Any]
) -> list[torch.Tensor]:
    cells = torch.from_numpy(learner.corpus.cells[views].reshape(-1, len(HEADS)).astype(np.int64))
    out = []
    for head, target in zip(learner.heads, cells.T, strict=True):
        total = F.cross_entropy(head(seen.float()), target, ignore_index=IGNORE, reduction="sum")
        out.append(total / (target != IGNORE).sum().clamp(min=1))
    return out


def _weigh_aux(losses: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([w * x for w, x in zip(AUX_WEIGHTS, losses, strict=True)]).sum()


def _named(losses: list[torch.Tensor]) -> dict[str, float]:
    return {f"aux_{name}": x.item() for name, x in zip(HEADS, losses, strict=True)}


def _update(learner: Learner, loss: torch.Tensor) -> None:
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(learner.loaded.model.parameters(), 1.0)
    for optimiser in learner.optimisers:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)


def _optimisers(model: nn.Module, heads: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for tables, norms, biases and the heads."""
    tables = ("embed_tokens", "lm_head", "pos_embed")
    named = list(model.named_parameters())
    matrices = [p for n, p in named if p.dim() == 2 and not any(t in n for t in tables)]
    known = {id(p) for p in matrices}
    rest: Iterable[nn.Parameter] = [p for _, p in named if id(p) not in known]
    return [
        torch.optim.Muon(
            matrices, lr=1e-3, weight_decay=0.01, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(
            [*rest, *heads.parameters()], lr=1e-3, weight_decay=0.01, betas=(0.9, 0.98)
        ),
    ]


StepFunction = Callable[[Learner, Stage, np.random.Generator], dict[str, float]]


def _stages(learner: Learner) -> list[tuple[str, Stage, StepFunction]]:
    return [
        ("vision", learner.config.vision, _vision_step),
        ("joint", learner.config.joint, _joint_step),
    ]
