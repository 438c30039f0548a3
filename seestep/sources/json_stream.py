"""Giant JSON lists, element by element at flat memory.

Official files are one list of a million objects, or one object whose keys hold such lists. Where
the last whole element of a chunk ends is told by counting braces, as if none stood in a text; a
chunk cut in the wrong place cannot be decoded, and is then cut again with an eye on quotes. All
elements of a chunk are decoded at once, into typed rows if asked: what a row does not name is
passed over, which makes most of the speed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep.errors import DataError
from seestep.sources import bad
from seestep.twice import named_twice

CHUNK = 1 << 16
FIRST = 1 << 22  # bytes of a file in which keys that stand twice are looked for; all if thorough
MOST = 1 << 28  # bytes of one element; an entry of Visual Genome's scene graphs has 0.2 million
_SPACE = b" \t\r\n"
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_WHERE = re.compile(r" \(byte \d+\)| - at `[^`]*`")
_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
ENCODING = "save it as UTF-8: iconv -f GB18030 -t UTF-8 (or -f UTF-16) FILE"
_Decode = Callable[[bytes], list[Any]]
_STEP = np.zeros(256, dtype=np.int8)
_STEP[[0x5B, 0x7B]], _STEP[[0x5D, 0x7D]] = 1, -1  # [ { and ] }


class TwiceError(msgspec.DecodeError):
    """A key stands twice in one object."""


class JsonStream:
    """A JSON file read forwards, one value at a time."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path = stream, path
        self._kind: Any = Any
        self._data, self._at = b"", 0  # what was read and not used yet, and where in the file
        if self._more() and self._data.startswith(b"\xef\xbb\xbf"):
            self._drop(3)

    def elements(self, kind: Any = Any) -> Iterator[Any]:
        """The objects or lists in the list that comes next, each as a ``kind``."""
        decoder = msgspec.json.Decoder(list[kind])
        self._kind = kind
        self._open()
        number = 0
        if self._next() == b"]":
            self._take(b"]")
            return
        while True:
            if self._next() not in b"[{":
                got = self._data[:40]
                raise self._error("not an object or list", row=number, got=got)
            rows, count = self._rows(decoder, number)
            number += count
            yield from rows
            del rows  # or they stay while the next are made
            if self._take(b",]") == b"]":
                return

    def key(self, name: str) -> bool:
        """Go to the value of ``name`` in the object that comes next, past those before it."""
        self._take(b"{")
        if self._next() == b"}":
            return False
        while True:
            if self._name() == name:
                return True
            self.skip()
            if self._take(b",}") == b"}":
                return False

    def names(self) -> Iterator[str]:
        """The keys of the object that comes next; each one's value is read before the next key."""
        self._take(b"{")
        if self._next() == b"}":
            self._take(b"}")
            return
        while True:
            yield self._name()
            if self._take(b",}") == b"}":
                return

    def rest(self) -> None:
        """Past the keys after the one that ``key`` found, to the end of the file."""
        while self._take(b",}") == b",":
            self._name()
            self.skip()
        self.end()

    def value(self) -> Any:
        """The value that comes next, whole."""
        first = self._next()
        start = self._at
        if first in b"[{":
            return self._decode(self._nested(), start)
        return self._decode(self._plain(), start)

    def skip(self) -> None:
        """Go past the value that comes next; only its brackets and quotes are looked at."""
        first = self._next()
        if first == b"{":
            self._nested()
        elif first != b"[":
            self._plain()
        else:
            self._take(b"[")
            while (first := self._next()) != b"]":
                if first in b"[{":
                    self._whole()
                elif first == b",":
                    self._take(b",")
                else:
                    self._to_bracket()
            self._take(b"]")

    def end(self) -> None:
        """Nothing but blanks may follow."""
        if self._next(least=False):
            raise self._error("there is more after the end of the JSON value")

    # --- lists ---

    def _open(self) -> None:
        if (first := self._next()) != b"[":
            hint = ENCODING if self._data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
            if first == b"{":
                hint = "one object, or JSON lines; is it another file of the data set?"
            raise self._error("not a JSON list", got=self._data[:40], hint=hint)
        self._take(b"[")

    def _rows(
        self, decoder: msgspec.json.Decoder[list[Any]], number: int
    ) -> tuple[Iterable[Any], int]:
        """The whole elements that were read, at least one, and how many."""
        if len(self._data) < CHUNK:
            self._more()
        end = self._guess()
        decode = self._decoding(decoder)
        if end:
            # wrong where a text holds a brace, the list ends or an element is damaged: cut again
            with suppress(*_UNREADABLE):
                rows = decode(self._data[:end])
                self._drop(end)
                return rows, len(rows)
        start, data, ends = self._whole()
        with suppress(*_UNREADABLE):
            rows = decode(data)
            return rows, len(rows)
        return self._one_by_one(decode, data, start, ends, number), len(ends)

    def _decoding(self, decoder: msgspec.json.Decoder[list[Any]]) -> _Decode:
        """Decodes the elements between the brackets of a list."""
        if self._at >= FIRST and not bad.thorough():
            return lambda data: decoder.decode(b"[" + data + b"]")

        def careful(data: bytes) -> list[Any]:
            rows = decoder.decode(b"[" + data + b"]")
            _no_key_twice(b"[" + data + b"]")
            return rows

        return careful

    def _one_by_one(
        self,
        decode: _Decode,
        data: bytes,
        start: int,
        ends: Sequence[int],
        number: int,
    ) -> Iterator[Any]:
        """The elements of ``data`` that can be read; the others are counted in their turn, or
        raise."""
        at = 0
        for k, end in enumerate(ends):
            element = data[at : end + 1].lstrip(_SPACE + b",")
            place = start + end + 1 - len(element)
            try:
                rows = decode(element)
            except _UNREADABLE as error:
                if (row := self._mended(error, element, place)) is not None:
                    yield row
                    at = end + 1
                    continue
                wrong = self._undecoded(error, place - 1, number + k, element)
                reason = _WHERE.sub("", wrong.what)  # one reason for all that are wrong alike
                if not bad.count(self._path, wrong.record or f"byte {place}", reason):
                    raise wrong from error
            else:
                yield from rows
            at = end + 1

    def _mended(self, error: Exception, element: bytes, place: int) -> Any:
        """The row without those of its ``PARTS`` that are not as documented, each of them counted;
        None where nobody counts or more is wrong than that."""
        parts: tuple[str, Any] | None = getattr(self._kind, "PARTS", None)
        if parts is None or not isinstance(error, msgspec.ValidationError):
            return None
        name, kind = parts
        try:
            row = msgspec.json.decode(element)
        except _UNREADABLE:  # too deep, where nobody looks for a documented row
            return None
        if not isinstance(row, dict) or not isinstance(row.get(name), list):
            return None
        good, wrong = [], []
        for number, part in enumerate(row[name]):
            try:
                msgspec.convert(part, kind)
                good.append(part)
            except msgspec.ValidationError as error:
                wrong.append((number, _WHERE.sub("", str(error))))
        with suppress(msgspec.ValidationError):
            made = msgspec.convert(row | {name: good}, self._kind)
            counted = [
                bad.count(
                    self._path,
                    f"byte {place}, {name} {number}",
                    f"not as documented: {reason}",
                    whole=False,
                )
                for number, reason in wrong
            ]
            return made if wrong and all(counted) else None
        return None

    def _guess(self) -> int:
        """Where the last whole object ends if no text holds a brace; 0 where there is none."""
        data = self._data
        open_ = data.count(b"{") - data.count(b"}")
        end = len(data)
        while open_ > 0:  # back over the object that is cut off
            brace = max(data.rfind(b"{", 0, end), data.rfind(b"}", 0, end))
            if brace < 0:
                return 0
            open_ += 1 if data[brace] == 0x7D else -1
            end = brace
        return data.rfind(b"}", 0, end) + 1 if not open_ else 0

    def _whole(self) -> tuple[int, bytes, list[int]]:
        """All whole elements that were read, at least one: where the first starts, their bytes,
        and where in these each one ends."""
        while not len(ends := self._ends()):
            if len(self._data) > MOST:
                raise self._error(f"one element has more than {MOST >> 20} MiB")
            if not self._more(max(CHUNK, len(self._data))):
                raise self._error("the file ends inside a list")
        start = self._at
        return start, self._cut(int(ends[-1]) + 1), ends.tolist()

    def _ends(self) -> NDArray[np.int64]:
        """Where elements at the outermost level of ``_data`` end."""
        where, step = self._brackets()
        depth = np.cumsum(step, dtype=np.int64)
        below = np.flatnonzero(depth < 0)
        stop = int(below[0]) if len(below) else len(depth)
        ends: NDArray[np.int64] = where[:stop][(depth[:stop] == 0) & (step[:stop] < 0)]
        return ends

    def _brackets(self) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Positions of brackets outside strings, and +1 or -1 of each."""
        data = np.frombuffer(self._data, dtype=np.uint8)
        step = _STEP[data]
        where = np.flatnonzero(step)
        quotes = self._quotes(data)
        where = where[np.searchsorted(quotes, where) % 2 == 0]
        return where, step[where]

    def _quotes(self, data: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Positions of the quotes that begin and end strings."""
        quotes = np.flatnonzero(data == 0x22)
        if not len(quotes) or b'\\"' not in self._data:
            return quotes
        after = quotes[quotes > 0]
        suspects = after[data[after - 1] == 0x5C]
        escaped = [q for q in suspects.tolist() if self._backslashes(q) % 2]
        return np.setdiff1d(quotes, escaped, assume_unique=True)

    def _backslashes(self, end: int) -> int:
        count = 0
        while end - count > 0 and self._data[end - count - 1] == 0x5C:
            count += 1
        return count

    # --- single values ---

    def _nested(self) -> bytes:
        """The bytes of the object or list that comes next."""
        while not len(ends := self._ends()):
            if not self._more(max(CHUNK, len(self._data))):
                raise self._error("the file ends inside a value")
        return self._cut(int(ends[0]) + 1)

    def _name(self) -> Any:
        start = self._at
        name = self._decode(self._string(), start)
        self._take(b":")
        return name

    def _string(self) -> bytes:
        if self._next() != b'"':
            raise self._error("wanted the name of a key", got=self._data[:40])
        while True:
            quotes = self._quotes(np.frombuffer(self._data, dtype=np.uint8))
            if len(quotes) > 1:
                return self._cut(int(quotes[1]) + 1)
            if not self._more():
                raise self._error("the file ends inside a text")

    def _plain(self) -> bytes:
        """The bytes of the text, number or word that comes next."""
        if self._next() == b'"':
            return self._string()
        size = 0
        while True:
            while size < len(self._data) and self._data[size] not in b",]} \t\r\n":
                size += 1
            if size < len(self._data) or not self._more():
                return self._cut(size)

    def _to_bracket(self) -> None:
        """Past plain values, to the next bracket outside strings."""
        while not len(where := self._brackets()[0]):
            if len(self._data) > MOST or not self._more(max(CHUNK, len(self._data))):
                raise self._error("the file ends inside a list")
        self._drop(int(where[0]))

    # --- bytes ---

    def _decode(self, data: bytes, start: int) -> Any:
        try:
            value = msgspec.json.decode(data)
            if start < FIRST or bad.thorough():
                _no_key_twice(data)
        except _UNREADABLE as error:
            raise self._undecoded(error, start) from error
        return value

    def _next(self, *, least: bool = True) -> bytes:
        """The next byte that is no blank, which stays; b"" at the end unless ``least``."""
        while True:
            stripped = self._data.lstrip(_SPACE)
            self._drop(len(self._data) - len(stripped))
            if self._data:
                return self._data[:1]
            if not self._more():
                if least:
                    raise self._error("the file ends too early")
                return b""

    def _take(self, wanted: bytes) -> bytes:
        found = self._next()
        if found not in wanted:
            words = " or ".join(chr(c) for c in wanted)
            raise self._error("not valid JSON", wanted=words, got=self._data[:40])
        self._drop(1)
        return found

    def _cut(self, size: int) -> bytes:
        data = self._data[:size]
        self._drop(size)
        return data

    def _drop(self, size: int) -> None:
        if size:
            self._data, self._at = self._data[size:], self._at + size

    def _more(self, size: int | None = None) -> bool:
        read = self._stream.read(size or CHUNK)
        self._data += read
        return bool(read)

    def _undecoded(
        self, error: Exception, start: int, number: int = 0, data: bytes = b""
    ) -> DataError:
        """Of bytes that begin at ``start`` and hold the elements from ``number`` on."""
        said = str(error).splitlines()[0]
        if isinstance(error, UnicodeDecodeError):
            return DataError(
                "not UTF-8", file=self._path, record=f"after byte {start}", hint=ENCODING
            )
        if isinstance(error, TwiceError):
            hint = "which of its values is meant is not said; keep one of them"
            return DataError(said, file=self._path, record=f"after byte {start}", hint=hint)
        if _HALF.search(data):
            said = "half a character (a lone surrogate)"
        if isinstance(error, msgspec.ValidationError):
            told = re.sub(r"\$\[(\d+)\]", lambda m: f"$[{number + int(m[1])}]", said)
            hint = "$[n] is the n-th element; the file may be of another release"
            return DataError(f"not as documented: {told}", file=self._path, hint=hint)
        byte = re.search(r"\(byte (\d+)\)", said)
        return DataError(
            f"not valid JSON: {said}",
            file=self._path,
            record=f"byte {start + int(byte[1])}" if byte else f"after byte {start}",
            hint="the download may have been cut off; fetch the file again",
        )

    def _error(
        self,
        what: str,
        *,
        row: int | None = None,
        wanted: str | None = None,
        got: bytes = b"",
        hint: str = "",
    ) -> DataError:
        return DataError(
            what,
            file=self._path,
            record=f"byte {self._at}" + (f", element {row}" if row else ""),
            wanted=wanted,
            got=repr(got.decode("utf-8", "replace")) if got else None,
            hint=hint or "the download may have been cut off; fetch the file again",
        )


def _no_key_twice(data: bytes) -> None:
    if (key := named_twice(data)) is not None:
        raise TwiceError(f"the key {key!r} stands twice in one object")
