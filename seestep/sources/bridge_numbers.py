"""States and actions of BridgeData V2 as its files hold them, checked before they are copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seestep.errors import DataError

SIZE = 7  # x, y, z, roll, pitch, yaw, gripper


def table(value: Any, what: str) -> NDArray[np.float32]:
    """(T, 7) float32 of an array, or of a list with an array or list of 7 numbers each step.

    float32 is what the owners' scripts write. Raises ``DataError`` for any other shape, and for
    numbers that are not finite.
    """
    if isinstance(value, np.ndarray):
        rows = _plain(value, what, (len(value) if value.ndim else 0, SIZE))
    elif isinstance(value, (list, tuple)):
        rows = np.empty((len(value), SIZE), np.float32)
        for i, step in enumerate(value):
            rows[i] = _step(step, f"{what} of step {i}")
    else:
        raise DataError(f"{what}: no list of steps", got=type(value).__name__)
    if not np.isfinite(rows).all():
        raise DataError(f"{what}: numbers that are not finite")
    return rows


def _step(step: Any, what: str) -> Any:
    if isinstance(step, np.ndarray):
        return _plain(step, what, (SIZE,))
    good = isinstance(step, Sequence) and len(step) == SIZE
    if not good or not all(type(n) in (int, float) for n in step):
        raise DataError(f"{what}: not {SIZE} numbers")
    return step


def _plain(array: NDArray[Any], what: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if array.shape != shape or array.dtype.kind not in "fiu":
        wanted = f"{shape} of numbers" if len(shape) == 1 else f"(steps, {SIZE}) of numbers"
        raise DataError(what, wanted=wanted, got=f"{array.shape} {array.dtype}")
    with np.errstate(over="ignore"):  # told as not finite
        return array.astype(np.float32)
