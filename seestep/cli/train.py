"""``seestep train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def train(
    recipe: Path,
    *overrides: str,
    out: Path | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Train one stage from record folders to a checkpoint. A stopped run goes on.

    On several GPUs: torchrun --nproc-per-node 8 -m seestep train RECIPE.

    Parameters
    ----------
    recipe
        A stage recipe, such as recipes/robobrain2-7b/align.yaml.
    overrides
        Changes to it, as a.b=c; list.0.x=3 reaches into a list.
    out
        The run folder; runs/<folder of the recipe>-<its name> if not given.
    dry_run
        Print the resolved recipe, steps, tokens, memory and what would be dropped; write nothing.
    json
        Print one JSON object instead of text.
    """
    import msgspec

    from seestep import recipe as recipes
    from seestep.cli.kinds import expect, warn_of_precision
    from seestep.progress import Progress
    from seestep.train import preview
    from seestep.train.config import AnyConfig, DpoConfig, SftConfig

    expect("train", recipe)
    config: AnyConfig
    if recipes.read(recipe, overrides).get("method") == "dpo":
        config = recipes.load(recipe, overrides, kind=DpoConfig)
    else:
        config = recipes.load(recipe, overrides, kind=SftConfig)
    config = preview.with_model(config)
    if dry_run:
        found = preview.look(config)
        if json:
            print(msgspec.json.encode(found, order="deterministic").decode())
            return
        print(recipes.resolved(config))
        for name, text in preview.describe(found).items():
            print(f"# {name}: {text}")
        return
    from seestep.train import engine
    from seestep.train.stages import read_result, run_dpo, run_sft

    warn_of_precision(config.precision)
    folder = out or Path("runs") / f"{recipe.parent.name}-{recipe.stem}"
    progress = Progress(config.stage, mode="json" if json else "auto")
    if isinstance(config, SftConfig):
        final = run_sft(config, folder, progress=progress)
    else:
        final = run_dpo(config, folder, progress=progress)
    engine.leave()
    if engine.rank() > 0:
        return
    result = read_result(folder)
    if json:
        print(msgspec.json.encode({"checkpoint": str(final), "result": result}).decode())
        return
    if result.stopped:
        print(f"Stopped early: {result.stopped}.")
    loss = "" if result.loss is None else f", last loss {result.loss:.3f}"
    print(f"{result.steps} steps{loss}. The checkpoint: {final}")
