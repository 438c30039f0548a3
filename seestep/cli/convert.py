"""``seestep convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def convert(
    source: str,
    root: Path,
    *,
    out: Path,
    images: Path | None = None,
    limit: int | None = None,
    verify: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Turn the official files of a data set into records.

    Parameters
    ----------
    source
        The name of a data set; ``seestep sources`` lists them.
    root
        The folder that holds its annotation files, laid out as their owners ship them.
    out
        The run folder to write.
    images
        The folder that holds its pictures, when it is another one.
    limit
        Stop after so many records.
    verify
        Decode every picture to its end: one that is cut off is found in no other way.
    json
        Print counts as one JSON object.
    """
    from seestep.cli.counts import said_of
    from seestep.errors import RecipeError
    from seestep.progress import Progress
    from seestep.sources.convert import ConvertConfig
    from seestep.sources.convert import convert as stage

    if limit is not None and limit < 1:
        raise RecipeError(f"--limit must be at least 1, got {limit}")
    config = ConvertConfig(source=source, limit=limit, verify=verify)
    progress = Progress(source, mode="none" if json else "auto")
    manifest = stage(config, root, out, images=images, progress=progress)
    print(said_of(out, manifest, json=json))
