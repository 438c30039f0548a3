"""Build the report of a pipeline run: results.json and one static page."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from itertools import islice
from pathlib import Path

from seestep.answers import frame_table
from seestep.disk import atomic_write
from seestep.families import Family
from seestep.media import Roots
from seestep.records import Item, Pair, Prediction, Score
from seestep.report import plots, tables
from seestep.report.cards import item_card, pair_card
from seestep.run import Manifest, read_manifest, read_rows
from seestep.study.compare import Table, table, to_json

ITEMS_SHOWN = 2  # a skill group
PAIRS_SHOWN = 6


@dataclass(frozen=True)
class ModelRun:
    """One model's evaluation, and how it was trained (None for a base model)."""

    name: str
    predictions: Path
    scores: Path
    training: Path | None = None


@dataclass(frozen=True)
class Inputs:
    """Everything a report is built from; folders are run folders."""

    title: str
    summary: str
    models: Sequence[ModelRun]  # the first is the baseline
    items: Sequence[Path]
    family: Family
    roots: Roots
    stages: Sequence[tuple[str, Path]] = ()  # data stages in order, for the funnel
    pairs: Path | None = None
    apart: Sequence[str] = ()  # suites that mirror no benchmark and stay out of the mean
    run_folder: str = "RUN"
    facts: Mapping[str, str] = field(default_factory=dict)
    banners: Sequence[str] = ()


def build(inputs: Inputs, out: Path) -> Path:
    """Write ``out``/results.json and ``out``/index.html; returns the page's path."""
    from jinja2 import Environment, StrictUndefined

    runs = {m.name: list(read_rows(m.scores, Score)) for m in inputs.models}
    suites = table(runs, by="suite", apart=inputs.apart)
    skills = table(runs, by="skill")
    atomic_write(out / "results.json", results(inputs, suites, skills))
    template = files("seestep.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(template)
    style = files("seestep.report").joinpath("style.css").read_text(encoding="utf-8")
    last = inputs.models[-1].name
    html = page.render(
        style=style,
        title=inputs.title,
        summary=inputs.summary,
        banners=inputs.banners,
        baseline=inputs.models[0].name,
        last_model=last,
        benchmarks=tables.benchmark_table(suites, heading="suite"),
        skills=tables.benchmark_table(skills, heading="skill group"),
        skills_words=skill_words(skills, last),
        forest=plots.forest(_changes(skills, last)),
        parsing=tables.parse_table(suites),
        frames=_frames(inputs),
        curves=_curves(inputs.models),
        funnel=plots.funnel(_funnel(inputs.stages)),
        reasons=_reasons(inputs.stages),
        run_folder=inputs.run_folder,
        gallery="".join(_gallery(inputs, runs)),
        pairs="".join(_pairs(inputs)),
        facts=list(inputs.facts.items()),
    )
    path = out / "index.html"
    atomic_write(path, html.encode("utf-8"))
    return path


def results(inputs: Inputs, suites: Table, skills: Table) -> bytes:
    """The numbers of the page as JSON: both tables, and what they were made from."""
    made_from = {
        m.name: {"scores": read_manifest(m.scores).fingerprint, "training": str(m.training or "")}
        for m in inputs.models
    }
    return to_json({"suite": suites, "skill": skills}, title=inputs.title, made_from=made_from)


def skill_words(skills: Table, model: str) -> str:
    """Which groups rose, fell or cannot be told apart, in one sentence."""
    if model == skills.models[0]:
        return "There is only one model, so nothing can have risen or fallen."
    names: dict[str, list[str]] = defaultdict(list)
    for group, cell in sorted(skills.cells[model].items()):
        names[cell.verdict].append(group)
    told = [
        f"{label}: {', '.join(names[verdict]) or 'none'}"
        for verdict, label in (
            ("better", "risen"),
            ("worse", "fallen"),
            ("no detectable difference", "no detectable difference"),
        )
    ]
    return f"From {skills.models[0]} to {model}, {'; '.join(told)}."


def _changes(skills: Table, model: str) -> list[tuple[str, float, float, float]]:
    rows = []
    for group, cell in sorted(skills.cells[model].items()):
        if cell.change is not None and cell.change_low is not None and cell.change_high is not None:
            rows.append((group, cell.change, cell.change_low, cell.change_high))
    return rows


def _frames(inputs: Inputs) -> str:
    """Every pointing answer read again in every frame and axis order."""
    pointing = {
        item.id: item
        for folder in inputs.items
        for item in read_rows(folder, Item)
        if item.scorer in ("points_in_mask", "points_first")
    }
    if not pointing:
        return ""
    rows = []
    for model in inputs.models:
        said = [p for p in read_rows(model.predictions, Prediction) if p.item in pointing]
        found = frame_table([(pointing[p.item], p.raw) for p in said], inputs.family)
        winner = found.winner()
        best = f"{found.rows[0][0]}, {found.rows[0][1]} order: {100 * found.rows[0][2]:.1f}"
        warning = (
            f'<td class="down">{escape(best)}: the answers fit another frame better</td>'
            if winner
            else "<td>none: the declared frame is the best</td>"
        )
        rows.append(
            f"<tr><th>{escape(model.name)}</th><td>{100 * found.declared:.1f}</td>{warning}</tr>"
        )
    return (
        f'<div class="scroll"><table><thead><tr><th>{len(pointing)} pointing items read in every '
        "frame</th><th>declared frame</th><th>would another frame score higher?</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _curves(models: Sequence[ModelRun]) -> str:
    parts = []
    for model in models:
        if model.training is None:
            continue
        rows = metrics(model.training)
        loss = [(float(r["step"]), float(r["loss"])) for r in rows if "loss" in r]
        plot = plots.lines({model.name: loss}, x_label="step", y_label="loss")
        parts.append(f"<div><b>{escape(model.name)}: loss</b>{plot}</div>")
        margins = {
            label: [(float(r["step"]), float(r[key])) for r in rows if key in r]
            for label, key in (("chosen", "chosen_change"), ("rejected", "rejected_change"))
        }
        if any(margins.values()):
            plot = plots.lines(margins, x_label="step", y_label="log-prob change a token")
            parts.append(f"<div><b>{escape(model.name)}: against the reference</b>{plot}</div>")
    return "".join(parts)


def metrics(training: Path) -> list[dict[str, float]]:
    """Rows of a train folder's metrics.jsonl; empty if the stage logged none."""
    path = training / "metrics.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]


def _funnel(stages: Sequence[tuple[str, Path]]) -> list[tuple[str, int, str]]:
    rows = []
    for label, folder in stages:
        counts = read_manifest(folder).counts
        dropped = counts["dropped"]
        rows.append((label, counts["out"], f"{dropped:,} left out" if dropped else ""))
    return rows


def _reasons(stages: Sequence[tuple[str, Path]]) -> str:
    rows = []
    for label, folder in stages:
        manifest: Manifest = read_manifest(folder)
        for reason, count in sorted(manifest.drops.items(), key=lambda kv: -kv[1])[:8]:
            rows.append(
                f"<tr><td>{escape(label)}</td><td>{count:,}</td><td>{escape(reason)}</td></tr>"
            )
    if not rows:
        return ""
    return (
        '<div class="scroll"><table><thead><tr><th>stage</th><th>left out</th><th>why</th></tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _gallery(inputs: Inputs, runs: Mapping[str, Sequence[Score]]) -> list[str]:
    scores = {name: {s.item: s for s in rows} for name, rows in runs.items()}
    chosen: dict[str, list[Item]] = defaultdict(list)
    suites: set[tuple[str, str]] = set()
    for folder in inputs.items:
        for item in read_rows(folder, Item):
            fresh = (item.suite, item.skill) not in suites
            known = all(item.id in rows for rows in scores.values())
            if known and fresh and len(chosen[item.skill]) < ITEMS_SHOWN:
                chosen[item.skill].append(item)
                suites.add((item.suite, item.skill))
    wanted = {i.id for items in chosen.values() for i in items}
    said: dict[str, dict[str, Prediction]] = {
        m.name: {p.item: p for p in read_rows(m.predictions, Prediction) if p.item in wanted}
        for m in inputs.models
    }
    return [
        item_card(
            item,
            {name: (said[name][item.id], scores[name][item.id]) for name in scores},
            inputs.family,
            inputs.roots,
            pointing=inputs.models[-1].name,
        )
        for _, items in sorted(chosen.items())
        for item in items
    ]


def _pairs(inputs: Inputs) -> list[str]:
    if inputs.pairs is None:
        return []
    seen: dict[str, Pair] = {}
    for pair in read_rows(inputs.pairs, Pair):
        seen.setdefault(pair.mishap, pair)
    return [pair_card(p, inputs.family, inputs.roots) for p in islice(seen.values(), PAIRS_SHOWN)]
