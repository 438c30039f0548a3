"""Protobuf's wire format by hand: field numbers, lengths and varints, no schema.

protobuf.dev/programming-guides/encoding; groups (wire types 3 and 4) are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from seestep.errors import DataError


def fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """(field number, value) of a message; fixed32 and fixed64 values come as 4 and 8 bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise DataError(f"unknown protobuf wire type {wire}")
        if at + size > len(data):
            raise DataError("a protobuf field is cut off")
        yield number, data[at : at + size]
        at += size


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at byte ``at``, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise DataError("a protobuf varint is cut off")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def varints(data: bytes) -> list[int]:
    """The numbers of a packed field."""
    at, values = 0, []
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


def signed(value: int) -> int:
    """A varint as the int32 or int64 it was."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def held(value: bytes | int) -> bytes:
    """A value that must be bytes."""
    if isinstance(value, int):
        raise DataError("a protobuf field has another type than its message documents")
    return value
