"""Which data sets lie under a folder: their layouts, looked for there and in its subfolders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seestep.errors import DataError
from seestep.sources.catalog import SOURCES, Source

DEPTH = 2  # folders below the one that is named


@dataclass(frozen=True)
class Found:
    """Annotation files of a source below ``root``, the folder that ``convert`` wants."""

    source: str
    root: Path
    files: int
    bytes: int


def look(folder: Path) -> list[Found]:
    """Every source that lies at ``folder`` or at most ``DEPTH`` folders below it.

    A folder below one that was found is not looked at for the same source. Links to folders are
    followed no further than their first step, hidden folders are passed by.
    """
    if not folder.is_dir():
        raise DataError("the folder of data is not here", file=folder)
    found: list[Found] = []
    for root in _folders(folder, DEPTH):
        for source in SOURCES.values():
            if any(f.source == source.name and f.root in (root, *root.parents) for f in found):
                continue
            files = _files(source, root, within=folder)
            if files:
                size = sum(f.stat().st_size for f in files)
                found.append(Found(source.name, _root(source, root, files), len(files), size))
    order = list(SOURCES)
    return sorted(found, key=lambda f: (order.index(f.source), f.root))


def _root(source: Source, root: Path, files: list[Path]) -> Path:
    """``root``, or the folder that holds all of ``files`` where they may lie at any depth."""
    if not all(p.startswith("**/") for p in source.layout):
        return root
    return Path(os.path.commonpath([f.parent for f in files]))


def _files(source: Source, root: Path, *, within: Path) -> list[Path]:
    patterns = source.layout
    if source.find is not None:
        return source.find(root) if root == within else []
    if root != within:  # what may lie at any depth was looked for from the outermost folder
        patterns = tuple(p for p in patterns if not p.startswith("**/"))
    return [p for p in sorted({p for q in patterns for p in root.glob(q)}) if p.is_file()]


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if not depth:
        return
    try:
        below = sorted(e.name for e in os.scandir(folder) if e.is_dir() and e.name[0] != ".")
    except PermissionError:
        return
    for name in below:
        yield from _folders(folder / name, depth - 1)
