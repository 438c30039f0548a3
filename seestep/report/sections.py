"""The report's parts that are neither table nor card: words, curves, frames, what was left out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from seestep.answers import frame_table
from seestep.families import Family
from seestep.records import Item, Prediction
from seestep.report import plots, tables
from seestep.report.floor import Floor
from seestep.run import read_manifest, read_rows
from seestep.study.compare import Table

REASONS_SHOWN = 8  # a stage
ABILITIES = {
    "attribute": "colour, size or name of a thing",
    "compatibility": "can this be done with that thing",
    "count": "how many there are",
    "distance": "what is nearer, what is farther",
    "free_space": "point to a free spot beside or between things",
    "metric": "sizes and distances in units",
    "multiview": "one place seen from several sides",
    "planning": "which step of a household task comes next",
    "plans": "all steps of a household task, executed",
    "pointing": "point to the named thing",
    "relation": "left, right, above, on, in",
    "yes_no": "is there such a thing",
}
_VERDICTS = (
    ("better", "better"),
    ("worse", "worse"),
    ("no detectable difference", "no detectable difference"),
)


def short_words(suites: Table, model: str) -> str:
    """The result in two sentences: the means, their change, and how many suites moved."""
    base = suites.models[0]
    if not suites.mean:
        return "No suite was asked of every model, so there is no mean."
    first = suites.mean[base]
    over = f"Mean over {len(suites.mean_over)} suites: {base} {100 * first.score:.1f}"
    if model == base:
        return f"{over}. There is only one model, so nothing can have risen or fallen."
    last = suites.mean[model]
    counts = dict.fromkeys((verdict for verdict, _ in _VERDICTS), 0)
    for group in suites.mean_over:
        counts[suites.cells[model][group].verdict] += 1
    told = ", ".join(f"{counts[verdict]} {label}" for verdict, label in _VERDICTS)
    return (
        f"{over}, {model} {100 * last.score:.1f}; change {tables.change_words(last)} points. "
        f"Suite by suite, {model} against {base}: {told}."
    )


def skill_words(skills: Table, model: str) -> str:
    """Which groups rose, fell or cannot be told apart, in one sentence."""
    if model == skills.models[0]:
        return "There is only one model, so nothing can have risen or fallen."
    names: dict[str, list[str]] = defaultdict(list)
    for group, cell in sorted(skills.cells[model].items()):
        names[cell.verdict].append(group.replace("_", " "))
    told = [
        f"{label}: {', '.join(names[verdict]) or 'none'}"
        for verdict, label in (
            ("better", "risen"),
            ("worse", "fallen"),
            ("no detectable difference", "no detectable difference"),
        )
    ]
    return f"From {skills.models[0]} to {model}, {'; '.join(told)}."


def example(skills: Table, model: str) -> str:
    """How to read a cell, told by the first cell that was compared; "" if there is none."""
    for group in skills.groups:
        cell = skills.cells[model].get(group)
        if cell is None or not (change := tables.change_words(cell)):
            continue
        said = {
            "better": "so it is better than chance explains",
            "worse": "so it is worse than chance explains",
        }.get(cell.verdict, "which chance explains well enough, so nothing is claimed")
        return (
            f"For example {model} at {group.replace('_', ' ')}: {100 * cell.score:.1f} of 100 "
            f"points; had other homes been drawn, likely between {100 * cell.low:.0f} and "
            f"{100 * cell.high:.0f}. On the same {cell.n:,} questions that is {change} points "
            f"against {skills.models[0]}, {said}."
        )
    return ""


def plan_short(suites: Table, suite: str) -> str:
    """How often plans reached their goal before and after, in one sentence, or ""."""
    if suite not in suites.groups:
        return ""
    first, last = suites.models[0], suites.models[-1]
    found = {m: suites.cells[m].get(suite) for m in dict.fromkeys((first, last))}
    told = [f"{m} {100 * c.score:.1f} %" for m, c in found.items() if c is not None]
    after = found[last]
    verdict = f" ({after.verdict})" if after is not None and after.verdict else ""
    return f"Plans that reach their goal when executed: {', '.join(told)}{verdict}."


def plan_table(suites: Table, suite: str, floors: Mapping[str, Floor]) -> str:
    """How often each model's plan reached its goal; "" without such a suite."""
    if suite not in suites.groups:
        return ""
    blind = floors[suite].wrong_image if suite in floors else {}
    rows = []
    for model in suites.models:
        cell = suites.cells[model].get(suite)
        if cell is None:
            continue
        kind = {"better": "up", "worse": "down"}.get(cell.verdict, "")
        wrong = f"{100 * blind[model]:.1f} %" if model in blind else "not asked"
        rows.append(
            f'<tr><th scope="row">{escape(model)}</th>'
            f"<td><b>{100 * cell.score:.1f} %</b> "
            f'<span class="quiet">{100 * cell.low:.0f} to {100 * cell.high:.0f}</span></td>'
            f'<td class="{kind}">{tables.change_words(cell)} '
            f'<span class="quiet">{cell.verdict}</span></td>'
            f"<td>{100 * cell.parse_rate:.0f} %</td>"
            f'<td class="quiet">{wrong}</td></tr>'
        )
    count = next(c.n for m in suites.models if (c := suites.cells[m].get(suite)))
    heads = (
        "model",
        f"reached the goal, of {count:,} tasks",
        f"change against {escape(suites.models[0])}",
        "readable as a plan",
        "with another home's picture",
    )
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def changes(skills: Table, model: str) -> str:
    """The forest plot of ``model`` against the baseline."""
    rows = []
    for group, cell in sorted(skills.cells[model].items()):
        if cell.change is not None and cell.change_low is not None and cell.change_high is not None:
            row = (
                group.replace("_", " "),
                cell.change,
                cell.change_low,
                cell.change_high,
                cell.verdict,
            )
            rows.append(row)
    title = f"Change from {skills.models[0]} to {model} in points, with 95 % intervals"
    return plots.forest(rows, title=title)


def frames(predictions: Mapping[str, Path], folders: Sequence[Path], family: Family) -> str:
    """Every pointing answer read again in every frame and axis order; "" without such items."""
    pointing = {
        item.id: item
        for folder in folders
        for item in read_rows(folder, Item)
        if item.scorer in ("points_in_mask", "points_first")
    }
    if not pointing:
        return ""
    rows = []
    for model, folder in predictions.items():
        said = [p for p in read_rows(folder, Prediction) if p.item in pointing]
        found = frame_table([(pointing[p.item], p.raw) for p in said], family)
        if found.winner():
            frame, order, value = found.rows[0]
            verdict = (
                f'<td class="down">▼ yes, {escape(frame)} in {escape(order)} order: '
                f"{100 * value:.1f}</td>"
            )
        else:
            verdict = "<td>no, not by 5 points or more</td>"
        rows.append(
            f'<tr><th scope="row">{escape(model)}</th><td>{100 * found.declared:.1f}</td>'
            f"{verdict}</tr>"
        )
    return (
        f"<h3>Pointing answers in other coordinates</h3>"
        f'<p class="quiet">The {len(pointing)} pointing items, every answer read once more in '
        "every frame and axis order. A model that points well in another frame has a format "
        "problem and no lack of ability.</p>"
        '<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">model</th>'
        '<th scope="col">score as declared</th>'
        '<th scope="col">would another frame score higher?</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def curves(trainings: Mapping[str, Path]) -> str:
    """Loss by step of every stage, and for DPO how far both answers moved."""
    parts = []
    for name, folder in trainings.items():
        rows = metrics(folder)
        stopped = json.loads(folder.joinpath("manifest.json").read_bytes()).get("stopped")
        if stopped:
            parts.append(f'<p class="banner">{escape(name)} stopped early: {escape(stopped)}</p>')
        loss = {"loss": _series(rows, "loss")}
        parts.append(_figure(f"{name}: loss", loss, "loss"))
        moved = {
            "chosen": _series(rows, "chosen_per_token"),
            "rejected": _series(rows, "rejected_per_token"),
        }
        if any(moved.values()):
            title = f"{name}: log-probability a token, change against its start"
            parts.append(_figure(title, moved, "change in nats"))
    return "".join(parts) or '<p class="quiet">Nothing was trained in this run.</p>'


def metrics(training: Path) -> list[dict[str, float]]:
    """Rows of a train folder's metrics.jsonl; empty if the stage logged none."""
    path = training / "metrics.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]


def funnel(stages: Sequence[tuple[str, Path]]) -> str:
    """The funnel plot of data stages (label, run folder)."""
    bars = []
    for label, folder in stages:
        counts = read_manifest(folder).counts
        bars.append((label, counts["out"], counts["dropped"]))
    return plots.funnel(bars)


def reasons(stages: Sequence[tuple[str, Path]]) -> str:
    """Why records were left out, most frequent first, stage by stage."""
    rows = []
    for label, folder in stages:
        drops = sorted(read_manifest(folder).drops.items(), key=lambda kv: (-kv[1], kv[0]))
        for reason, count in drops[:REASONS_SHOWN]:
            check, _, why = reason.partition(":")
            why = why.replace(":", ": ", 1) or check
            rows.append(
                f"<tr><td>{escape(label)}</td><td>{count:,}</td><td>{escape(check)}</td>"
                f'<td class="wrap">{escape(why)}</td></tr>'
            )
        rest = drops[REASONS_SHOWN:]
        if rest:
            rows.append(
                f"<tr><td>{escape(label)}</td><td>{sum(n for _, n in rest):,}</td><td></td>"
                f"<td>{len(rest)} rarer reasons</td></tr>"
            )
    if not rows:
        return '<p class="quiet">Nothing was left out.</p>'
    return (
        '<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">step</th>'
        '<th scope="col">left out</th><th scope="col">check</th><th scope="col">why</th></tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _series(rows: Sequence[dict[str, float]], key: str) -> list[tuple[float, float]]:
    return [(float(r["step"]), float(r[key])) for r in rows if key in r]


def _figure(title: str, series: Mapping[str, list[tuple[float, float]]], y_label: str) -> str:
    plot = plots.lines(series, x_label="step", y_label=y_label)
    return f"<div><b>{escape(title)}</b>{plot}</div>"
