"""Writes that survive a crash: atomic files, the folder lock, hashes, the sweep of leftovers."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NoReturn

from seestep.errors import DataError, RunError

LOCK_NAME = ".lock"
_TMP = re.compile(r"^\..+\.\d+\.tmp$")
_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


def _crash_point(name: str) -> None:
    """Called before and after every step of every write; tests replace it to die there."""


def atomic_write(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a crash leaves the old file or the new one, whole.

    Raises ``RunError`` with the path and the free space when the disk or a quota is full.
    """
    with atomic_file(path, size=len(data)) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_file(path: Path, *, size: int | None = None) -> Iterator[BinaryIO]:
    """A file to write piece by piece; it takes its place, whole, when the block ends well.

    Raises as ``atomic_write``, which tells ``size``; an ``OSError`` of the block counts as one of
    writing. After any error the old file stands.
    """
    path = Path(path)
    tmp = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _crash_point(f"before write {path.name}")
        with open(tmp, "wb") as file:
            yield file
            file.flush()
            _crash_point(f"after write {path.name}")
            os.fsync(file.fileno())
        _crash_point(f"after fsync {path.name}")
        os.replace(tmp, path)
        _crash_point(f"after replace {path.name}")
        _fsync_folder(path.parent)
        _crash_point(f"after folder fsync {path.name}")
    except (Exception, KeyboardInterrupt) as error:
        with contextlib.suppress(OSError):
            tmp.unlink()
        if isinstance(error, OSError):
            _refuse_write(path, size, error)
        raise


def _refuse_write(path: Path, size: int | None, error: OSError) -> NoReturn:
    if error.errno in _FULL:
        raise RunError(
            f"no room to write this file: {error.strerror}",
            file=path,
            wanted=None if size is None else f"{size:,} bytes",
            got=f"{free_bytes(path):,} bytes free",
            hint="free some space or raise the quota, then run the same command again; "
            "finished shards are kept",
        ) from error
    raise RunError(f"cannot write this file: {error.strerror}", file=path) from error


def _fsync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def free_bytes(path: Path) -> int:
    """Bytes free where ``path`` is, or would be; 0 when that cannot be told."""
    for folder in (path, *path.absolute().parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free
    return 0


def sha256_file(path: Path) -> str:
    """SHA-256 of a regular file, read in pieces; ``DataError`` when it is missing or a device."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; a missing file, FIFO, device or folder is a ``DataError``.

    The kind is looked at before opening, since opening a FIFO would wait for a writer.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise DataError("this is not a regular file", file=path, got=kind_of(mode))
        return open(path, "rb")
    except FileNotFoundError as error:
        raise DataError("there is no such file", file=path) from error
    except OSError as error:
        raise DataError(f"cannot read this file: {error.strerror}", file=path) from error


def kind_of(mode: int) -> str:
    """What a ``st_mode`` is, in words."""
    for test, name in (
        (stat.S_ISREG, "a file"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if test(mode):
            return name
    return "a device"


def sweep(folder: Path) -> int:
    """Delete leftovers of interrupted atomic writes below ``folder``; returns how many.

    Folders below it that are run folders of their own are left to their owners.
    """
    swept = 0
    for where, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not (Path(where) / f / "stage.json").exists()]
        for name in names:
            if _TMP.match(name):
                (Path(where) / name).unlink(missing_ok=True)
                swept += 1
    return swept


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Own ``folder`` while the block runs; ``RunError`` names the owner when it is taken.

    The kernel frees the lock when its owner dies, so a lock file left by a killed process
    never stands in the way. The file is deleted on release.
    """
    path = folder / LOCK_NAME
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise RunError(f"cannot work in this folder: {error.strerror}", file=folder) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(fd, 4096)
            os.close(fd)
            raise RunError(
                f"another process is working in this folder: {_owner_text(owner)}",
                file=folder,
                hint="wait for it, stop it, or choose another --out",
            ) from None
        if _same_file(fd, path):
            break
        os.close(fd)  # the former owner deleted it between our open and our flock
    try:
        os.ftruncate(fd, 0)
        os.write(fd, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(fd)


def _same_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _owner_text(owner: bytes) -> str:
    try:
        found = json.loads(owner)
        return f"pid {found['pid']} on {found['host']}"
    except (ValueError, KeyError, TypeError):
        return "its owner is just starting"
