"""Coordinates written on the stored raster, turned with the image to the upright one.

An EXIF orientation says how the stored raster must be turned for viewing. All geometry of
seestep is about the upright image; a source annotated on the raw raster passes through here.
"""

from __future__ import annotations

from collections.abc import Sequence

from seestep.errors import GeometryError

# orientation -> (swap axes, mirror upright x, mirror upright y), as PIL.ImageOps.exif_transpose
_TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(width, height) after turning a stored raster of ``size`` = (width, height)."""
    swap = turn(orientation)[0]
    return (size[1], size[0]) if swap else size


def to_upright(
    values: Sequence[float], kind: str, size: tuple[int, int], orientation: int
) -> tuple[float, ...]:
    """Pixel ``values`` on the stored raster of ``size`` (width, height), on the upright image.

    Boxes keep x0 < x1 and y0 < y1. Exact: edges go to edges.
    """
    swap, mirror_x, mirror_y = turn(orientation)
    width, height = upright_size(size, orientation)
    out: list[float] = []
    for x, y in zip(values[::2], values[1::2], strict=True):
        if swap:
            x, y = y, x
        out += [width - x if mirror_x else x, height - y if mirror_y else y]
    return _ordered(out) if kind == "box" else tuple(out)


def to_stored(
    values: Sequence[float], kind: str, size: tuple[int, int], orientation: int
) -> tuple[float, ...]:
    """The inverse of ``to_upright``; ``size`` is still that of the stored raster."""
    swap, mirror_x, mirror_y = turn(orientation)
    width, height = upright_size(size, orientation)
    out: list[float] = []
    for x, y in zip(values[::2], values[1::2], strict=True):
        x, y = (width - x if mirror_x else x), (height - y if mirror_y else y)
        out += [y, x] if swap else [x, y]
    return _ordered(out) if kind == "box" else tuple(out)


def _ordered(box: Sequence[float]) -> tuple[float, ...]:
    x0, y0, x1, y1 = box
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def turn(orientation: int) -> tuple[bool, bool, bool]:
    """(swap axes, then mirror x, mirror y) that make a stored raster upright."""
    if orientation not in _TURNS:
        raise GeometryError("unknown EXIF orientation", wanted="1 to 8", got=str(orientation))
    return _TURNS[orientation]
