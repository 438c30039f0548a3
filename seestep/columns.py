"""Lists as Arrow arrays, made from buffers.

``pyarrow.array`` asks whether a list is a pandas object, and imports pandas for that wherever it is
installed: half a second of every process that writes a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MOST_BYTES = 2**31 - 1  # that offsets of 32 bits reach


def texts(values: Sequence[str]) -> pa.Array:
    """Strings, none of them null. Raises ``ValueError`` for more than 2 GiB of them."""
    import pyarrow as pa

    data = [value.encode() for value in values]
    ends = np.zeros(len(data) + 1, dtype=np.int64)
    np.cumsum([len(one) for one in data], out=ends[1:])
    if ends[-1] > MOST_BYTES:
        raise ValueError(f"{ends[-1]:,} bytes of text in one piece of a column")
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(data))]
    return pa.StringArray.from_buffers(len(data), buffers[1], buffers[2])


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

    known: NDArray[np.bool_] = np.fromiter((v is not None for v in values), np.bool_, len(values))
    filled = np.fromiter((0 if v is None else v for v in values), dtype, len(values))
    missing = int(len(values) - known.sum())
    valid = pa.py_buffer(np.packbits(known, bitorder="little")) if missing else None
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(filled)], missing)
