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

Colour = tuple[int, int, int]

WANTED: Colour = (46, 160, 82)
TOLD: Colour = (36, 110, 196)
GIVEN: Colour = (214, 54, 44)
SIDE = 288  # small pictures are enlarged by whole numbers to about this many pixels
MOST_SIDE = 640  # larger ones are shrunk to this: a page of photographs must stay a page


def picture(
    image: Image,
    resize: Resize,
    wanted: Sequence[Geometry] = (),
    given: Sequence[tuple[float, float]] = (),
    *,
    told: Sequence[Geometry] = (),
) -> str:
    """``marked`` at a size that a page can show, as a data URI."""
    stream = io.BytesIO()
    marked(image, resize, wanted, given, told=told).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def marked(
    image: Image,
    resize: Resize,
    wanted: Sequence[Geometry] = (),
    given: Sequence[tuple[float, float]] = (),
    *,
    told: Sequence[Geometry] = (),
    side: int | None = None,
    dot: int = 5,
) -> Image:
    """``image`` with what was asked for in green, what the question ``told`` in blue, and given
    points (original pixels) in red.

    A given point outside the picture is drawn as a ring at the nearest place on its edge. ``side``
    is the longer side of the result, a page's usual size if None; ``dot`` the radius of points.
    """
    from PIL import Image as images
    from PIL import ImageChops as chops
    from PIL import ImageDraw as drawing
    from PIL import ImageFilter as filters

    longest = max(image.size)
    usual = max(1, round(SIDE / longest)) if longest <= MOST_SIDE else MOST_SIDE / longest
    scale = side / longest if side else usual
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    smooth = images.Resampling.NEAREST if scale >= 1 else images.Resampling.LANCZOS
    shown = image.convert("RGB").resize(size, smooth)
    rim = filters.MinFilter(5 if dot > 2 else 3)
    coloured = [(g, TOLD) for g in told] + [(g, WANTED) for g in wanted]
    for geometry, colour in coloured:
        if geometry.kind == "mask":
            grid = images.fromarray(grid_of(geometry, resize).astype("uint8") * 255)
            inside = grid.resize(shown.size, images.Resampling.NEAREST)
            edge = chops.subtract(inside, inside.filter(rim))
            tint = images.new("RGB", shown.size, colour)
            shown.paste(tint, mask=inside.point(lambda v: v * 90 // 255))
            shown.paste(tint, mask=edge)  # a green thing's mask must show too
    pen = drawing.Draw(shown)
    for geometry, colour in coloured:
        _outline(pen, geometry, resize, scale, dot, colour)
    for x, y in given:
        seen = 0 <= x <= image.width and 0 <= y <= image.height
        near = (min(max(x, 0.0), image.width) * scale, min(max(y, 0.0), image.height) * scale)
        _dot(pen, *near, GIVEN, dot, filled=seen)
    return shown


def _outline(
    pen: ImageDraw, geometry: Geometry, resize: Resize, scale: float, dot: int, colour: Colour
) -> None:
    if geometry.kind == "mask":
        return
    for ring in (geometry.values, *geometry.rings):
        values = to_frame(ring, geometry.kind, geometry.frame, "pixel", resize)
        pairs = [(x * scale, y * scale) for x, y in zip(values[::2], values[1::2], strict=True)]
        if geometry.kind == "box":
            pen.rectangle([pairs[0], pairs[1]], outline=colour, width=min(2, dot))
        elif geometry.kind in ("path", "polygon"):
            closed = pairs[:1] if geometry.kind == "polygon" else []
            pen.line(pairs + closed, fill=colour, width=min(2, dot))
        else:
            for x, y in pairs:
                _dot(pen, x, y, colour, dot)


def _dot(
    pen: ImageDraw,
    x: float,
    y: float,
    colour: Colour,
    radius: int,
    *,
    filled: bool = True,
) -> None:
    around = [x - radius, y - radius, x + radius, y + radius]
    if filled:
        pen.ellipse(around, fill=colour, outline=(255, 255, 255))
    else:
        pen.ellipse(around, outline=colour, width=min(2, radius))
