"""An ablation run: one set of data, the same stages trained once an arm, all arms compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from seestep import recipe
from seestep.disk import atomic_write
from seestep.pipeline import check_first, finish, own
from seestep.pipeline.arms import arm, run_arm, scores_of, write_spoilt
from seestep.pipeline.config import Config, Pipeline
from seestep.pipeline.data import make_data
from seestep.pipeline.state import Run
from seestep.progress import Mode
from seestep.records import Score
from seestep.report.ablation import write_page
from seestep.study.ablate import Setting, settings_rows
from seestep.study.compare import table, to_json
from seestep.world.suites import PLAN

REFERENCE = "reference"


class Ablation(Config, frozen=True, kw_only=True):
    """``pipeline`` is the reference; each setting changes one option of its SFT stages."""

    name: str
    about: str = ""
    pipeline: Pipeline
    settings: tuple[Setting, ...]
    compare: tuple[str, ...]  # dotted training options shown in the settings table

    def __post_init__(self) -> None:
        names = [s.name for s in self.settings]
        if not names or len({*names, REFERENCE}) != len(names) + 1:
            raise ValueError(f"settings need names that differ, none of them {REFERENCE}: {names}")
        if self.pipeline.evaluate is None or not any(s.sft for s in self.pipeline.stages):
            raise ValueError("the reference pipeline must train an SFT stage and evaluate")


def run_ablation(
    config: Ablation, out: Path, *, mode: Mode = "auto", say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Train and evaluate every arm on the same data; writes results.json and a page."""
    with own(out, recipe.resolved(config)):
        return _run_ablation(config, out, mode, say)


def _run_ablation(
    config: Ablation, out: Path, mode: Mode, say: Callable[[str], None]
) -> dict[str, Any]:
    check_first(config.pipeline)
    data = Run(config.pipeline, out, out, mode, say)
    make_data(data)
    scores: dict[str, list[Score]] = {}
    arms: dict[str, Pipeline] = {}
    last = config.pipeline.stages[-1].name
    for setting in (None, *config.settings):
        name = setting.name if setting else REFERENCE
        arms[name] = arm(config.pipeline, setting)
        work = out / "arms" / name
        say(f"--- {name}")
        only = ("base", last) if setting is None else (last,)
        if setting and setting.sabotage:
            write_spoilt(data, arms[name], setting.sabotage)
        made = run_arm(data, arms[name], work, only=only)
        data.timings.steps |= {f"{name}: {k}": t for k, t in made.steps.items()}
        if setting is None:
            scores["base"] = scores_of(work, "base")
        scores[name] = scores_of(work, last)
    suites = table(scores, baseline="base", apart=[PLAN])
    means = {name: cell.score for name, cell in suites.mean.items()}
    sft = {name: next(s.sft for s in p.stages if s.sft) for name, p in arms.items()}
    rows = settings_rows(sft, config.compare, means)
    atomic_write(
        out / "report" / "results.json",
        to_json({"suite": suites}, title=config.name, settings=rows),
    )
    page = write_page(config.name, config.about, suites, rows, out / "report" / "index.html")
    return finish(data, page)
