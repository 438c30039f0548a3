"""How the numbers of an evidence report are written."""

from __future__ import annotations

from seestep.report.grid import Kind, Value
from seestep.report.tables import signed
from seestep.study.compare import Cell
from seestep.study.evidence import Verdict

MARKS: dict[Verdict, str] = {
    "gained": "▲",
    "kept": "=",
    "fell": "▼",
    "unclear": "?",
    "no test": "∅",
}
KINDS: dict[Verdict, Kind] = {
    "gained": "up",
    "kept": "",
    "fell": "down",
    "unclear": "",
    "no test": "quiet",
}
READ = 0.98  # with fewer answers that can be read, a score tells of form too
_SUITE: dict[str, Verdict] = {"better": "gained", "worse": "fell"}


def points(value: float) -> str:
    """A score out of 100."""
    return f"{100 * value:.1f}"


def span(low: float, high: float) -> str:
    return f"{100 * low:.0f} to {100 * high:.0f}"


def change(value: float, low: float, high: float) -> str:
    """ "+3.1 (-2.0 to +8.2)" points."""
    return f"{signed(value, 1)} ({signed(low, 1)} to {signed(high, 1)})"


def change_of(cell: Cell) -> str:
    """The same of a cell that was compared."""
    assert cell.change is not None
    assert cell.change_low is not None and cell.change_high is not None
    return change(cell.change, cell.change_low, cell.change_high)


def seldom_read(cell: Cell) -> str:
    """ "read 41 %" where a share of the answers that shows could not be read, else nothing."""
    return f"read {100 * cell.parse_rate:.0f} %" if cell.parse_rate < READ else ""


def rate(cell: Cell | None, verdict: Verdict | None = None) -> Value:
    """Score, change and mark of a cell; without a verdict the mark is that of Holm's test."""
    if cell is None:
        return Value("not run", kind="quiet")
    text, kind = _moved(cell, verdict)
    return Value(points(cell.score), ", ".join(t for t in (text, seldom_read(cell)) if t), kind)


def moved(cell: Cell | None, verdict: Verdict | None = None) -> Value:
    """The change alone."""
    if cell is None:
        return Value("not run", kind="quiet")
    text, kind = _moved(cell, verdict)
    return Value(text, kind=kind)


def group_word(group: str) -> str:
    return group.replace("_", " ")


def _moved(cell: Cell, verdict: Verdict | None) -> tuple[str, Kind]:
    if cell.change is None or cell.change_low is None or cell.change_high is None:
        return "", ""
    told = verdict or _SUITE.get(cell.verdict)
    mark = f"{MARKS[told]} " if told else ""
    text = mark + change(cell.change, cell.change_low, cell.change_high)
    return text, KINDS[told] if told else ""
