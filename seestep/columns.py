"""Lists as Arrow arrays, made from buffers.

``pyarrow.array`` asks whether a list is a pandas object, and imports pandas for that wherever it is
installed: half a second of every process that writes a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import is_
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MOST_BYTES = 2**31 - 1  # that offsets of 32 bits reach


def texts(values: Sequence[str]) -> pa.Array:
    """Strings, none of them null. Raises ``ValueError`` for more than 2 GiB of them."""
    import pyarrow as pa

    whole = "".join(values)
    data = whole.encode()
    each: Iterable[int] = map(len, values)
    if len(data) != len(whole):  # of text that is not all ASCII, bytes count
        each = (len(value.encode()) for value in values)
    ends = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(each, np.int64, len(values)), out=ends[1:])
    if ends[-1] > MOST_BYTES:
        raise ValueError(f"{ends[-1]:,} bytes of text in one piece of a column")
    offsets = pa.py_buffer(ends.astype(np.int32))
    return pa.StringArray.from_buffers(len(values), offsets, pa.py_buffer(data))


def flags(values: Sequence[bool] | NDArray[np.bool_]) -> pa.Array:
    """Booleans, none of them null."""
    import pyarrow as pa

    bits = np.packbits(np.asarray(values, dtype=np.bool_), bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


def numbers(values: Sequence[float | None]) -> pa.Array:
    """float64, None as null."""
    return _nullable(np.float64, values)


def integers(values: Sequence[int | None]) -> pa.Array:
    """int64, None as null."""
    return _nullable(np.int64, values)


def _nullable(dtype: type[np.float64 | np.int64], values: Sequence[float | None]) -> pa.Array:
    if values.count(None) == 0:
        return known(np.fromiter(values, dtype, len(values)))
    there = ~np.fromiter(map(is_, values, repeat(None)), np.bool_, len(values))
    filled = np.fromiter((0 if value is None else value for value in values), dtype, len(values))
    return known(filled, there)


def known(values: NDArray[Any], there: NDArray[np.bool_] | None = None) -> pa.Array:
    """float64 or int64, null where they are not ``there``."""
    import pyarrow as pa

    missing = 0 if there is None else len(there) - int(np.count_nonzero(there))
    valid = None
    if there is not None and missing:
        valid = pa.py_buffer(np.packbits(there, bitorder="little"))
        values = np.where(there, values, values.dtype.type(0))
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(values)], missing)
