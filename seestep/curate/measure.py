"""Measuring is apart from deciding: what was found out about rows is kept by what it depends on.

A measure sees a batch and brings columns, one value a row; it decides nothing. Its values are kept
in a cache that all runs share, under a hash of its name, version and parameters (hashes of models
among them) and of the columns that it read. A changed threshold finds all values there.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from seestep.curate.batch import Batch
from seestep.errors import RunError
from seestep.media import Roots

if TYPE_CHECKING:
    import pyarrow as pa

CACHE_ENV = "SEESTEP_CACHE"
SEAL = 32  # bytes before the values in a file of the cache


class Measure(Protocol):
    """An operator that measures. It must be picklable. One that ``loads_model`` does so when it is
    first called, and is called in one process of this machine.

    ``reads`` names the columns of ``Batch`` that the values depend on, ``parameters`` (plain JSON
    values) all else that they depend on. Called, it brings as many rows as the batch has.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def reads(self) -> tuple[str, ...]: ...
    @property
    def loads_model(self) -> bool: ...
    def parameters(self) -> Any: ...
    def __call__(self, batch: Batch, roots: Roots) -> pa.Table: ...


@dataclass(frozen=True)
class Column:
    """The values of one measure by record id, whatever the order of the rows they are asked for."""

    table: pa.Table
    rows: Mapping[str, int]

    def of(self, batch: Batch) -> pa.Table:
        """The rows of ``batch``, in its order. Raises ``RunError`` for a row never measured."""
        missing = [rid for rid in batch.ids if rid not in self.rows]
        if missing:
            raise RunError("this record was not measured", record=missing[0])
        return self.table.take([self.rows[rid] for rid in batch.ids])


def cache_folder() -> Path:
    """Where values are kept: $SEESTEP_CACHE, else seestep below the user's cache folder."""
    if told := os.environ.get(CACHE_ENV):
        return Path(told)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seestep"


def must_take_files(folder: Path, cache: Path) -> None:
    """Raise ``RunError`` where ``folder`` of a cache cannot be written to: before hours of
    measuring, not after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise RunError(
            f"nothing can be kept in this cache: {error.strerror}",
            file=cache,
            hint=f"make it writable, or name another (--cache, ${CACHE_ENV})",
        ) from error


def file_of(measure: Measure, batch: Batch, cache: Path) -> Path:
    """Where the values of ``measure`` for the rows of ``batch`` are kept."""
    return cache / "measures" / measure.name / f"{key_of(measure, batch)}.measure"


def sealed(table: pa.Table) -> bytes:
    """A file of the cache: the sha256 of what follows, and values as Parquet."""
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    data = sink.getvalue()
    return hashlib.sha256(data).digest() + data


def kept(file: Path, rows: int) -> pa.Table | None:
    """What a file of the cache holds; None where it is not there, or a bit of it is another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        whole = file.read_bytes()
    except OSError:
        return None  # it is measured again
    seal, data = whole[:SEAL], memoryview(whole)[SEAL:]
    if hashlib.sha256(data).digest() != seal:
        return None
    found = pq.read_table(pa.BufferReader(pa.py_buffer(data)))
    return found if found.num_rows == rows else None


def take(file: Path, rows: int) -> pa.Table:
    """What a file of the cache holds. Raises ``RunError`` where that is not what was written."""
    found = kept(file, rows)
    if found is None:
        raise RunError("this file of the cache went away or changed", file=file)
    return found


def measure_rows(measure: Measure, batch: Batch, roots: Roots) -> pa.Table:
    """The values of ``measure``, newly found. Raises ``RunError`` for another number of rows."""
    table = measure(batch, roots)
    if table.num_rows != len(batch):
        raise RunError(
            f"{measure.name} measured another number of rows",
            wanted=str(len(batch)),
            got=str(table.num_rows),
        )
    return table


def join(batches: Sequence[Batch], tables: Sequence[pa.Table]) -> Column:
    """One column of what was measured batch by batch."""
    import pyarrow as pa

    ids = [rid for batch in batches for rid in batch.ids]
    some = [table for table in tables if len(table)] or tables[:1]  # vectors of none have no width
    table = pa.concat_tables(some) if some else pa.table({})
    return Column(table, {rid: i for i, rid in enumerate(ids)})


def key_of(measure: Measure, batch: Batch) -> str:
    """sha256 of all that the values depend on."""
    told = {
        "name": measure.name,
        "version": measure.version,
        "parameters": measure.parameters(),
        "reads": measure.reads,
    }
    found = hashlib.sha256(msgspec.json.encode(told, order="deterministic"))
    for name in measure.reads:
        for value in getattr(batch, name):
            piece = value if isinstance(value, bytes) else msgspec.json.encode(value)
            found.update(len(piece).to_bytes(8, "big") + piece)
    return found.hexdigest()
