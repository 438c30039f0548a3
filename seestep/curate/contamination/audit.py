"""The audit stage: a run folder of records against benchmarks, layer by layer.

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
from seestep.curate.contamination.benchmarks import Benchmark, files_of, find, name_of
from seestep.curate.contamination.judge import Judge, Theirs
from seestep.curate.contamination.pictures import (
    See,
    Vectors,
    embed_benchmark,
    embed_part,
    read_benchmark,
    read_parts,
    read_vectors,
    see_benchmark,
    see_part,
)
from seestep.curate.contamination.result import Leak, Result
from seestep.curate.embed import Encoder
from seestep.disk import atomic_write
from seestep.media import Roots
from seestep.progress import Progress
from seestep.records import Record, Verdict
from seestep.run import ShardResult

VERSION = 5
REPORT, BLOCKED = "audit.json", "blocked.json"
Act: TypeAlias = Literal["remove", "tag"]


class AuditConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an audit does with what it finds.

    ``remove`` leaves leaking records out, ``tag`` keeps them tagged "leak:BENCHMARK".
    ``cosine`` and ``image_cosine``: from which similarity on a text encoder's two questions and an
    image encoder's two pictures are the same.
    """

    act: Act = "remove"
    cosine: float = 0.95
    image_cosine: float = 0.95


def audit(
    folder: Path,
    benchmarks: Sequence[Path],
    out: Path,
    config: AuditConfig | None = None,
    *,
    roots: Roots | None = None,
    encoder: Encoder | None = None,
    see: See | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Compare the records of ``folder`` with every benchmark in ``benchmarks``.

    ``roots`` say where pictures lie; ``encoder`` reads texts, ``see`` gives (n, width) unit vectors
    of RGB pictures: without them their layers are not checked. Another model under the same name is
    another audit. Raises ``DataError`` for benchmarks that are not there or empty, and for an
    encoder that cannot be used.
    """
    config, roots = config or AuditConfig(), roots or {}
    known = find(list(benchmarks))
    shards = run.read_manifest(folder).shards
    read = [_print(benchmark) for benchmark in known]
    places = {"roots": sorted(roots)}  # with none, no picture was seen
    models: dict[str, Any] = {"encoder": None, "image_encoder": see and see.parameters()}
    if encoder is not None:
        encoder.vectors(["Where is the mug?"])  # a damaged model is told before pictures are read
        models["encoder"] = encoder.parameters()
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
    mine: Vectors | None = None
    theirs: Sequence[Vectors | None] = [None] * len(known)
    if see is not None:
        mine, theirs = _embedded(folder, known, out, roots, see, read, progress)
    judge = Judge(
        run.read_rows(folder, Record),
        [
            Theirs(b.name, read_benchmark(out / "benchmarks", n), theirs[n])
            for n, b in enumerate(known)
        ],
        seen,
        roots,
        encoder=encoder,
        cosine=config.cosine,
        vectors=mine,
        image_cosine=config.image_cosine,
    )
    leaks = judge.leaks()
    of: dict[str, list[Leak]] = defaultdict(list)
    for leak in leaks:
        of[leak.record].append(leak)
    manifest = run.shard_stage(
        out,
        stage="audit",
        version=VERSION,
        config={"audit": config, "benchmarks": read} | models | places,
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


def _embedded(
    folder: Path,
    known: Sequence[Benchmark],
    out: Path,
    roots: Roots,
    see: See,
    read: Sequence[dict[str, Any]],
    progress: Progress | None,
) -> tuple[Vectors, list[Vectors]]:
    """Vectors of the records' pictures and of those of each benchmark, made where they are not."""
    shards = run.read_manifest(folder).shards
    encoder = {"encoder": see.parameters()}
    run.shard_stage(
        out / "benchmark-vectors",
        stage="audit.benchmark_vectors",
        version=VERSION,
        config={"benchmarks": read} | encoder,
        inputs=[],
        shards=len(known),
        work=partial(embed_benchmark, tuple(known), see),
        progress=progress,
    )
    run.shard_stage(
        out / "picture-vectors",
        stage="audit.picture_vectors",
        version=VERSION,
        config={"roots": sorted(roots)} | encoder,
        inputs=[folder],
        shards=shards,
        work=partial(embed_part, folder, dict(roots), see),
        progress=progress,
    )
    theirs = [read_vectors(out / "benchmark-vectors", [n]) for n in range(len(known))]
    return read_vectors(out / "picture-vectors", range(shards)), theirs


def _print(benchmark: Benchmark) -> dict[str, Any]:
    """What tells whether a benchmark is the one that was read: names, sizes and times of files."""
    digest = hashlib.sha256()
    for file in files_of(benchmark.folder):
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
