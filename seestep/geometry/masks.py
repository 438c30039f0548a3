"""Regions: COCO run-length masks, their outline, and points inside them.

A mask is a compressed COCO RLE over a (height, width) grid that covers the whole upright image;
the grid may be coarser or finer than the image. Only rasters of polygons need pycocotools.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from seestep.errors import GeometryError, need
from seestep.geometry.convert import rescale, to_pixels
from seestep.geometry.frames import Resize
from seestep.records import Geometry

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Grid = npt.NDArray[np.uint8]

SIMPLIFY = 1.0
"""Default outline tolerance in image pixels: no edge pixel moves by more than this."""


def encode(grid: npt.ArrayLike) -> tuple[str, tuple[int, int]]:
    """COCO RLE text and (height, width) of a (height, width) array; non-zero is inside."""
    import numpy as np

    array = np.asarray(grid) != 0
    if array.ndim != 2 or not array.size:
        raise GeometryError("a mask is a 2-d grid", got=f"shape {array.shape}")
    flat = np.concatenate(([False], array.ravel(order="F")))
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate(([0], changes, [array.size])))
    return _run_text(runs.tolist()), (int(array.shape[0]), int(array.shape[1]))


def from_runs(runs: Sequence[int], size: tuple[int, int]) -> tuple[str, tuple[int, int]]:
    """COCO RLE text of uncompressed run lengths, outside first; ``size`` is (height, width)."""
    if any(run < 0 for run in runs) or sum(runs) != size[0] * size[1]:
        raise GeometryError("a mask's runs do not fill its grid", wanted=f"{size[0]}x{size[1]}")
    return _run_text([int(run) for run in runs]), size


def decode(rle: str, size: tuple[int, int]) -> Grid:
    """The (height, width) array of 0 and 1 behind COCO RLE text; GeometryError if damaged."""
    return _decode(rle, tuple(size))


def from_polygon(
    rings: Sequence[Sequence[float]], size: tuple[int, int]
) -> tuple[str, tuple[int, int]]:
    """COCO RLE and (height, width) of pixel ``rings`` on an image of ``size`` = (width, height)."""
    width, height = size
    coco = _coco()
    if any(len(ring) < 6 for ring in rings) or not rings:
        raise GeometryError("a polygon ring needs at least 3 points", got=str(rings)[:80])
    merged = coco.merge(coco.frPyObjects([list(map(float, r)) for r in rings], height, width))
    return merged["counts"].decode("ascii"), (height, width)


def from_box(box: Sequence[float], size: tuple[int, int]) -> tuple[str, tuple[int, int]]:
    """COCO RLE of the pixels whose centre lies in a pixel ``box`` (x0, y0, x1, y1)."""
    import numpy as np

    width, height = size
    x0, y0, x1, y1 = box
    inside = np.outer(_between(y0, y1, height), _between(x0, x1, width))
    return encode(inside)


def grid_of(region: Geometry, resize: Resize) -> Grid:
    """A mask, box or polygon as a 0/1 grid; a box or polygon in original pixels."""
    if region.kind == "mask":
        return decode(region.rle, _grid_size(region))
    if region.kind == "box":
        return decode(*from_box(to_pixels(region, resize=resize, clip=True), resize.size))
    if region.kind == "polygon":
        rings = [rescale(r, region.frame, "pixel", resize) for r in (region.values, *region.rings)]
        return decode(*from_polygon(rings, resize.size))
    raise GeometryError(f"a {region.kind} is no region", wanted="mask, box or polygon")


def contains(region: Geometry, x: float, y: float, resize: Resize) -> bool:
    """Whether the original-pixel position (x, y) lies in a mask, box or polygon.

    A mask's pixel counts as a whole; a position exactly on the image's far edge belongs to the
    last pixel. Boxes are half-open (x1, y1 outside); a polygon is the union of its rings, as
    in COCO, each filled even-odd.
    """
    width, height = resize.size
    if not (0 <= x <= width and 0 <= y <= height):
        return False
    if region.kind == "mask":
        grid = decode(region.rle, _grid_size(region))
        rows, columns = grid.shape
        row = min(int(y * rows / height), rows - 1)
        return bool(grid[row, min(int(x * columns / width), columns - 1)])
    if region.kind == "box":
        x0, y0, x1, y1 = rescale(region.values, region.frame, "pixel", resize)
        x, y = min(x, width - 1e-9 * width), min(y, height - 1e-9 * height)
        return x0 <= x < x1 and y0 <= y < y1
    if region.kind == "polygon":
        rings = [rescale(r, region.frame, "pixel", resize) for r in (region.values, *region.rings)]
        return any(_crossings(ring, x, y) % 2 for ring in rings)
    raise GeometryError(f"a {region.kind} is no region", wanted="mask, box or polygon")


def anchor(region: Geometry, resize: Resize) -> tuple[float, float]:
    """A point well inside a mask, box or polygon, in original pixels.

    The centre of a box; else the centre of the pixel farthest from the region's edge (the first
    in row order among equals), the image's border counting as edge.
    """
    if region.kind == "box":
        x0, y0, x1, y1 = to_pixels(region, resize=resize, clip=True)
        return (x0 + x1) / 2, (y0 + y1) / 2
    grid = grid_of(region, resize)
    if not grid.any():
        raise GeometryError(f"{region.kind} {region.key!r} covers no pixel")
    row, column = deepest(grid)
    rows, columns = grid.shape
    return (column + 0.5) * resize.width / columns, (row + 0.5) * resize.height / rows


def bounds(region: Geometry, resize: Resize) -> tuple[float, float, float, float]:
    """The smallest pixel box (x0, y0, x1, y1) around a mask; edges, so x1 and y1 are exclusive."""
    import numpy as np

    grid = grid_of(region, resize)
    rows, columns = np.flatnonzero(grid.any(axis=1)), np.flatnonzero(grid.any(axis=0))
    if not len(rows):
        raise GeometryError(f"{region.kind} {region.key!r} covers no pixel")
    sx, sy = resize.width / grid.shape[1], resize.height / grid.shape[0]
    return columns[0] * sx, rows[0] * sy, (columns[-1] + 1) * sx, (rows[-1] + 1) * sy


def outline(region: Geometry, resize: Resize, *, tolerance: float = SIMPLIFY) -> tuple[float, ...]:
    """The outer ring of a mask's largest part as flat original pixels, simplified.

    Traced along pixel edges, then thinned by Ramer-Douglas-Peucker: every dropped corner lies
    within ``tolerance`` image pixels of the ring. Holes and smaller parts are left out: a point
    list cannot say them.
    """
    from seestep.geometry.trace import outer_ring, simplify

    grid = grid_of(region, resize)
    if not grid.any():
        raise GeometryError(f"{region.kind} {region.key!r} covers no pixel")
    sx, sy = resize.width / grid.shape[1], resize.height / grid.shape[0]
    ring = [(x * sx, y * sy) for x, y in outer_ring(grid)]
    return tuple(v for pair in simplify(ring, tolerance) for v in pair)


def ring_area(ring: Sequence[float]) -> float:
    """Area of flat x, y, x, y ... by the shoelace formula, in squares of its unit."""
    xs, ys = ring[::2], ring[1::2]
    return abs(sum(xs[i - 1] * ys[i] - xs[i] * ys[i - 1] for i in range(len(xs)))) / 2


def deepest(grid: Grid | npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the pixel farthest (Euclidean) from the outside, the first among equals.

    ``grid`` (H, W) has a pixel at least; its border counts as edge.
    """
    import numpy as np
    from scipy import ndimage

    rows, columns = np.nonzero(grid)
    top, left = int(rows.min()), int(columns.min())
    # only the part that holds the region, in a frame of outside: nothing nearer lies beyond
    inside = np.pad(grid[top : rows.max() + 1, left : columns.max() + 1], 1)
    distance = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(distance)), distance.shape)
    return top + int(row), left + int(column)


def _crossings(ring: Sequence[float], x: float, y: float) -> int:
    count = 0
    xs, ys = ring[::2], ring[1::2]
    for i in range(len(xs)):
        x0, y0, x1, y1 = xs[i - 1], ys[i - 1], xs[i], ys[i]
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            count += 1
    return count


def _between(low: float, high: float, count: int) -> npt.NDArray[np.bool_]:
    import numpy as np

    centres = np.arange(count) + 0.5
    return (centres >= low) & (centres < high)


def _grid_size(region: Geometry) -> tuple[int, int]:
    if region.rle_size is None:
        raise GeometryError(f"mask {region.key!r} has no rle_size")
    return region.rle_size


@lru_cache(maxsize=256)
def _decode(rle: str, size: tuple[int, int]) -> Grid:
    import numpy as np

    runs = _run_lengths(rle)
    if sum(runs) != size[0] * size[1] or min(size) < 1:
        raise GeometryError("a mask's runs do not fill its grid", wanted=f"{size[0]}x{size[1]}")
    inside = np.arange(len(runs), dtype=np.uint8) % 2
    grid: Grid = np.ascontiguousarray(np.repeat(inside, runs).reshape(size[::-1]).T)
    grid.setflags(write=False)
    return grid


def _run_lengths(rle: str) -> list[int]:
    """Runs, outside first, of COCO's compressed counts (cocoapi maskApi.c, rleFrString).

    Five bits a character, lowest first, the sixth says that more follow; from the fourth run on
    the difference to the run two before. Its C code reads damaged text out of bounds.
    """
    runs: list[int] = []
    value = shift = 0
    for char in rle:
        code = ord(char) - 48
        if not 0 <= code < 64:
            raise GeometryError("not a COCO run-length mask", got=repr(rle[:40]))
        value |= (code & 0x1F) << shift
        shift += 5
        if not code & 0x20:
            if code & 0x10:
                value -= 1 << shift
            if len(runs) > 2:
                value += runs[-2]
            if value < 0:
                raise GeometryError("a mask has a negative run", got=repr(rle[:40]))
            runs.append(value)
            value = shift = 0
    if shift:
        raise GeometryError("a mask's text is cut off", got=repr(rle[-40:]))
    return runs


def _run_text(runs: list[int]) -> str:
    """The inverse of ``_run_lengths``."""
    text = []
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i > 2 else run
        more = True
        while more:
            code, value = value & 0x1F, value >> 5
            more = value != (-1 if code & 0x10 else 0)
            text.append(chr(code + 48 + (0x20 if more else 0)))
    return "".join(text)


def _coco() -> Any:
    need("pycocotools", "world")
    from pycocotools import mask

    return mask
