"""The convert stage: official files of one source in, a run folder of records out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import msgspec

from seestep.disk import sha256_file
from seestep.errors import DataError, MediaError
from seestep.media import Roots, probe
from seestep.records import Media, Provenance, Record, Verdict
from seestep.run import Manifest, Progress, ShardResult, shard_stage
from seestep.sources import catalog

VERSION = 2
SHARD_ROWS = 5_000
MISSING = "media-missing"  # tag of a record whose pictures are not on disk


class ConvertConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to convert. ``limit`` stops after so many records; None reads everything."""

    source: str
    limit: int | None = None

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
    without a hash. A damaged picture drops the record with a verdict; none is ever replaced.
    Pictures that a source keeps inside its annotation files are written to ``out``/media.
    """
    source = catalog.get(config.source)
    files = source.files(root)
    if images is not None and not images.is_dir():
        raise DataError("the folder of pictures is not here", file=images)

    def read() -> Iterator[catalog.Found]:
        return _limited(_told(source.read(root, _provenance(root)), config.source), config.limit)

    chunks = _Chunks(read)
    check = _media_check(images or root, source.folders)

    def work(shard: int) -> ShardResult | None:
        chunk = chunks.get(shard)
        if shard and not chunk:
            return None
        rows: list[Record] = []
        verdicts: list[Verdict] = []
        pictures: dict[str, bytes] = {}
        for found in chunk:
            if isinstance(found, Verdict):
                verdicts.append(found)
                continue
            if isinstance(found, tuple):
                record, embedded = found
                rows.append(record)
                pictures |= {f"media/{name}": data for name, data in embedded.items()}
                continue
            checked = check(found)
            if isinstance(checked, Verdict):
                verdicts.append(checked)
            else:
                rows.append(checked)
        return ShardResult(rows=rows, verdicts=verdicts, files=pictures)

    return shard_stage(
        out,
        stage="sources.convert",
        version=VERSION,
        config=config,
        inputs=files,
        shards=None,
        work=work,
        progress=progress,
    )


def roots_of(config: ConvertConfig, root: Path, out: Path, images: Path | None = None) -> Roots:
    """Where the media of the converted records are."""
    source = catalog.get(config.source)
    embedded = out / "media"
    return {source.media_root: embedded if source.embeds_media else (images or root)}


def _media_check(folder: Path, folders: tuple[str, ...]) -> Callable[[Record], Record | Verdict]:
    @cache
    def known(media: Media) -> Media | MediaError | None:
        if folders:
            media = _where_it_is(media, folder, folders)
        paths = media.frames or (media.path,)
        if not all((folder / p).exists() for p in paths):
            return None
        try:
            return probe(media, {media.root: folder})
        except MediaError as error:
            return error

    def check(record: Record) -> Record | Verdict:
        seen: list[Media] = []
        for media in record.media:
            found = known(media)
            if isinstance(found, MediaError):
                return Verdict(id=record.id, check="source:media", keep=False, reason=found.what)
            if found is None:
                return msgspec.structs.replace(record, tags=(*record.tags, MISSING))
            seen.append(found)
        return msgspec.structs.replace(record, media=tuple(seen))

    return check


def _where_it_is(media: Media, root: Path, folders: tuple[str, ...]) -> Media:
    """``media`` with the folder that holds it, of those its source spreads pictures over."""
    first, _, rest = media.path.partition("/")
    if first not in folders:
        return media
    there = next((f for f in folders if (root / f / rest).exists()), first)
    return msgspec.structs.replace(media, path=f"{there}/{rest}")


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
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        wrong = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{last} is not as {name} is documented: {wrong}",
            hint="look at the file there; it may be of another release",
        ) from error


def _limited(found: Iterator[catalog.Found], limit: int | None) -> Iterator[catalog.Found]:
    records = 0
    for row in found:
        if limit is not None and records >= limit and not isinstance(row, Verdict):
            return
        records += not isinstance(row, Verdict)
        yield row


class _Chunks:
    """Numbered chunks of a stream that can only be read forwards."""

    def __init__(self, start: Callable[[], Iterator[catalog.Found]]) -> None:
        self._start, self._stream, self._next = start, start(), 0

    def get(self, number: int) -> list[catalog.Found]:
        if number < self._next:
            self._stream, self._next = self._start(), 0
        skip = (number - self._next) * SHARD_ROWS
        chunk = list(islice(self._stream, skip, skip + SHARD_ROWS))
        self._next = number + 1
        return chunk
