"""Judging a run folder: ``<out>/asked`` holds every opinion, ``<out>`` the rows that go on, and
``<out>/undecided`` those that are held back.

The opinions are committed at once, before any row is written: a server that fails today and
answers tomorrow cannot make two halves of one folder by different opinions.
"""

from __future__ import annotations

import hashlib
import uuid
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from seestep import run
from seestep.curate.judge import prompts
from seestep.curate.judge.config import Judge, settled
from seestep.curate.judge.opinions import is_held
from seestep.curate.judge.report import Cost, Report
from seestep.curate.judge.run import judge_rows, tagged
from seestep.disk import atomic_write
from seestep.errors import DataError
from seestep.media import Roots
from seestep.progress import Progress
from seestep.records import Pair, Record, Verdict
from seestep.run import Manifest, ShardResult

VERSION = 2
ASKED, HELD = "asked", "undecided"
REPORT = "report/judge.json"
COST, NAME = "judge.cost.json", "judge.run"  # beside what is byte-identical, as run.log.json


class Outcome(NamedTuple):
    """The closed folder and the judge's page."""

    manifest: Manifest
    report: Report


def judge_folder(
    folder: Path,
    out: Path,
    config: Judge,
    *,
    roots: Roots,
    cache: Path,
    progress: Progress | None = None,
) -> Outcome:
    """Judge the records or pairs of a closed run folder. Raises as ``judge`` and ``shard_stage``.

    Stopped or out of budget, the same call goes on: it pays for no answer twice. What cannot change
    an answer (``config.SPEED``) may be changed in between.
    """
    folder, out = Path(folder), Path(out)
    asked, shards = out / ASKED, run.read_manifest(folder).shards
    kind = kind_of(folder)
    inputs = [folder, *([config.gold] if config.gold is not None else [])]

    def work(_: int) -> ShardResult:
        rows: list[Record | Pair] = list(run.read_rows(folder, kind))
        judged = judge_rows(rows, config, roots, run=_name(out), cache=cache, progress=progress)
        cost = judged.report.cost or Cost(questions=0, known=0, calls=0, tokens=0, cost=0.0)
        atomic_write(out / COST, msgspec.json.encode(cost) + b"\n")
        told = msgspec.structs.replace(judged.report, cost=None)
        page = msgspec.json.format(msgspec.json.encode(told)) + b"\n"
        return ShardResult(rows=judged.verdicts, files={REPORT: page})

    stage = partial(
        run.shard_stage,
        version=VERSION,
        config={"judge": settled(config), "prompts": prompts_sha256(), "roots": sorted(roots)},
    )
    stage(asked, stage="judge.asked", inputs=inputs, shards=1, work=work)
    said = {one.id: one for one in run.read_rows(asked, Verdict)}

    def pass_on(n: int) -> ShardResult:
        rows = list(run.read_part(folder, n, kind))
        return ShardResult(
            rows=[tagged(row, said[row.id]) for row in rows if said[row.id].keep],
            verdicts=[said[row.id] for row in rows],
            files={REPORT: (asked / REPORT).read_bytes()} if n == 0 else {},
        )

    def hold(n: int) -> ShardResult:
        rows = [row for row in run.read_part(folder, n, kind) if is_held(said[row.id])]
        return ShardResult(
            rows=[tagged(row, said[row.id]) for row in rows],
            verdicts=[msgspec.structs.replace(said[row.id], keep=True) for row in rows],
        )

    known = [*inputs, asked]
    manifest = stage(out, stage="judge", inputs=known, shards=shards, work=pass_on)
    report = read_report(out)
    if report.held:
        stage(out / HELD, stage="judge.undecided", inputs=known, shards=shards, work=hold)
    return Outcome(manifest, report)


def read_report(out: Path) -> Report:
    """The judge's page of a closed folder, with what it cost if that is still there."""
    told = msgspec.json.decode((out / REPORT).read_bytes(), type=Report)
    file = out / COST
    cost = msgspec.json.decode(file.read_bytes(), type=Cost) if file.is_file() else None
    return msgspec.structs.replace(told, cost=cost)


def kind_of(folder: Path) -> type[Record | Pair]:
    """What the rows of a run folder are, told by the first of them. Raises ``DataError`` for rows
    that nobody trains on."""
    for n in range(run.read_manifest(folder).shards):
        with (folder / f"part-{n:05d}.jsonl").open("rb") as part:
            for line in part:
                keys = set(msgspec.json.decode(line))
                if "scorer" in keys or not keys & {"answer", "chosen"}:
                    raise DataError(
                        "these rows are neither records nor pairs",
                        file=folder,
                        got=", ".join(sorted(keys)),
                    )
                return Pair if "chosen" in keys else Record
    return Record


def prompts_sha256() -> str:
    """Of all words that a judge is told."""
    told = [(name, one.rubric, one.form) for name, one in sorted(prompts.PROMPTS.items())]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _name(out: Path) -> str:
    """The name of this folder's run, made once: its budget and its questions go by it."""
    file = out / NAME
    if not file.is_file():
        out.mkdir(parents=True, exist_ok=True)
        atomic_write(file, uuid.uuid4().hex.encode())
    return file.read_text()
