"""Compare runs over stored scores: per suite, per skill group, and overall, all by code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from seestep.errors import DataError
from seestep.records import Score
from seestep.study import stats


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one group of items. Scores are in [0, 1]; an unparsed answer counts 0."""

    n: int
    clusters: int
    score: float
    low: float
    high: float
    parse_rate: float
    score_if_parsed: float | None  # None when nothing was parsed
    change: float | None = None  # against the baseline, on shared items
    change_low: float | None = None
    change_high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    mde: float | None = None
    gained: int | None = None
    lost: int | None = None
    test: str = ""
    verdict: str = ""  # "better", "worse", "no detectable difference", "" for the baseline


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Models x groups, with the mean over the groups that every model has."""

    groups: tuple[str, ...]
    models: tuple[str, ...]
    cells: dict[str, dict[str, Cell]]  # model -> group -> cell
    mean: dict[str, Cell]
    mean_over: tuple[str, ...]
    missing: dict[str, tuple[str, ...]]  # model -> groups it lacks


def table(
    runs: Mapping[str, Sequence[Score]],
    *,
    by: str = "suite",
    baseline: str | None = None,
    apart: Sequence[str] = (),
    seed: int = 0,
) -> Table:
    """Put several runs' scores side by side.

    Args:
        runs: model name -> its scores, in display order.
        by: "suite" or "skill".
        baseline: model that the others are compared with; the first one if None.
        apart: groups that are shown but stay out of the mean.
        seed: of the bootstrap.

    Holm's correction runs over all groups of one model. Raises ``DataError`` when two runs
    share no item of a group that both have or were decoded one under a grammar and one free, or
    a run scores an item twice.
    """
    if not runs:
        raise DataError("no scores to compare", hint="evaluate at least one model first")
    models = tuple(runs)
    base = models[0] if baseline is None else baseline
    grouped = {m: _group(m, scores, by) for m, scores in runs.items()}
    groups = tuple(sorted({g for per in grouped.values() for g in per}))
    cells: dict[str, dict[str, Cell]] = {}
    for model in models:
        row = {g: _cell(s.values(), seed) for g, s in grouped[model].items()}
        if model != base:
            row = _with_changes(row, grouped[base], grouped[model], seed)
        cells[model] = row
    shared = (g for g in groups if all(g in grouped[m] for m in models))
    common = tuple(g for g in shared if g not in apart)
    mean: dict[str, Cell] = {}
    if common:
        for m in models:
            some = {g: cells[m][g] for g in common}
            mean[m] = _mean(some, grouped[m], None if m == base else grouped[base])
    missing = {m: tuple(g for g in groups if g not in grouped[m]) for m in models}
    return Table(
        groups=groups,
        models=models,
        cells=cells,
        mean=mean,
        mean_over=common,
        missing={m: gone for m, gone in missing.items() if gone},
    )


def to_json(tables: Mapping[str, Table], **extra: Any) -> bytes:
    """Canonical, indented JSON of several tables (results.json)."""
    return msgspec.json.format(
        msgspec.json.encode({**extra, "tables": tables}, order="deterministic"), indent=1
    )


def cluster_of(score: Score) -> str:
    """The label that an item's score is resampled with: its first cluster, else itself."""
    return score.clusters[0] if score.clusters else score.item


def _group(model: str, scores: Iterable[Score], by: str) -> dict[str, dict[str, Score]]:
    grouped: dict[str, dict[str, Score]] = defaultdict(dict)
    for score in scores:
        group = grouped[getattr(score, by)]
        if score.item in group:
            raise DataError("an item is scored twice", file=model, record=score.item)
        group[score.item] = score
    return dict(grouped)


def _cell(scores: Iterable[Score], seed: int) -> Cell:
    rows = sorted(scores, key=lambda s: s.item)  # sums depend on order in their last digit
    got = stats.interval([s.value for s in rows], [cluster_of(s) for s in rows], seed=seed)
    parsed = [s.value for s in rows if s.parsed]
    return Cell(
        n=got.n,
        clusters=got.clusters,
        score=got.mean,
        low=got.low,
        high=got.high,
        parse_rate=len(parsed) / len(rows),
        score_if_parsed=sum(parsed) / len(parsed) if parsed else None,
    )


def _with_changes(
    row: dict[str, Cell],
    before: dict[str, dict[str, Score]],
    after: dict[str, dict[str, Score]],
    seed: int,
) -> dict[str, Cell]:
    tests = {}
    for group in row:
        if group not in before:
            continue
        shared = sorted(before[group].keys() & after[group].keys())
        if not shared:
            raise DataError("two runs share no item", record=group, hint="evaluate the same suites")
        _same_decoding(before[group], after[group], shared)
        tests[group] = stats.paired(
            [before[group][i].value for i in shared],
            [after[group][i].value for i in shared],
            [cluster_of(after[group][i]) for i in shared],
            seed=seed,
        )
    adjusted = dict(zip(tests, stats.holm([t.p for t in tests.values()]), strict=True))
    return {
        g: msgspec.structs.replace(cell, **_changes(tests[g], adjusted[g])) if g in tests else cell
        for g, cell in row.items()
    }


def _same_decoding(before: dict[str, Score], after: dict[str, Score], shared: list[str]) -> None:
    """A grammar lifts every model's form, so free and constrained answers are no pair."""
    odd = next((i for i in shared if before[i].constrained != after[i].constrained), None)
    if odd is not None:
        how = {True: "constrained", False: "free"}
        raise DataError(
            "one run was decoded under a grammar and the other was not",
            record=odd,
            wanted=how[before[odd].constrained],
            got=how[after[odd].constrained],
            hint="evaluate both with the same constrain",
        )


def _changes(test: stats.Paired, p_holm: float) -> dict[str, Any]:
    if p_holm < 0.05:
        verdict = "better" if test.change > 0 else "worse"
    else:
        verdict = "no detectable difference"
    return {
        "change": test.change,
        "change_low": test.low,
        "change_high": test.high,
        "p": test.p,
        "p_holm": p_holm,
        "mde": test.mde,
        "gained": test.gained,
        "lost": test.lost,
        "test": test.method,
        "verdict": verdict,
    }


def _mean(
    cells: Mapping[str, Cell],
    after: Mapping[str, Mapping[str, Score]],
    before: Mapping[str, Mapping[str, Score]] | None,
) -> Cell:
    """Mean of some groups' cells; ``before`` has the baseline's scores, None for the baseline."""
    rows = {g: sorted(after[g].values(), key=lambda s: s.item) for g in cells}
    labels = {g: [cluster_of(s) for s in scores] for g, scores in rows.items()}
    shared = stats.correlations([([s.value for s in rows[g]], labels[g]) for g in cells])
    parts = [(c.score, c.low, c.high) for c in cells.values()]
    score, low, high = stats.macro(parts, shared)
    mean = Cell(
        n=sum(c.n for c in cells.values()),
        clusters=len({c for those in labels.values() for c in those}),
        score=score,
        low=max(0.0, low),
        high=min(1.0, high),
        parse_rate=sum(c.parse_rate for c in cells.values()) / len(cells),
        score_if_parsed=None,
    )
    if before is None:
        return mean
    changes, gains = [], []
    for group, c in cells.items():
        assert c.change is not None and c.change_low is not None and c.change_high is not None
        changes.append((c.change, c.change_low, c.change_high))
        both = [s for s in rows[group] if s.item in before[group]]
        gain = [s.value - before[group][s.item].value for s in both]
        gains.append((gain, [cluster_of(s) for s in both]))
    change, change_low, change_high = stats.macro(changes, stats.correlations(gains))
    return msgspec.structs.replace(
        mean, change=change, change_low=change_low, change_high=change_high
    )
