"""``seestep evidence``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def evidence(
    recipe: Path,
    *overrides: str,
    out: Path | None = None,
    only: list[Literal["seeds", "controls", "ablations"]] | None = None,
    publish: Path | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Train a recipe from several seeds, with control arms and ablations, and compare them all.

    Parameters
    ----------
    recipe
        A pipeline recipe with a section evidence (recipes/evidence.yaml).
    overrides
        Changes to it, as a.b=c; list.0.x=3 reaches into a list.
    out
        The run folder; runs/<name of the recipe> if not given.
    only
        A part to do now (give it again for another): seeds, controls or ablations. The report
        tells of everything that is done.
    publish
        A folder that gets results.md and results.json as well.
    dry_run
        List every job with what it trains and what is expected of it; write nothing.
    json
        Progress and summary as JSON lines, for a program.
    """
    import sys

    import msgspec

    from seestep import recipe as recipes
    from seestep.cli.kinds import expect
    from seestep.pipeline.evidence import PARTS, Evidence, preview, run_evidence
    from seestep.progress import Mode

    folder = out or Path("runs") / recipe.stem
    expect("evidence", recipe)
    config = recipes.load(recipe, overrides, Evidence)
    if dry_run:
        lines = preview(config, folder, only=only or PARTS)
        told = msgspec.json.encode({"recipe": config, "would": lines}).decode()
        print(told if json else "\n".join(lines))
        return

    def tell(text: str) -> None:
        print(text, file=sys.stderr if json else sys.stdout, flush=True)

    mode: Mode = "json" if json else "auto"
    result = run_evidence(config, folder, only=only or PARTS, publish=publish, mode=mode, say=tell)
    if json:
        print(msgspec.json.encode(result).decode())
    elif result["report"]:
        print(f"The report: {result['report']}")
        print(f"The same as Markdown: {Path(result['report']).with_name('results.md')}")
