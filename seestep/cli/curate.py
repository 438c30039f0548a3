"""``seestep curate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def curate(
    recipe: Path,
    *words: str,
    out: Path,
    root: Annotated[list[str], Parameter(negative="")] | None = None,
    workers: int = 1,
    ray: str = "",
    cache: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Keep the records that every check of a recipe keeps; every other leaves its reason.

    Parameters
    ----------
    recipe
        A recipe of curation, such as recipes/curate.yaml.
    words
        Run folders of records (what convert or import wrote), and changes to the recipe as a.b=c.
    out
        The run folder to write.
    root
        Where the pictures of a media root lie, as NAME=FOLDER; may be given again.
    workers
        Processes that look and measure.
    ray
        The address of a Ray cluster that does it instead ("auto" for one on this machine), or
        "local" for one of as many workers that ends with this.
    cache
        Where measured values are kept, so that another threshold needs no other measuring.
    json
        Print one JSON object instead of text.
    """
    from contextlib import ExitStack

    import msgspec

    from seestep import recipe as recipes
    from seestep.cli.counts import said_of
    from seestep.cli.folders import named_folders
    from seestep.cli.kinds import expect
    from seestep.curate.engine import CurateConfig
    from seestep.curate.engine import curate as keep_good
    from seestep.errors import RecipeError
    from seestep.export.write import records_of
    from seestep.pipeline.data import shares
    from seestep.pipeline.measures import measures_of
    from seestep.progress import Progress
    from seestep.run import ledger_sha256

    expect("curate", recipe)
    changes = [word for word in words if "=" in word]
    places = [Path(word) for word in words if "=" not in word]
    if not places:
        raise RecipeError("no folder of records is named", hint="name what convert wrote")
    config = recipes.load(recipe, changes, kind=CurateConfig)
    roots: dict[str, Path] = {}
    folders = []
    for place in places:
        folder, known = records_of(place)
        folders.append(folder)
        roots |= known
    roots |= {name: place.resolve() for name, place in named_folders(root).items()}
    with ExitStack() as stack:
        if ray:
            from seestep.cluster import on_ray

            stack.enter_context(on_ray(ray, cpus=workers))
        progress = stack.enter_context(Progress("curate", mode="none" if json else "auto"))
        manifest = keep_good(
            folders,
            out,
            config,
            roots=roots,
            workers=workers,
            progress=progress,
            measures=measures_of(config),
            cache=cache,
        )
    said, ledger = said_of(out, manifest, json=json), ledger_sha256(out)
    if json:
        print(msgspec.json.encode(msgspec.json.decode(said) | {"ledger": ledger}).decode())
        return
    print(said)
    for line in shares(out):
        print(line)
    print(f"ledger {ledger[:16]}; seestep funnel {out} draws what each check did")
