"""``seestep judge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def judge(
    folder: Path,
    *overrides: str,
    recipe: Path,
    out: Path,
    gold: Path | None = None,
    root: Annotated[list[str], Parameter(negative="")] | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Let a model judge the records or pairs of a run folder.

    What it could not say is held back or passed on with a tag, as the recipe says. A check that
    has not been compared with people drops nothing. Stopped or out of budget, the same command
    goes on and pays for no answer twice.

    Parameters
    ----------
    folder
        A run folder of records or pairs.
    overrides
        Settings of the recipe as a.b=c, such as judge.endpoint.concurrency=8.
    recipe
        A recipe with a section "judge" (see docs/judge.md).
    out
        The run folder to write: rows that go on, the ledger, report/judge.json; beside them
        asked/ with every opinion and undecided/ with what is held back.
    gold
        What people said about examples, instead of judge.gold of the recipe.
    root
        Where the pictures of a media root lie, as NAME=FOLDER; may be given again.
    json
        Print the report as one JSON object.
    """
    import msgspec

    from seestep import recipe as recipes
    from seestep.cli.folders import named_folders
    from seestep.curate.judge.config import JudgeRecipe
    from seestep.curate.judge.page import lines
    from seestep.curate.judge.stage import judge_folder
    from seestep.curate.measure import cache_folder
    from seestep.progress import Progress
    from seestep.terminal import look_of

    told = recipes.load(recipe, overrides, JudgeRecipe)
    config = told.judge if gold is None else msgspec.structs.replace(told.judge, gold=gold)
    roots = {name: Path(place) for name, place in told.roots.items()} | named_folders(root)
    with Progress("judge", mode="none" if json else "auto") as progress:
        done = judge_folder(
            folder,
            out,
            config,
            roots=roots,
            cache=cache_folder() / "answers.sqlite",
            progress=progress,
        )
    if json:
        print(msgspec.json.encode(done.report).decode())
        return
    for line in lines(done.report, look_of()):
        print(line)
    print(f"{done.manifest.counts['out']:,} rows that go on: {out}")
    if done.report.held:
        print(f"{done.report.held:,} rows held back: {out / 'undecided'}")
