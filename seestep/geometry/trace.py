"""The outline of a mask as a ring of pixel corners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

Corner = tuple[float, float]


def outer_ring(grid: npt.NDArray[Any]) -> list[Corner]:
    """Corners (x, y) of the outer ring of the largest 4-connected part of a (height, width) grid.

    Walked with the inside on the right hand (clockwise on screen), starting at the top-left corner
    of the part's first pixel in row order; only corners where the direction turns are kept.
    """
    import numpy as np
    from scipy import ndimage

    labels, count = ndimage.label(grid)
    if count > 1:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        part = labels == int(np.argmax(sizes))
    else:
        part = labels == 1
    inside = np.pad(part, 1)
    row, column = divmod(int(np.argmax(inside)), inside.shape[1])
    x, y, dx, dy = column, row, 1, 0
    ring: list[Corner] = []
    start = (x, y)
    while True:
        ring.append((x - 1.0, y - 1.0))  # the padding's offset
        while True:
            x, y = x + dx, y + dy
            # pixels ahead of this corner, left and right of the direction of travel
            left = inside[y + (dy - dx - 1) // 2, x + (dx + dy - 1) // 2]
            right = inside[y + (dy + dx - 1) // 2, x + (dx - dy - 1) // 2]
            if left and right:
                dx, dy = dy, -dx  # turn left
                break
            if not right:
                dx, dy = -dy, dx  # turn right, so that parts touching at a corner stay apart
                break
        if (x, y) == start:
            return ring


def simplify(ring: list[Corner], tolerance: float) -> list[Corner]:
    """Ramer-Douglas-Peucker on a closed ring; at least 3 corners remain."""
    if len(ring) <= 4 or tolerance <= 0:
        return ring
    far = max(range(len(ring)), key=lambda i: _square(ring[0], ring[i]))
    keep = {0, far}
    closed = [*ring, ring[0]]
    stack = [(0, far), (far, len(ring))]
    while stack:
        low, high = stack.pop()
        if high - low < 2:
            continue
        worst, at = -1.0, low
        for i in range(low + 1, high):
            distance = _segment_distance(closed[i], closed[low], closed[high])
            if distance > worst:
                worst, at = distance, i
        if worst > tolerance:
            keep.add(at)
            stack += [(low, at), (at, high)]
    if len(keep) < 3:
        rest = [i for i in range(len(ring)) if i not in keep]
        keep.add(max(rest, key=lambda i: _segment_distance(ring[i], ring[0], ring[far])))
    return [ring[i] for i in sorted(keep)]


def _square(a: Corner, b: Corner) -> float:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2


def _segment_distance(p: Corner, a: Corner, b: Corner) -> float:
    length = _square(a, b)
    t = 0.0
    if length:
        t = ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length
        t = min(max(t, 0.0), 1.0)
    nearest = (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]))
    return float(_square(p, nearest) ** 0.5)
