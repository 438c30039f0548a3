"""Looking at the pictures of records: are they there, how large, and which picture is it.

Sizes and hashes that a source did not know are filled in here, so that geometry in pixels can be
placed and the same picture is known again under another name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from seestep import media
from seestep.curate.batch import media_identity
from seestep.errors import MediaError
from seestep.media import Roots
from seestep.records import Media, Record, Verdict
from seestep.sources.pictures import MISSING

Look: TypeAlias = Literal["trust", "probe", "decode"]
Missing: TypeAlias = Literal["keep", "drop"]
CHECK = "pictures"


class Seen(msgspec.Struct, frozen=True):
    """What a look at one media brought: the media with size and hash, its identity, or a fault."""

    media: Media
    identity: str
    fault: str = ""


def look_at(
    records: Sequence[Record], roots: Roots, how: Look, missing: Missing = "keep"
) -> tuple[list[Record], list[Verdict]]:
    """Records with sizes and hashes filled in, and one verdict each.

    "trust" opens no file; "probe" reads headers and hashes files; "decode" also decodes every
    image to its end and names it by its pixels, so that a re-encoded copy is the same picture.
    A keep verdict carries the identity of the record's pictures as evidence. A record that its
    reader tagged as being without pictures is not looked at, and kept unless ``missing`` is "drop":
    it can be exported for a machine that has them, and no training stage takes it by default.
    """
    seen: dict[Media, Seen] = {}
    looked, verdicts = [], []
    for record in records:
        absent = MISSING in record.tags
        fault = "its reader found no pictures" if absent and missing == "drop" else ""
        if absent or how == "trust":
            identity = "+".join([media_identity(one) for one in record.media])
        else:
            for one in record.media:
                if one not in seen:
                    seen[one] = _look(one, roots, how)
            views = [seen[one] for one in record.media]
            fault = next((v.fault for v in views if v.fault), "")
            identity = "+".join(v.identity for v in views)
            if not fault:
                record = msgspec.structs.replace(record, media=tuple(v.media for v in views))
        looked.append(record)
        verdicts.append(
            Verdict(
                id=record.id,
                check=CHECK,
                keep=not fault,
                reason="" if not fault else "missing" if absent else "unreadable",
                evidence=fault or identity,
            )
        )
    return looked, verdicts


def each_picture(identity: str) -> list[str]:
    """The pixels that an identity of ``look_at`` names, picture by picture and frame by frame."""
    parts = (part.partition(":") for part in identity.split("+"))
    shown = (hashes for kind, _, hashes in parts if kind in ("pixels", "frames"))
    return [f"pixels:{sha256}" for hashes in shown for sha256 in hashes.split(",")]


def _look(one: Media, roots: Roots, how: Look) -> Seen:
    try:
        probed = media.probe(one, roots)
        if how == "probe" or one.kind == "video":
            return Seen(probed, media_identity(probed))
        if one.kind == "image":
            return Seen(probed, f"pixels:{media.pixel_sha256(media.open_image(one, roots))}")
        frames = [
            media.pixel_sha256(media.open_image(media.resolve(one, roots, frame=i)))
            for i in range(len(one.frames))
        ]
        return Seen(probed, "frames:" + ",".join(frames))
    except MediaError as error:
        return Seen(one, "", str(error))
