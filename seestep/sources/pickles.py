"""Pickles of plain data, read without running anything that stands in them.

A pickle is a program: Python's own reader imports and calls whatever it names. Here a small machine
of our own knows the opcodes of plain data (numbers, texts, bytes, lists, tuples, dicts with text
keys), and ``arrays`` has stand-ins for the names with which numpy writes arrays. Nothing is
imported and nothing is called; any other name is a ``DataError`` that tells it. What is read is
bounded by what it holds and by how deep it nests. Opcodes: CPython's Lib/pickletools.py.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, NoReturn

from seestep.errors import DataError
from seestep.sources.arrays import ALLOWED, Dtype, Name, Unfilled, call, filled, sized

MOST: Final = 1 << 30  # bytes that one value may hold
SMALL: Final = 1 << 25  # bytes of a file that is read as one value
DEEP: Final = 32  # lists in lists
WIDE: Final = 20_000  # values that wait to be put into a list; Python writes at most 2000
COST: Final = 64  # bytes that a value takes beside its content
KEPT: Final = 256  # length of a text that later elements may refer to
LINE: Final = 1 << 16
HINT: Final = "if you trust the file, open it with Python and save plain lists and numpy arrays"
_NPY: Final = re.compile(
    rb"\{'descr': '(?P<descr>[^']{1,40})', 'fortran_order': (?:True|False), "
    rb"'shape': \((?P<shape>(?:\d{1,15}(?:, \d{1,15})*,?)?)\), \}\s*"
)
"""The header that numpy.save writes (numpy.lib.format): its keys are sorted."""
_WRONG = (ValueError, IndexError, KeyError, TypeError, OverflowError, struct.error)


def load(stream: BufferedReader, path: Path) -> Any:
    """The one value of a pickle: plain data, and numpy arrays of numbers (read-only).

    Raises ``DataError`` for any other name in it, and where it is too large, too deep or cut off.
    """
    size = os.fstat(stream.fileno()).st_size
    if size > SMALL:
        raise DataError(
            "this pickle is too large",
            file=path,
            wanted=f"at most {SMALL:,} bytes",
            got=f"{size:,}",
            hint="it may be another file",
        )
    machine = _Machine(stream, path)
    list(machine.run())
    return machine.result


def elements(stream: BufferedReader, path: Path) -> Iterator[Any]:
    """The elements of an ``.npy`` file of Python objects, one in memory at a time.

    Raises ``DataError`` as ``load`` does, and when there are not as many as the header says.
    """
    count = _header(stream, path)
    if not count:
        return
    machine = _Machine(stream, path, apart=True)
    found = 0
    for element in machine.run():
        found += 1
        yield element
    if found != count:
        raise DataError(
            "this file has not as many elements as its header says",
            file=path,
            wanted=str(count),
            got=str(found),
        )


def _header(stream: BufferedReader, path: Path) -> int:
    """How many objects an ``.npy`` file holds: of one dimension, or nothing at all."""
    head = stream.read(12)
    long = 2 if head[6:7] == b"\x01" else 4  # bytes that tell how long the header is
    stream.seek(8)
    size = int.from_bytes(stream.read(long), "little")
    text = stream.read(size) if head.startswith(b"\x93NUMPY") and size <= LINE else b""
    match = _NPY.fullmatch(text)
    if match is None or len(text) != size:
        raise DataError("not a .npy file", file=path, record="byte 0", got=repr(head))
    if match["shape"] == b"0,":
        return 0
    if match["descr"] != b"|O" or not match["shape"].endswith(b",") or b" " in match["shape"]:
        got = f"({match['shape'].decode()}) {match['descr'].decode('latin-1')}"
        raise DataError("not a list of objects", file=path, wanted="(n,) |O", got=got)
    return int(match["shape"][:-1])


class _Machine:
    """The stack machine of pickle. With ``apart`` the elements of the outermost object array are
    given as they are complete, and forgotten."""

    def __init__(self, stream: BufferedReader, path: Path, *, apart: bool = False) -> None:
        self._stream, self._path, self._apart = stream, path, apart
        self._at = stream.tell()
        self._end = os.fstat(stream.fileno()).st_size
        self._spent = 0
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._next = 0  # of the memo
        self._fresh: list[int] = []  # memo entries since the last element
        self._outer: list[Any] | None = None  # the list of the outermost array
        self._done: list[Any] = []  # its elements that are complete
        self._given = 0
        self.result: Any = None

    def run(self) -> Iterator[Any]:
        """Read to the end; the value is ``result``."""
        while (op := self._step()) != b".":
            if op == b"}" and self._begun():
                self._done.append(self._stack.pop(0))
            while self._done:
                yield self._give(self._done.pop(0))
        if self._apart and not self._given and type(self.result) is list:
            for element in self.result:
                yield self._give(element)

    def _step(self) -> bytes:
        place = self._at
        try:
            op = self._take(1)
            if op == b".":
                (self.result,) = self._stack
                self._shallow(self.result)
                return op
            self._spend(COST)
            if op not in _STEPS:
                self._refuse(_REFUSED.get(op, f"opcode {op!r}"))
            _STEPS[op](self)
            if len(self._stack) > WIDE or len(self._marks) > DEEP:
                raise ValueError("it nests too deeply")
        except _WRONG as error:
            raise DataError(
                f"not a pickle that can be read: {_said(error)}",
                file=self._path,
                record=f"byte {place}",
                hint="the file may be damaged; fetch it again",
            ) from error
        return op

    def _begun(self) -> bool:
        """Whether an element of the outermost array was begun after one that thus is complete."""
        marks = self._marks
        if self._outer is None or len(marks) != 2 or len(self._stack) < 2:
            return False
        return marks[1][-1] is self._outer

    def _give(self, element: Any) -> Any:
        self._shallow(element)
        for index in self._fresh:
            if not _light(self._memo.get(index)):
                self._memo.pop(index, None)
        self._fresh.clear()
        self._spent = 0
        self._given += 1
        return element

    def _shallow(self, value: Any) -> None:
        level: list[Any] = [[value]]
        seen: set[int] = set()
        for _ in range(DEEP):
            below: list[Any] = []
            for holder in level:
                for part in holder.values() if type(holder) is dict else holder:
                    if type(part) in (list, tuple, dict) and id(part) not in seen:
                        seen.add(id(part))
                        below.append(part)
            if not below:
                return
            level = below
        raise DataError(f"more than {DEEP} lists in lists", file=self._path, hint=HINT)

    def _refuse(self, name: str) -> NoReturn:
        raise DataError(
            f"this pickle asks for {name}, which is not run",
            file=self._path,
            record=f"byte {self._at - 1}",
            hint=HINT,
        )

    def _spend(self, count: int) -> None:
        self._spent += count
        if self._spent > MOST:
            raise DataError(
                f"a value of more than {MOST:,} bytes", file=self._path, record=f"byte {self._at}"
            )

    def _take(self, count: int) -> bytes:
        if count > self._end - self._at:
            raise DataError(
                "this pickle is cut off",
                file=self._path,
                record=f"byte {self._at}",
                wanted=f"{count} more bytes",
                got=str(self._end - self._at),
                hint="fetch the file again",
            )
        self._spend(count)
        data = self._stream.read(count)
        if len(data) != count:
            raise ValueError("the file became shorter while it was read")
        self._at += count
        return data

    def _number(self, format: str) -> int:
        return int(struct.unpack(format, self._take(struct.calcsize(format)))[0])

    def _line(self) -> bytes:
        line = self._stream.readline(LINE)
        self._at += len(line)
        self._spend(len(line))
        if not line.endswith(b"\n"):
            raise ValueError("a line does not end")
        return line[:-1]

    # --- what the opcodes do --------------------------------------------------------------------

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _popped(self) -> list[Any]:
        """The values since the last mark."""
        values, self._stack = self._stack, self._marks.pop()
        return values

    def _empty_list(self) -> None:
        made: list[Any] = []
        if self._apart and self._outer is None and len(self._marks) == 1:
            below = self._marks[0]
            if len(below) == 1 and isinstance(below[0], Unfilled) and len(self._stack) == 4:
                self._outer = made
        self._push(made)

    def _extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if target is self._outer:
            self._done += values
        elif type(target) is list:
            target += values
        else:
            raise ValueError("something is added to what is no list")

    def _set(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not dict:
            raise ValueError("a key is set in what is no dict")
        if not all(type(key) is str for key in values[::2]):
            raise ValueError("a key that is no text")
        target.update(zip(values[::2], values[1::2], strict=True))

    def _dict(self) -> None:
        values = self._popped()
        self._push({})
        self._set(values)

    def _tuple(self, count: int) -> None:
        if len(self._stack) < count:
            raise IndexError
        self._stack[-count:] = [tuple(self._stack[-count:])]

    def _put(self, index: int) -> None:
        value = self._stack[-1]
        if isinstance(value, Unfilled):
            value.slots.append(index)
        self._memo[index] = value
        self._fresh.append(index)
        self._next = max(self._next, index + 1)

    def _name(self, module: Any, name: Any) -> None:
        if type(name) is not str or type(module) is not str:
            raise ValueError("a name that is no text")
        if (module, name) not in ALLOWED:
            self._refuse(f"{module}.{name}")
        self._push(Name(ALLOWED[module, name]))

    def _stack_name(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._name(module, name)

    def _reduce(self) -> None:
        args, called = self._stack.pop(), self._stack.pop()
        if not isinstance(called, Name) or type(args) is not tuple:
            raise ValueError("something is called that is no name")
        made = call(called.name, args)
        self._spend(len(made) if type(made) is bytes else 0)
        self._push(made)

    def _build(self) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if type(state) is not tuple:
            raise ValueError("a state that is no tuple")
        if isinstance(target, Dtype):
            target.set(state)
        elif isinstance(target, Unfilled):
            array = self._array(*state[-4:])
            self._stack[-1] = array
            for index in target.slots:
                self._memo[index] = array
        else:
            raise ValueError("a state is set of what is no array")

    def _array(self, shape: Any, dtype: Any, fortran: Any, raw: Any) -> Any:
        if type(raw) is list and isinstance(dtype, Dtype) and dtype.objects:
            there = self._given + len(self._done) if raw is self._outer else len(raw)
            if not sized(shape) or shape != (there,):
                raise ValueError(f"an array of shape {str(shape)[:60]} with {there} objects")
            return raw
        if type(raw) is str:  # how Python 2 wrote bytes
            self._spend(len(raw))
            raw = raw.encode("latin-1")
        return filled(shape, dtype, raw, order="F" if fortran else "C")


def _said(error: BaseException) -> str:
    if type(error) is KeyError:
        return "it refers to a value that is not there"
    if type(error) is IndexError:
        return "a value is missing"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _light(value: Any) -> bool:
    """What later elements may refer to, as it holds little."""
    if isinstance(value, (Name, Dtype)) or value is None:
        return True
    return type(value) in (str, bytes) and len(value) <= (KEPT if type(value) is str else 8)


_Step = Callable[[_Machine], object]


def _pushes(make: Callable[[_Machine], Any]) -> _Step:
    return lambda machine: machine._push(make(machine))


def _sized(format: str, make: Callable[[bytes], Any] = lambda data: data) -> _Step:
    """Pushes what ``make`` reads of the bytes whose count stands before them as ``format``."""
    return _pushes(lambda m: make(m._take(m._number(format))))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _old_text(data: bytes) -> str:
    return data.decode("latin-1")


def _integer(line: bytes) -> int | bool:
    return line == b"01" if line in (b"00", b"01") else int(line)


_STEPS: Final[dict[bytes, _Step]] = {
    b"\x80": lambda m: m._take(1),  # the protocol
    b"\x95": lambda m: m._take(8),  # a frame
    b"(": _Machine._mark,
    b"N": _pushes(lambda m: None),
    b"\x88": _pushes(lambda m: True),
    b"\x89": _pushes(lambda m: False),
    b"I": _pushes(lambda m: _integer(m._line())),
    b"J": _pushes(lambda m: m._number("<i")),
    b"K": _pushes(lambda m: m._number("<B")),
    b"M": _pushes(lambda m: m._number("<H")),
    b"L": _pushes(lambda m: int(m._line().rstrip(b"L"))),
    b"\x8a": _sized("<B", lambda data: int.from_bytes(data, "little", signed=True)),
    b"F": _pushes(lambda m: float(m._line())),
    b"G": _pushes(lambda m: struct.unpack(">d", m._take(8))[0]),
    b"T": _sized("<I", _old_text),
    b"U": _sized("<B", _old_text),
    b"B": _sized("<I"),
    b"C": _sized("<B"),
    b"\x8e": _sized("<Q"),
    b"\x96": _sized("<Q"),
    b"V": _pushes(lambda m: m._line().decode("raw-unicode-escape")),
    b"X": _sized("<I", _text),
    b"\x8c": _sized("<B", _text),
    b"\x8d": _sized("<Q", _text),
    b"]": _Machine._empty_list,
    b"a": lambda m: m._extend([m._stack.pop()]),
    b"e": lambda m: m._extend(m._popped()),
    b"l": lambda m: m._push(m._popped()),
    b")": _pushes(lambda m: ()),
    b"t": lambda m: m._push(tuple(m._popped())),
    b"\x85": lambda m: m._tuple(1),
    b"\x86": lambda m: m._tuple(2),
    b"\x87": lambda m: m._tuple(3),
    b"}": _pushes(lambda m: {}),
    b"d": _Machine._dict,
    b"s": lambda m: m._set([m._stack.pop(-2), m._stack.pop()]),
    b"u": lambda m: m._set(m._popped()),
    b"g": _pushes(lambda m: m._memo[int(m._line())]),
    b"h": _pushes(lambda m: m._memo[m._number("<B")]),
    b"j": _pushes(lambda m: m._memo[m._number("<I")]),
    b"p": lambda m: m._put(int(m._line())),
    b"q": lambda m: m._put(m._number("<B")),
    b"r": lambda m: m._put(m._number("<I")),
    b"\x94": lambda m: m._put(m._next),
    b"c": lambda m: m._name(_text(m._line()), _text(m._line())),
    b"\x93": _Machine._stack_name,
    b"R": _Machine._reduce,
    b"b": _Machine._build,
}
_REFUSED: Final = {
    b"i": "a class by name (INST)",
    b"o": "a class (OBJ)",
    b"\x81": "a class (NEWOBJ)",
    b"\x92": "a class (NEWOBJ_EX)",
    b"P": "an object from elsewhere (PERSID)",
    b"Q": "an object from elsewhere (BINPERSID)",
    b"\x82": "a registered class (EXT1)",
    b"\x83": "a registered class (EXT2)",
    b"\x84": "a registered class (EXT4)",
    b"\x97": "a buffer from elsewhere (NEXT_BUFFER)",
    b"\x8f": "a set",
    b"\x91": "a frozen set",
}
