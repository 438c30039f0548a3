"""Exact conversion between frames. Nothing else in the program changes a coordinate's frame.

All frames are linear in the position, so a conversion is one multiplication and one division;
rounding happens only when numbers are written (``render``). Geometry outside its image is an
error unless the caller declares that it wants it cut (``clip=True``).
"""

from __future__ import annotations

from collections.abc import Sequence

from seestep.errors import GeometryError
from seestep.geometry.frames import Resize, same_size
from seestep.records import Geometry

_SLACK = 1e-6  # of the image's extent: the noise of fractions computed elsewhere


def rescale(
    values: Sequence[float], src_frame: str, dst_frame: str, resize: Resize
) -> tuple[float, ...]:
    """Flat x, y, x, y ... from one frame to another, unchecked: outside stays outside."""
    if src_frame == dst_frame:
        resize.extent(src_frame)
        return tuple(float(v) for v in values)
    src, dst = resize.extent(src_frame), resize.extent(dst_frame)
    return tuple(v * dst[i % 2] / src[i % 2] for i, v in enumerate(values))


def to_frame(
    values: Sequence[float],
    kind: str,
    src_frame: str,
    dst_frame: str,
    resize: Resize,
    *,
    clip: bool = False,
) -> tuple[float, ...]:
    """``values`` of a point, points, box, polygon or path, in another frame, exactly.

    Args:
        values: flat x, y, x, y ...
        clip: cut at the image's edges instead of raising. A box that lies wholly outside
            still raises, since nothing of it is left.

    Raises:
        GeometryError: odd count, unknown frame, or outside the image without ``clip``.
    """
    if kind == "mask":
        raise GeometryError("a mask has no values to convert", hint="use masks.outline first")
    if len(values) % 2 or not values:
        raise GeometryError("coordinates come in pairs", got=str(tuple(values)[:8]))
    inside = _inside(values, kind, resize.extent(src_frame), src_frame, clip)
    return rescale(inside, src_frame, dst_frame, resize)


def to_pixels(
    geometry: Geometry,
    size: tuple[int, int] | None = None,
    *,
    resize: Resize | None = None,
    clip: bool = False,
) -> tuple[float, ...]:
    """``geometry.values`` in pixels of the upright original.

    Args:
        size: (width, height) of that original.
        resize: needed instead of ``size`` when the geometry is in ``pixel_resized``.

    Raises:
        GeometryError: the size is unknown, or the geometry leaves the image and not ``clip``.
    """
    if resize is None:
        if size is None or geometry.frame == "pixel_resized":
            raise GeometryError(
                f"{geometry.kind} {geometry.key!r} in frame {geometry.frame} cannot be resolved",
                wanted="the size of its image" if size is None else "the resize it was made for",
                hint="read the image's header first; unresolved geometry may only be stored",
            )
        resize = same_size(size)
    try:
        return to_frame(geometry.values, geometry.kind, geometry.frame, "pixel", resize, clip=clip)
    except GeometryError as error:
        raise GeometryError(f"{geometry.kind} {geometry.key!r}: {error}") from error


def _inside(
    values: Sequence[float], kind: str, extent: tuple[float, float], frame: str, clip: bool
) -> tuple[float, ...]:
    out = []
    for i, value in enumerate(values):
        edge = extent[i % 2]
        if not -_SLACK * edge <= value <= edge * (1 + _SLACK) and not clip:
            raise GeometryError(
                f"the {kind} leaves its image",
                wanted=f"{'xy'[i % 2]} in 0..{edge:g} ({frame})",
                got=f"{value:g}",
                hint="check the declared frame and size, or cut it on purpose with clip=True",
            )
        out.append(min(max(float(value), 0.0), edge))
    if kind == "box" and not (out[0] < out[2] and out[1] < out[3]):
        raise GeometryError("nothing of the box lies inside its image", got=str(tuple(values)))
    return tuple(out)
