"""Lists as Arrow arrays, made from buffers.

``pyarrow.array`` asks whether a list is a pandas object, and imports pandas for that wherever it is
installed: half a second of every process that writes a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_DTYPES = {"double": np.float64, "int64": np.int64, "int32": np.int32}
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
    missing = values.count(None)
    if missing == 0:
        return known(np.fromiter(values, dtype, len(values)))
    if missing == len(values):
        return known(np.zeros(len(values), dtype), np.zeros(len(values), np.bool_))
    there = np.array([value is not None for value in values], dtype=np.bool_)
    filled = np.array([0 if value is None else value for value in values], dtype=dtype)
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


def listed(column: pa.Array) -> list[Any]:
    """The values of a column of any of these kinds, None for null, read from its buffers; of a
    dictionary, which has no null, equal texts are one object.

    ``to_pylist`` makes an object of Arrow's for each first, and ``to_numpy`` imports pandas.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return list(map(listed(column.dictionary).__getitem__, listed(column.indices)))
    part = slice(column.offset, column.offset + len(column))
    if pa.types.is_string(column.type):
        valid, offsets, data = column.buffers()
        values = _split(offsets, data, part)
    else:
        valid, data = column.buffers()
        if pa.types.is_boolean(column.type):
            values = _bits(data)[part].astype(np.bool_).tolist()
        else:
            values = np.frombuffer(data, dtype=_DTYPES[str(column.type)])[part].tolist()
    if not column.null_count:
        return values
    there = _bits(valid)[part].tolist()
    return [value if known else None for value, known in zip(values, there, strict=True)]


def _split(offsets: pa.Buffer, data: pa.Buffer | None, part: slice) -> list[Any]:
    ends = np.frombuffer(offsets, dtype=np.int32)[part.start : part.stop + 1]
    whole = bytes(memoryview(data)[ends[0] : ends[-1]]) if data is not None else b""
    bounds = pairwise((ends - ends[0]).tolist())
    if whole.isascii():
        text = whole.decode()
        return [text[a:b] for a, b in bounds]
    return [whole[a:b].decode() for a, b in bounds]


def _bits(buffer: pa.Buffer) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(buffer, dtype=np.uint8), bitorder="little")
