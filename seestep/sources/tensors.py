"""Serialised tensors (``tf.io.serialize_tensor``), read without TensorFlow.

A TensorProto holds its numbers as ``tensor_content`` (raw, little-endian) or in the list of its
type (``float_val`` and its like), where the last value stands for all that are left out, and none
for zeros. Field numbers: tensorflow/core/framework/tensor.proto and tensor_shape.proto; types:
types.proto; texts in ``tensor_content``: all lengths as varints, then the bytes
(``EncodeStringList`` in tensorflow/core/platform/tensor_coding.cc).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seestep.errors import DataError
from seestep.sources.protobuf import fields, held, signed, varint, varints

STRING: Final = 7
TYPES: Final = {
    1: "<f4",
    2: "<f8",
    3: "<i4",
    4: "u1",
    5: "<i2",
    6: "i1",
    9: "<i8",
    10: "?",
    17: "<u2",
    19: "<f2",
    22: "<u4",
    23: "<u8",
}
"""DataType -> numpy; complex, quantised, bfloat16 and resource types are refused."""
_DTYPE, _SHAPE, _CONTENT, _HALF, _FLOAT, _DOUBLE, _STRING = 1, 2, 4, 13, 5, 6, 8
_LISTS: Final = {
    5: (1,),
    6: (2,),
    7: (3, 4, 5, 6, 17),  # int_val holds the small whole numbers too
    8: (STRING,),
    10: (9,),
    11: (10,),
    13: (19,),
    16: (22,),
    17: (23,),
}
"""Field of a list of values -> the DataTypes that are written in it."""
MOST: Final = 1 << 22  # elements that may be told by fewer values


def tensor(data: bytes) -> NDArray[Any] | list[bytes]:
    """The array of a TensorProto (read-only), or the flat list of its texts.

    Raises ``DataError`` where type, shape and values do not go together.
    """
    dtype, content = 0, b""
    shape: tuple[int, ...] = ()
    values: list[tuple[int, bytes | int]] = []
    for number, value in fields(data):
        if number == _DTYPE:
            dtype = signed(value) if isinstance(value, int) else 0
        elif number == _SHAPE:
            shape = _shape(held(value))
        elif number == _CONTENT:
            content = held(value)
        elif number in _LISTS:
            if dtype and dtype not in _LISTS[number]:
                raise DataError(f"a tensor of type {dtype} has values of another type")
            values.append((number, value))
    if dtype != STRING and dtype not in TYPES:
        raise DataError(f"a tensor of type {dtype}", wanted=f"one of {sorted([*TYPES, STRING])}")
    count = prod(shape)
    if dtype == STRING:
        texts = _texts(content, count) if content else [held(v) for _, v in values]
        return _spread(texts, count, b"")
    kind = np.dtype(TYPES[dtype])
    if content:
        if len(content) != count * kind.itemsize:
            raise DataError(
                "a tensor with another number of bytes than its shape tells",
                wanted=f"{count * kind.itemsize}, for {shape} {kind}",
                got=str(len(content)),
            )
        return np.frombuffer(content, kind).reshape(shape)
    flat = _spread(_numbers(values, kind), count, 0)
    try:
        return np.array(flat, kind).reshape(shape)
    except (ValueError, OverflowError) as error:
        raise DataError(f"a tensor of numbers that are no {kind}: {error}") from error


def _shape(data: bytes) -> tuple[int, ...]:
    """TensorShapeProto: dim = 2, each with size = 1; unknown_rank = 3."""
    sizes: list[int] = []
    for number, value in fields(data):
        if number == 2:
            inside = dict(fields(held(value)))
            size = inside.get(1, 0)
            sizes.append(signed(size) if isinstance(size, int) else -1)
        elif number == 3 and value:
            raise DataError("a tensor of unknown rank")
    if len(sizes) > 8 or any(size < 0 for size in sizes):
        raise DataError("a tensor of an impossible shape", got=str(sizes[:9]))
    return tuple(sizes)


def _numbers(values: Sequence[tuple[int, bytes | int]], kind: np.dtype[Any]) -> list[Any]:
    """The values of the typed lists, packed or one by one."""
    found: list[Any] = []
    for number, value in values:
        if number in (_FLOAT, _DOUBLE):
            size = 4 if number == _FLOAT else 8
            if len(raw := held(value)) % size:
                raise DataError("a list of a tensor's values is cut off")
            found += np.frombuffer(raw, f"<f{size}").tolist()
            continue
        whole = varints(value) if isinstance(value, bytes) else [value]
        if number == _HALF:  # the bits of each, as a whole number
            bits = np.array([w & 0xFFFF for w in whole], "<u2")
            found += bits.view("<f2").tolist()
        else:
            found += whole if kind.kind == "u" and kind.itemsize == 8 else map(signed, whole)
    return found


def _texts(content: bytes, count: int) -> list[bytes]:
    at, sizes = 0, []
    if count > len(content):
        raise DataError("a tensor of more texts than it has bytes")
    for _ in range(count):
        size, at = varint(content, at)
        sizes.append(size)
    if at + sum(sizes) != len(content):
        raise DataError("a tensor's texts have other lengths than it tells")
    found = []
    for size in sizes:
        found.append(content[at : at + size])
        at += size
    return found


def _spread(found: list[Any], count: int, empty: Any) -> list[Any]:
    """``count`` values: the last stands for those that are left out, ``empty`` for all of none."""
    if len(found) > count:
        raise DataError(
            "a tensor of more values than its shape tells", wanted=str(count), got=str(len(found))
        )
    if len(found) == count:
        return found
    if count > MOST:
        raise DataError(
            "a tensor whose few values stand for too many",
            wanted=f"at most {MOST:,}",
            got=f"{count:,}",
        )
    return found + [found[-1] if found else empty] * (count - len(found))
