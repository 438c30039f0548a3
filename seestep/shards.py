"""A shard of a run folder: its files, and the commit that makes them count."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import msgspec

from seestep import ledger
from seestep.disk import atomic_write, sha256_file
from seestep.errors import DataError, RunError
from seestep.records import Noun, Verdict, dumps


class ShardResult(msgspec.Struct):
    """What one shard brings: rows, verdicts, and side files (run-folder-relative path -> bytes)."""

    rows: Sequence[Noun]
    verdicts: Sequence[Verdict] = ()
    files: dict[str, bytes] = {}


class Commit(msgspec.Struct, frozen=True):
    """A finished shard: the hash of every file it wrote, and its counts."""

    fingerprint: str
    files: dict[str, str]
    rows: int
    dropped: int
    drops: dict[str, int]


class Sealed(msgspec.Struct):
    """All files of a shard, by name, and the commit that makes them count."""

    files: dict[str, bytes]
    commit: bytes


def commit_shard(folder: Path, n: int, fingerprint: str, result: ShardResult) -> None:
    """Write one shard's files, then the commit that makes them count."""
    write_shard(folder, n, seal(folder, n, fingerprint, result))


def write_shard(folder: Path, n: int, sealed: Sealed) -> None:
    """Write what ``seal`` made, here or on another machine."""
    for name, data in sealed.files.items():
        atomic_write(folder / name, data)
    atomic_write(folder / commit_name(n), sealed.commit)


def seal(folder: Path, n: int, fingerprint: str, result: ShardResult) -> Sealed:
    """The files of one shard; nothing is written."""
    ids = [row_id(row) for row in result.rows]
    files = {_side_name(folder, name): data for name, data in result.files.items()}
    files[f"part-{n:05d}.jsonl"] = b"".join(dumps(row) + b"\n" for row in result.rows)
    files[f"ledger-{n:05d}.parquet"] = ledger.encode(ids, result.verdicts)
    kept = set(ids)
    first_fail: dict[str, str] = {}
    for verdict in result.verdicts:
        if not verdict.keep and verdict.id not in kept:
            first_fail.setdefault(verdict.id, f"{verdict.check}:{verdict.reason}")
    commit = Commit(
        fingerprint=fingerprint,
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        rows=len(ids),
        dropped=len(first_fail),
        drops=dict(Counter(first_fail.values())),
    )
    return Sealed(files, to_json(commit) + b"\n")


def row_id(row: Noun) -> str:
    """The id of a row; predictions and scores go by the id of their item."""
    return str(getattr(row, "id", None) or getattr(row, "item", ""))


def is_committed(folder: Path, n: int, fingerprint: str) -> bool:
    """Whether shard n is done; a commit whose files changed since is an error, not a redo."""
    path = folder / commit_name(n)
    if not path.exists():
        return False
    commit = load(path, Commit)
    if commit.fingerprint != fingerprint:
        raise RunError("this shard belongs to another recipe", file=path)
    for name, wanted in commit.files.items():
        verify(folder / name, wanted)
    return True


def _side_name(folder: Path, name: str) -> str:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or len(pure.parts) < 2:
        raise RunError(
            f"side file {name!r} must be in a subfolder of the run folder",
            file=folder,
            hint='name it like "media/home-3.png"',
        )
    return pure.as_posix()


def commit_name(n: int) -> str:
    """The file that makes shard ``n`` count."""
    return f"commit-{n:05d}.json"


def verify(path: Path, wanted: str) -> None:
    """Raise ``RunError`` unless the sha256 of a file is the one that was written down."""
    try:
        got = sha256_file(path)
    except DataError as error:
        raise RunError(f"a file of this run folder is gone: {error.what}", file=path) from error
    if got != wanted:
        raise RunError(
            "this file changed after it was written",
            file=path,
            wanted=f"sha256 {wanted[:12]}",
            got=got[:12],
            hint="delete the run folder and make it again",
        )


S = TypeVar("S", bound=msgspec.Struct)


def load(path: Path, kind: type[S]) -> S:
    """A page of a run folder. Raises ``RunError`` where it is gone or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError as error:
        raise RunError("a file of this run folder is gone", file=path) from error
    except msgspec.DecodeError as error:
        raise RunError(f"this file is damaged: {error}", file=path) from error


def to_json(value: Any, *, indent: bool = False) -> bytes:
    """A value the way it is fingerprinted; paths become strings."""
    data = msgspec.json.encode(value, enc_hook=_plain, order="deterministic")
    return msgspec.json.format(data, indent=2) if indent else data


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"a config may not hold a {type(value).__name__}")
