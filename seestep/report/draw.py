"""Pictures with geometry drawn over them, as PNG data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seestep.geometry.convert import to_frame
from seestep.geometry.frames import Resize
from seestep.geometry.masks import grid_of
from seestep.records import Geometry

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

WANTED = (46, 160, 82)
GIVEN = (214, 54, 44)
SIDE = 288  # pictures are enlarged to about this many pixels on the longer side


def picture(
    image: Image,
    resize: Resize,
    wanted: Sequence[Geometry] = (),
    given: Sequence[tuple[float, float]] = (),
) -> str:
    """``image`` with what was asked for in green and given points (original pixels) in red."""
    from PIL import Image as images
    from PIL import ImageDraw as drawing

    scale = max(1, round(SIDE / max(image.size)))
    shown = image.resize((image.width * scale, image.height * scale), images.Resampling.NEAREST)
    for geometry in wanted:
        if geometry.kind == "mask":
            grid = images.fromarray(grid_of(geometry, resize).astype("uint8") * 110)
            tint = images.new("RGB", shown.size, WANTED)
            shown.paste(tint, mask=grid.resize(shown.size, images.Resampling.NEAREST))
    pen = drawing.Draw(shown)
    for geometry in wanted:
        _outline(pen, geometry, resize, scale)
    for x, y in given:
        _dot(pen, x * scale, y * scale, GIVEN)
    stream = io.BytesIO()
    shown.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def _outline(pen: ImageDraw, geometry: Geometry, resize: Resize, scale: int) -> None:
    if geometry.kind == "mask":
        return
    values = to_frame(geometry.values, geometry.kind, geometry.frame, "pixel", resize)
    pairs = [(x * scale, y * scale) for x, y in zip(values[::2], values[1::2], strict=True)]
    if geometry.kind == "box":
        pen.rectangle([pairs[0], pairs[1]], outline=WANTED, width=2)
    elif geometry.kind in ("path", "polygon"):
        pen.line(pairs + (pairs[:1] if geometry.kind == "polygon" else []), fill=WANTED, width=2)
    else:
        for x, y in pairs:
            _dot(pen, x, y, WANTED)


def _dot(pen: ImageDraw, x: float, y: float, colour: tuple[int, int, int]) -> None:
    pen.ellipse([x - 5, y - 5, x + 5, y + 5], fill=colour, outline=(255, 255, 255))
