"""The SFT trainer: transformers' Trainer with our loss, our learning rates and our checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from seestep.errors import RunError
from seestep.models import card as cards
from seestep.models.load import Loaded
from seestep.progress import Progress
from seestep.train import checkpoint
from seestep.train.anchor import Start
from seestep.train.collate import Batch
from seestep.train.config import AnyConfig, Group, SftConfig
from seestep.train.forward import answer_logits, answer_logp
from seestep.train.losses import anchored, token_nll
from seestep.train.optimise import floored_cosine, make_optimiser
from seestep.train.order import Schedule

METRICS = "metrics.jsonl"


class BaseTrainer(Trainer):
    """What SFT and DPO share; ``folder`` is the run folder, checkpoints go where ``args`` says.

    The loss is a sum over the global batch divided by its own counts, so accumulation, ranks and
    padding do not change a step. Metrics go to ``metrics.jsonl``, one object a logged step.
    ``stopped`` says why training ended before its last step, or is "".
    """

    stopped = ""

    def __init__(
        self,
        loaded: Loaded,
        config: AnyConfig,
        args: TrainingArguments,
        *,
        samples: Dataset[Any],
        collator: Callable[[Any], Batch],
        schedule: Schedule,
        folder: Path,
        progress: Progress | None = None,
    ) -> None:
        self._config, self._schedule, self._folder = config, schedule, folder
        self._model: Any = loaded.model
        self.loaded = loaded
        self._bad_steps: list[dict[str, Any]] = []
        self._batch_ids: list[str] = []
        self._watched: dict[str, list[Tensor]] = {}
        self._tokens = 0
        cached = getattr(self._model.config, "use_cache", None)
        super().__init__(
            model=self._model, args=args, train_dataset=samples, data_collator=collator
        )
        # transformers' Trainer turns this off for good, and whoever loads the result generates
        # without a cache, many times as slowly; our own steps pass use_cache=False themselves.
        if cached is None:
            del self._model.config.use_cache
        else:
            self._model.config.use_cache = cached
        self.model_accepts_loss_kwargs = True
        self.loss_is_scaled_for_ga = True  # compute_loss divides by the counts of the whole step
        self.remove_callback(PrinterCallback)
        self.add_callback(_Follow(self, progress))

    # --- the step ---

    def logp(self, model: nn.Module, batch: Batch) -> Tensor:
        """Log-probabilities (N,) of the batch's target tokens; logits exist at those alone."""
        return answer_logp(model, batch)

    def counts(self, batch: Batch) -> Tensor:
        """What the loss of a batch is divided by, to be summed over the global batch."""
        raise NotImplementedError

    def step_loss(self, model: nn.Module, batch: Batch, total: Tensor) -> Tensor:
        """This micro-batch's share of the loss of a step whose counts are ``total``."""
        raise NotImplementedError

    def tokens(self, batch: Batch) -> int:
        """How much a batch is to compute, for the speed that is logged."""
        return int(batch["input_ids"].numel())

    def note(self, logs: dict[str, float]) -> str:
        """What the progress bar says of a logged step."""
        return f"loss {logs['loss']:.3f}"

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        total = num_items_in_batch
        if not isinstance(total, Tensor):
            total = self.counts(inputs).to(self.args.device)
        # Gradients are averaged over ranks, and the counts are those of all of them.
        loss = self.step_loss(model, inputs, total.float()) * self.args.world_size
        return (loss, None) if return_outputs else loss

    def _get_num_items_in_batch(self, batch_samples: list[Batch], device: torch.device) -> Tensor:
        total = torch.stack([self.counts(b) for b in batch_samples]).sum(dim=0).to(device)
        if self.args.world_size > 1:
            dist.all_reduce(total)
        self._batch_ids = [i for b in batch_samples for i in b["ids"]]
        return total

    def training_step(
        self, model: nn.Module, inputs: Batch, num_items_in_batch: Any = None
    ) -> Tensor:
        loss = super().training_step(model, inputs, num_items_in_batch)
        self._tokens += self.tokens(inputs)
        # A non-finite loss makes the gradient norm non-finite on every rank; see _get_grad_norm.
        return loss if torch.isfinite(loss) else torch.zeros_like(loss)

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        norm: Any = Trainer._get_grad_norm(self, model, grad_norm=grad_norm)  # type: ignore[no-untyped-call]
        if math.isfinite(float(norm)):
            return norm
        # Without gradients the optimiser leaves weights and moments alone: the step is skipped.
        self.forget_gradients(model)
        step = self.state.global_step + 1
        self._bad_steps.append({"step": step, "bad_batch": self._batch_ids})
        self.write({"step": step, "bad_batch": self._batch_ids})
        deepspeed = self.is_deepspeed_enabled  # its engine has already applied the step
        if deepspeed or len(self._bad_steps) >= self._config.most_bad_steps:
            raise RunError(
                f"the gradient was not finite in {len(self._bad_steps)} steps, training stopped",
                file=self._folder / METRICS,
                record=", ".join(self._batch_ids[:4]),
                hint="look at these records, lower optim.lr, or go on from the last checkpoint",
            )
        return 0.0

    def forget_gradients(self, model: nn.Module) -> None:
        """Drop the gradients of a step that is skipped."""
        model.zero_grad()

    # --- learning rates ---

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """The recipe's optimiser with a learning rate for vision, projector and language each;
        vectors (norms, biases) are not decayed."""
        if self.optimizer is None:
            kind, options = self.get_optimizer_cls_and_kwargs(self.args)
            named = self.named_parameters(model or self._model)
            self.optimizer = make_optimiser(named, self._config.optim, kind, options)
        return self.optimizer

    def named_parameters(self, model: nn.Module) -> list[tuple[str, Group, nn.Parameter]]:
        """Everything that learns: name, group, parameter."""
        found = model.named_parameters()
        return [(n, group_of(n), p) for n, p in found if p.requires_grad]

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        if self._config.optim.schedule != "floored_cosine":
            return super().create_scheduler(num_training_steps, optimizer)
        if self.lr_scheduler is None:
            made: Any = optimizer or self.optimizer
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                made, lambda step: self.rate(step, num_training_steps)
            )
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def rate(self, step: int, steps: int) -> float:
        """Learning rate over its peak in step ``step`` (from 0) of ``steps``."""
        return floored_cosine(self._config.optim, step, steps)

    # --- checkpoints ---

    def _save_checkpoint(self, model: nn.Module, trial: Any = None) -> None:
        super()._save_checkpoint(model, trial)
        if self.args.world_size > 1:
            dist.barrier()
        if self.args.should_save:
            folder = (
                Path(self.args.output_dir or "") / f"{checkpoint.PREFIX}{self.state.global_step}"
            )
            self.keep_state(folder)
            checkpoint.seal(folder)

    def keep_state(self, folder: Path) -> None:
        """Put what this method needs to go on from here into a checkpoint, before it is sealed."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or self.args.output_dir or "")
        if not self.args.should_save:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._model.save_pretrained(folder, state_dict=state_dict)
        self.loaded.processor.save_pretrained(folder)
        cards.write(folder, self.loaded.card)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        # transformers (5.23) loads the file without renaming its keys and without being strict,
        # so a Qwen2.5-VL would silently go on from its starting weights.
        load_weights(self._model, Path(resume_from_checkpoint))

    def forget_start(self) -> None:
        """Let go of weights that only training needs, if there are any."""

    # --- metrics ---

    def watch(self, **values: Tensor) -> None:
        """Remember values of this micro-batch; their mean since the last log is logged."""
        for name, value in values.items():
            self._watched.setdefault(name, []).append(value.detach().float().reshape(-1))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            logs = {**logs, **self._drain()}
        super().log(logs, start_time)

    def _drain(self) -> dict[str, float]:
        out = {}
        for name, values in self._watched.items():
            joined = torch.cat(values).double()
            pair = torch.stack([joined.sum(), joined.new_tensor(float(len(joined)))])
            if self.args.world_size > 1:
                pair = pair.to(self.args.device)
                dist.all_reduce(pair)
            if pair[1]:
                out[name] = float(pair[0] / pair[1])
        self._watched.clear()
        return out

    def write(self, line: dict[str, Any]) -> None:
        """Append one object to ``metrics.jsonl``."""
        if self.args.should_save:
            with (self._folder / METRICS).open("a") as stream:
                stream.write(json.dumps(line) + "\n")


class SftTrainer(BaseTrainer):
    """Cross-entropy on answer tokens: their sum over the global batch over their number.

    A batch may hold ``weights`` (N,) of its target tokens; the loss is then their weighted mean.
    With a ``start`` those of replayed samples (``replayed`` (N,) of the batch) are anchored to it
    by the share of the recipe, and ``drift`` is logged, the KL divergence from it in nats a token.
    """

    def __init__(self, *args: Any, start: Start | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._start = start

    @property
    def _settings(self) -> SftConfig:
        if not isinstance(self._config, SftConfig):
            raise TypeError("SftTrainer needs an SftConfig")
        return self._config

    def counts(self, batch: Batch) -> Tensor:
        weights = batch.get("weights")
        count = len(batch["targets"]) if weights is None else float(weights.double().sum())
        return torch.tensor([count], dtype=torch.float64)

    def step_loss(self, model: nn.Module, batch: Batch, total: Tensor) -> Tensor:
        nll, weights = self._nll(model, batch), batch.get("weights")
        return (nll if weights is None else nll * weights).sum() / total[0]

    def _nll(self, model: nn.Module, batch: Batch) -> Tensor:
        """What each target token (N,) costs."""
        anchor = self._settings.anchor
        if self._start is None or anchor is None:
            return -self.logp(model, batch)
        again = batch.get("replayed")
        if again is None:
            self.watch(drift=torch.empty(0, device=self.args.device))  # all ranks watch the same
            return -self.logp(model, batch)
        start = self._start.logits(batch)[again]
        logits = answer_logits(model, batch)
        nll = token_nll(logits, batch["targets"])
        soft, drift = anchored(logits[again], start)
        self.watch(drift=drift)
        return nll.index_put((again,), torch.lerp(nll[again], soft, anchor.share))

    def forget_start(self) -> None:
        self._start = None


def load_weights(model: Any, folder: Path) -> None:
    """Put the weights (or adapters) of a checkpoint into ``model``; every key must be there."""
    if hasattr(model, "peft_config"):
        from peft import load_peft_weights, set_peft_model_state_dict

        found: Any = set_peft_model_state_dict(model, load_peft_weights(str(folder), device="cpu"))
        lost = [k for k in found.missing_keys if "lora_" in k] + list(found.unexpected_keys)
        if lost:
            raise RunError("the adapters do not fit the model", file=folder, got=lost[0])
        return
    fresh = type(model).from_pretrained(str(folder), dtype=model.dtype, local_files_only=True)
    model.load_state_dict(fresh.state_dict(), strict=True)


def group_of(name: str) -> Group:
    """Which group a parameter belongs to, by its name in a Qwen-VL model."""
    if "visual." not in name:
        return "language"
    return "projector" if "merger" in name.split("visual.")[1] else "vision"


class _Follow(TrainerCallback):
    """Writes metrics lines and moves the progress bar."""

    def __init__(self, trainer: BaseTrainer, progress: Progress | None) -> None:
        self._trainer, self._progress = trainer, progress
        self._clock: Callable[[], float] = time.perf_counter
        self._since, self._tokens = self._clock(), 0
        self._rates: dict[str, float] = {}

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        groups = kwargs["optimizer"].param_groups
        self._rates = {g["name"]: float(g["lr"]) for g in groups if "name" in g}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._since, self._tokens = self._clock(), self._trainer._tokens

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        if not logs or "loss" not in logs:
            return
        now, tokens = self._clock(), self._trainer._tokens
        line = {"step": state.global_step}
        line |= {k: v for k, v in logs.items() if k not in ("epoch", "learning_rate")}
        line["epoch"] = self._trainer._schedule.epoch_of(state.global_step)
        line["lr"] = self._rates
        speed = (tokens - self._tokens) * args.world_size / max(now - self._since, 1e-9)
        line["tokens_per_s"] = round(speed, 1)
        self._since, self._tokens = now, tokens
        self._trainer.write(line)
        if self._progress is not None and args.should_save:
            self._progress.update(state.global_step, state.max_steps, self._trainer.note(logs))
