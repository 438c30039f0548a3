"""A recipe as transformers' ``TrainingArguments``: precision, sharding, schedule, checkpoints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import TrainingArguments

from seestep.errors import RecipeError, need
from seestep.train.config import AnyConfig

HANG_S = 1800  # a collective that waits this long means a rank is gone


def ranks() -> int:
    """Processes of this launch (torchrun's WORLD_SIZE)."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Number of this process."""
    return int(os.environ.get("RANK", "0"))


def leave() -> None:
    """Ends this process's part of the process group, its threads too, after a run that went well.

    A thread of it that outlives the interpreter and still holds one of its objects aborts the
    process, and with it a launch that was done. After a failure do not wait for the others here.
    """
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def on_cpu(config: AnyConfig) -> bool:
    return config.device == "cpu" or not torch.cuda.is_available()


def load_dtype(config: AnyConfig) -> str:
    """Precision the weights are loaded in: bf16 where a sharded engine keeps fp32 masters of them
    or where only adapters train, else fp32 masters under autocast."""
    narrow = config.sharding in ("zero2", "zero3") or config.lora is not None
    return "bfloat16" if config.precision == "bf16" and narrow else "float32"


def arguments(config: AnyConfig, folder: Path, *, steps: int) -> TrainingArguments:
    """Training arguments of a run of ``steps`` optimiser steps that checkpoints into ``folder``."""
    cpu = on_cpu(config)
    if not cpu and torch.cuda.device_count() > 1 and ranks() == 1:
        raise RecipeError(
            f"{torch.cuda.device_count()} GPUs are visible but one process was started",
            hint="torchrun --nproc-per-node N -m seestep train ..., or set CUDA_VISIBLE_DEVICES",
        )
    if cpu and config.sharding != "none":
        raise RecipeError(f"sharding {config.sharding} needs a GPU and none is visible")
    if cpu and config.attention == "flash_attention_2":
        raise RecipeError("attention flash_attention_2 needs a GPU and none is visible")
    optim = config.optim
    options: dict[str, Any] = {}
    if config.sharding in ("zero2", "zero3"):
        need("deepspeed", "gpu")
        options["deepspeed"] = deepspeed_json(config, ranks())
    elif config.sharding == "fsdp2":
        options["fsdp"] = "full_shard auto_wrap"
        options["fsdp_config"] = {
            "version": 2,
            "reshard_after_forward": True,
            "state_dict_type": "FULL_STATE_DICT",
            "activation_checkpointing": config.gradient_checkpointing,
        }
    if cpu and ranks() > 1:
        options["ddp_backend"] = "gloo"
    checkpointing = config.gradient_checkpointing and config.sharding != "fsdp2"
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=config.batch.micro,
        gradient_accumulation_steps=config.batch.accumulation(ranks()),
        max_steps=steps,
        learning_rate=optim.lr,
        lr_scheduler_type=_schedule(config),
        warmup_steps=optim.warmup_steps,
        weight_decay=optim.weight_decay,
        adam_beta1=optim.betas[0],
        adam_beta2=optim.betas[1],
        max_grad_norm=optim.grad_clip,
        optim="adamw_torch_fused",
        bf16=config.precision == "bf16",
        activation_checkpointing=checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False} if checkpointing else None,
        logging_steps=config.log_steps,
        logging_nan_inf_filter=False,
        save_strategy="steps" if config.save_steps else "no",
        save_steps=config.save_steps or 500,
        save_total_limit=config.keep_checkpoints,
        seed=config.seed,
        use_cpu=cpu,
        dataloader_num_workers=config.workers,
        dataloader_pin_memory=not cpu,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        ddp_timeout=HANG_S,
        disable_tqdm=True,
        report_to="none",
        **options,
    )


def deepspeed_json(config: AnyConfig, world: int) -> dict[str, Any]:
    """DeepSpeed's config for ZeRO-2 or ZeRO-3, agreeing with the training arguments.

    ``overlap_comm`` is off: with it a rank whose batch has no picture waits forever.
    """
    stage = 2 if config.sharding == "zero2" else 3
    zero: dict[str, Any] = {
        "stage": stage,
        "overlap_comm": False,
        "contiguous_gradients": True,
        "reduce_bucket_size": 5e8,
    }
    if stage == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    else:
        zero["allgather_bucket_size"] = 5e8
    return {
        "zero_optimization": zero,
        "bf16": {"enabled": config.precision == "bf16"},
        "gradient_clipping": config.optim.grad_clip,
        "train_micro_batch_size_per_gpu": config.batch.micro,
        "gradient_accumulation_steps": config.batch.accumulation(world),
        "train_batch_size": config.batch.effective,
    }


def _schedule(config: AnyConfig) -> str:
    """transformers' name of the schedule; the trainer makes the floored cosine itself."""
    optim = config.optim
    if optim.schedule == "floored_cosine":
        return "constant"
    if optim.schedule == "constant" and optim.warmup_steps:
        return "constant_with_warmup"
    return optim.schedule
