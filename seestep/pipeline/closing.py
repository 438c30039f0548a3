"""The last screen of a run: what came of it, where the time went, what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seestep.pipeline.state import Run
from seestep.records import Record
from seestep.run import read_rows
from seestep.terminal import Look, clock, fit_table, folded

if TYPE_CHECKING:
    from seestep.study.compare import Cell, Table

PARTS: dict[str, str] = {
    "start": "start-up",
    "data": "homes and records",
    "train": "training",
    "exam": "evaluation",
    "report": "report",
}
_MARKS = {"better": ("▲", "better", "green"), "worse": ("▼", "worse", "red")}


def closing(run: Run, page: Path | None) -> Iterator[str]:
    """Lines: the table of abilities, the time, the paths and the commands to try."""
    look = run.look
    if page is not None:
        from seestep.study.compare import Table  # brings scipy

        told = msgspec.json.decode(page.with_name("results.json").read_bytes())["tables"]
        skills = msgspec.convert(told["skill"], Table)
        suites = msgspec.convert(told["suite"], Table)
        yield ""
        yield look.paint("What each model can do, out of 100", "bold")
        yield from abilities(skills, suites, look)
        yield ""
        last = skills.models[-1]
        if last != skills.models[0]:
            said = (
                f"change: {last} against {skills.models[0]} on the same questions, with its 95 % "
                "interval; better and worse are said only where chance would do it less than once "
                "in twenty, all rows counted."
            )
            yield from (look.paint(line, "dim") for line in folded(said, look.width))
    yield ""
    yield f"Done in {clock(_total(run))}, peak memory {_peak_mb(run):.0f} MB."
    yield from folded(f"Where the time went: {spent(parts_s(run))}.", look.width)
    if page is None:
        return
    yield f"The report: {look.paint(str(page), 'bold')}"
    yield "To try next:"
    for command, why in next_commands(run):
        yield f"  {look.paint(command, 'cyan')}"
        yield look.paint(f"    {why}", "dim")


def abilities(skills: Table, suites: Table, look: Look) -> list[str]:
    """The table of skill groups, and the mean over suites, as wide as the terminal allows."""
    models, last = skills.models, skills.models[-1]
    compared = last != models[0]
    head = ["ability", "items", *models, *(["change", ""] if compared else [])]
    rows = [
        _row(group.replace("_", " "), {m: skills.cells[m].get(group) for m in models}, last, look)
        for group in skills.groups
    ]
    if suites.mean:
        name = f"mean of {len(suites.mean_over)} suites"
        rows.append(_row(name, {m: suites.mean[m] for m in models}, last, look))
    rows = [row if compared else row[:-2] for row in rows]
    between = list(range(3, 1 + len(models)))  # stages but the last go before base and last do
    head = [look.paint(h, "dim") for h in head]
    return fit_table(head, rows, look.width - 2, drop=[1, *between, len(head) - 2])


def _row(name: str, cells: Mapping[str, Cell | None], last: str, look: Look) -> list[str]:
    sizes = [c.n for c in cells.values() if c is not None]
    row = [name, f"{sizes[0]:,}"]
    row += [f"{100 * c.score:.1f}" if c is not None else "-" for c in cells.values()]
    cell = cells[last]
    if cell is None or cell.change is None or cell.change_low is None or cell.change_high is None:
        return [*row, "", ""]
    low, high = _signed(cell.change_low), _signed(cell.change_high)
    change = f"{_signed(cell.change, 1)} ({low} to {high})"
    mark, word, style = _MARKS.get(cell.verdict, ("", "", "dim"))
    said = look.paint(f"{mark} {word}".strip() if look.colour else word, style)
    return [*row, look.paint(change, style), said]


def parts_s(run: Run) -> dict[str, float]:
    """Seconds by part of the run; the start of the process and all imports count as start-up."""
    kinds = {step.name: step.kind for step in run.plan}
    found = {"start": run.timings.start_s}
    for name, seconds in run.seconds.items():
        kind = kinds.get(name, "data")
        found[kind] = found.get(kind, 0.0) + seconds
    return {kind: found[kind] for kind in PARTS if kind in found}


def spent(parts: Mapping[str, float]) -> str:
    """ "training 3 min 31 s (57 %), ...", the largest part first."""
    total = sum(parts.values()) or 1.0
    told = sorted(parts.items(), key=lambda kv: -kv[1])
    return ", ".join(f"{PARTS[k]} {clock(s)} ({100 * s / total:.0f} %)" for k, s in told)


def next_commands(run: Run) -> list[tuple[str, str]]:
    """Commands to try after a run, each with what it is good for."""
    found = []
    record = next(iter(read_rows(run.out / "curated", Record)), None)
    if record is not None:
        why = f"seestep why {shlex.quote(record.id)} --run {run.out}"
        found.append((why, "what every check decided about a record, here the first one"))
    if run.config.model == "embedded" and run.config.stages:
        found.append(
            (
                "seestep train recipes/robobrain2-7b/align.yaml --dry-run",
                "the first stage for a 7B model: steps and memory, before a GPU is spent",
            )
        )
    return found


def _signed(value: float, digits: int = 0) -> str:
    rounded = round(100 * value, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"


def _total(run: Run) -> float:
    return sum(parts_s(run).values())


def _peak_mb(run: Run) -> float:
    return max((t.peak_mb for t in run.timings.steps.values()), default=0.0)
