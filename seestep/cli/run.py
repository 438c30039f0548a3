"""``seestep run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def run(
    recipe: Path,
    *overrides: str,
    out: Path | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Run a whole recipe: data, training, evaluation, report. A stopped run goes on.

    Parameters
    ----------
    recipe
        A pipeline recipe (recipes/quickstart.yaml) or an ablation (recipes/ablations/quick.yaml).
    overrides
        Changes to it, as a.b=c; list.0.x=3 reaches into a list.
    out
        The run folder; runs/<name of the recipe> if not given.
    dry_run
        Print the resolved recipe and what it would cost; write nothing.
    json
        Progress and summary as JSON lines, for a program.
    """
    import io
    import sys

    import msgspec

    from seestep import recipe as recipes
    from seestep.cli.kinds import expect
    from seestep.pipeline import Pipeline, execute
    from seestep.progress import Mode
    from seestep.terminal import Look, look_of

    folder = out or Path("runs") / recipe.stem
    mode: Mode = "json" if json else "auto"

    stream = sys.stderr if json else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")  # a model may say what this terminal cannot write

    def tell(text: str) -> None:
        print(text, file=stream, flush=True)

    expect("run", recipe)
    if "settings" in recipes.read(recipe):
        from seestep.pipeline.ablation import Ablation, run_ablation

        ablation = recipes.load(recipe, overrides, Ablation)
        if dry_run:
            told = msgspec.json.encode({"recipe": ablation}).decode()
            print(told if json else recipes.resolved(ablation))
            return
        result = run_ablation(ablation, folder, mode=mode, say=tell)
    else:
        config = recipes.load(recipe, overrides, Pipeline)
        if dry_run:
            from seestep.pipeline.preview import preview

            text = preview(config, folder)
            if json:
                lines = [line.lstrip("# ") for line in text.splitlines()]
                print(msgspec.json.encode({"recipe": config, "would": lines}).decode())
            else:
                print(f"{recipes.resolved(config)}\n{text}")
            return
        look = Look() if json else look_of(stream)
        result = execute(config, folder, mode=mode, say=tell, look=look)
    if json:
        print(msgspec.json.encode(result).decode())
