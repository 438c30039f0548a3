"""Pictures of benchmarks and of records, looked at once, shard by shard; their hashes are kept.

Both are run folders with side files for each shard, so an audit that was stopped goes on.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seestep import media, run
from seestep.curate.contamination.benchmarks import Benchmark, Entry
from seestep.curate.contamination.looks import Look, look, small
from seestep.errors import MediaError
from seestep.media import Roots
from seestep.records import Media, Record
from seestep.run import ShardResult
from seestep.sources.pictures import MISSING

AT_ONCE = 64  # pictures held open for an image encoder


class See(Protocol):
    """An image encoder: RGB pictures -> (n, width) unit vectors. ``parameters`` (plain JSON values)
    are all that the vectors depend on, its weights among them."""

    def parameters(self) -> Any: ...
    def __call__(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Found:
    """What one benchmark holds: entries, and a look, a name and a small copy of each picture."""

    entries: Sequence[Entry]
    looks: Sequence[Look]
    where: Sequence[str]
    copies: NDArray[np.uint8]  # (pictures, rows, columns), of ``small``
    unread: Sequence[str]


@dataclass(frozen=True)
class Seen:
    """Looks at the pictures of records, by ``keys`` of their media, and which could not be read."""

    looks: Mapping[str, Look]
    unread: Mapping[str, str]

    @staticmethod
    def keys(one: Media) -> Iterator[str]:
        """A name for each picture of a media, the same in every record that shows it."""
        for path in one.frames if one.kind == "frames" else (one.path,):
            if path and one.kind != "video":
                yield f"{one.root}:{path}"

    @staticmethod
    def open(key: str, roots: Roots) -> NDArray[np.uint8]:
        """The small copy of a picture that was looked at."""
        return small(_open(key, roots))


@dataclass(frozen=True)
class Vectors:
    """Unit vectors (n, width) of pictures, by name: where they stand, or ``Seen.keys``."""

    names: Sequence[str]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, pictures: Iterable[tuple[str, Callable[[], Image.Image]]], see: See) -> Vectors:
        """Those of the pictures that can be opened, a few of which are open at a time."""
        names: list[str] = []
        parts: list[NDArray[np.float32]] = []
        opened: list[Image.Image] = []
        for name, open_ in pictures:
            try:
                opened.append(open_())
            except MediaError:  # told where they were looked at
                continue
            names.append(name)
            if len(opened) == AT_ONCE:
                parts.append(see(opened))
                opened = []
        if opened:
            parts.append(see(opened))
        return cls(names, np.concatenate(parts) if parts else np.zeros((0, 1), np.float32))


def see_benchmark(known: Sequence[Benchmark], n: int) -> ShardResult:
    """Shard n: the n-th benchmark."""
    benchmark = known[n]
    entries: list[Entry] = []
    where: list[str] = []
    found: list[Look] = []
    copies: list[NDArray[np.uint8]] = []
    unread: list[str] = []
    for one in benchmark.read():
        if isinstance(one, Entry):
            entries.append(one)
            continue
        try:
            image = one.open()
        except MediaError as error:
            unread.append(f"{one.where}: {error.what}")
            continue
        copies.append(small(image))
        found.append(look(image, copies[-1]))
        where.append(one.where)
    told = _Theirs(entries, where, [*benchmark.unread, *unread])
    return _kept(n, told, _pack(found, copies))


def read_benchmark(folder: Path, n: int) -> Found:
    """What ``see_benchmark`` left in the run folder ``folder``."""
    told = msgspec.json.decode((folder / f"{n:05d}/told.json").read_bytes(), type=_Theirs)
    found, copies = _unpack(folder / f"{n:05d}/looks.npz")
    return Found(told.entries, found, told.where, copies, told.unread)


def see_part(folder: Path, roots: Roots, n: int) -> ShardResult:
    """Shard n: the pictures that the records of part n of ``folder`` show."""
    seen: dict[str, Look] = {}
    unread: dict[str, str] = {}
    for record in run.read_part(folder, n, Record):
        if MISSING in record.tags:
            continue
        for key in (k for m in record.media for k in Seen.keys(m)):
            if key in seen or key in unread:
                continue
            try:
                image = _open(key, roots)
            except MediaError as error:
                unread[key] = error.what
                continue
            seen[key] = look(image, small(image))
    return _kept(n, _Mine(list(seen), unread), _pack(list(seen.values()), []))


def read_parts(folder: Path, shards: int) -> Seen:
    """What ``see_part`` left, all parts together."""
    seen: dict[str, Look] = {}
    unread: dict[str, str] = {}
    for n in range(shards):
        told = msgspec.json.decode((folder / f"{n:05d}/told.json").read_bytes(), type=_Mine)
        found, _ = _unpack(folder / f"{n:05d}/looks.npz")
        seen |= dict(zip(told.keys, found, strict=True))
        unread |= told.unread
    return Seen(seen, unread)


def embed_benchmark(known: Sequence[Benchmark], see: See, n: int) -> ShardResult:
    """Shard n: vectors of the pictures of the n-th benchmark."""
    shown = (x for x in known[n].read() if not isinstance(x, Entry))
    return _vectors(n, Vectors.of(((x.where, x.open) for x in shown), see))


def embed_part(folder: Path, roots: Roots, see: See, n: int) -> ShardResult:
    """Shard n: vectors of the pictures that the records of part n of ``folder`` show."""
    shown = dict.fromkeys(
        key
        for record in run.read_part(folder, n, Record)
        if MISSING not in record.tags
        for one in record.media
        for key in Seen.keys(one)
    )
    return _vectors(n, Vectors.of(((key, partial(_open, key, roots)) for key in shown), see))


def read_vectors(folder: Path, shards: Sequence[int]) -> Vectors:
    """What ``embed_benchmark`` or ``embed_part`` left of some shards, a name once."""
    found: dict[str, NDArray[np.float32]] = {}
    for n in shards:
        names = msgspec.json.decode((folder / f"{n:05d}/names.json").read_bytes(), type=list[str])
        found |= dict(zip(names, np.load(folder / f"{n:05d}/vectors.npy"), strict=True))
    empty = np.zeros((0, 1), np.float32)
    return Vectors(list(found), np.stack(list(found.values())) if found else empty)


def _vectors(n: int, made: Vectors) -> ShardResult:
    stream = io.BytesIO()
    np.save(stream, made.vectors)
    names = msgspec.json.encode(list(made.names))
    files = {f"{n:05d}/names.json": names, f"{n:05d}/vectors.npy": stream.getvalue()}
    return ShardResult(rows=[], files=files)


class _Theirs(msgspec.Struct):
    entries: list[Entry]
    where: list[str]
    unread: list[str]


class _Mine(msgspec.Struct):
    keys: list[str]
    unread: dict[str, str]


def _kept(n: int, told: _Theirs | _Mine, looks: bytes) -> ShardResult:
    files = {f"{n:05d}/told.json": msgspec.json.encode(told), f"{n:05d}/looks.npz": looks}
    return ShardResult(rows=[], files=files)


def _open(key: str, roots: Roots) -> Image.Image:
    root, _, path = key.partition(":")
    return media.open_image(Media(key=key, path=path, root=root), roots)


def _pack(seen: Sequence[Look], copies: Sequence[NDArray[np.uint8]]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        sha256=np.array([x.sha256 for x in seen], dtype="S64"),
        hashes=np.stack([x.hashes for x in seen]) if seen else np.zeros((0, 1), np.uint64),
        flat=np.array([x.flat for x in seen], dtype=bool),
        copies=np.stack(copies) if copies else np.zeros((0, 1, 1), np.uint8),
    )
    return stream.getvalue()


def _unpack(file: Path) -> tuple[list[Look], NDArray[np.uint8]]:
    with np.load(file, allow_pickle=False) as data:
        looks = [
            Look(sha.decode(), hashes, bool(flat))
            for sha, hashes, flat in zip(data["sha256"], data["hashes"], data["flat"], strict=True)
        ]
        return looks, data["copies"]
