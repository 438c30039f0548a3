"""HTML tables of a ``study.compare.Table``: scores, changes, intervals, verdicts."""

from __future__ import annotations

from html import escape

from seestep.study.compare import Cell, Table


def benchmark_table(table: Table, *, heading: str) -> str:
    """Groups down, models across: score with interval; change against the baseline below it."""
    head = "".join(f"<th>{escape(m)}</th>" for m in table.models)
    rows = []
    for group in table.groups:
        cells = "".join(_cell(table.cells[m].get(group)) for m in table.models)
        first = next(c for m in table.models if (c := table.cells[m].get(group)))
        rows.append(
            f'<tr><th>{escape(group)}<small class="quiet">n {first.n} from '
            f"{first.clusters} homes</small></th>{cells}</tr>"
        )
    if table.mean:
        cells = "".join(_cell(table.mean[m]) for m in table.models)
        rows.append(
            f'<tr class="mean"><th>mean<small class="quiet">over {len(table.mean_over)} that '
            f"every model has</small></th>{cells}</tr>"
        )
    missing = "; ".join(
        f"{escape(m)} lacks {escape(', '.join(groups))}" for m, groups in table.missing.items()
    )
    note = f'<p class="quiet">Not in the mean: {missing}.</p>' if missing else ""
    return (
        f'<div class="scroll"><table><thead><tr><th>{escape(heading)}</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def parse_table(table: Table) -> str:
    """Parse rate and score if parsed, kept apart from the score."""
    head = "".join(f"<th>{escape(m)}</th>" for m in table.models)
    rows = []
    for group in table.groups:
        cells = []
        for model in table.models:
            cell = table.cells[model].get(group)
            if cell is None:
                cells.append('<td class="quiet">not run</td>')
                continue
            rest = "-" if cell.score_if_parsed is None else f"{100 * cell.score_if_parsed:.0f}"
            cells.append(
                f"<td>{100 * cell.parse_rate:.0f} %"
                f'<small class="quiet">{rest} if parsed</small></td>'
            )
        rows.append(f"<tr><th>{escape(group)}</th>{''.join(cells)}</tr>")
    return (
        '<div class="scroll"><table><thead><tr><th>answers that could be read</th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return '<td class="quiet">not run</td>'
    text = (
        f"<b>{100 * cell.score:.1f}</b> "
        f'<small class="quiet">{100 * cell.low:.0f} to {100 * cell.high:.0f}</small>'
    )
    kind = ""
    if cell.change is not None and cell.change_low is not None and cell.change_high is not None:
        kind = {"better": "up", "worse": "down"}.get(cell.verdict, "")
        change = (
            f"{100 * cell.change:+.1f} ({100 * cell.change_low:+.0f} to "
            f"{100 * cell.change_high:+.0f})"
        )
        text += f'<small class="change">{change}</small>'
    return f'<td class="{kind}">{text}</td>'
