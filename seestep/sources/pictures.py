"""The pictures of converted records: are they here, are they whole, which way up are they?

Sources write places on the raster as it is stored; everything in seestep is about the upright
picture. Where EXIF turns one by a quarter, the size its source recorded tells which was meant, and
the places are turned along. Where the size cannot tell (no size, a square, half a turn, a mirror)
a record with places is dropped, as a guess would be wrong half of the time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from seestep.errors import MediaError
from seestep.geometry import exif, masks
from seestep.media import Roots, exif_orientation, open_image, probe, read_size, resolve
from seestep.records import Geometry, Media, Pair, Provenance, Record, Verdict
from seestep.sources import make

MISSING = "media-missing"  # tag of a record whose pictures are not on disk
UNSURE = "EXIF turns this picture, and its source does not tell which way up its numbers are"
_WHOLE = {"unit": 1, "permille": 1000, "percent": 100}  # the size of a picture in relative frames
CHECK = "source:media"
Asked = TypeVar("Asked", Record, Pair)


@dataclass(frozen=True, slots=True)
class _Known:
    """``media`` with its upright size and hash, and the EXIF orientation by which places on it must
    be turned: 1 where they are upright already, None where nobody can tell. ``stored`` is the
    (width, height) of the raster that they are written on, ``scale`` what pixels on it are
    multiplied by where the file on disk is a scaled copy."""

    media: Media
    turn: int | None = 1
    stored: tuple[int, int] = (0, 0)
    scale: tuple[float, float] = (1.0, 1.0)


class Pictures:
    """Looks at pictures below ``folder``, each once. With ``verify`` every one is decoded whole.

    ``folders`` are those a source spreads its pictures over. ``scaled``: pictures may be scaled
    copies of what their source measured; places are scaled along.
    """

    def __init__(
        self,
        folder: Path,
        folders: tuple[str, ...] = (),
        *,
        verify: bool = False,
        scaled: bool = False,
    ) -> None:
        self._folder, self._folders, self._verify = folder, folders, verify
        self._scaled = scaled
        self._known: Callable[[Media], _Known | MediaError | None] = cache(self._look)

    def ahead(self, records: Iterable[Record | Pair]) -> None:
        """Look at the pictures of all ``records`` at once, on every core: decoding needs no GIL."""
        todo = dict.fromkeys(media for record in records for media in record.media)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self._known, todo))

    def check(self, record: Asked) -> Asked | Verdict:
        """``record`` with what is known of its pictures, or why it is dropped.

        A missing picture leaves a tag; a damaged one drops the record.
        """
        seen: dict[str, _Known] = {}
        for media in record.media:
            found = self._known(media)
            if isinstance(found, MediaError):
                return Verdict(
                    id=record.id,
                    check=CHECK,
                    keep=False,
                    reason=found.what,
                    evidence=os.path.relpath(found.file, self._folder) if found.file else "",
                )
            if found is None:
                return make.marked(record, tags=(*record.tags, MISSING))
            seen[media.key] = found
        media_known = tuple(known.media for known in seen.values())
        return _turned(msgspec.structs.replace(record, media=media_known), seen)

    def _look(self, media: Media) -> _Known | MediaError | None:
        if self._folders:
            media = _where_it_is(media, self._folder, self._folders)
        frames = media.frames or (media.path,)
        if not all(os.path.exists(self._folder / p) for p in frames):  # names too long included
            return None
        roots = {media.root: self._folder}
        try:
            if media.kind == "video":
                return _Known(probe(media, roots))
            known = _upright(media, roots, scaled=self._scaled)
            for i in range(len(frames) if self._verify else 0):
                open_image(resolve(media, roots, frame=i))
            return known
        except MediaError as error:
            return error


def named_images(folder: Path | None) -> dict[str, str]:
    """What a stage's config says of a folder of pictures, if one is given: another one is another
    stage, so that what was made without pictures is not taken for done."""
    return {} if folder is None else {"images": folder.resolve().name}


def _upright(media: Media, roots: Roots, *, scaled: bool) -> _Known:
    """The picture (of frames the first) as it is to be seen."""
    path = resolve(media, roots)
    orientation, size, told = exif_orientation(path), read_size(path), media.size
    stored = exif.upright_size(size, orientation)  # of a quarter turn, there and back are alike
    if orientation == 1:
        if not scaled or told is None or told == size or not _alike(told, size):
            return _Known(probe(media, roots))
        unsized = msgspec.structs.replace(media, width=None, height=None)
        return _Known(probe(unsized, roots), scale=(size[0] / told[0], size[1] / told[1]))
    if told == stored != size:
        unsized = msgspec.structs.replace(media, width=None, height=None)
        return _Known(probe(unsized, roots), orientation, stored)
    return _Known(probe(media, roots), 1 if told == size != stored else None)


def _alike(told: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether one size is the other scaled, but for rounding."""
    width = told[0] * size[1] / told[1]
    return abs(width - size[0]) <= max(1.0, size[1] / told[1])


def _turned(record: Asked, seen: dict[str, _Known]) -> Asked | Verdict:
    """``record`` with its places on the upright pictures; a verdict where that cannot be told."""
    if all(known.turn == 1 and known.scale == (1.0, 1.0) for known in seen.values()):
        return record
    placed: list[Geometry] = []
    turns: dict[str, None] = {}
    for geometry in record.geometry:
        known = seen[geometry.media]
        if known.turn is None:
            return Verdict(id=record.id, check=CHECK, keep=False, reason=UNSURE)
        if known.turn != 1:
            geometry = turned(geometry, known.stored, known.turn)
            turns[f"exif {known.turn}"] = None
        if known.scale != (1.0, 1.0) and geometry.frame == "pixel":
            geometry = _scaled(geometry, known.scale)
            turns[f"scaled {known.scale[0]:.6g} x {known.scale[1]:.6g}"] = None
        placed.append(geometry)
    was: Provenance = record.provenance
    provenance = msgspec.structs.replace(was, transforms=(*was.transforms, *turns))
    return msgspec.structs.replace(record, geometry=tuple(placed), provenance=provenance)


def _scaled(geometry: Geometry, scale: tuple[float, float]) -> Geometry:
    if geometry.kind == "mask":
        raise ValueError("a mask cannot be scaled")
    values, *rings = (
        tuple(v * scale[i % 2] for i, v in enumerate(ring))
        for ring in (geometry.values, *geometry.rings)
    )
    return msgspec.structs.replace(geometry, values=values, rings=tuple(rings))


def turned(geometry: Geometry, stored: tuple[int, int], orientation: int) -> Geometry:
    """A geometry on the raster of size ``stored`` (width, height), on the upright picture."""
    if geometry.kind == "mask":
        assert geometry.rle_size is not None
        grid = masks.decode(geometry.rle, geometry.rle_size)
        swap, mirror_x, mirror_y = exif.turn(orientation)
        grid = grid.T if swap else grid
        grid = grid[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1]
        rle, size = masks.encode(grid)
        return msgspec.structs.replace(geometry, rle=rle, rle_size=size)
    side = _WHOLE.get(geometry.frame)
    if side is None and geometry.frame != "pixel":
        raise ValueError(f"places in {geometry.frame} belong to no stored raster")
    size = stored if side is None else (side, side)
    values, *rings = (
        exif.to_upright(ring, geometry.kind, size, orientation)
        for ring in (geometry.values, *geometry.rings)
    )
    return msgspec.structs.replace(geometry, values=values, rings=tuple(rings))


def _where_it_is(media: Media, root: Path, folders: tuple[str, ...]) -> Media:
    """``media`` with the folder that holds it, of those its source spreads pictures over."""
    first, _, rest = media.path.partition("/")
    if first not in folders:
        return media
    there = next((f for f in folders if (root / f / rest).exists()), first)
    return msgspec.structs.replace(media, path=f"{there}/{rest}")
