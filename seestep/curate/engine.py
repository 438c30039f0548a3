"""The curate stage: ordered checks, a verdict for every record and check, survivors written.

Three passes. Checks that look at one record (pictures, rules, quality) run shard by shard in
``<out>/checks``, a run folder of its own. What is costly to find out about the survivors (vectors,
hashes of pictures, rewards) is measured shard by shard and kept in a cache. Checks that compare
records then decide over the columns of all survivors, and ``<out>`` is written shard by shard.
Nothing depends on the number of workers, and in = kept + dropped by reason, or the stage fails.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from seestep import run
from seestep.curate.batch import Batch, make_batch
from seestep.curate.dedup import ExactDuplicates, NearDuplicates, find_exact, find_near
from seestep.curate.guard import HELD_OUT, Guard, Held
from seestep.curate.measure import Column, Measure, cache_folder
from seestep.curate.measuring import Measuring, Operator, measure_parts
from seestep.curate.mix import Mix, Quota
from seestep.curate.near_picture import NearPictures
from seestep.curate.pictures import CHECK as PICTURES
from seestep.curate.pictures import Look, Missing, each_picture, look_at
from seestep.curate.quality import Quality
from seestep.curate.relevance import Relevance
from seestep.curate.reward import Reward
from seestep.curate.rules import DEFAULT_RULES, AnyRule
from seestep.curate.semantic import SemanticDuplicates
from seestep.errors import DataError, RunError
from seestep.heap import unswept
from seestep.media import Roots
from seestep.progress import Progress
from seestep.records import Record, Verdict
from seestep.run import Manifest, ShardResult

VERSION = 6
MEASURING = ("relevance", "near_picture", "semantic", "reward")
COMPARING = ("exact", "near", *MEASURING, "guard", "mix")
R = TypeVar("R", bound=list[Any])
ROWS = 2048  # rows a batch


class CurateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a recipe says about curation; checks run in the order of these fields.

    ``look``: "trust" opens no picture, "probe" reads headers and hashes, "decode" decodes all.
    ``missing`` is for records whose reader found no pictures on disk: keep them (tagged) or drop.
    Those from ``exact`` on are left out by null. What ``guard`` holds out is written with the split
    "guard", and no quota of ``mix`` is filled with it.
    """

    look: Look = "probe"
    missing: Missing = "keep"
    rules: tuple[AnyRule, ...] = DEFAULT_RULES
    quality: Quality = Quality()
    exact: ExactDuplicates | None = ExactDuplicates()
    near: NearDuplicates | None = NearDuplicates()
    relevance: Relevance | None = None
    near_picture: NearPictures | None = None
    semantic: SemanticDuplicates | None = None
    reward: Reward | None = None
    guard: Guard | None = None
    mix: Mix | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.near_picture is not None and self.look == "trust":
            raise ValueError("near_picture opens pictures: look must be probe or decode")

    @property
    def operators(self) -> list[Operator]:
        """Those that measure before they decide, in the order in which they decide."""
        found = (getattr(self, name) for name in MEASURING)
        return [operator for operator in found if operator is not None]


def curate(
    in_folders: Sequence[Path],
    out_folder: Path,
    config: CurateConfig | None = None,
    *,
    roots: Roots | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    measures: Mapping[str, Measure] | None = None,
    cache: Path | None = None,
) -> Manifest:
    """Read records of closed run folders and write those that every check keeps.

    ``measures`` are those, by the name of their operator, that a room to the right brings;
    ``cache`` is where measured values are kept, ``cache_folder()`` if None.

    Raises ``RunError`` for an input that is no closed run folder, ``DataError`` when two records
    have the same id.
    """
    config = config or CurateConfig()
    operators = config.operators
    known = dict(measures or {})
    for operator in operators:
        if operator.name not in known:
            if not isinstance(operator, Measuring):
                raise RunError(f"nothing measures {operator.name}", hint="see measures_of")
            known[operator.name] = operator.measure()
    out_folder = Path(out_folder)
    parts = tuple(
        (Path(folder), n) for folder in in_folders for n in range(run.read_manifest(folder).shards)
    )
    taken = sum(run.read_manifest(folder).counts["out"] for folder in in_folders)
    single = msgspec.structs.replace(config, **dict.fromkeys(COMPARING))
    run.shard_stage(
        out_folder / "checks",
        stage="curate-checks",
        version=VERSION,
        config=single,
        inputs=[Path(f) for f in in_folders],
        shards=len(parts),
        work=partial(check_part, parts=parts, config=config, roots=dict(roots or {})),
        workers=workers,
        progress=progress,
    )
    columns = measure_parts(
        out_folder / "checks",
        [known[operator.name] for operator in operators],
        dict(roots or {}),
        cache or cache_folder(),
        workers=workers,
        progress=progress,
    )
    decided = _decide(out_folder / "checks", config, columns)
    manifest = run.shard_stage(
        out_folder,
        stage="curate",
        version=VERSION,
        config=_told(config, [known[operator.name] for operator in operators]),
        inputs=[Path(f) for f in in_folders],
        shards=len(parts),
        work=partial(_emit_part, checks=out_folder / "checks", decided=decided),
        progress=progress,
    )
    conserve(manifest, taken, out_folder)
    return manifest


def read_report(curated: Path, name: str, kind: type[R]) -> R:
    """``report/<name>.json`` of a curated folder ("guard", "quotas"); nothing where it has none."""
    file = curated / "report" / f"{name}.json"
    if not file.is_file():
        return kind()
    found: R = msgspec.json.decode(file.read_bytes(), type=kind)
    return found


def conserve(manifest: Manifest, taken: int, folder: Path) -> None:
    """Raise ``RunError`` unless in = kept + the sum of drops by reason."""
    lost = sum(manifest.drops.values())
    if taken != manifest.counts["out"] + lost:
        raise RunError(
            "records went missing without a reason",
            file=folder,
            wanted=f"{taken} in",
            got=f"{manifest.counts['out']} kept + {lost} dropped",
        )


def check_records(
    records: Sequence[Record], config: CurateConfig, roots: Roots
) -> tuple[list[Record], list[Verdict]]:
    """Survivors of the one-record checks, and every verdict, record by record in check order."""
    looked, pictures = look_at(records, roots, config.look, config.missing)
    if len({verdict.id for verdict in pictures}) < len(records):
        times = Counter(record.id for record in records)
        raise _same_id(next(rid for rid, n in times.items() if n > 1))
    columns: list[list[Verdict | None]] = [list(pictures)]
    rows = [row for row, verdict in enumerate(pictures) if verdict.keep]
    batch = make_batch([looked[row] for row in rows], alone=True)
    for check in (*config.rules, config.quality):
        said = check(batch)
        kept = [i for i, verdict in enumerate(said) if verdict.keep]
        if len(rows) == len(records):
            columns.append([*said])
        else:
            column: list[Verdict | None] = [None] * len(records)
            for row, verdict in zip(rows, said, strict=True):
                column[row] = verdict
            columns.append(column)
        batch, rows = batch.take(kept), [rows[i] for i in kept]
    each = chain.from_iterable(zip(*columns, strict=True))
    return list(batch.records), [verdict for verdict in each if verdict is not None]


@unswept()
def check_part(
    n: int, *, parts: Sequence[tuple[Path, int]], config: CurateConfig, roots: Roots
) -> ShardResult:
    """One shard of the first pass: the rows of one part of one input folder."""
    folder, part = parts[n]
    kept: list[Record] = []
    said: list[Verdict] = []
    for records in _slices(run.read_part(folder, part, Record)):
        survivors, verdicts = check_records(records, config, roots)
        kept += survivors
        said += verdicts
    return ShardResult(rows=kept, verdicts=said)


@dataclass(frozen=True)
class Decided:
    """What the comparing checks decided: verdicts by record id, in check order, what every skill
    got held out, and the quotas."""

    verdicts: dict[str, list[Verdict]]
    held: list[Held]
    quotas: list[Quota]

    def is_guard(self, rid: str) -> bool:
        """Whether this record is held out of training."""
        return any(v.check == Guard.name and v.reason == HELD_OUT for v in self.verdicts[rid])


def compare(
    batch: Batch, config: CurateConfig, columns: Mapping[str, Column] | None = None
) -> Decided:
    """Duplicates, what was measured (``columns``), guard sets and quotas over all survivors; each
    check sees what the one before kept, and the quotas nothing that is held out."""
    verdicts: dict[str, list[Verdict]] = {rid: [] for rid in batch.ids}
    held: list[Held] = []
    quotas: list[Quota] = []

    def hear(said: list[Verdict]) -> Batch:
        for verdict in said:
            verdicts[verdict.id].append(verdict)
        return batch.take([i for i, v in enumerate(said) if v.keep])

    if config.exact is not None:
        batch = hear(find_exact(config.exact, batch))
    if config.near is not None:
        batch = hear(find_near(config.near, batch, seed=config.seed))
    for operator in config.operators:
        table = (columns or {})[operator.name].of(batch)
        batch = hear(operator.decide(batch, table, seed=config.seed))
    if config.guard is not None:
        said, held = config.guard(batch, seed=config.seed)
        hear(said)
        batch = batch.take([i for i, v in enumerate(said) if v.reason != HELD_OUT])
    if config.mix is not None:
        said, quotas = config.mix(batch, seed=config.seed)
        batch = hear(said)
    return Decided(verdicts, held, quotas)


@unswept()
def _decide(checks: Path, config: CurateConfig, columns: Mapping[str, Column]) -> Decided:
    identity: dict[str, str] = {}
    score: dict[str, float] = {}
    times: Counter[str] = Counter()
    for verdict in run.read_verdicts(checks, (PICTURES, Quality.name)):
        if verdict.check == PICTURES:
            times[verdict.id] += 1
            identity[verdict.id] = verdict.evidence
        elif verdict.check == Quality.name and verdict.score is not None:
            score[verdict.id] = verdict.score
    if twice := [rid for rid, n in times.items() if n > 1]:
        raise _same_id(twice[0])
    slices = _slices(run.read_rows(checks, Record))
    batch = Batch.join([make_batch(rows, lines=False).columns_only() for rows in slices])
    return compare(
        dataclasses.replace(
            batch,
            images=tuple(identity[rid] for rid in batch.ids),
            scenes=tuple(
                (*names, *each_picture(identity[rid]))
                for rid, names in zip(batch.ids, batch.scenes, strict=True)
            ),
            quality=tuple(score[rid] for rid in batch.ids),
        ),
        config,
        columns,
    )


def _told(config: CurateConfig, measures: Sequence[Measure]) -> Any:
    """The recipe, and what measures depend on: other weights under one name are another run."""
    if not measures:
        return config
    found = {m.name: {"version": m.version, "depends_on": m.parameters()} for m in measures}
    return msgspec.to_builtins(config) | {"measured": found}


def _same_id(rid: str) -> DataError:
    return DataError(
        "two records have the same id",
        record=rid,
        hint="was one folder given twice? ids are <source>:<key in the source>",
    )


@unswept()
def _emit_part(n: int, *, checks: Path, decided: Decided) -> ShardResult:
    kept: list[Record] = []
    for record in run.read_part(checks, n, Record):
        if all(v.keep for v in decided.verdicts[record.id]):
            guard = decided.is_guard(record.id)
            kept.append(msgspec.structs.replace(record, split="guard") if guard else record)
    said: dict[str, list[Verdict]] = {}
    for verdict in run.read_part_verdicts(checks, n):
        said.setdefault(verdict.id, []).append(verdict)
    for rid, about in said.items():
        about += decided.verdicts.get(rid, [])
    files = {}
    for name, told in (("guard", decided.held), ("quotas", decided.quotas)):
        if n == 0 and told:
            files[f"report/{name}.json"] = msgspec.json.encode(told, order="deterministic")
    return ShardResult(rows=kept, verdicts=[v for a in said.values() for v in a], files=files)


def _slices(records: Iterator[Record]) -> Iterator[list[Record]]:
    rows: list[Record] = []
    for record in records:
        rows.append(record)
        if len(rows) == ROWS:
            yield rows
            rows = []
    if rows:
        yield rows
