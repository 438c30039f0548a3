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
SIDE = 288  # small pictures are enlarged by whole numbers to about this many pixels
MOST_SIDE = 640  # larger ones are shrunk to this: a page of photographs must stay a page


def picture(
    image: Image,
    resize: Resize,
    wanted: Sequence[Geometry] = (),
    given: Sequence[tuple[float, float]] = (),
) -> str:
    """``image`` with what was asked for in green and given points (original pixels) in red.

    A given point outside the picture is drawn as a ring at the nearest place on its edge.
    """
    from PIL import Image as images
    from PIL import ImageChops as chops
    from PIL import ImageDraw as drawing
    from PIL import ImageFilter as filters

    longest = max(image.size)
    scale = max(1, round(SIDE / longest)) if longest <= MOST_SIDE else MOST_SIDE / longest
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    smooth = images.Resampling.NEAREST if scale >= 1 else images.Resampling.LANCZOS
    shown = image.convert("RGB").resize(size, smooth)
    for geometry in wanted:
        if geometry.kind == "mask":
            grid = images.fromarray(grid_of(geometry, resize).astype("uint8") * 255)
            inside = grid.resize(shown.size, images.Resampling.NEAREST)
            edge = chops.subtract(inside, inside.filter(filters.MinFilter(5)))
            tint = images.new("RGB", shown.size, WANTED)
            shown.paste(tint, mask=inside.point(lambda v: v * 90 // 255))
            shown.paste(tint, mask=edge)  # a green thing's mask must show too
    pen = drawing.Draw(shown)
    for geometry in wanted:
        _outline(pen, geometry, resize, scale)
    for x, y in given:
        seen = 0 <= x <= image.width and 0 <= y <= image.height
        near = (min(max(x, 0.0), image.width) * scale, min(max(y, 0.0), image.height) * scale)
        _dot(pen, *near, GIVEN, filled=seen)
    stream = io.BytesIO()
    shown.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def _outline(pen: ImageDraw, geometry: Geometry, resize: Resize, scale: float) -> None:
    if geometry.kind == "mask":
        return
    for ring in (geometry.values, *geometry.rings):
        values = to_frame(ring, geometry.kind, geometry.frame, "pixel", resize)
        pairs = [(x * scale, y * scale) for x, y in zip(values[::2], values[1::2], strict=True)]
        if geometry.kind == "box":
            pen.rectangle([pairs[0], pairs[1]], outline=WANTED, width=2)
        elif geometry.kind in ("path", "polygon"):
            closed = pairs[:1] if geometry.kind == "polygon" else []
            pen.line(pairs + closed, fill=WANTED, width=2)
        else:
            for x, y in pairs:
                _dot(pen, x, y, WANTED)


def _dot(
    pen: ImageDraw, x: float, y: float, colour: tuple[int, int, int], *, filled: bool = True
) -> None:
    around = [x - 5, y - 5, x + 5, y + 5]
    if filled:
        pen.ellipse(around, fill=colour, outline=(255, 255, 255))
    else:
        pen.ellipse(around, outline=colour, width=2)
