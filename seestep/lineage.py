"""Following a record through a run: every verdict of every stage, and where it lies."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seestep import ledger
from seestep.disk import sha256_file
from seestep.errors import DataError, RunError
from seestep.run import MANIFEST, STAGE, Input


class Trace(msgspec.Struct, frozen=True):
    """One line of a ledger about one id. ``part`` and ``line`` say where a kept row lies."""

    id: str
    folder: str  # relative to the run
    stage: str
    check: str  # "" when the row passed through without any check
    keep: bool
    reason: str
    score: float | None
    threshold: float | None
    evidence: str
    cost: int | None  # tokens
    part: str | None
    line: int | None  # from 1


def about(id: str, run: Path) -> list[Trace]:
    """Every trace of ``id``, or of all ids that begin with it when none is exactly that.

    Stages come in the order the data flowed. ``DataError`` names near ids when there is none.
    """
    run = Path(run)
    exact: list[Trace] = []
    begins: list[Trace] = []
    others: set[str] = set()
    for folder, stage in stages(run):
        for trace in _traces(run, folder, stage):
            if trace.id == id:
                exact.append(trace)
            elif trace.id.startswith(id):
                begins.append(trace)
            elif len(others) < 100_000:
                others.add(trace.id)
    if exact or begins:
        return exact or begins
    near = difflib.get_close_matches(id, sorted(others)[:20_000], n=3, cutoff=0.6)
    raise DataError(
        f"no stage of this run says anything about {id!r}",
        file=run,
        hint=f"did you mean {' or '.join(near)}?" if near else "give the beginning of an id",
    )


def ids_of(traces: list[Trace]) -> list[str]:
    """The ids in the order they first appear."""
    return list(dict.fromkeys(trace.id for trace in traces))


def stages(run: Path) -> list[tuple[Path, str]]:
    """(folder, stage name) of every folder with a ledger at or below ``run``.

    Folders that others read come before their readers. A shard that was not committed is left
    out by ``about``, since it will be made again.
    """
    if not run.is_dir():
        raise RunError("there is no such folder", file=run)
    made: dict[Path, _Made] = {}
    ledgers: set[Path] = set()
    for where, folders, names in os.walk(run):
        folders.sort()
        folder = Path(where)
        if STAGE in names:
            made[folder] = _made(folder / STAGE)
        if any(name.startswith("ledger") and name.endswith(".parquet") for name in names):
            ledgers.add(folder)
    if not ledgers:
        raise RunError("there is no run folder here", file=run, wanted="a folder with a ledger")
    source = {sha256_file(f / MANIFEST): f for f in made if (f / MANIFEST).exists()}
    depths: dict[Path, int] = {}

    def depth(folder: Path) -> int:
        if folder not in depths:
            depths[folder] = 0  # a folder that reads itself is not followed
            inputs = made[folder].inputs if folder in made else ()
            reads = [source[i.sha256] for i in inputs if i.sha256 in source]
            depths[folder] = 1 + max((depth(f) for f in reads), default=0)
        return depths[folder]

    ordered = sorted(ledgers, key=lambda folder: (depth(folder), str(folder)))
    return [(f, made[f].stage if f in made else f.name) for f in ordered]


class _Made(msgspec.Struct, frozen=True):
    """What is read of a ``stage.json``; training writes other keys beside these."""

    stage: str = ""
    inputs: tuple[Input, ...] = ()


def _made(path: Path) -> _Made:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Made)
    except msgspec.ValidationError:
        return _Made(stage=path.parent.name)  # another room's stage.json, with its own keys
    except msgspec.DecodeError as error:
        raise RunError(f"this file is damaged: {error}", file=path) from error


def _traces(run: Path, folder: Path, stage: str) -> Iterator[Trace]:
    name = folder.relative_to(run).as_posix()
    for file in sorted(folder.glob("ledger*.parquet")):
        number = file.stem.removeprefix("ledger").removeprefix("-")
        if number and not (folder / f"commit-{number}.json").exists():
            continue
        part = folder / f"part-{number}.jsonl"
        has_part = part.exists()
        for row, v in ledger.read(file):
            here = row is not None and has_part
            yield Trace(
                id=v.id,
                folder=name,
                stage=stage,
                check=v.check,
                keep=v.keep,
                reason=v.reason,
                score=v.score,
                threshold=v.threshold,
                evidence=v.evidence,
                cost=v.cost,
                part=part.as_posix() if here else None,
                line=row + 1 if row is not None and has_part else None,
            )
