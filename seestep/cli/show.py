"""``seestep show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def show(
    runs: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    out: Path,
    root: Annotated[list[str], Parameter(negative="")] | None = None,
    most: int = 1,
) -> None:
    """Draw records on their pictures: a page with some of each source and task.

    Parameters
    ----------
    runs
        Run folders of records or pairs, or whole runs, whose thoughts or curated records are taken.
    out
        The page to write, such as records.html.
    root
        Where the pictures of a media root lie, as NAME=FOLDER; may be given again.
    most
        Records of each source and task.
    """
    from seestep.cli.folders import named_folders
    from seestep.disk import atomic_write
    from seestep.errors import RecipeError
    from seestep.export.write import kind_of_rows, records_of
    from seestep.report.gallery import Drawn, page
    from seestep.run import read_rows

    if most < 1:
        raise RecipeError("--most must be at least 1", got=str(most))
    named = {name: place.resolve() for name, place in named_folders(root).items()}
    drawn, roots = Drawn(most), dict(named)
    for run in runs:
        folder, found = records_of(run)
        roots = found | roots
        drawn.add(read_rows(folder, kind_of_rows(folder)), found | named)
    atomic_write(out, page(drawn, roots, title="Records, drawn").encode())
    tasks = len(drawn.counts)
    print(f"{sum(drawn.counts.values()):,} records of {tasks} sources and tasks: {out}")
    if away := sorted(drawn.away - roots.keys()):
        names = ", ".join(away)
        print(f"drawn on a canvas, for nobody told where their pictures lie: {names} "
              "(--root NAME=FOLDER)")  # fmt: skip
