"""The convert stage: official files of one source in, a run folder of records out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from seestep.disk import sha256_file
from seestep.errors import DataError, MediaError
from seestep.heap import unswept
from seestep.media import Roots, open_bytes
from seestep.records import Provenance, Record, Verdict
from seestep.run import Manifest, Progress, ShardResult, shard_stage
from seestep.sources import catalog
from seestep.sources.bad import UNLIKE, with_bad, wrong
from seestep.sources.pictures import CHECK, Pictures, named_images

VERSION = 6
SHARD_ROWS = 5_000
SWEPT = 16  # shards after which cycles are looked for
T = TypeVar("T")


class ConvertConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to convert. ``limit`` stops after so many records, of which a picture may drop some yet;
    None reads everything. ``verify`` decodes every picture to its end, where else only headers and
    hashes are read."""

    source: str
    limit: int | None = None
    verify: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError("limit must be at least 1, or null for everything")


def convert(
    config: ConvertConfig,
    root: Path,
    out: Path,
    *,
    images: Path | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Read the source below ``root`` and write its records and verdicts to ``out``.

    Media are looked for below ``images`` (``root`` if None): a record whose pictures are all there
    gets their size and hash, one whose pictures are not is kept with the tag "media-missing" and
    without a hash. A damaged picture drops the record with a verdict; none is ever replaced. Places
    on a picture that EXIF turns are turned with it.
    Pictures that a source keeps inside its annotation files are written to ``out``/media.
    """
    source = catalog.get(config.source)
    files = source.files(root)
    if images is not None and not images.is_dir():
        raise DataError("the folder of pictures is not here", file=images)

    def read() -> Iterator[catalog.Found]:
        found = _told(source.read(root, _provenance(root)), config.source)
        rows = with_bad(found, config.source, whole=config.verify)
        return _limited(rows, config.limit)

    chunks = Chunks(read)
    pictures = Pictures(images or root, source.folders, verify=config.verify, scaled=source.scaled)

    def work(shard: int) -> ShardResult | None:
        chunk = chunks.get(shard)
        if shard and not chunk:
            return None
        rows: list[Record] = []
        verdicts: list[Verdict] = []
        embedded: dict[str, bytes] = {}
        if config.verify:
            pictures.ahead(found for found in chunk if isinstance(found, Record))
        for found in chunk:
            if isinstance(found, Verdict):
                verdicts.append(found)
                continue
            if isinstance(found, tuple):
                record, held = found
                if config.verify and (cut := _cut_off(record, held)):
                    verdicts.append(cut)
                    continue
                rows.append(record)
                embedded |= {f"media/{name}": data for name, data in held.items()}
                continue
            checked = pictures.check(found)
            if isinstance(checked, Verdict):
                verdicts.append(checked)
            else:
                rows.append(checked)
        if shard % SWEPT == SWEPT - 1:
            gc.collect(1)
        return ShardResult(rows=rows, verdicts=verdicts, files=embedded)

    with unswept():
        return shard_stage(
            out,
            stage="sources.convert",
            version=VERSION,
            config=msgspec.to_builtins(config) | named_images(images),
            inputs=[file for file in files if file.is_file()],  # readers tell of others
            shards=None,
            work=work,
            progress=progress,
        )


def roots_of(config: ConvertConfig, root: Path, out: Path, images: Path | None = None) -> Roots:
    """Where the media of the converted records are."""
    source = catalog.get(config.source)
    roots = {source.media_root: out / "media" if source.embeds_media else (images or root)}
    return roots | ({source.beside: images or root} if source.beside else {})


def _cut_off(record: Record, held: dict[str, bytes]) -> Verdict | None:
    """Why a record whose pictures lie in its annotation file is dropped, if one is damaged."""
    for name, data in held.items():
        try:
            open_bytes(data)
        except MediaError as error:
            return Verdict(id=record.id, check=CHECK, keep=False, reason=error.what, evidence=name)
    return None


def _provenance(root: Path) -> Callable[[Path], Provenance]:
    @cache
    def at(path: Path) -> Provenance:
        return Provenance(file=path.relative_to(root).as_posix(), sha256=sha256_file(path))

    return at


def _told(found: Iterator[catalog.Found], name: str) -> Iterator[catalog.Found]:
    """The same rows; one that is not as its owners document it is told by its place."""
    last = "the first row"
    try:
        for row in found:
            last = f"the row after {(row[0] if isinstance(row, tuple) else row).id}"
            yield row
    except UNLIKE as error:
        raise DataError(
            f"{last} is not as {name} is documented: {wrong(error)}",
            hint="look at the file there; it may be of another release",
        ) from error


def _limited(found: Iterator[catalog.Found], limit: int | None) -> Iterator[catalog.Found]:
    records = 0
    for row in found:
        if limit is not None and records >= limit and not isinstance(row, Verdict):
            return
        records += not isinstance(row, Verdict)
        yield row


class Chunks(Generic[T]):
    """Numbered chunks of a stream that can only be read forwards."""

    def __init__(self, start: Callable[[], Iterator[T]]) -> None:
        self._start, self._stream, self._next = start, start(), 0

    def get(self, number: int) -> list[T]:
        if number < self._next:
            self._stream, self._next = self._start(), 0
        skip = (number - self._next) * SHARD_ROWS
        chunk = list(islice(self._stream, skip, skip + SHARD_ROWS))
        self._next = number + 1
        return chunk
