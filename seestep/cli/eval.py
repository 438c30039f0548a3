"""``seestep eval``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def evaluate(
    model: Path,
    items: Path,
    *overrides: str,
    out: Path,
    root: Annotated[list[str], Parameter(negative="")] | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Ask a checkpoint every item of a suite folder, keep its words, and score them.

    Parameters
    ----------
    model
        A checkpoint folder, or "embedded".
    items
        A run folder of items, such as RUN/world/suites.
    overrides
        Settings as key=value: max_new_tokens, batch_size, thinking, control, limit.
    out
        Where predictions and scores go.
    root
        NAME=FOLDER for each media root; world is the parent of ITEMS if not given.
    json
        Print the table as JSON.
    """
    import msgspec

    from seestep import recipe as recipes
    from seestep.errors import RecipeError
    from seestep.evals.config import EvalConfig
    from seestep.evals.engines.local import LocalEngine, weights_fingerprint
    from seestep.evals.run import predict, score
    from seestep.models.load import load
    from seestep.pipeline import resolve_model
    from seestep.progress import Progress
    from seestep.study.compare import table

    roots = {"world": items.parent}
    for text in root or []:
        name, found, folder = text.partition("=")
        if not found:
            raise RecipeError(f"--root {text!r} has no =", wanted="NAME=FOLDER")
        roots[name] = Path(folder)
    config = recipes.from_overrides(overrides, EvalConfig)
    checkpoint = resolve_model(str(model))
    engine = LocalEngine(
        load(checkpoint), batch_size=config.batch_size, fingerprint=weights_fingerprint(checkpoint)
    )
    progress = Progress("evaluate", mode="none" if json else "auto")
    predict(engine, [items], out / "predictions", config, roots, progress=progress)
    scores = score(out / "predictions", [items], out / "scores", engine.family, limit=config.limit)
    result = table({model.name: scores})
    if json:
        print(msgspec.json.encode(result, order="deterministic").decode())
        return
    print(f"{'suite':<32}{'n':>5}{'score':>8}{'95 %':>14}{'readable':>10}")
    for group in result.groups:
        cell = result.cells[model.name][group]
        span = f"{100 * cell.low:.0f} to {100 * cell.high:.0f}"
        readable = f"{100 * cell.parse_rate:.0f} %"
        print(f"{group:<32}{cell.n:>5}{100 * cell.score:>8.1f}{span:>14}{readable:>10}")
    mean = result.mean[model.name]
    print(f"{'mean':<32}{mean.n:>5}{100 * mean.score:>8.1f}")
