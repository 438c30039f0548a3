"""``seestep import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def bring(
    file: Path,
    *,
    family: str,
    out: Path,
    images: Path | None = None,
    frame: Literal["auto", "pixel", "pixel_resized", "permille", "percent", "unit"] = "auto",
    source: str = "own",
    limit: int | None = None,
    thoughts: Literal["drop", "cut"] = "drop",
    verify: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Turn a training file of another tool into records or preference pairs.

    Parameters
    ----------
    file
        A JSON list or JSON lines, in a layout of LLaVA, LLaMA-Factory, ms-swift, OpenAI or TRL.
    family
        The model that the file was written for: qwen2.5-vl, qwen3-vl, robobrain2.
    out
        The run folder to write.
    images
        The folder that its pictures are named below; else the file's own.
    frame
        The frame of its coordinates; auto tells it from the numbers, or refuses.
    source
        The first part of the records' ids.
    limit
        Stop after so many records.
    thoughts
        What becomes of rows whose answer begins with a free chain of thought (<think>), for which
        records have no form: dropped, or cut to the answer alone and tagged "thought-cut".
    verify
        Decode every picture to its end: one that is cut off is found in no other way.
    json
        Print counts as one JSON object.
    """
    from seestep import families
    from seestep.cli.counts import said_of
    from seestep.errors import RecipeError
    from seestep.export.write import kind_of_rows
    from seestep.progress import Progress
    from seestep.sources.own import OwnConfig
    from seestep.sources.own import bring as stage

    spoken = families.like(family)
    if spoken is None:
        known = " | ".join(families.known())
        raise RecipeError("unknown model family", wanted=known, got=family)
    try:
        config = OwnConfig(
            family=spoken.name,
            frame=frame,
            source=source,
            limit=limit,
            verify=verify,
            thoughts=thoughts,
        )
    except ValueError as error:
        raise RecipeError(str(error)) from error
    progress = Progress("import", mode="none" if json else "auto")
    manifest = stage(config, file, out, images=images, progress=progress)
    print(said_of(out, manifest, json=json, kind=kind_of_rows(out)))
