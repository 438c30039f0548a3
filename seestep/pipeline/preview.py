"""What a run would do and cost, before anything is written."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seestep.curate.select import SelectConfig, matching
from seestep.errors import SeestepError
from seestep.pipeline.base import resolve_model
from seestep.pipeline.config import Pipeline, Stage
from seestep.records import Pair, Record
from seestep.run import read_rows
from seestep.train import memory
from seestep.train.stages import plan_only


def preview(config: Pipeline, out: Path) -> str:
    """Lines on data, stages and evaluation.

    Steps, tokens, memory and drops of a stage are exact once its data lie in ``out``; before
    that, memory is estimated for samples of ``max_sequence_length`` and the rest is left open.
    """
    lines = ["# what this run would do"]
    world = config.world
    if world.homes:
        lines.append(f"# homes: {world.homes.homes}, seeds {_span(world.homes.seeds)}")
    if world.episodes:
        lines.append(f"# episodes: in {world.episodes.homes} homes")
    for source in config.sources:
        root = Path(config.data, source.root)
        here = "found" if root.is_dir() else "NOT FOUND"
        lines.append(f"# source {source.source}: {root} ({here})")
    for stage in config.stages:
        lines.append(_stage(stage, config, out))
    if config.evaluate:
        lines.append(f"# evaluation: {len(config.stages) + 1} models on the mini suites")
    return "\n".join(lines)


def _stage(stage: Stage, config: Pipeline, out: Path) -> str:
    name = stage.config.model
    folder = name if name not in ("base", "previous") else config.model
    told = msgspec.structs.replace(stage.config, model=str(resolve_model(folder)))
    head = f"# stage {stage.name} ({told.method})"
    try:
        roots = {"world": out / "world"}
        if stage.records is not None:
            replay = _rows(stage.replay, out) if stage.replay else []
            if stage.replay:
                data = msgspec.structs.replace(
                    told.data, replay=stage.replay.folders, replay_share=stage.replay_share
                )
                told = msgspec.structs.replace(told, data=data)
            plan = plan_only(told, _rows(stage.records, out), replay, roots).plan
        else:
            pairs = list(read_rows(out / "world" / "episodes" / "pairs", Pair))
            plan = plan_only(told, pairs, (), roots).plan
    except SeestepError as error:
        why = f" ({error.what})" if out.is_dir() else ""
        return f"{head}: steps and tokens are known once its data are made{why}\n{_memory(told)}"
    gone = ", ".join(f"{n} {reason}" for reason, n in sorted(plan.dropped.items())) or "nothing"
    text = (
        f"{head}: {plan.steps} steps, {plan.samples} samples, {plan.tokens:,} tokens "
        f"({plan.visual_tokens:,} visual), longest {plan.longest}; would drop: {gone}"
    )
    if plan.memory is None:
        return text
    return f"{text}\n#   expected memory a rank: {plan.memory.total / memory.GIB:.2f} GiB"


def _memory(told: object) -> str:
    from seestep.train.config import DpoConfig, SftConfig

    assert isinstance(told, SftConfig | DpoConfig)
    shape = memory.read_shape(told.model)
    if shape is None:
        return "#   expected memory a rank: the model's shape is unknown"
    longest = told.max_sequence_length
    found = memory.estimate(shape, told, longest=longest, visual=longest // 2, answer=longest // 2)
    return f"#   expected memory a rank: at most {found.total / memory.GIB:.2f} GiB"


def _rows(wanted: SelectConfig, out: Path) -> list[Record]:
    return list(matching(wanted, out))


def _span(seeds: range) -> str:
    return f"{seeds[0]} to {seeds[-1]}"
