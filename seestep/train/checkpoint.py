"""Checkpoints that are complete or do not exist: ``complete.json`` with all hashes comes last."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from seestep.errors import RunError
from seestep.run import atomic_write

COMPLETE = "complete.json"
PREFIX = "checkpoint-"


def seal(folder: Path) -> None:
    """Write the hashes of all files below ``folder``; from now on it counts."""
    hashes = {name: _sha256(folder / name) for name in _files(folder)}
    atomic_write(folder / COMPLETE, json.dumps(hashes, indent=1, sort_keys=True).encode() + b"\n")


def verify(folder: Path) -> None:
    """Raise ``RunError`` naming the file when a sealed folder was changed or cut."""
    wanted: dict[str, str] = json.loads((folder / COMPLETE).read_bytes())
    for name, digest in wanted.items():
        file = folder / name
        if not file.is_file():
            raise RunError("a file of the checkpoint is gone", file=file)
        if _sha256(file) != digest:
            raise RunError(
                "a file of the checkpoint was changed after it was written",
                file=file,
                hint="delete the checkpoint folder to go on from the one before",
            )


def last_complete(folder: Path) -> Path | None:
    """The newest sealed checkpoint below ``folder``, its hashes checked; None when there is none.

    Folders that were cut off while being written are passed over.
    """
    found = sorted(
        (p for p in folder.glob(f"{PREFIX}*") if (p / COMPLETE).is_file()),
        key=lambda p: int(p.name.removeprefix(PREFIX)),
    )
    if not found:
        return None
    verify(found[-1])
    return found[-1]


def weights_sha256(folder: Path) -> str:
    """Hash over the names and bytes of the weights and the configs beside them."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix in (".safetensors", ".json", ".jinja") and file.name != COMPLETE:
            digest.update(file.name.encode())
            digest.update(_sha256(file).encode())
    return digest.hexdigest()


def _files(folder: Path) -> list[str]:
    return sorted(
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and p.name != COMPLETE
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
