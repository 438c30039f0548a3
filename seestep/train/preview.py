"""What a dry run tells: as much as the files that are here allow, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from seestep.errors import RecipeError
from seestep.train import memory
from seestep.train.config import AnyConfig
from seestep.train.plan import Plan, describe_memory
from seestep.train.plan import describe as describe_plan


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """``plan`` is None when the model's tokenizer or the data are not here; ``worst`` is then the
    memory of samples as long as the recipe allows."""

    recipe: AnyConfig
    plan: Plan | None
    worst: memory.Estimate | None
    missing: tuple[str, ...]


def with_model(config: AnyConfig) -> AnyConfig:
    """The same recipe with "embedded" replaced by the checkpoint that ships with seestep."""
    if config.model != "embedded":
        return config
    from seestep.models.tiny import checkpoint_path

    return msgspec.structs.replace(config, model=str(checkpoint_path()))


def look(config: AnyConfig) -> Preview:
    """Plan a stage without touching the disk.

    Raises ``RecipeError`` when nothing at all is known of the model, and what ``prepare`` raises.
    """
    missing = []
    here = (Path(config.model) / "config.json").is_file()
    if not here:
        missing.append(f"model {config.model} is not on disk, so nothing can be tokenized")
    folders = (*config.data.records, *config.data.replay)
    if not folders:
        missing.append("data.records names no folder")
    missing += [f"data folder {f} is not there" for f in folders if not Path(f).is_dir()]
    shape = memory.read_shape(config.model, config.shape)
    if shape is None:
        raise RecipeError(
            "this model is not on disk and its shape is not known",
            wanted="a checkpoint folder, or shape: " + " | ".join(memory.BUILT_IN),
            got=config.model,
        )
    if missing:
        # Half of the longest sample in pictures, an eighth in answers: generous for embodied data.
        most = config.max_sequence_length
        worst = memory.estimate(shape, config, longest=most, visual=most // 2, answer=most // 8)
        return Preview(recipe=config, plan=None, worst=worst, missing=tuple(missing))
    from seestep.train.stages import plan_only, stage_rows

    rows, replay = stage_rows(config)
    plan = plan_only(config, rows, replay).plan
    return Preview(recipe=config, plan=plan, worst=None, missing=())


def describe(found: Preview) -> dict[str, Any]:
    """Lines a person reads: name -> text."""
    lines: dict[str, Any] = {}
    for number, text in enumerate(found.missing, 1):
        lines[f"missing {number}"] = text
    if found.plan is not None:
        return lines | describe_plan(found.plan)
    lines["steps, tokens, drops"] = "known once the above is here"
    if found.worst is not None:
        most = found.recipe.max_sequence_length
        lines[f"memory a rank, all samples {most} tokens"] = describe_memory(found.worst)
    return lines
