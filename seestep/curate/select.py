"""Pick the records one training stage learns from: by task, with or without their thoughts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from seestep.errors import DataError
from seestep.records import Record, Split
from seestep.run import Manifest, ShardResult, read_rows, shard_stage

VERSION = 1
SHARD_ROWS = 5_000


class SelectConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to pick from which folders (names relative to the run).

    ``thought``: "any" takes records as they are, "none" only direct ones, "only" only those with
    a thought. ``limit`` keeps the records whose ids hash lowest, so a larger limit adds to a
    smaller one; ``limit_each`` does so before within each task and type of answer, so that what
    there is much of does not crowd out what there is little of. ``limits`` gives single tasks
    another number than ``limit_each``. Tags of ``without`` keep a record out.
    """

    folders: tuple[str, ...]
    tasks: tuple[str, ...] = ()  # all if empty
    without_tasks: tuple[str, ...] = ()
    thought: Literal["any", "none", "only"] = "any"
    without: tuple[str, ...] = ("media-missing",)
    splits: tuple[Split, ...] = ("train",)  # what is held out for measuring stays out
    limit_each: int | None = None
    limits: dict[str, int] = {}  # task -> records of each type of answer
    limit: int | None = None

    def __post_init__(self) -> None:
        if not self.folders:
            raise ValueError("folders is empty, so there is nothing to select from")
        for name in ("limit_each", "limit"):
            most = getattr(self, name)
            if most is not None and most < 1:
                raise ValueError(f"{name} must be at least 1, or null for all")
        if any(most < 1 for most in self.limits.values()):
            raise ValueError("limits must allow at least 1 record of each task it names")


def select(config: SelectConfig, run: Path, out: Path) -> Manifest:
    """Write the selected records in the order of their folders; ``DataError`` if there are none."""
    folders = [run / name for name in config.folders]
    found = matching(config, run)
    if not found:
        raise DataError(
            "no record fits the selection",
            file=", ".join(str(f) for f in folders),
            wanted=f"tasks {', '.join(config.tasks) or 'any'}, thought {config.thought}",
            hint="look at the tasks the folders hold, or at what curation dropped",
        )
    parts = [found[i : i + SHARD_ROWS] for i in range(0, len(found), SHARD_ROWS)]
    return shard_stage(
        out,
        stage="curate.select",
        version=VERSION,
        config=config,
        inputs=folders,
        shards=len(parts),
        work=lambda n: ShardResult(rows=parts[n]),
    )


def matching(config: SelectConfig, run: Path) -> list[Record]:
    """The records that ``config`` picks, in the order of their folders; may be none."""
    found = list(_matching(config, run))
    if config.limit_each is None and config.limit is None and not config.limits:
        return found
    unknown = sorted(set(config.limits) - {r.task for r in found})
    if found and unknown:
        raise DataError(
            "limits names tasks that no selected record has",
            file=", ".join(str(run / name) for name in config.folders),
            wanted=f"some of {', '.join(sorted({r.task for r in found}))}",
            got=", ".join(unknown),
            hint="take them out of limits, or look for a slip in their spelling",
        )
    lowest = sorted(found, key=lambda r: hashlib.sha256(r.id.encode()).digest())
    if config.limit_each is not None or config.limits:
        sorts: dict[tuple[str, str], list[Record]] = {}
        for record in lowest:
            sorts.setdefault((record.task, type(record.answer).__name__), []).append(record)
        most = {task: config.limits.get(task, config.limit_each) for task, _ in sorts}
        each = {r.id for (task, _), sort in sorts.items() for r in sort[: most[task]]}
        lowest = [r for r in lowest if r.id in each]
    keep = {r.id for r in lowest[: config.limit]}
    return [r for r in found if r.id in keep]


def _matching(config: SelectConfig, run: Path) -> Iterator[Record]:
    for name in config.folders:
        for record in read_rows(run / name, Record):
            if config.tasks and record.task not in config.tasks:
                continue
            if record.task in config.without_tasks:
                continue
            if config.thought != "any" and (record.thought is None) == (config.thought == "only"):
                continue
            if record.split in config.splits and not set(config.without) & set(record.tags):
                yield record
