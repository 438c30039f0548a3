"""``seestep pretrain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def pretrain(
    recipe: Path,
    *overrides: str,
    out: Path | None = None,
    probe_only: Annotated[bool, Parameter(negative="")] = False,
    checkpoint: Path | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Make a small base from nothing, test it and write its card. A stopped run goes on.

    Parameters
    ----------
    recipe
        A pretraining recipe (recipes/tiny/base.yaml).
    overrides
        Changes to it, as a.b=c.
    out
        The run folder; runs/<folder of the recipe>-<its name> if not given.
    probe_only
        Train nothing: test a checkpoint that is there and write its card anew.
    checkpoint
        With --probe-only: a checkpoint folder or "embedded"; OUT/checkpoint if not given.
    dry_run
        Print the resolved recipe and what would be done; write nothing.
    json
        Progress and result as JSON lines, for a program.
    """
    import msgspec

    from seestep import recipe as recipes
    from seestep.cli.kinds import expect, warn_of_precision
    from seestep.errors import RecipeError
    from seestep.pipeline.base import resolve_model
    from seestep.pipeline.pretrain import describe, make_base, probe_base, summary
    from seestep.progress import Progress
    from seestep.train.base.config import PretrainConfig

    if checkpoint is not None and not probe_only:
        raise RecipeError("--checkpoint needs --probe-only")
    expect("pretrain", recipe)
    config = recipes.load(recipe, overrides, kind=PretrainConfig)
    folder = out or Path("runs") / f"{recipe.parent.name}-{recipe.stem}"
    if dry_run:
        lines = describe(config, folder)
        if json:
            print(msgspec.json.encode({"recipe": config, "would": lines}).decode())
            return
        print(recipes.resolved(config))
        for line in lines:
            print(f"# {line}")
        return
    progress = Progress("pretrain", mode="json" if json else "auto")
    if probe_only:
        made = resolve_model(str(checkpoint)) if checkpoint else folder / "checkpoint"
        found = probe_base(config, folder, made, progress=progress)
    else:
        warn_of_precision(config.precision)
        made, found = make_base(config, folder, progress=progress)
    if json:
        told = {"checkpoint": str(made), "groups": summary(found)}
        print(msgspec.json.encode(told).decode())
        return
    print(f"{'group':<18}{'n':>6}{'score':>8}{'95 %':>14}{'chance':>8}{'wrong':>8}  required")
    for a in found.groups:
        span = f"{a.low:.2f} to {a.high:.2f}"
        bar = "" if a.bar is None else f"{a.bar:.2f} {'reached' if a.passed else 'missed'}"
        print(
            f"{a.name:<18}{a.n:>6}{a.score:>8.3f}{span:>14}{a.chance:>8.3f}{a.control:>8.3f}  {bar}"
        )
    print(f"The checkpoint: {made}, its card: {made / 'MODEL_CARD.md'}")
