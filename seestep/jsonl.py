"""JSON lines: strict for our own files, lenient with a ledger for files that users bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from seestep.disk import open_regular
from seestep.errors import DataError
from seestep.records import Verdict
from seestep.twice import named_twice, none_twice

MAX_LINE_BYTES = 64 * 2**20
BLOCK_BYTES = 2**18  # four times as much is held for a moment
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
    decode = msgspec.json.Decoder(kind).decode
    tally = _Tally(Path(path), bad)
    for number, offset, line in each_line(path):
        row, wrong = _decode(decode, line, kind)
        if row is not None and not wrong:
            tally.good += 1
            yield row
        else:
            tally.refuse(number, offset, line, wrong)
    tally.judge(max_bad)


def read_objects_lenient(
    path: Path, *, bad: list[Verdict], max_bad: float = 0.01
) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    """What ``read_jsonl_lenient`` reads of a file of objects, thousands of lines at a time: the
    numbers of the lines, from 1, and the objects."""
    decode = msgspec.json.Decoder(dict).decode
    tally = _Tally(Path(path), bad)
    for first, offset, lines in each_block(path):
        rows = _all_objects(decode, lines)
        numbers = list(range(first, first + len(lines)))
        if rows is None:
            numbers, rows = [], []
            for number, start, line in _each(first, offset, lines):
                row, wrong = _decode(decode, line, dict)
                if row is not None and not wrong:
                    numbers.append(number)
                    rows.append(row)
                else:
                    tally.refuse(number, start, line, wrong)
        tally.good += len(rows)
        yield numbers, rows
    tally.judge(max_bad)


def _all_objects(
    decode: Callable[[bytes], dict[str, Any]], lines: list[bytes]
) -> list[dict[str, Any]] | None:
    """The objects of lines that are all good; None where each line has to be looked at."""
    if max(map(len, lines)) >= MAX_LINE_BYTES:
        return None
    try:
        rows = list(map(decode, lines))
    except (UnicodeDecodeError, RecursionError, msgspec.DecodeError):
        return None
    return rows if none_twice(b"".join(lines), rows) else None


@dataclass
class _Tally:
    """Good lines, and verdicts on those that are refused."""

    path: Path
    bad: list[Verdict]
    good: int = 0
    refused: int = 0
    first: str = ""

    def refuse(self, number: int, offset: int, line: bytes, wrong: str) -> None:
        if not line.endswith(b"\n"):
            wrong = f"torn last line: {wrong}"
        self.refused += 1
        self.first = self.first or f"line {number}: {wrong}"
        self.bad.append(
            Verdict(
                id=f"{self.path.name}:{number}",
                check="jsonl",
                keep=False,
                reason=wrong,
                evidence=f"line {number}, byte {offset}",
            )
        )

    def judge(self, most: float) -> None:
        """Raise ``DataError`` when more than this share was refused."""
        total = self.good + self.refused
        if self.refused > most * total:
            raise DataError(
                f"{self.refused} of {total} lines cannot be read, first {self.first}",
                file=self.path,
                wanted=f"at most {most:.1%} bad lines",
                got=f"{self.refused / total:.1%}",
                hint="repair the file, or allow more bad lines",
            )


def each_line(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """(line number from 1, byte offset, line with its line feed); blank lines are passed over."""
    for first, offset, lines in each_block(path):
        yield from _each(first, offset, lines)


def each_block(path: Path) -> Iterator[tuple[int, int, list[bytes]]]:
    """(number of the first line, its byte offset, lines with their line feeds), ``BLOCK_BYTES`` of
    them at a time. Blank lines are among them; of a monstrous line only the beginning is kept."""
    number, offset = 1, 0
    with open_regular(path) as file:
        while piece := file.read(BLOCK_BYTES):
            more = b"" if piece.endswith(b"\n") else file.readline(MAX_LINE_BYTES)
            lines = BytesIO(piece + more).readlines()
            start, offset = offset, offset + len(piece) + len(more)
            while len(more) == MAX_LINE_BYTES and not more.endswith(b"\n"):
                more = file.readline(MAX_LINE_BYTES)
                offset += len(more)
            lines[-1] = lines[-1][:MAX_LINE_BYTES]
            if number == 1 and lines[0].startswith(_BOM):
                lines[0], start = lines[0][len(_BOM) :], len(_BOM)
            yield number, start, lines
            number += len(lines)


def _each(first: int, offset: int, lines: list[bytes]) -> Iterator[tuple[int, int, bytes]]:
    for number, line in enumerate(lines, first):
        if line.strip():
            yield number, offset if number > 1 else 0, line
        offset += len(line)


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
