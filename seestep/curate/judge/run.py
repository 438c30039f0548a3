"""Judging rows: gold examples and canaries first, then every row, then what it all comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from seestep.curate.batch import Batch, make_batch
from seestep.curate.judge import canaries as canary
from seestep.curate.judge import report as page
from seestep.curate.judge.ask import Subject, fitting
from seestep.curate.judge.config import CheckName, Judge
from seestep.curate.judge.gold import Gold, read_gold
from seestep.curate.judge.hear import Opinions, hear
from seestep.curate.judge.opinions import (
    ADVICE,
    LOW,
    TAG,
    UNDECIDED,
    Opinion,
    undecided,
    verdict,
)
from seestep.curate.judge.prompts import version
from seestep.curate.judge.report import Cost, Report
from seestep.curate.quality import Quality
from seestep.errors import DataError
from seestep.media import Roots
from seestep.progress import Progress
from seestep.records import Pair, Record, Verdict

R = TypeVar("R", bound=Record | Pair)


@dataclass(frozen=True)
class Judged:
    """One verdict a row, in row order; ``undecided`` are the rows the judge could not say about,
    whatever the policy made of them."""

    verdicts: tuple[Verdict, ...]
    undecided: tuple[int, ...]
    report: Report


def judge(
    batch: Batch,
    config: Judge,
    roots: Roots,
    *,
    run: str,
    cache: Path,
    progress: Progress | None = None,
) -> Judged:
    """Judge the records of a batch.

    ``run`` is a name that stays the same when a stopped run goes on: its budget and the questions
    it gave up are kept under it in ``cache``, one SQLite file, beside the answers of all runs.
    Raises ``RunError`` where the budget is spent or the server answers nothing at all (what was
    answered is kept: the same call goes on there), ``DataError`` for gold labels that cannot be
    read.
    """
    return judge_rows(batch.records, config, roots, run=run, cache=cache, progress=progress)


def judge_rows(
    rows: Sequence[Record | Pair],
    config: Judge,
    roots: Roots,
    *,
    run: str,
    cache: Path,
    progress: Progress | None = None,
) -> Judged:
    """The same of records and pairs in any order."""
    twice = [rid for rid, n in Counter(row.id for row in rows).items() if n > 1]
    if twice:
        raise DataError("two records have the same id", record=twice[0])
    gold = read_gold(config.gold) if config.gold is not None else []
    mine = [Subject(f"row:{row.id}", row, fitting(row, config)) for row in rows]
    labelled = _labelled(gold, {row.id: row for row in rows}, config)
    planted = _planted(rows, mine, config)
    subjects = {s.key: s for s in (*labelled, *planted, *mine)}
    said, cost = hear(
        list(subjects.values()), config, roots, run=run, cache=cache, progress=progress
    )

    gates = []
    fits = {check for subject in mine for check in subject.checks}
    for check in config.checks:
        about = [g for g in gold if g.check == check]
        if check not in fits and not about:
            continue  # it has no say here
        known = [(g, _of_gold(g, said)) for g in about]
        gates.append(
            page.gate(
                check,
                config,
                _canaries(check, planted, said),
                [(g.name, g.place, one) for g, one in known if one is not None],
                sum(one is None for _, one in known),
            )
        )
    may = {one.check: one.may_drop for one in gates}
    opinions = [said[s.key] for s in mine]
    verdicts = tuple(
        verdict(row, told, may, config) for row, told in zip(rows, opinions, strict=True)
    )
    return Judged(
        verdicts,
        tuple(i for i, one in enumerate(verdicts) if undecided(one)),
        _report(rows, opinions, verdicts, gates, config, cost),
    )


def tagged(row: R, said: Verdict) -> R:
    """The row with the tag "judge-undecided" if the judge could not say, without it if it could:
    what was held back may be judged again."""
    tags = tuple(tag for tag in row.tags if tag != TAG) + (TAG,) * undecided(said)
    return row if tags == row.tags else msgspec.structs.replace(row, tags=tags)


def _labelled(gold: Sequence[Gold], rows: dict[str, Record | Pair], config: Judge) -> list[Subject]:
    """Gold examples that are not among the rows as they stand."""
    wanted: dict[str, tuple[Record | Pair, list[CheckName]]] = {}
    for one in gold:
        if one.check not in config.checks:
            continue
        asked = one.asked if one.asked is not None else rows.get(one.id)
        if asked is not None and one.check in fitting(asked, config):
            wanted.setdefault(_gold_key(one), (asked, []))[1].append(one.check)
    return [Subject(key, asked, tuple(checks)) for key, (asked, checks) in wanted.items()]


def _gold_key(one: Gold) -> str:
    return f"gold:{one.name}"


def _of_gold(one: Gold, said: dict[str, Opinions]) -> Opinion | None:
    return said.get(_gold_key(one), {}).get(one.check)


def _planted(
    rows: Sequence[Record | Pair], mine: Sequence[Subject], config: Judge
) -> list[Subject]:
    """A canary and its twin, for every check."""
    found = []
    for check in config.checks:
        fit = [(i, row) for i, row in enumerate(rows) if check in mine[i].checks]
        plan = canary.plan(fit, check, config.canaries, config.seed) if fit else []
        for n, (i, one) in enumerate(plan):
            found.append(Subject(f"canary:{check}:{n}", rows[i], (check,), one))
            found.append(Subject(f"twin:{check}:{n}", rows[i], (check,), one._replace(plea="")))
    return found


def _canaries(
    check: CheckName, planted: Sequence[Subject], said: dict[str, Opinions]
) -> page.Canaries | None:
    mine = [s for s in planted if s.checks == (check,)]
    if not mine:
        return None
    pleading = [said[s.key][check] for s in mine if s.canary and s.canary.plea]
    without = [said[s.key][check] for s in mine if s.canary and not s.canary.plea]
    return page.canaries_of(check, pleading, without)


def _report(
    rows: Sequence[Record | Pair],
    opinions: Sequence[Opinions],
    verdicts: Sequence[Verdict],
    gates: Sequence[page.Gate],
    config: Judge,
    cost: Cost,
) -> Report:
    unsure = [v for v in verdicts if undecided(v)]
    drops = Counter(v.reason for v in verdicts if not v.keep and not undecided(v))
    advised = sum(v.reason.removeprefix(ADVICE) in LOW.values() for v in verdicts if v.keep)
    reasons = Counter(v.reason.removeprefix(ADVICE).removeprefix(UNDECIDED) for v in unsure)
    records = [row for row in rows if isinstance(row, Record)]
    scores = (
        {v.id: v.score or 1.0 for v in Quality()(make_batch(records, alone=True))}
        if records
        else {}
    )
    return Report(
        model=config.endpoint.model,
        prompts=tuple(version(check) for check in config.checks),
        policy=config.undecided,
        rows=len(rows),
        kept=sum(v.keep for v in verdicts),
        dropped=drops.total(),
        held=sum(not v.keep for v in unsure),
        not_judged=sum(not told for told in opinions),
        advised_drops=advised,
        drops=dict(sorted(drops.items())),
        undecided=dict(sorted(reasons.items())),
        ids_undecided=tuple(v.id for v in unsure),
        gates=tuple(gates),
        flips=page.flips([told["pair"] for told in opinions if "pair" in told]),
        heuristic=page.with_heuristic(
            [scores.get(row.id, 1.0) for row in rows], opinions, config.seed
        ),
        executor=page.with_executor(rows, opinions, config.seed),
        cost=cost,
    )
