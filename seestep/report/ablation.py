"""The page of an ablation: scores per benchmark, settings with their computed means."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from seestep.disk import atomic_write
from seestep.report import tables
from seestep.study.compare import Table

BANNER = "Single seed: an arm's difference from the reference is one draw, not evidence."


def write_page(
    title: str, about: str, suites: Table, rows: Sequence[dict[str, Any]], path: Path
) -> Path:
    """Write the page; returns its path."""
    from jinja2 import Environment, StrictUndefined

    template = files("seestep.report").joinpath("ablation.html.j2").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(template)
    style = files("seestep.report").joinpath("style.css").read_text(encoding="utf-8")
    html = page.render(
        title=title,
        about=about,
        banner=BANNER,
        style=style,
        benchmarks=tables.benchmark_table(suites, heading="suite"),
        settings=settings_table(rows),
    )
    atomic_write(path, html.encode("utf-8"))
    return path


def settings_table(rows: Sequence[dict[str, Any]]) -> str:
    """One line an arm; the mean is that of the benchmark table."""
    names = [key for key in rows[0] if key not in ("run", "mean")]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = []
    for row in rows:
        cells = "".join(f"<td>{escape(_words(row[name]))}</td>" for name in names)
        body.append(
            f"<tr><th>{escape(row['run'])}</th>{cells}<td><b>{100 * row['mean']:.1f}</b></td></tr>"
        )
    return (
        f'<div class="scroll"><table><thead><tr><th>run</th>{head}<th>mean</th></tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)
