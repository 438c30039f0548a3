"""Run folders: a stage reads folders and writes one, shard by shard, and can be killed anywhere.

A folder holds, in the order they are written: ``stage.json`` (what is being made, from what),
for every shard its side files, ``part-N.jsonl``, ``ledger-N.parquet`` and, last, ``commit-N.json``
with their hashes; ``manifest.json`` closes it. Run again after a crash, a stage goes on after the
committed shards, and the closed folder is byte-identical to that of an uninterrupted run.
``run.log.json`` (git commit, timings) is the one file outside that promise.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from seestep import __version__, disk, ledger
from seestep.disk import atomic_write, sha256_file
from seestep.errors import RunError
from seestep.jsonl import read_jsonl, read_jsonl_lenient
from seestep.progress import Progress
from seestep.records import Noun, Verdict
from seestep.shards import (
    Commit,
    ShardResult,
    commit_name,
    commit_shard,
    is_committed,
    load,
    to_json,
    verify,
)

__all__ = [
    "Manifest",
    "Progress",
    "ShardResult",
    "atomic_write",
    "ledger_sha256",
    "read_jsonl_lenient",
    "read_manifest",
    "read_part",
    "read_part_verdicts",
    "read_rows",
    "read_verdicts",
    "shard_stage",
    "side_files",
]

STAGE, MANIFEST, LOG = "stage.json", "manifest.json", "run.log.json"
MANY_REASONS = 32  # past this, reasons of one check that differ by numbers only are counted as one

T = TypeVar("T", bound=Noun)


class Input(msgspec.Struct, frozen=True):
    """A folder or file that a stage read: its last name and what was in it."""

    name: str
    sha256: str  # of the manifest, for a run folder


class Stage(msgspec.Struct, frozen=True):
    """What a folder is being made to hold; its hash is the folder's fingerprint."""

    stage: str
    version: int
    config: Any
    inputs: tuple[Input, ...]
    shards: int | None  # None: as many as there turn out to be

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(to_json(self)).hexdigest()


class Manifest(msgspec.Struct, frozen=True):
    """The closing page of a run folder.

    ``counts`` has "in", "out" and "dropped" with in = out + dropped; ``drops`` counts dropped
    records by "check:reason" of their first failing verdict, so its values sum to "dropped".
    """

    stage: str
    version: int
    config: Any
    inputs: tuple[Input, ...]
    shards: int
    fingerprint: str
    counts: dict[str, int]
    drops: dict[str, int]
    versions: dict[str, str]
    seed: int | None
    commits: dict[str, str]  # file name -> sha256


# --- writing ----------------------------------------------------------------------------------


def shard_stage(
    folder: Path,
    *,
    stage: str,
    version: int,
    config: Any,
    inputs: Sequence[Path],
    shards: int | None,
    work: Callable[[int], ShardResult | None],
    workers: int = 1,
    progress: Progress | None = None,
) -> Manifest:
    """Make the run folder of a stage, or finish it, or find it finished.

    ``work(n)`` makes shard n and must depend on n, ``config`` and ``inputs`` only. With
    ``workers`` > 1 it runs in spawned processes, so it must be picklable (a module-level function,
    a ``functools.partial`` of one, a frozen dataclass with ``__call__``).

    ``shards`` is None where only reading everything would tell: shards are then made one after
    another by this process until ``work`` returns None (shard 0 is always there).

    Raises ``RunError`` when the folder belongs to another recipe (showing the keys that differ),
    is locked by another process, is damaged, or the disk is full.
    """
    from seestep.workers import run_shards

    folder = Path(folder)
    planned = Stage(stage, version, to_builtins(config), _inputs(inputs), shards)
    with disk.locked(folder):
        disk.sweep(folder)
        _open(folder, planned)
        if (folder / MANIFEST).exists():
            manifest = read_manifest(folder)
            if progress is not None:
                progress.update(manifest.shards, manifest.shards, "already done")
            return manifest
        if shards is None:
            made = _make_all(folder, planned, work, progress)
            return _close(folder, planned, made)
        todo = [n for n in range(shards) if not is_committed(folder, n, planned.fingerprint)]
        timings: dict[str, float] = {}
        done = shards - len(todo)
        if progress is not None:
            progress.update(done, shards)
        every = cast("Callable[[int], ShardResult]", work)
        for n, seconds in run_shards(folder, planned.fingerprint, todo, every, workers):
            timings[str(n)] = seconds
            done += 1
            if progress is not None:
                progress.update(done, shards)
        _write_log(folder, timings, workers)
        return _close(folder, planned, shards)


def _make_all(
    folder: Path,
    planned: Stage,
    work: Callable[[int], ShardResult | None],
    progress: Progress | None,
) -> int:
    """Make shards until there are no more; returns how many there are."""
    timings: dict[str, float] = {}
    rows = n = 0
    while True:
        if not is_committed(folder, n, planned.fingerprint):
            began = time.monotonic()
            result = work(n)
            if result is None:
                break
            commit_shard(folder, n, planned.fingerprint, result)
            timings[str(n)] = round(time.monotonic() - began, 3)
            rows += len(result.rows)
        n += 1
        if progress is not None:
            progress.update(n, None, f"{rows:,} rows")
    if progress is not None:
        progress.update(n, n)
    _write_log(folder, timings, 1)
    return n


def to_builtins(config: Any) -> Any:
    """A config as plain JSON values, the way it is fingerprinted; paths become strings."""
    return msgspec.json.decode(to_json(config))


def _open(folder: Path, planned: Stage) -> None:
    """Claim the folder for ``planned``; one that holds no more than another claim is free."""
    path = folder / STAGE
    if not path.exists():
        found = sorted(p.name for p in folder.glob("part-*.jsonl"))
        if found or (folder / MANIFEST).exists():
            raise RunError(
                f"this folder has {found[0] if found else MANIFEST} but no {STAGE}",
                file=folder,
                hint="choose another --out, or delete the folder",
            )
        atomic_write(path, to_json(planned) + b"\n")
        return
    found_stage = load(path, Stage)
    if found_stage.fingerprint == planned.fingerprint:
        return
    if all(p.name == STAGE or p.name.startswith(".") for p in folder.iterdir()):
        atomic_write(path, to_json(planned) + b"\n")
    else:
        differs = differences(msgspec.to_builtins(found_stage), msgspec.to_builtins(planned))
        raise RunError(
            "this folder was made with another recipe or other inputs: " + "; ".join(differs[:8]),
            file=folder,
            hint="choose another --out, or delete this folder to make it anew",
        )


def differences(old: Any, new: Any, key: str = "") -> list[str]:
    """Dotted keys where two plain values differ, with both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        pairs = [(old.get(k), new.get(k), f"{key}.{k}" if key else k) for k in keys]
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        pairs = [(a, b, f"{key}.{i}") for i, (a, b) in enumerate(zip(old, new, strict=True))]
    else:
        return [] if old == new else [f"{key} was {_short(old)}, now {_short(new)}"]
    return [line for a, b, name in pairs for line in differences(a, b, name)]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _inputs(paths: Sequence[Path]) -> tuple[Input, ...]:
    return tuple(Input(Path(p).name, _input_sha256(Path(p))) for p in paths)


def _input_sha256(path: Path) -> str:
    if not path.is_dir():
        return sha256_file(path)
    if not (path / MANIFEST).exists():
        raise RunError(
            "this input is not a closed run folder",
            file=path,
            wanted=MANIFEST,
            hint="finish the stage that writes it first",
        )
    return sha256_file(path / MANIFEST)


def _close(folder: Path, planned: Stage, shards: int) -> Manifest:
    commits, rows, dropped = {}, 0, 0
    drops: Counter[str] = Counter()
    for n in range(shards):
        path = folder / commit_name(n)
        commit = load(path, Commit)
        commits[path.name] = sha256_file(path)
        rows += commit.rows
        dropped += commit.dropped
        drops.update(commit.drops)
    config = planned.config
    seed = config.get("seed") if isinstance(config, dict) else None
    manifest = Manifest(
        stage=planned.stage,
        version=planned.version,
        config=config,
        inputs=planned.inputs,
        shards=shards,
        fingerprint=planned.fingerprint,
        counts={"in": rows + dropped, "out": rows, "dropped": dropped},
        drops=_fold_reasons(drops),
        versions=_versions(),
        seed=seed if isinstance(seed, int) else None,
        commits=commits,
    )
    atomic_write(folder / MANIFEST, to_json(manifest, indent=True) + b"\n")
    return manifest


def _fold_reasons(drops: Counter[str]) -> dict[str, int]:
    """Counts by "check:reason"; a check with very many reasons has its numbers written as N."""
    per_check = Counter(key.split(":", 1)[0] for key in drops)
    folded: Counter[str] = Counter()
    for key, count in drops.items():
        check, reason = key.split(":", 1)
        if per_check[check] > MANY_REASONS:
            reason = re.sub(r"\d+(\.\d+)?", "N", reason)
        folded[f"{check}:{reason}"] += count
    return dict(sorted(folded.items()))


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    names = ("msgspec", "pyarrow", "numpy", "pillow")
    return {"seestep": __version__, "python": platform.python_version()} | {
        name: version(name) for name in names
    }


def _write_log(folder: Path, timings: dict[str, float], workers: int) -> None:
    from seestep.gitinfo import commit_of_code

    log = {"git": commit_of_code(), "workers": workers, "shard_seconds": timings}
    atomic_write(folder / LOG, to_json(log, indent=True) + b"\n")


# --- reading ----------------------------------------------------------------------------------


def commit_of(folder: Path) -> str | None:
    """The git commit that a run folder was made by, where its log knows."""
    log = Path(folder) / LOG
    if not log.is_file():
        return None
    return load(log, _Log).git


class _Log(msgspec.Struct, frozen=True):
    git: str | None = None


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a closed run folder; its commits are checked against it."""
    folder = Path(folder)
    path = folder / MANIFEST
    if not path.exists():
        started = (folder / STAGE).exists()
        raise RunError(
            "this stage has not finished" if started else "this is not a run folder",
            file=folder,
            wanted=MANIFEST,
            hint="run the command that makes it again; it goes on where it stopped"
            if started
            else "look at the path",
        )
    manifest = load(path, Manifest)
    for name, wanted in manifest.commits.items():
        verify(folder / name, wanted)
    return manifest


def ledger_sha256(folder: Path) -> str:
    """One hash of all verdicts of a closed run folder: the same decisions have the same."""
    folder = Path(folder)
    names = [f"ledger-{n:05d}.parquet" for n in range(read_manifest(folder).shards)]
    hashes = "".join(sha256_file(folder / name) for name in names)
    return hashlib.sha256(hashes.encode()).hexdigest()


def read_rows(folder: Path, kind: type[T]) -> Iterator[T]:
    """Every row of a closed run folder, in order; each part's hash is checked before its rows."""
    folder = Path(folder)
    for n, commit in _commits(folder):
        name = f"part-{n:05d}.jsonl"
        verify(folder / name, commit.files[name])
        yield from read_jsonl(folder / name, kind)


def read_part(folder: Path, n: int, kind: type[T]) -> Iterator[T]:
    """Rows of shard ``n`` of a closed run folder, hash checked; the manifest is not re-read."""
    folder = Path(folder)
    commit = load(folder / commit_name(n), Commit)
    name = f"part-{n:05d}.jsonl"
    verify(folder / name, commit.files[name])
    yield from read_jsonl(folder / name, kind)


def read_part_verdicts(folder: Path, n: int) -> Iterator[Verdict]:
    """Verdicts of shard ``n`` of a closed run folder, in ledger order, hash checked."""
    folder = Path(folder)
    commit = load(folder / commit_name(n), Commit)
    name = f"ledger-{n:05d}.parquet"
    verify(folder / name, commit.files[name])
    yield from (verdict for _, verdict in ledger.read(folder / name) if verdict.check)


def read_verdicts(folder: Path, checks: Collection[str] | None = None) -> Iterator[Verdict]:
    """Every verdict of a closed run folder, or those of some ``checks``, in ledger order, hashes
    checked."""
    folder = Path(folder)
    for n, commit in _commits(folder):
        name = f"ledger-{n:05d}.parquet"
        verify(folder / name, commit.files[name])
        for _, verdict in ledger.read(folder / name, checks):
            if verdict.check:
                yield verdict


def side_files(folder: Path) -> Iterator[Path]:
    """Paths of all side files (media) of a closed run folder."""
    folder = Path(folder)
    for _, commit in _commits(folder):
        yield from (folder / name for name in sorted(commit.files) if "/" in name)


def _commits(folder: Path) -> Iterator[tuple[int, Commit]]:
    for n in range(read_manifest(folder).shards):
        yield n, load(folder / commit_name(n), Commit)
