"""A team's own training file, of any layout that trainers read, as records or preference pairs.

Numbers leave the text for geometry, in the frame that the file speaks, so that they can be written
for another model. What has no place in a record (a video, a place in the middle of a sentence, an
answer about several pictures at once) is left out with a reason, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from seestep import families
from seestep.disk import sha256_file
from seestep.errors import DataError, GeometryError, MediaError
from seestep.families import Family
from seestep.media import read_size
from seestep.progress import Progress
from seestep.records import Frame, Pair, Provenance, Record, Verdict
from seestep.run import Manifest, ShardResult, shard_stage
from seestep.sources import make, rows
from seestep.sources.convert import Chunks
from seestep.sources.frames import FEW, NAMES, PIXELS, Witness, asks_for_fractions, coordinates
from seestep.sources.own_row import ROOT, Unfit, to_pair, to_record
from seestep.sources.pictures import Pictures, named_images

VERSION = 2


class OwnConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to read. ``family``: the model that the file was written for. ``frame``: the frame of
    its coordinates; "auto" tells it from the numbers and the pictures' sizes, or refuses.
    ``source``: the first part of the records' ids. ``verify`` decodes every picture. ``thoughts``:
    rows that think freely before they answer are dropped, or their thought is cut off."""

    family: str
    frame: Frame | Literal["auto"] = "auto"
    source: str = "own"
    limit: int | None = None
    verify: bool = False
    thoughts: Literal["drop", "cut"] = "drop"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_]+", self.source):
            raise ValueError("source wants small letters, digits and _ only")
        if self.limit is not None and self.limit < 1:
            raise ValueError("limit must be at least 1, or null for everything")


def bring(
    config: OwnConfig,
    file: Path,
    out: Path,
    *,
    images: Path | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Write the run folder of what ``file`` holds, records or pairs as its first row is.

    Pictures are looked for below ``images``, else beside the file.

    Raises ``DataError`` where the frame of its coordinates cannot be told.
    """
    family = families.get(config.family)
    folder = images or file.parent
    if not folder.is_dir():
        raise DataError("the folder of pictures is not here", file=folder)
    sizes = _sizes(folder)
    frame = tell_frame(file, family, sizes) if config.frame == "auto" else config.frame
    if next(rows.read(file), None) is None:
        raise DataError("there is no row in it", file=file)
    pairs = any(row.rejected is not None for row in islice(_readable(file), 1))
    pictures = Pictures(folder, verify=config.verify)
    where = Provenance(file=file.name, sha256=sha256_file(file), reader="own", version=str(VERSION))

    cut = config.thoughts == "cut"

    def made() -> Iterator[Record | Pair | Verdict]:
        done = 0
        for row in rows.read(file):
            if config.limit is not None and done >= config.limit:
                return
            id = f"{config.source}:{row.number}"
            told = id, row, where, folder, frame, family, sizes
            try:
                if pairs:
                    yield pictures.check(to_pair(*told, cut=cut))
                else:
                    yield pictures.check(to_record(*told, cut=cut))
                done += 1
            except Unfit as why:
                yield make.dropped(id, why.rule, why.reason, why.evidence)
            except (ValueError, GeometryError) as error:
                yield make.dropped(id, "place", str(error).split(": ", 1)[-1])

    chunks = Chunks(made)

    def work(shard: int) -> ShardResult | None:
        chunk = chunks.get(shard)
        if shard and not chunk:
            return None
        return ShardResult(
            rows=[found for found in chunk if not isinstance(found, Verdict)],
            verdicts=[found for found in chunk if isinstance(found, Verdict)],
        )

    asked = {"own": config, "frame": frame, "pairs": pairs} | named_images(images)
    return shard_stage(
        out,
        stage="sources.own",
        version=VERSION,
        config=asked,
        inputs=[file],
        shards=None,
        work=work,
        progress=progress,
    )


def roots_of(file: Path, images: Path | None = None) -> dict[str, Path]:
    """Where the media of the imported records are."""
    return {ROOT: images or file.parent}


def tell_frame(
    file: Path, family: Family, sizes: Callable[[str], tuple[int, int] | None]
) -> Frame | None:
    """The frame of a file's coordinates; None where no answer holds any.

    Answers to questions that ask for fractions themselves have no say.
    """
    witness = Witness(family)
    for row in _readable(file):
        found = coordinates(row.answer)
        if found is not None and not asks_for_fractions(row.asked):
            witness.see(found, sizes(row.images[0]) if len(row.images) == 1 else None)
    told = witness.tell()
    if told is not None and told.frame is not None:
        return told.frame  # type: ignore[return-value]
    if not witness.answers:
        return None
    fits = told.fits if told is not None else ()
    if fits and set(fits) <= PIXELS and witness.resized == 0:  # one and the same
        return "pixel"
    few = f"{witness.answers} answers hold any, and {FEW} are needed"
    raise DataError(
        "the frame of its coordinates cannot be told from the numbers",
        file=file,
        wanted="pictures whose edges the numbers reach" if told is not None else "more answers",
        got=" or ".join(NAMES[f] for f in fits) if fits else few,
        hint="say it: --frame pixel | pixel_resized | permille | percent | unit",
    )


def _readable(file: Path) -> Iterator[rows.Row]:
    return (row for row in rows.read(file) if not row.wrong)


def _sizes(folder: Path) -> Callable[[str], tuple[int, int] | None]:
    @cache
    def size(path: str) -> tuple[int, int] | None:
        try:
            return read_size(folder / path)
        except (MediaError, ValueError):
            return None

    return size
