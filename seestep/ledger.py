"""The ledger of a shard: one Parquet row for every verdict, kept rows first and in their order."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from seestep.errors import RunError
from seestep.records import Verdict

if TYPE_CHECKING:
    import pyarrow as pa

Columns: TypeAlias = dict[str, "list[Any] | pa.Array"]
COLUMNS = ("id", "check", "keep", "reason", "score", "threshold", "evidence", "cost")


def encode(ids: Sequence[str], verdicts: Sequence[Verdict]) -> bytes:
    """Parquet bytes of a shard's verdicts.

    Rows of the part file come first, in their order, each with its verdicts (or one line with an
    empty ``check`` when it has none) and its index in ``row``; then verdicts about other ids,
    which are the dropped ones, in the order they were given, with ``row`` null.
    """
    import numpy as np
    import pyarrow.parquet as pq

    from seestep.columns import known

    place = {id: row for row, id in enumerate(ids)}
    rows = list(map(place.get, [verdict.id for verdict in verdicts], repeat(len(ids))))
    told = set(rows)
    if len(told) - (len(ids) in told) < len(place):
        silent = [(row, id) for id, row in place.items() if row not in told]
        verdicts = [*(Verdict(id=id, check="", keep=True) for _, id in silent), *verdicts]
        rows = [*(row for row, _ in silent), *rows]
    places = np.asarray(rows, dtype=np.int64)
    if (np.diff(places) < 0).any():
        # stable: the verdicts of a row keep their order, those of no row come last
        order = np.argsort(places, kind="stable")
        places, verdicts = places[order], [verdicts[i] for i in order.tolist()]
    sink = io.BytesIO()
    pq.write_table(
        _table({"row": known(places, places < len(ids))} | _columns(verdicts)),
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
    return {"row": [row for row, _ in lines]} | _columns([verdict for _, verdict in lines])


def _columns(verdicts: Sequence[Verdict]) -> Columns:
    return {
        "id": [v.id for v in verdicts],
        "check": [v.check for v in verdicts],
        "keep": [v.keep for v in verdicts],
        "reason": [v.reason for v in verdicts],
        "score": [v.score for v in verdicts],
        "threshold": [v.threshold for v in verdicts],
        "evidence": [v.evidence for v in verdicts],
        "cost": [v.cost for v in verdicts],
    }


def _table(columns: Columns) -> pa.Table:
    import pyarrow as pa

    from seestep.columns import flags, integers, numbers, texts

    makers = {
        "row": integers,
        "keep": flags,
        "score": numbers,
        "threshold": numbers,
        "cost": integers,
    }
    return pa.table(
        {
            name: makers.get(name, texts)(column) if isinstance(column, list) else column
            for name, column in columns.items()
        }
    )


def read(path: Path, checks: Collection[str] | None = None) -> Iterator[tuple[int | None, Verdict]]:
    """(row in the part file or None, verdict) for every line of a ledger file, or those of some
    ``checks``; one that was written before there was a cost tells none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from seestep.columns import listed

    try:
        file = pq.ParquetFile(path, read_dictionary=["id", "check", "reason", "evidence"])
        there = set(file.schema_arrow.names)
        names = ["row", *(name for name in COLUMNS if name in there or name != "cost")]
        for batch in file.iter_batches(columns=names):
            columns = list(map(listed, map(batch.column, names)))
            if "cost" not in there:
                columns.append([None] * len(batch))
            for row, id, check, keep, reason, score, threshold, evidence, cost in zip(
                *columns, strict=True
            ):
                if checks is None or check in checks:
                    yield (
                        row,
                        Verdict(
                            id=id,
                            check=check,
                            keep=keep,
                            reason=reason,
                            score=score,
                            threshold=threshold,
                            evidence=evidence,
                            cost=cost,
                        ),
                    )
    except (pa.ArrowException, OSError) as error:
        raise RunError(f"this ledger cannot be read: {error}", file=path) from error
