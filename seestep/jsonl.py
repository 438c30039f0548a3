"""JSON lines: strict for our own files, lenient with a ledger for files that users bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from seestep.disk import open_regular
from seestep.errors import DataError
from seestep.records import Verdict
from seestep.twice import named_twice

MAX_LINE_BYTES = 64 * 2**20
_BOM = b"\xef\xbb\xbf"
T = TypeVar("T")


def read_jsonl(path: Path, kind: type[T]) -> Iterator[T]:
    """Every row of a file that must be whole; ``DataError`` names the line and byte offset."""
    decode = msgspec.json.Decoder(kind).decode
    for number, offset, line in each_line(path):
        row, wrong = _decode(decode, line, kind)
        if wrong or row is None:
            raise DataError(
                wrong,
                file=path,
                record=f"line {number}, byte {offset}",
                hint="the file was cut off, edited, or written by another version",
            )
        yield row


def read_jsonl_lenient(
    path: Path, kind: type[T], *, bad: list[Verdict], max_bad: float = 0.01
) -> Iterator[T]:
    """Rows of a file from outside; lines that cannot be read become verdicts in ``bad``.

    Args:
        path: UTF-8, with or without a byte order mark; a line ends with a line feed only.
        kind: what a line must hold (a noun, or ``dict``).
        bad: receives a Verdict "jsonl" for each bad line, with its line number and byte offset
            as evidence.
        max_bad: the share of bad lines above which the file is refused, told at its end.

    Raises ``DataError`` when the file is missing, not regular, or has more bad lines than that.
    """
    for _, _, row in read_lines_lenient(path, kind, bad=bad, max_bad=max_bad):
        if row is not None:
            yield row


def read_lines_lenient(
    path: Path, kind: type[T], *, bad: list[Verdict], max_bad: float = 0.01
) -> Iterator[tuple[int, bytes, T | None]]:
    """(number from 1, the line as it stands, its row) of every line of ``read_jsonl_lenient``; the
    row is None where the line cannot be read."""
    decode = msgspec.json.Decoder(kind).decode
    total, first, refused = 0, "", 0
    for number, offset, line in each_line(path):
        total += 1
        row, wrong = _decode(decode, line, kind)
        if row is not None and not wrong:
            yield number, line, row
            continue
        if not line.endswith(b"\n"):
            wrong = f"torn last line: {wrong}"
        refused += 1
        first = first or f"line {number}: {wrong}"
        bad.append(
            Verdict(
                id=f"{Path(path).name}:{number}",
                check="jsonl",
                keep=False,
                reason=wrong,
                evidence=f"line {number}, byte {offset}",
            )
        )
        yield number, line, None
    if refused > max_bad * total:
        raise DataError(
            f"{refused} of {total} lines cannot be read, first {first}",
            file=path,
            wanted=f"at most {max_bad:.1%} bad lines",
            got=f"{refused / total:.1%}",
            hint="repair the file, or allow more bad lines",
        )


def each_line(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """(line number from 1, byte offset, line with its line feed); blank lines are passed over."""
    offset = 0
    with open_regular(path) as file:
        for number in range(1, 2**62):
            line = file.readline(MAX_LINE_BYTES)
            if not line:
                return
            start, offset = offset, offset + len(line)
            more = line
            while len(line) == MAX_LINE_BYTES and more and not more.endswith(b"\n"):
                more = file.readline(MAX_LINE_BYTES)
                offset += len(more)  # the rest of a monstrous line is skipped, not kept
            if number == 1 and line.startswith(_BOM):
                line = line[len(_BOM) :]
            if line.strip():
                yield number, start, line


def _decode(decode: Callable[[bytes], T], line: bytes, kind: type[T]) -> tuple[T | None, str]:
    if len(line) >= MAX_LINE_BYTES:
        return None, f"longer than {MAX_LINE_BYTES:,} bytes"
    try:
        row = decode(line)
        twice = named_twice(line, row) if kind is dict else None  # our own rows are written by us
        if twice is not None:
            return None, f"the key {twice!r} stands twice in one object"
        return row, ""
    except UnicodeDecodeError:
        return None, "not UTF-8"
    except RecursionError:
        return None, "nested too deeply"
    except msgspec.DecodeError as error:
        return None, f"not a valid {getattr(kind, '__name__', kind)}: {error}"
