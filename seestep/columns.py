"""Lists as Arrow arrays, made from buffers.

``pyarrow.array`` asks whether a list is a pandas object, and imports pandas for that wherever it is
installed: half a second of every process that writes a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import is_
from typing import TYPE_CHECKING

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


def flags(values: Sequence[bool]) -> pa.Array:
    """Booleans, none of them null."""
    import pyarrow as pa

    bits = np.packbits(np.asarray(values, dtype=np.bool_), bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


def numbers(values: Sequence[float | None]) -> pa.Array:
    """float64, None as null."""
    import pyarrow as pa

    return _nullable(pa.float64(), np.float64, values)


def integers(values: Sequence[int | None]) -> pa.Array:
    """int64, None as null."""
    import pyarrow as pa

    return _nullable(pa.int64(), np.int64, values)


def _nullable(
    kind: pa.DataType, dtype: type[np.float64 | np.int64], values: Sequence[float | None]
) -> pa.Array:
    import pyarrow as pa

    missing = sum(map(is_, values, repeat(None)))
    known: NDArray[np.bool_] = np.ones(len(values), dtype=np.bool_)
    if missing:
        known = ~np.fromiter(map(is_, values, repeat(None)), np.bool_, len(values))
        values = [0 if value is None else value for value in values]
    filled = np.fromiter(values, dtype, len(values))
    valid = pa.py_buffer(np.packbits(known, bitorder="little")) if missing else None
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(filled)], missing)
