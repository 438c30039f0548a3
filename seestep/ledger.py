"""The ledger of a shard: one Parquet row for every verdict, kept rows first and in their order."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from seestep.errors import RunError
from seestep.records import Verdict

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("id", "check", "keep", "reason", "score", "threshold", "evidence")


def encode(ids: Sequence[str], verdicts: Sequence[Verdict]) -> bytes:
    """Parquet bytes of a shard's verdicts.

    Rows of the part file come first, in their order, each with its verdicts (or one line with an
    empty ``check`` when it has none) and its index in ``row``; then verdicts about other ids,
    which are the dropped ones, in the order they were given, with ``row`` null.
    """
    import pyarrow.parquet as pq

    of: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        of.setdefault(verdict.id, []).append(verdict)
    lines: list[tuple[int | None, Verdict]] = []
    for row, id in enumerate(ids):
        about = of.get(id) or [Verdict(id=id, check="", keep=True)]
        lines += [(row, verdict) for verdict in about]
    kept = set(ids)
    lines += [(None, verdict) for verdict in verdicts if verdict.id not in kept]

    sink = io.BytesIO()
    pq.write_table(_table(lines), sink, compression="zstd")
    return sink.getvalue()


def write(
    sink: BinaryIO, lines: Iterable[tuple[int | None, Verdict]], *, rows: int = 1 << 16
) -> None:
    """A ledger file of (row in the part file or None, verdict), so many ``rows`` in memory."""
    import pyarrow.parquet as pq

    waiting = iter(lines)
    first = _table(list(islice(waiting, rows)))
    with pq.ParquetWriter(sink, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        while some := list(islice(waiting, rows)):
            writer.write_table(_table(some))


def _table(lines: Sequence[tuple[int | None, Verdict]]) -> pa.Table:
    import pyarrow as pa

    types = {"keep": pa.bool_(), "score": pa.float64(), "threshold": pa.float64()}
    columns = {"row": pa.array([row for row, _ in lines], pa.int64())} | {
        name: pa.array([getattr(v, name) for _, v in lines], types.get(name, pa.string()))
        for name in COLUMNS
    }
    return pa.table(columns)


def read(path: Path) -> Iterator[tuple[int | None, Verdict]]:
    """(row in the part file or None, verdict) for every line of a ledger file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(path).iter_batches(columns=["row", *COLUMNS]):
            for line in batch.to_pylist():
                row = line.pop("row")
                yield row, Verdict(**line)
    except (pa.ArrowException, OSError) as error:
        raise RunError(f"this ledger cannot be read: {error}", file=path) from error
