"""The stage that puts thoughts beside records: built by rule, checked, written within budget."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import msgspec

from seestep import families, run
from seestep.curate.batch import digest
from seestep.errors import SeestepError
from seestep.progress import Progress
from seestep.records import Record, Thought, Verdict
from seestep.run import Manifest, ShardResult
from seestep.thought.build import BuildConfig, applies, build
from seestep.thought.check import check_thought
from seestep.thought.wire import write_thought

VERSION = 1
SUFFIX = "-thought"


def build_thoughts(
    in_folder: Path,
    out_folder: Path,
    config: BuildConfig | None = None,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> Manifest:
    """Every record of ``in_folder``, and beside it, where a thought could be built, its copy.

    The copy is called "<id>-thought" and has the tag "thought". A thought that cannot be built or
    fails a check leaves a verdict about that id; the record itself is never lost.
    """
    config = config or BuildConfig()
    in_folder = Path(in_folder)
    return run.shard_stage(
        Path(out_folder),
        stage="thoughts",
        version=VERSION,
        config=config,
        inputs=[in_folder],
        shards=run.read_manifest(in_folder).shards,
        work=partial(_part, folder=in_folder, config=config),
        workers=workers,
        progress=progress,
    )


def convert(record: Record, config: BuildConfig) -> tuple[list[Record], list[Verdict]]:
    """The record and its copy with a thought, as the config asks; and what was decided."""
    if record.thought is not None or not drawn(record, config):
        return [record], []
    copy = f"{record.id}{SUFFIX}"
    thought = build(record, config)
    if isinstance(thought, str):
        return [record], [Verdict(id=copy, check="thought_build", keep=False, reason=thought)]
    family = families.get(config.family)
    verdicts = [
        Verdict(id=copy, check="thought_build", keep=True),
        *check_thought(thought, record, family, id=copy),
    ]
    if verdicts[-1].keep:
        size = len(write_thought(thought, record, family))
        over = size > config.most_chars
        verdicts.append(
            Verdict(
                id=copy,
                check="thought_budget",
                keep=not over,
                reason="too_long" if over else "",
                score=float(size),
                threshold=float(config.most_chars),
            )
        )
    if not verdicts[-1].keep:
        return [record], verdicts
    thinking = with_thought(record, thought)
    return [record, thinking] if config.keep_original else [thinking], verdicts


def with_thought(record: Record, thought: Thought) -> Record:
    """The copy of a record that thinks before it answers."""
    transforms = (*record.provenance.transforms, f"thought/{thought.annotator}@{VERSION}")
    return msgspec.structs.replace(
        record,
        id=f"{record.id}{SUFFIX}",
        thought=thought,
        tags=(*record.tags, "thought"),
        provenance=msgspec.structs.replace(record.provenance, transforms=transforms),
    )


def drawn(record: Record, config: BuildConfig) -> bool:
    """Whether this record is one a rule applies to, and among the share that gets a thought."""
    if not applies(record):
        return False
    place = int(digest(f"{config.seed}:{record.id}"), 16) / 16**16
    return place < config.shares.get(record.task, 0.0)


def _part(n: int, *, folder: Path, config: BuildConfig) -> ShardResult:
    rows: list[Record] = []
    verdicts: list[Verdict] = []
    for record in run.read_part(folder, n, Record):
        try:
            kept, said = convert(record, config)
        except SeestepError as error:
            raise type(error)(f"while a thought was built: {error}", record=record.id) from error
        rows += kept
        verdicts += said
    return ShardResult(rows=rows, verdicts=verdicts)
