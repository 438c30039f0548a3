"""Streaming readers of official files: giant JSON lists, CSV, TFRecord."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seestep.errors import DataError
from seestep.sources import bad
from seestep.sources.json_stream import ENCODING, JsonStream
from seestep.sources.protobuf import fields, held, varints

_MASK_DELTA = 0xA282EAD8  # TFRecord's masked CRC-32C, tensorflow/core/lib/hash/crc32c.h


def json_items(path: Path, key: str | None = None, kind: Any = Any) -> Iterator[Any]:
    """Stream the objects of a JSON list at flat memory: of the whole file, or below ``key`` of it.

    ``kind`` is what they are decoded into, such as a msgspec struct with the fields one needs.
    Raises ``DataError`` with the byte offset where the file is cut off or malformed, and with the
    element and field where it is not as ``kind`` says.
    """
    with open_regular(path) as stream:
        json = JsonStream(stream, path)
        if key is None:
            yield from json.elements(kind)
            json.end()
            return
        _find(json, key, path)
        yield from json.elements(kind)
        json.rest()


def json_pairs(path: Path, key: str | None = None) -> Iterator[tuple[str, Any]]:
    """Stream the keys and values of a JSON object, one value in memory at a time.

    With ``key`` those of the object below it, if the file has it; otherwise of the whole file.
    """
    with open_regular(path) as stream:
        json = JsonStream(stream, path)
        if key is not None and json.key(key):
            for name in json.names():
                yield name, json.value()
            json.rest()
            return
    if key is not None:
        yield from json_pairs(path)
        return
    with open_regular(path) as stream:
        json = JsonStream(stream, path)
        for name in json.names():
            yield name, json.value()
        json.end()


def json_value(path: Path, key: str | None = None) -> Any:
    """A whole JSON file, or what stands below ``key`` of it."""
    with open_regular(path) as stream:
        json = JsonStream(stream, path)
        if key is None:
            value = json.value()
            json.end()
            return value
        _find(json, key, path)
        return json.value()


def _find(json: JsonStream, key: str, path: Path) -> None:
    if not json.key(key):
        raise DataError(
            f"there is no key {key!r}", file=path, hint="it may be another file of the data set"
        )


def csv_rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Rows of a CSV with a header that must hold ``columns``."""
    with (
        open_regular(path) as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text,
    ):
        yield from _csv(csv.DictReader(_lines(text, path), strict=True), path, columns)


def _csv(
    reader: csv.DictReader[str], path: Path, columns: tuple[str, ...]
) -> Iterator[dict[str, str]]:
    missing = [c for c in columns if c not in (reader.fieldnames or ())]
    if missing:
        raise DataError(
            f"columns are missing: {', '.join(missing)}",
            file=path,
            wanted=", ".join(columns),
            got=", ".join(reader.fieldnames or ()),
        )
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            place = f"line {reader.line_num}"
            raise DataError(f"not valid CSV: {error}", file=path, record=place) from error
        if None not in row.values():
            yield row
        elif not bad.count(path, f"line {reader.line_num}", "a row is cut short"):
            raise DataError("a row is cut short", file=path, record=f"line {reader.line_num}")


def text_lines(path: Path) -> list[str]:
    """The lines of a small UTF-8 text."""
    with (
        open_regular(path) as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig") as text,
    ):
        return [line.rstrip("\n") for line in _lines(text, path)]


def _lines(text: Iterable[str], path: Path) -> Iterator[str]:
    try:
        yield from text
    except UnicodeDecodeError as error:
        raise DataError("not UTF-8", file=path, hint=ENCODING) from error


def parquet_rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file that must hold ``columns``, a batch in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_regular(path) as stream:
        try:
            table = pq.ParquetFile(stream)
            missing = [c for c in columns if c not in table.schema_arrow.names]
            if missing:
                raise DataError(
                    f"columns are missing: {', '.join(missing)}",
                    file=path,
                    wanted=", ".join(columns),
                    got=", ".join(table.schema_arrow.names),
                )
            for batch in table.iter_batches(batch_size=4096, columns=list(columns)):
                yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"not a readable Parquet file: {str(error).splitlines()[0]}",
                file=path,
                hint="the download may have been cut off; fetch the file again",
            ) from error


def parquet_all(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file with all its columns; few at a time, as pictures may be inside."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_regular(path) as stream:
        try:
            for batch in pq.ParquetFile(stream).iter_batches(batch_size=64):
                yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"not a readable Parquet file: {str(error).splitlines()[0]}",
                file=path,
                hint="the download may have been cut off; fetch the file again",
            ) from error


def tfrecords(path: Path) -> Iterator[bytes]:
    """Payloads of a TFRecord file, both checksums verified."""
    with open_regular(path) as stream:
        while header := stream.read(12):
            offset = stream.tell() - len(header)
            if len(header) < 12:
                raise DataError("torn record header", file=path, record=f"byte {offset}")
            (length,), (length_crc,) = (
                struct.unpack("<Q", header[:8]),
                struct.unpack("<I", header[8:]),
            )
            if _masked_crc(header[:8]) != length_crc:
                raise DataError("damaged record length", file=path, record=f"byte {offset}")
            body = stream.read(length + 4)
            if len(body) < length + 4:
                raise DataError("torn record", file=path, record=f"byte {offset}")
            if _masked_crc(body[:-4]) == struct.unpack("<I", body[-4:])[0]:
                yield body[:-4]
            elif not bad.count(path, f"byte {offset}", "the record fails its checksum"):
                raise DataError("the record fails its checksum", file=path, record=f"byte {offset}")


Feature = list[bytes] | NDArray[np.float32] | NDArray[np.int64]


def tf_example(payload: bytes, only: Collection[str] | None = None) -> dict[str, Feature]:
    """Features of a serialised ``tf.train.Example`` (bytes, float or int64 lists by name).

    With ``only`` no others than these. The protobuf wire format by hand: Example.features = 1,
    Features.feature = 1 (a map of key = 1, value = 2), Feature.bytes_list/float_list/int64_list =
    1/2/3, each with value = 1.
    """
    features: dict[str, Feature] = {}
    for _, entries in fields(payload):
        for _, entry in fields(held(entries)):
            pair = dict(fields(held(entry)))
            name = held(pair[1]).decode("utf-8")
            if only is not None and name not in only:
                continue
            for kind, body in fields(held(pair.get(2, b""))):
                features[name] = _feature(kind, held(body))
    return features


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file; a FIFO, device, folder or missing file is a ``DataError``."""
    if not path.exists():
        raise DataError("file not found", file=path, hint="check the data root")
    if not path.is_file():
        raise DataError("not a regular file", file=path)
    return path.open("rb")


def _feature(kind: int, body: bytes) -> Feature:
    values = [value for _, value in fields(body)]
    if kind == 1:
        return [held(v) for v in values]
    if kind == 2:
        return np.frombuffer(b"".join(held(v) for v in values), dtype="<f4")
    numbers: list[int] = []
    for value in values:
        numbers += varints(value) if isinstance(value, bytes) else [value]
    return np.array([n - (1 << 64) if n >> 63 else n for n in numbers], dtype=np.int64)


def _masked_crc(data: bytes) -> int:
    crc = _crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def _crc32c(data: bytes) -> int:
    import google_crc32c

    return int(google_crc32c.value(data))
