"""The audit stage: a run folder of records against benchmarks, in five layers.

Nothing that was not compared is called clean. ``out`` becomes a run folder of the records that may
be trained on, with the evidence in its ledger, ``audit.json`` and ``blocked.json`` beside them.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep import run
from seestep.curate.batch import answer_words, prompt_text
from seestep.curate.contamination import looks, texts
from seestep.curate.contamination.benchmarks import Benchmark, Entry, find
from seestep.curate.contamination.ids import PICTURES, of_origins
from seestep.curate.contamination.pictures import (
    Found,
    Seen,
    read_benchmark,
    read_parts,
    see_benchmark,
    see_part,
)
from seestep.curate.contamination.result import LAYERS, Cell, Known, Leak, Result
from seestep.disk import atomic_write
from seestep.media import Roots
from seestep.progress import Progress
from seestep.records import Record, Verdict
from seestep.run import Manifest, ShardResult

VERSION = 1
REPORT, BLOCKED = "audit.json", "blocked.json"
Act: TypeAlias = Literal["remove", "tag"]
Embed: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]


class AuditConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an audit does with what it finds.

    ``remove`` leaves leaking records out, ``tag`` keeps them tagged "leak:BENCHMARK".
    ``cosine``: from which similarity of a text encoder on two questions are the same.
    """

    act: Act = "remove"
    cosine: float = 0.95
    encoder: str = ""  # its name, for the report


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
    theirs = _see_benchmarks(known, out, workers, progress)
    mine = _see_records(folder, out, roots, workers, progress)
    judge = _Judge(known, theirs, mine, config, embed)
    for record in run.read_rows(folder, Record):
        judge.prepare(record)
    leaks = judge.leaks(roots)
    manifest = run.shard_stage(
        out,
        stage="audit",
        version=VERSION,
        config={"audit": config, "benchmarks": [_print(b) for b in known]} | _places(roots),
        inputs=[folder],
        shards=run.read_manifest(folder).shards,
        work=partial(_emit, folder, config.act, leaks),
        progress=progress,
    )
    result = judge.result(folder, leaks, manifest)
    atomic_write(out / REPORT, msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    atomic_write(out / BLOCKED, msgspec.json.format(msgspec.json.encode(result.blocked)) + b"\n")
    return result


def _see_benchmarks(
    known: Sequence[Benchmark], out: Path, workers: int, progress: Progress | None
) -> list[Found]:
    folder = out / "benchmarks"
    run.shard_stage(
        folder,
        stage="audit.benchmarks",
        version=VERSION,
        config=[_print(b) for b in known],
        inputs=[],
        shards=len(known),
        work=partial(see_benchmark, tuple(known)),
        workers=workers,
        progress=progress,
    )
    return [read_benchmark(folder, n) for n in range(len(known))]


def _see_records(
    folder: Path, out: Path, roots: Roots, workers: int, progress: Progress | None
) -> Seen:
    pictures = out / "pictures"
    shards = run.read_manifest(folder).shards
    run.shard_stage(
        pictures,
        stage="audit.pictures",
        version=VERSION,
        config=_places(roots),
        inputs=[folder],
        shards=shards,
        work=partial(see_part, folder, dict(roots)),
        workers=workers,
        progress=progress,
    )
    return read_parts(pictures, shards)


def _places(roots: Roots) -> dict[str, dict[str, str]]:
    return {"roots": {name: str(Path(where).resolve()) for name, where in sorted(roots.items())}}


def _print(benchmark: Benchmark) -> dict[str, str]:
    """What tells whether a benchmark is the one that was read: names, sizes and times of files."""
    digest = hashlib.sha256()
    for file in sorted(p for p in benchmark.folder.rglob("*") if p.is_file()):
        told = file.stat()
        name = file.relative_to(benchmark.folder).as_posix()
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


class _Judge:
    """Compares records with benchmarks, one layer after another."""

    def __init__(
        self,
        known: Sequence[Benchmark],
        theirs: Sequence[Found],
        mine: Seen,
        config: AuditConfig,
        embed: Embed | None,
    ) -> None:
        self.known, self.theirs, self.mine = known, theirs, mine
        self.config, self.embed = config, embed
        self.ids: list[dict[str, str]] = [_names(found.entries) for found in theirs]
        self.texts = [texts.Texts([_said(e) for e in found.entries]) for found in theirs]
        self.known_runs: set[int] = set().union(*(t.known() for t in self.texts))
        self.records: list[_Row] = []

    def prepare(self, record: Record) -> None:
        """Keep of a record what is compared."""
        origins = [o for m in record.media for o in m.origins]
        said = f"{prompt_text(record)} {answer_words(record.answer, record)}"
        self.records.append(
            _Row(
                record.id,
                record.source,
                tuple(of_origins([*origins, *record.clusters])),
                tuple(k for m in record.media for k in self.mine.keys(m)),
                said if self.embed is not None else "",
                texts.Said.of(said, self.known_runs),
            )
        )

    def leaks(self, roots: Roots) -> dict[str, list[Leak]]:
        """Record id -> its leaks, all layers and benchmarks."""
        found: dict[str, list[Leak]] = defaultdict(list)
        common = texts.templates(row.runs for row in self.records)
        for number in range(len(self.known)):
            for leak in (
                *self._by_id(number),
                *self._by_picture(number, roots),
                *self._by_words(number, common),
                *self._by_meaning(number),
            ):
                found[leak.record].append(leak)
        return dict(found)

    def _leak(self, row: _Row, number: int, layer: str, where: str, score: float, why: str) -> Leak:
        return Leak(row.id, row.source, self.known[number].name, layer, where, score, why)

    def _by_id(self, number: int) -> list[Leak]:
        theirs = self.ids[number]
        return [
            self._leak(row, number, "ids", theirs[name], 1.0, name)
            for row in self.records
            for name in [next((n for n in row.names if n in theirs), None)]
            if name is not None
        ]

    def _by_picture(self, number: int, roots: Roots) -> list[Leak]:
        theirs = self.theirs[number]
        equal = {look.sha256: where for look, where in zip(theirs.looks, theirs.where, strict=True)}
        pixels = {k: equal[v.sha256] for k, v in self.mine.looks.items() if v.sha256 in equal}
        keys = sorted(k for k in self.mine.looks if k not in pixels)
        alike: dict[str, tuple[str, float, str]] = {}
        opened: dict[str, NDArray[np.uint8]] = {}
        for i, j, views in looks.candidates([self.mine.looks[k] for k in keys], theirs.looks):
            if keys[i] not in opened:
                opened[keys[i]] = self.mine.open(keys[i], roots)
            score = looks.same(opened[keys[i]], theirs.copies[j], views)
            if score >= looks.ALIKE and score > alike.get(keys[i], ("", 0.0, ""))[1]:
                alike[keys[i]] = theirs.where[j], score, looks.told(views)
        made = []
        for row in self.records:
            for key in row.pictures:
                if key in pixels:
                    made.append(self._leak(row, number, "pixels", pixels[key], 1.0, key))
                    break
            for key in row.pictures:
                if key in alike:
                    where, score, how = alike[key]
                    made.append(self._leak(row, number, "looks", where, score, f"{key} {how}"))
                    break
        return made

    def _by_words(self, number: int, common: set[int]) -> list[Leak]:
        theirs, entries = self.texts[number], self.theirs[number].entries
        if not theirs.checkable:
            return []
        made = []
        for row in self.records:
            hit = theirs.find(row.runs, common)
            if hit is not None:
                entry = entries[hit.row]
                made.append(
                    self._leak(row, number, "texts", entry.where, hit.score, entry.asked[:80])
                )
        return made

    def _by_meaning(self, number: int) -> list[Leak]:
        entries = self.theirs[number].entries
        if self.embed is None or not entries:
            return []
        asked = [i for i, e in enumerate(entries) if e.asked]
        if not asked or not self.records:
            return []
        theirs = self.embed([_said(entries[i]) for i in asked])
        mine = self.embed([row.said for row in self.records])
        made = []
        for start in range(0, len(mine), 1024):
            near = mine[start : start + 1024] @ theirs.T
            best = near.argmax(1)
            for k in np.flatnonzero(near.max(1) >= self.config.cosine):
                entry = entries[asked[int(best[k])]]
                row, score = self.records[start + int(k)], float(near[k, best[k]])
                made.append(
                    self._leak(row, number, "embeddings", entry.where, score, entry.asked[:80])
                )
        return made

    def result(
        self, folder: Path, leaks: Mapping[str, Sequence[Leak]], manifest: Manifest
    ) -> Result:
        """The report of the whole audit."""
        every = tuple(leak for row in self.records for leak in leaks.get(row.id, ()))
        return Result(
            made_from=folder.name,
            act=self.config.act,
            records=len(self.records),
            leaking=len(leaks),
            kept=manifest.counts["out"],
            benchmarks=tuple(
                Known(
                    known.name,
                    sum(bool(e.asked) for e in found.entries),
                    len(found.looks),
                    dict(sorted(Counter(n.partition(":")[0] for n in ids).items())),
                    tuple(found.unread),
                )
                for known, found, ids in zip(self.known, self.theirs, self.ids, strict=True)
            ),
            cells=tuple(self._cells(every)),
            leaks=every,
            blocked=self._blocked(),
        )

    def _cells(self, leaks: Sequence[Leak]) -> list[Cell]:
        matched = Counter((x.source, x.benchmark, x.layer) for x in leaks)
        sources: dict[str, list[_Row]] = defaultdict(list)
        for row in self.records:
            sources[row.source].append(row)
        cells = []
        for source, rows in sorted(sources.items()):
            for number, known in enumerate(self.known):
                for layer in LAYERS:
                    checked, theirs, why = self._compared(rows, number, layer)
                    count = matched[source, known.name, layer]
                    cells.append(
                        Cell(source, known.name, layer, len(rows), checked, count, theirs, why)
                    )
        return cells

    def _compared(self, rows: Sequence[_Row], number: int, layer: str) -> tuple[int, int, str]:
        """How many of ``rows`` were compared with how many of theirs, and why with none."""
        found = self.theirs[number]
        if layer == "ids":
            shared = {n.partition(":")[0] for n in self.ids[number]}
            mine = sum(any(n.partition(":")[0] in shared for n in r.names) for r in rows)
            theirs = len(self.ids[number])
            words = (
                "the benchmark names no known picture or scene",
                (f"no record has a name of {', '.join(sorted(shared))}"),
            )
        elif layer in ("pixels", "looks"):
            mine = sum(any(k in self.mine.looks for k in r.pictures) for r in rows)
            theirs = len(found.looks)
            words = "no picture of the benchmark is here", "no picture of these records is here"
        elif layer == "texts":
            mine, theirs = len(rows), self.texts[number].checkable
            words = "the benchmark asks nothing in words of its own", ""
        else:
            mine = len(rows) if self.embed is not None else 0
            theirs = sum(bool(e.asked) for e in found.entries)
            words = "the benchmark asks nothing", "no encoder was given"
        if not theirs or not mine:
            return 0, theirs, words[0] if not theirs else words[1]
        return mine, theirs, ""

    def _blocked(self) -> dict[str, dict[str, list[str]]]:
        out: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for known, ids in zip(self.known, self.ids, strict=True):
            for full in sorted(ids):
                collection, _, name = full.partition(":")
                if collection not in PICTURES:
                    out[collection][name].append(known.name)
        return {k: dict(v) for k, v in sorted(out.items())}


class _Row(msgspec.Struct, frozen=True):
    """What is compared of a record."""

    id: str
    source: str
    names: tuple[str, ...]
    pictures: tuple[str, ...]
    said: str  # for the encoder; "" without one
    runs: texts.Said


def _names(entries: Sequence[Entry]) -> dict[str, str]:
    """Name -> where it stands first."""
    found: dict[str, str] = {}
    for entry in entries:
        for name in entry.ids:
            found.setdefault(name, entry.where)
    return found


def _said(entry: Entry) -> str:
    return " ".join((entry.asked, *entry.options, entry.answer)) if entry.asked else ""
