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
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from seestep.curate.batch import Batch
from seestep.disk import atomic_write
from seestep.errors import RunError
from seestep.media import Roots

if TYPE_CHECKING:
    import pyarrow as pa

CACHE_ENV = "SEESTEP_CACHE"


class Measure(Protocol):
    """An operator that measures. It must be picklable; models are loaded when it is first called.

    ``reads`` names the columns of ``Batch`` that the values depend on, ``parameters`` (plain JSON
    values) all else that they depend on. Called, it brings as many rows as the batch has.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def reads(self) -> tuple[str, ...]: ...
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
            raise RunError("this record was not measured", file=None, record=missing[0])
        return self.table.take([self.rows[rid] for rid in batch.ids])


def cache_folder() -> Path:
    """Where values are kept: $SEESTEP_CACHE, else seestep below the user's cache folder."""
    if told := os.environ.get(CACHE_ENV):
        return Path(told)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seestep"


def measured(measure: Measure, batch: Batch, roots: Roots, cache: Path) -> pa.Table:
    """The values of ``measure`` for the rows of ``batch``, from the cache if they are there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = cache / "measures" / measure.name / f"{key_of(measure, batch)}.parquet"
    if file.is_file():
        try:
            found = pq.read_table(file)
        except (pa.ArrowException, OSError):
            found = None  # a damaged file is measured again
        if found is not None and found.num_rows == len(batch):
            return found
    table = measure(batch, roots)
    if table.num_rows != len(batch):
        raise RunError(
            f"{measure.name} measured another number of rows",
            file=None,
            wanted=str(len(batch)),
            got=str(table.num_rows),
        )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    atomic_write(file, sink.getvalue())
    return table


def join(batches: Sequence[Batch], tables: Sequence[pa.Table]) -> Column:
    """One column of what was measured batch by batch."""
    import pyarrow as pa

    ids = [rid for batch in batches for rid in batch.ids]
    table = pa.concat_tables(tables) if tables else pa.table({})
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
