"""Build the report of a pipeline run: results.json and one static page."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import islice
from pathlib import Path

from seestep.disk import atomic_write
from seestep.families import Family
from seestep.media import Roots
from seestep.records import Item, Pair, Prediction, Score
from seestep.report import sections, tables
from seestep.report.cards import item_card, pair_card
from seestep.report.floor import floors
from seestep.run import read_manifest, read_rows
from seestep.study.compare import Table, table, to_json
from seestep.study.results import plans_apart

ITEMS_SHOWN = 2  # a skill group
PAIRS_SHOWN = 6
PLANS_SHOWN = 3
PLANNING = "executed plans"  # key of the gallery, no skill group


@dataclass(frozen=True)
class ModelRun:
    """One model's evaluation, and how it was trained (None for a base model)."""

    name: str
    predictions: Path
    scores: Path
    training: Path | None = None
    wrong_image: Path | None = None  # scores of the same items with foreign pictures


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
    done: Sequence[tuple[str, str]] = ()  # (what, why) of the run's steps, for the page's start
    plans: str = ""  # the suite whose answers are plans that are executed


def build(inputs: Inputs, out: Path) -> Path:
    """Write ``out``/results.json and ``out``/index.html; returns the page's path."""
    from jinja2 import Environment, StrictUndefined

    runs = {m.name: list(read_rows(m.scores, Score)) for m in inputs.models}
    suites = table(runs, by="suite", apart=inputs.apart)
    plans = {inputs.plans}  # they are executed: a group of their own, not next to choices
    skills = table({name: plans_apart(rows, plans) for name, rows in runs.items()}, by="skill")
    atomic_write(out / "results.json", results(inputs, suites, skills))
    template = files("seestep.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(template)
    style = files("seestep.report").joinpath("style.css").read_text(encoding="utf-8")
    items = [item for folder in inputs.items for item in read_rows(folder, Item)]
    blind = {m.name: list(read_rows(m.wrong_image, Score)) for m in inputs.models if m.wrong_image}
    by_suite = floors(items, blind, "suite")
    apart = {name: plans_apart(rows, plans) for name, rows in blind.items()}
    by_skill = floors(plans_apart(items, plans), apart, "skill")
    last = inputs.models[-1].name
    trainings = {m.name: m.training for m in inputs.models if m.training is not None}
    asked = {m.name: m.predictions for m in inputs.models}
    gallery = _gallery(inputs, runs)
    html = page.render(
        style=style,
        title=inputs.title,
        summary=inputs.summary,
        short=f"{sections.short_words(suites, last)} {sections.plan_short(suites, inputs.plans)}",
        banners=inputs.banners,
        baseline=inputs.models[0].name,
        last_model=last,
        done=inputs.done,
        benchmarks=tables.benchmark_table(
            suites, heading="suite", apart=inputs.apart, floors=by_suite
        ),
        skills=tables.benchmark_table(
            skills, heading="ability", mean=False, floors=by_skill, about=sections.ABILITIES
        ),
        example=sections.example(skills, last),
        blind=bool(blind),
        plan_table=sections.plan_table(suites, inputs.plans, by_suite),
        plan_cards="".join(gallery.get(PLANNING, ())),
        skills_words=sections.skill_words(skills, last),
        forest=sections.changes(skills, last),
        parsing=tables.parse_table(suites),
        frames=sections.frames(asked, inputs.items, inputs.family),
        curves=sections.curves(trainings),
        funnel=sections.funnel(inputs.stages),
        reasons=sections.reasons(inputs.stages),
        run_folder=inputs.run_folder,
        gallery="".join(c for skill, cards in gallery.items() if skill != PLANNING for c in cards),
        pairs="".join(_pairs(inputs)),
        facts=list(inputs.facts.items()),
    )
    path = out / "index.html"
    atomic_write(path, html.encode("utf-8"))
    return path


def results(inputs: Inputs, suites: Table, skills: Table) -> bytes:
    """The numbers of the page as JSON: both tables, and what they were made from."""
    made_from = {m.name: _made_from(m) for m in inputs.models}
    return to_json({"suite": suites, "skill": skills}, title=inputs.title, made_from=made_from)


def _made_from(model: ModelRun) -> dict[str, str]:
    """Fingerprints, never paths: the same data give the same bytes wherever they lie."""
    found = {"scores": read_manifest(model.scores).fingerprint}
    found["predictions"] = read_manifest(model.predictions).fingerprint
    if model.training is not None:
        trained = json.loads(model.training.joinpath("manifest.json").read_bytes())
        found |= {"stage": trained["stage"], "weights": trained["weights_sha256"]}
    return found


def _gallery(inputs: Inputs, runs: Mapping[str, Sequence[Score]]) -> dict[str, list[str]]:
    """Cards by skill group; those of executed plans under ``PLANNING``."""
    scores = {name: {s.item: s for s in rows} for name, rows in runs.items()}
    chosen: dict[str, list[Item]] = defaultdict(list)
    suites: set[tuple[str, str]] = set()
    for folder in inputs.items:
        for item in read_rows(folder, Item):
            plan = bool(inputs.plans) and item.suite == inputs.plans
            fresh = plan or (item.suite, item.skill) not in suites
            known = all(item.id in rows for rows in scores.values())
            skill, most = (PLANNING, PLANS_SHOWN) if plan else (item.skill, ITEMS_SHOWN)
            if known and fresh and len(chosen[skill]) < most:
                chosen[skill].append(item)
                suites.add((item.suite, item.skill))
    wanted = {i.id for items in chosen.values() for i in items}
    said: dict[str, dict[str, Prediction]] = {
        m.name: {p.item: p for p in read_rows(m.predictions, Prediction) if p.item in wanted}
        for m in inputs.models
    }
    return {
        skill: [
            item_card(
                item,
                {name: (said[name][item.id], scores[name][item.id]) for name in scores},
                inputs.family,
                inputs.roots,
                pointing=inputs.models[-1].name,
            )
            for item in items
        ]
        for skill, items in sorted(chosen.items())
    }


def _pairs(inputs: Inputs) -> list[str]:
    if inputs.pairs is None:
        return []
    seen: dict[str, Pair] = {}
    for pair in read_rows(inputs.pairs, Pair):
        seen.setdefault(pair.mishap, pair)
    return [pair_card(p, inputs.family, inputs.roots) for p in islice(seen.values(), PAIRS_SHOWN)]
