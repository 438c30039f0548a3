"""Pictures as they are sent: upright, no larger than they need be, the same bytes every time."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Literal

from seestep.endpoint import Picture
from seestep.errors import MediaError
from seestep.media import Roots, open_image
from seestep.records import Media, Pair, Record

if TYPE_CHECKING:
    from PIL.Image import Image

QUALITY = 90


def encode(image: Image, kind: Literal["jpeg", "png"], pixels: int) -> Picture:
    """An RGB picture, scaled down where it has more than ``pixels``, never up."""
    from PIL.Image import Resampling

    width, height = image.size
    if width * height > pixels:
        scale = math.sqrt(pixels / (width * height))
        width = min(pixels, max(1, math.floor(width * scale)))  # a sliver keeps one pixel
        height = min(pixels // width, max(1, math.floor(height * scale)))
        image = image.resize((width, height), Resampling.LANCZOS)
    sink = io.BytesIO()
    if kind == "png":
        image.save(sink, "PNG", compress_level=6)
    else:
        image.save(sink, "JPEG", quality=QUALITY, subsampling=0)
    return Picture(sink.getvalue(), kind, image.size[0] * image.size[1])


def show(
    asked: Record | Pair, roots: Roots, *, kind: Literal["jpeg", "png"], pixels: int, most: int
) -> list[str | Picture]:
    """Every picture of a record with its number before it; of a list of frames ``most``, evenly.

    Raises ``MediaError`` where one cannot be shown: half of what a record is about is no basis for
    a verdict.
    """
    parts: list[str | Picture] = []
    shown = 0
    for number, media in enumerate(asked.media, 1):
        for frame, told in _frames(media, most):
            shown += 1
            if shown > most:
                raise MediaError(f"more than {most} pictures", record=asked.id)
            one = media if media.kind != "frames" else _still(media, frame)
            parts += [f"Picture {number}{told}:", encode(open_image(one, roots), kind, pixels)]
    return parts


def _frames(media: Media, most: int) -> list[tuple[int, str]]:
    if media.kind == "video":
        raise MediaError("a video file is not shown, only its frames", record=media.key)
    if media.kind == "image":
        return [(0, "")]
    count = len(media.frames)
    picked = (
        range(count)
        if count <= most
        else [i * (count - 1) // max(1, most - 1) for i in range(most)]
    )
    return [(i, f", frame {i + 1} of {count}") for i in picked]


def _still(media: Media, frame: int) -> Media:
    return Media(key=media.key, root=media.root, path=media.frames[frame])
