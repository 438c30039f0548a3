"""The part of an evidence report that tells of control arms and ablations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seestep.report.evidence_words import group_word, moved, points, rate, span
from seestep.report.grid import Grid, Section, Value, Words
from seestep.study.results import BASE, REFERENCE, Arm, Results

FLAGGED = "FLAGGED"


def sections(results: Results) -> list[Section]:
    """Control arms, then ablations; nothing where none is done."""
    made = []
    controls = [a for a in results.arms if a.part == "controls"]
    ablations = [a for a in results.arms if a.part == "ablations"]
    if controls:
        made.append(Section("Control arms: does the table see a wrong recipe?",
                            _controls(results, controls)))  # fmt: skip
    if ablations:
        made.append(Section("Ablations", _ablations(results, ablations)))
    return made


def short(results: Results) -> list[str]:
    """One line on what the table said of the reference and of every control arm."""
    controls = [arm for arm in results.arms if arm.part == "controls"]
    if not controls:
        return []
    seeds = ", ".join(str(s) for s in controls[0].seeds)
    lines = [
        f"The reference at {results.until}, seed {seeds}, held to the same rule as the control "
        f"arms: {_said(results, REFERENCE)}."
    ]
    for arm in controls:
        lines.append(
            f"Control arm {arm.name} ({', '.join(arm.causes)}): {_said(results, arm.name)}; "
            f"{_costs(results, arm.name)}."
        )
    return lines


def fallen(results: Results, model: str) -> list[str]:
    """The groups in which a model fell significantly and beyond the bound."""
    return [g for g, v in results.arm_verdicts[model].items() if v == "fell"]


def worse(results: Results, model: str) -> list[str]:
    """The groups in which an arm is significantly worse than the reference."""
    assert results.arm_cost is not None  # there are arms
    return [g for g, cell in results.arm_cost.cells[model].items() if cell.verdict == "worse"]


def _said(results: Results, model: str) -> str:
    lost = fallen(results, model)
    return f"{FLAGGED}: {_named(lost)} fell" if lost else "not flagged"


def _costs(results: Results, arm: str) -> str:
    lost = worse(results, arm)
    return f"worse than the reference: {_named(lost) if lost else 'in no group, as far as shows'}"


def _controls(results: Results, arms: Sequence[Arm]) -> list[Grid | Words]:
    names = [REFERENCE, *(a.name for a in arms)]
    rows = [
        [
            Value(REFERENCE),
            Value("nothing"),
            Value("the recipe itself, held to the same rule"),
            Value("as in the recipe"),
            _flag(results, REFERENCE),
            Value(""),
        ]
    ]
    rows += [
        [
            Value(arm.name),
            Value("; ".join(arm.causes)),
            Value(arm.about),
            Value(", ".join(f"{stage} {n}" for stage, n in arm.steps.items())),
            _flag(results, arm.name),
            Value(_named(worse(results, arm.name)) or "no group, as far as shows"),
        ]
        for arm in arms
    ]
    seeds = ", ".join(str(s) for s in arms[0].seeds)
    return [
        Words(
            [
                "Every arm is the reference with the mistakes named here, made on purpose: same "
                f"data, same seed ({seeds}), trained up to {results.until} and compared with the "
                f"reference's {results.until}. FLAGGED means that at least one skill group fell "
                "against base; the last column names those that are significantly lower than the "
                "reference's (Holm's test over the groups below 0.05).",
            ]
        ),
        Grid(
            ["arm", "what differs", "why", "steps", "the table says", "worse than reference"], rows
        ),
        Words(["Change against base in points, with the marks of the skill groups above:"]),
        _group_grid(results, names, against_base=True),
        Words(
            [
                "What each mistake costs: change against the reference in points, coloured where "
                "Holm's test over the groups is below 0.05:"
            ]
        ),
        _group_grid(results, names[1:], against_base=False),
    ]


def _ablations(results: Results, arms: Sequence[Arm]) -> list[Grid | Words]:
    names = [REFERENCE, *(a.name for a in arms)]
    table = results.arm_suite
    assert table is not None  # there are arms
    rows = [
        [
            Value(suite, f"{table.cells[BASE][suite].n} items"),
            *(rate(table.cells[name][suite]) for name in (BASE, *names)),
        ]
        for suite in table.groups
    ]
    mean = [rate(table.mean[name]) for name in (BASE, *names)]
    rows.append([Value("mean", f"of {len(table.mean_over)}"), *mean])
    count = len(arms[0].seeds)
    luck = "one seed: a small difference is luck" if count == 1 else f"{count} seeds"
    return [
        Words(
            [
                f"One setting of the SFT stages changed an arm; trained up to {results.until}; "
                f"{luck}. The mean is computed from the table of suites below it."
            ]
        ),
        _settings(results),
        Words(["Score, and below it the change against the reference with its interval:"]),
        Grid(["suite", BASE, *names], rows),
        Words(["Skill groups, change against base in points:"]),
        _group_grid(results, names, against_base=True),
    ]


def _settings(results: Results) -> Grid:
    assert results.arm_suite is not None
    keys = [key for key in results.settings[0] if key not in ("run", "mean")]
    rows = []
    for row in results.settings:
        cell = results.arm_suite.mean[row["run"]]
        rows.append(
            [
                Value(row["run"]),
                *(Value(_option(row[key])) for key in keys),
                Value(points(row["mean"]), span(cell.low, cell.high)),
                moved(cell) if cell.change is not None else Value("reference"),
            ]
        )
    return Grid(["run", *keys, "mean", "against the reference"], rows)


def _group_grid(results: Results, names: Sequence[str], *, against_base: bool) -> Grid:
    table = results.arm_skill if against_base else results.arm_cost
    assert table is not None  # there are arms
    rows = []
    for group in table.groups:
        cells = []
        for name in names:
            verdict = results.arm_verdicts[name].get(group) if against_base else None
            cells.append(moved(table.cells[name].get(group), verdict))
        rows.append([Value(group_word(group)), *cells])
    return Grid(["skill group", *names], rows)


def _flag(results: Results, name: str) -> Value:
    lost = fallen(results, name)
    if lost:
        return Value(FLAGGED, _named(lost), "down")
    return Value("not flagged", kind="quiet")


def _named(groups: Sequence[str]) -> str:
    return ", ".join(group_word(g) for g in groups)


def _option(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)
