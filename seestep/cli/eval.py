"""``seestep eval``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from seestep.evals.config import EvalRecipe


def evaluate(
    model: Path,
    items: Path | None = None,
    *overrides: str,
    out: Path | None = None,
    root: Annotated[list[str], Parameter(negative="")] | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Ask a checkpoint every item of a suite folder, keep its words, and score them.

    Either MODEL and ITEMS, or one recipe (recipes/robobrain2-7b/eval.yaml) and its overrides.

    Parameters
    ----------
    model
        A checkpoint folder, or "embedded", or an evaluation recipe.
    items
        A folder of suites, such as RUN/world/suites, or one of the suites in it.
    overrides
        Settings as key=value: max_new_tokens, batch_size, thinking, control, constrain, names,
        limit; of a recipe a.b=c.
    out
        Where predictions and scores go; of a recipe runs/<its folder>-<its name> if not given.
    root
        NAME=FOLDER for each media root; RUN/world of RUN/world/suites if not given.
    dry_run
        Print the resolved recipe and what is missing; ask nothing.
    json
        Print the table as JSON.
    """
    import msgspec

    from seestep import recipe as recipes
    from seestep.cli.folders import named_folders
    from seestep.cli.kinds import expect
    from seestep.errors import RecipeError
    from seestep.evals.config import EvalConfig, EvalRecipe

    if model.suffix in (".yaml", ".yml"):
        words = (*([str(items)] if items is not None else []), *overrides)
        expect("eval", model)
        told = recipes.load(model, words, kind=EvalRecipe)
        out = out or Path("runs") / f"{model.parent.name}-{model.stem}"
    elif items is None or out is None:
        raise RecipeError("eval needs MODEL, ITEMS and --out, or a recipe file")
    else:
        told = EvalRecipe(
            model=str(model),
            items=(str(items),),
            roots={"world": str(_world(items))},
            ask=recipes.from_overrides(overrides, EvalConfig),
        )
    if dry_run:
        print(recipes.resolved(told))
        for line in _preview(told):
            print(f"# {line}")
        return

    from seestep.evals.engines.local import LocalEngine
    from seestep.evals.run import item_folders, predict, score
    from seestep.models.fingerprint import weights_fingerprint
    from seestep.models.load import load
    from seestep.pipeline import resolve_model
    from seestep.progress import Progress
    from seestep.study.compare import table

    roots = {name: Path(folder) for name, folder in told.roots.items()}
    roots |= named_folders(root)
    config = told.ask
    checkpoint = resolve_model(told.model)
    loaded = load(
        checkpoint,
        dtype=told.precision,
        attn=told.attention,
        device=_device(told.device),
        family=told.family,
    )
    engine = LocalEngine(
        loaded, batch_size=config.batch_size, fingerprint=weights_fingerprint(checkpoint)
    )
    if engine.obstacle and not json:
        print(f"# decoding by transformers' generate, the slower way: {engine.obstacle}")
    progress = Progress("evaluate", mode="none" if json else "auto")
    folders = item_folders([Path(folder) for folder in told.items])
    predict(engine, folders, out / "predictions", config, roots, progress=progress)
    scores = score(out / "predictions", folders, out / "scores", engine.family, limit=config.limit)
    name = Path(told.model).name
    result = table({name: scores})
    if json:
        print(msgspec.json.encode(result, order="deterministic").decode())
        return
    print(f"{'suite':<32}{'n':>5}{'score':>8}{'95 %':>14}{'readable':>10}")
    for group in result.groups:
        cell = result.cells[name][group]
        span = f"{100 * cell.low:.0f} to {100 * cell.high:.0f}"
        readable = f"{100 * cell.parse_rate:.0f} %"
        print(f"{group:<32}{cell.n:>5}{100 * cell.score:>8.1f}{span:>14}{readable:>10}")
    mean = result.mean[name]
    print(f"{'mean':<32}{mean.n:>5}{100 * mean.score:>8.1f}")


def _world(items: Path) -> Path:
    """The folder that pictures of RUN/world/suites, or of one suite in it, are relative to."""
    from seestep.run import MANIFEST

    return items.parent.parent if (items / MANIFEST).exists() else items.parent


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _preview(told: EvalRecipe) -> list[str]:
    from seestep.errors import SeestepError
    from seestep.evals.run import item_folders
    from seestep.run import read_manifest
    from seestep.train import memory

    lines = []
    if told.model != "embedded" and not (Path(told.model) / "config.json").is_file():
        lines.append(f"missing: model {told.model} is not on disk")
    for folder in told.items:
        try:
            counts = [read_manifest(f).counts["out"] for f in item_folders([Path(folder)])]
            lines.append(f"{folder}: {sum(counts)} items in {len(counts)} suites")
        except SeestepError as error:
            lines.append(f"missing: {error}")
    shape = memory.read_shape(told.model, told.shape)
    if shape is not None:
        size = shape.total * (2 if told.precision == "bfloat16" else 4) / memory.GIB
        lines.append(f"weights: {size:.1f} GiB; shape from {shape.source}")
    return lines
