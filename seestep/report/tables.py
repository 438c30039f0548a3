"""HTML tables of a ``study.compare.Table``: scores, changes, intervals, verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from seestep.report.floor import Floor
from seestep.study.compare import Cell, Table

_MARKS = {"better": ("up", "▲ "), "worse": ("down", "▼ ")}


def benchmark_table(
    table: Table,
    *,
    heading: str,
    apart: Sequence[str] = (),
    mean: bool = True,
    floors: Mapping[str, Floor] | None = None,
    about: Mapping[str, str] | None = None,
) -> str:
    """Groups down, models across: score with interval; change against the baseline below it.

    The groups of the mean come first, then the mean, then those that are no part of it: groups
    that some model lacks, and those of ``apart``, with a word that says so. ``floors`` add a last
    column, ``about`` a few words below the name of a group.
    """
    head = "".join(f'<th scope="col">{escape(m)}</th>' for m in table.models)
    if floors is not None:
        head += '<th scope="col">floor</th>'
    extra = (floors, about or {})
    rows = [_row(table, g, "", *extra) for g in table.groups if g in table.mean_over]
    if table.mean and mean:
        cells = "".join(_cell(table.mean[m]) for m in table.models)
        cells += "<td></td>" if floors is not None else ""
        rows.append(
            f'<tr class="mean"><th scope="row">mean<small class="quiet">of the '
            f"{len(table.mean_over)} above</small></th>{cells}</tr>"
        )
    for group in table.groups:
        if group not in table.mean_over:
            why = "not in the mean" if group in apart else "not in the mean: a model lacks it"
            rows.append(_row(table, group, why, *extra))
    missing = "; ".join(
        f"{escape(m)} lacks {escape(', '.join(groups))}" for m, groups in table.missing.items()
    )
    note = f'<p class="quiet">Not in the mean: {missing}.</p>' if missing and mean else ""
    return _scroll(f'<th scope="col">{escape(heading)}</th>{head}', rows) + note


def parse_table(table: Table) -> str:
    """Parse rate and score if parsed, kept apart from the score."""
    head = "".join(f'<th scope="col">{escape(m)}</th>' for m in table.models)
    rows = []
    for group in table.groups:
        cells = []
        for model in table.models:
            cell = table.cells[model].get(group)
            if cell is None:
                cells.append('<td class="quiet">not run</td>')
            else:
                worth = cell.score_if_parsed
                rest = "none" if worth is None else f"{100 * worth:.1f}"
                cells.append(
                    f'<td>{100 * cell.parse_rate:.0f} % <span class="quiet">{rest}</span></td>'
                )
        rows.append(f'<tr><th scope="row">{escape(group)}</th>{"".join(cells)}</tr>')
    return _scroll(f'<th scope="col">suite</th>{head}', rows)


def signed(value: float, digits: int = 0) -> str:
    """A change in points with its sign; what rounds to nothing is a plain 0."""
    rounded = round(100 * value, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"


def change_words(cell: Cell) -> str:
    """ "+3.1 (-2 to +8)", or "" where nothing was compared."""
    if cell.change is None or cell.change_low is None or cell.change_high is None:
        return ""
    low, high = signed(cell.change_low), signed(cell.change_high)
    return f"{signed(cell.change, 1)} ({low} to {high})"


def _row(
    table: Table,
    group: str,
    why: str,
    floors: Mapping[str, Floor] | None,
    about: Mapping[str, str],
) -> str:
    cells = "".join(_cell(table.cells[m].get(group)) for m in table.models)
    if floors is not None:
        cells += _floor(floors.get(group))
    first = next(c for m in table.models if (c := table.cells[m].get(group)))
    size = f"{_count(first.n, 'item')}, {_count(first.clusters, 'scene')}"
    told = f'<small class="about">{escape(about[group])}</small>' if group in about else ""
    return (
        f'<tr><th scope="row">{escape(group.replace("_", " "))}{told}<small class="quiet">{size}'
        f"{'; ' + why if why else ''}</small></th>{cells}</tr>"
    )


def _floor(floor: Floor | None) -> str:
    if floor is None or (floor.chance is None and not floor.wrong_image):
        return '<td class="quiet">unknown</td>'
    lines = [] if floor.chance is None else [f"chance {100 * floor.chance:.0f}"]
    if floor.wrong_image:
        blind = ", ".join(f"{escape(m)} {100 * v:.0f}" for m, v in floor.wrong_image.items())
        lines.append(f"wrong picture: {blind}")
    return f'<td class="quiet floor">{"<br>".join(lines)}</td>'


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return '<td class="quiet">not run</td>'
    kind, mark = _MARKS.get(cell.verdict, ("", ""))
    change = change_words(cell)
    below = f'<small class="change">{mark}{change}</small>' if change else ""
    return (
        f'<td class="{kind}"><b>{100 * cell.score:.1f}</b> <span class="quiet range">'
        f"{100 * cell.low:.0f} to {100 * cell.high:.0f}</span>{below}</td>"
    )


def _scroll(head: str, rows: Sequence[str]) -> str:
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
