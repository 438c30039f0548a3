"""``seestep report``."""

from __future__ import annotations

from pathlib import Path


def report(run: Path) -> None:
    """Write the report of a run again, from what is stored in its folder.

    Parameters
    ----------
    run
        The folder of a pipeline run that has been evaluated.
    """
    from seestep import recipe as recipes
    from seestep.errors import RunError
    from seestep.pipeline import Pipeline, rebuild_report

    if not (run / "recipe.yaml").is_file():
        raise RunError(
            "this is not the folder of a run",
            file=run,
            wanted="a folder with recipe.yaml, which seestep run --out makes",
        )
    config = recipes.load(run / "recipe.yaml", (), Pipeline)
    print(f"The report: {rebuild_report(config, run)}")
