"""The audit stage: a run folder of records against benchmarks, in five layers.

Nothing that was not compared is called clean. ``out`` becomes a run folder of the records that may
be trained on, with the evidence in its ledger, ``audit.json`` and ``blocked.json`` beside them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from seestep import run
from seestep.curate.contamination.benchmarks import Benchmark, find, name_of
from seestep.curate.contamination.judge import Embed, Judge, Theirs
from seestep.curate.contamination.pictures import (
    read_benchmark,
    read_parts,
    see_benchmark,
    see_part,
)
from seestep.curate.contamination.result import Leak, Result
from seestep.disk import atomic_write
from seestep.media import Roots
from seestep.progress import Progress
from seestep.records import Record, Verdict
from seestep.run import ShardResult

VERSION = 2
REPORT, BLOCKED = "audit.json", "blocked.json"
Act: TypeAlias = Literal["remove", "tag"]


class AuditConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an audit does with what it finds.

    ``remove`` leaves leaking records out, ``tag`` keeps them tagged "leak:BENCHMARK".
    ``cosine``: from which similarity of a text encoder on two questions are the same.
    """

    act: Act = "remove"
    cosine: float = 0.95
    encoder: str = ""  # its name: another one is another audit


def audit(
    folder: Path,
    benchmarks: Sequence[Path],
    out: Path,
    config: AuditConfig | None = None,
    *,
    roots: Roots | None = None,
    embed: Embed | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Compare the records of ``folder`` with every benchmark in ``benchmarks``.

    ``roots`` say where pictures lie; ``embed`` gives (n, width) unit vectors of texts, without it
    the fifth layer is not checked. Raises ``DataError`` for benchmarks that are not there or empty.
    """
    config, roots = config or AuditConfig(), roots or {}
    known = find(list(benchmarks))
    shards = run.read_manifest(folder).shards
    read = [_print(benchmark) for benchmark in known]
    places = {"roots": sorted(roots)}  # with none, no picture was seen
    run.shard_stage(
        out / "benchmarks",
        stage="audit.benchmarks",
        version=VERSION,
        config=read,
        inputs=[],
        shards=len(known),
        work=partial(see_benchmark, tuple(known)),
        workers=workers,
        progress=progress,
    )
    run.shard_stage(
        out / "pictures",
        stage="audit.pictures",
        version=VERSION,
        config=places,
        inputs=[folder],
        shards=shards,
        work=partial(see_part, folder, dict(roots)),
        workers=workers,
        progress=progress,
    )
    seen = read_parts(out / "pictures", shards)
    judge = Judge(
        run.read_rows(folder, Record),
        [Theirs(b.name, read_benchmark(out / "benchmarks", n)) for n, b in enumerate(known)],
        seen,
        roots,
        embed=embed,
        cosine=config.cosine,
    )
    leaks = judge.leaks()
    of: dict[str, list[Leak]] = defaultdict(list)
    for leak in leaks:
        of[leak.record].append(leak)
    manifest = run.shard_stage(
        out,
        stage="audit",
        version=VERSION,
        config={"audit": config, "benchmarks": read} | places,
        inputs=[folder],
        shards=shards,
        work=partial(_emit, folder, config.act, of),
        progress=progress,
    )
    result = Result(
        made_from=folder.name,
        act=config.act,
        records=len(judge.rows),
        leaking=len(of),
        kept=manifest.counts["out"],
        benchmarks=tuple(theirs.known() for theirs in judge.theirs),
        cells=tuple(judge.cells(leaks)),
        leaks=tuple(leaks),
        blocked=judge.blocked(),
        unread=dict(seen.unread),
    )
    for name, told in ((REPORT, result), (BLOCKED, result.blocked)):
        atomic_write(out / name, msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    return result


def _print(benchmark: Benchmark) -> dict[str, Any]:
    """What tells whether a benchmark is the one that was read: names, sizes and times of files."""
    digest = hashlib.sha256()
    for file in sorted(p for p in benchmark.folder.rglob("*") if p.is_file()):
        told = file.stat()
        name = name_of(file, benchmark.folder)
        digest.update(f"{name} {told.st_size} {told.st_mtime_ns}\n".encode())
    return {"name": benchmark.name, "files": digest.hexdigest()}


def _emit(folder: Path, act: Act, leaks: Mapping[str, Sequence[Leak]], n: int) -> ShardResult:
    rows: list[Record] = []
    verdicts: list[Verdict] = []
    for record in run.read_part(folder, n, Record):
        found = leaks.get(record.id, ())
        verdicts += [
            Verdict(
                id=record.id,
                check=f"audit:{leak.layer}",
                keep=act == "tag",
                reason=f"stands in {leak.benchmark}",
                score=leak.score,
                evidence=f"{leak.where}: {leak.evidence}",
            )
            for leak in found
        ]
        if not found:
            rows.append(record)
        elif act == "tag":
            tags = dict.fromkeys((*record.tags, *(f"leak:{leak.benchmark}" for leak in found)))
            rows.append(msgspec.structs.replace(record, tags=tuple(tags)))
    return ShardResult(rows=rows, verdicts=verdicts)
