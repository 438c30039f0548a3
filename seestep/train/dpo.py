"""The DPO trainer, and the reference log-probabilities it compares with, computed once."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from transformers import TrainerCallback

from seestep.errors import RunError
from seestep.run import atomic_write
from seestep.train.collate import Batch, Collator
from seestep.train.config import DpoConfig
from seestep.train.encode import Encoded
from seestep.train.forward import answer_logp
from seestep.train.losses import sigmoid_preference, sum_by_row
from seestep.train.trainer import BaseTrainer

REFERENCE = "reference.json"
DISPLACEMENT = "displacement.json"
CHOSEN, REJECTED = 0, 1


class Reference(NamedTuple):
    """Summed log-probabilities of a pair's completions under the model before training."""

    chosen: float
    rejected: float


class DpoTrainer(BaseTrainer):
    """Sigmoid preference loss, mean over the pairs of the global batch, plus ``sft_weight`` times
    the NLL of the chosen, mean over its tokens.

    Margins and accuracy look fine even while the chosen answer loses probability (Razin et al.
    2024), so ``chosen_per_token``, its mean change against the reference, is logged and judged.
    """

    def __init__(self, *args: Any, reference: dict[str, Reference], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reference = reference
        self.displacement: deque[float] = deque(maxlen=self._settings.displacement_window)
        self._step_sums: list[Tensor] = []
        self.add_callback(_Displacement(self))

    @property
    def _settings(self) -> DpoConfig:
        if not isinstance(self._config, DpoConfig):
            raise TypeError("DpoTrainer needs a DpoConfig")
        return self._config

    def counts(self, batch: Batch) -> Tensor:
        """(2,) pairs, and tokens of chosen completions."""
        chosen = (batch["rows"] % 2 == CHOSEN).sum()
        return torch.tensor([len(batch["ids"]), int(chosen)], dtype=torch.float64)

    def step_loss(self, model: nn.Module, batch: Batch, total: Tensor) -> Tensor:
        config, ids = self._settings, batch["ids"]
        logp = self.logp(model, batch)
        rows = batch["rows"]
        sums = sum_by_row(logp, rows, 2 * len(ids)).view(-1, 2)
        lengths = sum_by_row(torch.ones_like(logp), rows, 2 * len(ids)).view(-1, 2)
        before = sums.new_tensor([self._reference[i] for i in ids])
        preference = sigmoid_preference(
            sums[:, CHOSEN],
            sums[:, REJECTED],
            before[:, CHOSEN],
            before[:, REJECTED],
            beta=config.beta,
            label_smoothing=config.label_smoothing,
        )
        nll = -sums[:, CHOSEN].sum() / total[1]
        loss = preference.loss.sum() / total[0] + config.sft_weight * nll
        change = ((sums.detach() - before) / lengths).detach()
        margin = preference.chosen_reward - preference.rejected_reward
        self._step_sums.append(torch.stack([change[:, CHOSEN].sum(), sums.new_tensor(len(ids))]))
        self.watch(
            preference_loss=preference.loss,
            sft_loss=-sums[:, CHOSEN] / lengths[:, CHOSEN],
            margin=margin,
            accuracy=(margin > 0).float(),
            chosen_per_token=change[:, CHOSEN],
            rejected_per_token=change[:, REJECTED],
        )
        return loss

    def keep_state(self, folder: Path) -> None:
        """The window that displacement is judged over, so that a resumed run stops where a whole
        one would."""
        atomic_write(folder / DISPLACEMENT, json.dumps(list(self.displacement)).encode() + b"\n")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        file = Path(resume_from_checkpoint) / DISPLACEMENT
        self.displacement.extend(json.loads(file.read_bytes()))

    def close_step(self) -> float:
        """Mean change of the chosen per token over this step's pairs, all ranks."""
        total = torch.stack(self._step_sums).double().sum(dim=0)
        self._step_sums.clear()
        if self.args.world_size > 1:
            dist.all_reduce(total)
        return float(total[0] / total[1])


class _Displacement(TrainerCallback):
    """Ends the run when the chosen answers have become less likely than they were."""

    def __init__(self, trainer: DpoTrainer) -> None:
        self._trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        trainer, limit = self._trainer, self._trainer._settings.displacement_stop
        seen = trainer.displacement
        seen.append(trainer.close_step())
        mean = sum(seen) / len(seen)
        if limit is not None and len(seen) == seen.maxlen and mean < -limit:
            trainer.stopped = (
                f"displacement: over {len(seen)} steps to step {state.global_step} chosen answers"
                f" lost {-mean:.3f} nats a token against the reference (limit {limit})"
            )
            control.should_training_stop = True
        return control


@torch.no_grad()
def reference_of(
    trainer_model: nn.Module,
    samples: Sequence[Encoded],
    collator: Collator,
    file: Path,
    *,
    fingerprint: str,
    micro: int,
    device: torch.device,
    autocast: bool,
    rank: int = 0,
    ranks: int = 1,
) -> dict[str, Reference]:
    """Log-probabilities of every pair under the model as it is now, kept in ``file``.

    ``fingerprint`` says which model and pairs they are of; a file of another one is refused.
    Each rank computes its share and reads the others' from the disk they have in common.
    """
    if file.is_file():
        return _read(file, fingerprint)
    was_training = trainer_model.training
    trainer_model.eval()
    mine = samples[rank::ranks]
    found: dict[str, Reference] = {}
    order = sorted(range(len(mine)), key=lambda i: -mine[i].longest)
    for start in range(0, len(order), micro):
        chunk = [mine[i] for i in order[start : start + micro]]
        sums = completion_logp(trainer_model, collator(chunk), device, autocast)
        for sample, (chosen, rejected) in zip(chunk, sums.view(-1, 2).tolist(), strict=True):
            found[sample.id] = Reference(chosen, rejected)
    trainer_model.train(was_training)
    if ranks > 1:
        part = file.with_name(f"{file.name}.{rank}")
        _write(part, fingerprint, found)
        dist.barrier()
        for other in range(ranks):
            found |= _read(file.with_name(f"{file.name}.{other}"), fingerprint)
    found = {s.id: found[s.id] for s in samples}
    if rank == 0:
        _write(file, fingerprint, found)
    if ranks > 1:
        dist.barrier()
        part.unlink()
    return found


@torch.no_grad()
def completion_logp(model: nn.Module, batch: Batch, device: torch.device, autocast: bool) -> Tensor:
    """Summed log-probability (completions,) of every completion of a batch, float32."""
    moved = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in batch.items()}
    with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
        logp = answer_logp(model, moved)
    return sum_by_row(logp, moved["rows"], int(moved["rows"].max()) + 1)


def _write(file: Path, fingerprint: str, found: dict[str, Reference]) -> None:
    data = {"fingerprint": fingerprint, "pairs": {k: list(v) for k, v in found.items()}}
    atomic_write(file, json.dumps(data, indent=0).encode() + b"\n")


def _read(file: Path, fingerprint: str) -> dict[str, Reference]:
    data = json.loads(file.read_bytes())
    if data["fingerprint"] != fingerprint:
        raise RunError(
            "these reference log-probabilities are of another model or other pairs",
            file=file,
            hint="delete the file to compute them anew, or choose another --out",
        )
    return {k: Reference(*v) for k, v in data["pairs"].items()}
