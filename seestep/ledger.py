"""The ledger of a shard: one Parquet row for every verdict, kept rows first and in their order."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from seestep.errors import RunError
from seestep.records import Verdict

if TYPE_CHECKING:
    import pyarrow as pa

Columns: TypeAlias = dict[str, "list[Any] | pa.Array"]
COLUMNS = ("id", "check", "keep", "reason", "score", "threshold", "evidence")


def encode(ids: Sequence[str], verdicts: Sequence[Verdict]) -> bytes:
    """Parquet bytes of a shard's verdicts.

    Rows of the part file come first, in their order, each with its verdicts (or one line with an
    empty ``check`` when it has none) and its index in ``row``; then verdicts about other ids,
    which are the dropped ones, in the order they were given, with ``row`` null.
    """
    import pyarrow.parquet as pq

    place = {id: row for row, id in enumerate(ids)}
    rows = [place.get(verdict.id) for verdict in verdicts]
    told = set(rows)
    silent = [(row, id) for id, row in place.items() if row not in told]
    about = [*(Verdict(id=id, check="", keep=True) for _, id in silent), *verdicts]
    known = [*(row for row, _ in silent), *rows]
    # stable: the verdicts of a row keep their order, those of no row come last
    order = sorted(range(len(known)), key=lambda i: len(ids) if (r := known[i]) is None else r)

    sink = io.BytesIO()
    pq.write_table(
        _table(_columns([known[i] for i in order], [about[i] for i in order])),
        sink,
        compression="zstd",
    )
    return sink.getvalue()


def write(sink: BinaryIO, pieces: Iterable[Columns]) -> None:
    """A ledger file of pieces, each with values by column: "row" and those of ``COLUMNS``."""
    import pyarrow.parquet as pq

    writer = None
    for piece in pieces:
        table = _table(piece)
        writer = writer or pq.ParquetWriter(sink, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is None:
        pq.write_table(_table(columns_of([])), sink)
    else:
        writer.close()


def columns_of(lines: Sequence[tuple[int | None, Verdict]]) -> Columns:
    """The columns of (row in the part file or None, verdict)."""
    return _columns([row for row, _ in lines], [verdict for _, verdict in lines])


def _columns(rows: list[int | None], verdicts: list[Verdict]) -> Columns:
    return {"row": rows} | {name: list(map(attrgetter(name), verdicts)) for name in COLUMNS}


def _table(columns: Columns) -> pa.Table:
    import pyarrow as pa

    from seestep.columns import flags, integers, numbers, texts

    makers = {"row": integers, "keep": flags, "score": numbers, "threshold": numbers}
    return pa.table(
        {
            name: makers.get(name, texts)(column) if isinstance(column, list) else column
            for name, column in columns.items()
        }
    )


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
