"""Rows of files that cannot be read: counted with their place, fatal when they are many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from seestep.errors import DataError
from seestep.records import Provenance, Verdict
from seestep.sources import make

FEW: Final = 20  # unreadable rows that any file may have
SHARE: Final = 0.01  # and of more, the share of all rows
LATE: Final = 5_000  # more, until all rows are read: they may stand together before the good ones
S = TypeVar("S")
T = TypeVar("T")
UNLIKE = (KeyError, IndexError, TypeError, ValueError, AttributeError)  # what odd rows raise
_END: Final = object()


class BadRow(NamedTuple):
    """``place`` is a byte offset or a line."""

    file: Path
    place: str
    reason: str
    whole: bool = True  # False: a part of a row that is read without it


_counted: ContextVar[list[BadRow] | None] = ContextVar("bad_rows", default=None)
_rows: ContextVar[list[int] | None] = ContextVar("rows", default=None)  # how many were read
_thorough: ContextVar[bool] = ContextVar("thorough", default=False)


def count(file: Path, place: str, reason: str, *, whole: bool = True) -> bool:
    """Note a row that cannot be read, or a part of one that is read without it. False where nobody
    counts: then the reader must raise."""
    found = _counted.get()
    if found is None:
        return False
    found.append(BadRow(file, place, reason, whole))
    return True


def skip(error: DataError | OSError, file: Path, place: str) -> None:
    """Note what stands at ``place`` as a row that cannot be read; where nobody counts, raise."""
    if isinstance(error, OSError):
        error = DataError(f"cannot be read: {error.strerror}", file=error.filename or file)
    told = (("wanted", error.wanted), ("got", error.got))
    said = ", ".join(f"{word} {value}" for word, value in told if value is not None)
    reason = f"{error.what} ({said})" if said else error.what
    if not count(Path(error.file or file), place, reason):
        raise error


def each(
    rows: Iterable[S],
    where: Provenance,
    made: Callable[[int, S], Iterator[T]],
    name: str = "row",
) -> Iterator[T]:
    """What ``made`` yields of every row and its number; a row in which something is missing or of
    another type than its owners document is counted as one that cannot be read. ``name``: what a
    row is called in its place.

    A row that ``rows`` could not read has a number too: they are those of the file."""
    found, number = iter(rows), -1
    while True:
        before = _heard()
        row = next(found, _END)
        number += 1 + _heard() - before
        if row is _END:
            return
        try:
            yield from made(number, row)  # type: ignore[arg-type]
            _note_row()
        except UNLIKE as error:
            reason = f"not as documented: {wrong(error)}"
            if not count(Path(where.file), f"{name} {number}", reason):
                raise


def _heard() -> int:
    return sum(row.whole for row in _counted.get() or ())


def _note_row() -> None:
    if (rows := _rows.get()) is not None:
        rows[0] += 1


def wrong(error: Exception) -> str:
    """What one of ``UNLIKE`` says of a row."""
    return f"there is no {error}" if isinstance(error, KeyError) else str(error)


@contextmanager
def unheard() -> Iterator[None]:
    """What cannot be read is not noted in here, as it is read once more."""
    token = _counted.set([])
    try:
        yield
    finally:
        _counted.reset(token)


def thorough() -> bool:
    """True where readers should look for all that may be wrong, whatever time it takes."""
    return _thorough.get()


def with_bad(
    rows: Iterator[T], source: str, *, most: float = SHARE, whole: bool = False
) -> Iterator[T | Verdict]:
    """``rows``, and a verdict for each that their readers could not read, in its place.

    With ``whole`` the readers are ``thorough``.
    Raises ``DataError`` when more than ``FEW`` rows and more than the share ``most`` of all cannot,
    or none can.
    """
    bad: list[BadRow] = []
    last = BadRow(Path(), "", "")
    made = lost = 0
    rows_read = [0]
    while True:
        token, all_, some = _counted.set(bad), _thorough.set(whole), _rows.set(rows_read)
        try:
            row = next(rows, _END)
        finally:
            _counted.reset(token)
            _thorough.reset(all_)
            _rows.reset(some)
        read = rows_read[0] or made  # a row may bring many records, or none
        lost, last = lost + len(bad), bad[-1] if bad else last
        room = 0 if row is _END else LATE
        if lost > max(FEW, most * (read + lost)) + room:
            raise DataError(
                f"too many rows cannot be read; the last: {last.reason}",
                file=last.file,
                record=last.place,
                wanted=f"at most {FEW}, or {most:.0%} of all",
                got=f"{lost} of {read + lost}",
                hint="the file may be damaged or of another release; fetch it again",
            )
        if row is _END and lost and not read:
            raise DataError(
                f"no row can be read; the last: {last.reason}",
                file=last.file,
                record=last.place,
                hint="the file may be damaged or of another release; fetch it again",
            )
        for found in bad:
            id = f"{source}:{found.file.name} {found.place}"
            yield make.dropped(id, "unreadable", found.reason, found.place)
        if row is _END:
            return
        bad.clear()
        made += 1
        yield row  # type: ignore[misc]
