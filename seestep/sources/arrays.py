"""Stand-ins for the names with which numpy 1 and 2 write their arrays into pickles.

``ndarray.__reduce__`` writes ``_reconstruct(ndarray, (0,), b"b")`` and a state (version, shape,
dtype, in Fortran's order, bytes); ``__reduce_ex__(5)`` writes ``_frombuffer(bytes, dtype, shape,
order)``; a number is ``scalar(dtype, bytes)``. Here each is a function that checks what it is given
and looks at the bytes; numpy's own are never called, as their C code believes the states it is set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final

import numpy as np

_ARRAYS = ("numpy.core.multiarray", "numpy._core.multiarray")  # of numpy 1 and of numpy 2
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")
ALLOWED: Final = {
    **{(module, name): name for module in _ARRAYS for name in ("_reconstruct", "scalar")},
    **{(module, "_frombuffer"): "_frombuffer" for module in _NUMERIC},
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
}
"""(module, name) as it stands in a pickle -> the stand-in below."""
_NUMBERS = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|[SU][1-9]\d{0,3}|\?)")
_OBJECTS = re.compile(r"\|?O[48]?")


@dataclass(frozen=True, slots=True)
class Name:
    """A name of ``ALLOWED``, never the thing itself."""

    name: str


@dataclass(eq=False, slots=True)
class Dtype:
    """What an array holds, as its pickle tells: ``code`` such as "f8", and the order of bytes."""

    code: str
    order: str = "="

    @property
    def objects(self) -> bool:
        return bool(_OBJECTS.fullmatch(self.code))

    def set(self, state: tuple[Any, ...]) -> None:
        """The state (version, order, subarray, names, fields, ...); of records it is refused."""
        if state[1] not in ("<", ">", "|", "=") or any(s is not None for s in state[2:5]):
            raise ValueError("an array of records, wanted one of numbers")
        self.order = state[1]


@dataclass(eq=False, slots=True)
class Unfilled:
    """An array whose content has not been read yet, and where the memo names it."""

    slots: list[int] = field(default_factory=list)


def call(name: str, args: tuple[Any, ...]) -> Any:
    """What the stand-in ``name`` makes of ``args``. Raises ``ValueError`` for what it must not."""
    if name == "_reconstruct" and len(args) == 3 and args[0] == Name("ndarray"):
        return Unfilled()
    if name == "dtype" and args:
        return _dtype(args[0])
    if name == "encode" and len(args) == 2:
        return _encoded(*args)
    if name == "scalar" and len(args) == 2:
        return filled((), args[0], args[1]).item()
    if name == "_frombuffer" and len(args) == 4:
        raw, dtype, shape, order = args
        return filled(shape, dtype, raw, order=order)
    raise ValueError(f"numpy's {name} with other arguments than numpy writes")


def filled(shape: Any, dtype: Any, raw: Any, *, order: Any = "C") -> Any:
    """The array of ``shape`` whose bytes are ``raw``, a read-only view of them."""
    if not sized(shape) or not isinstance(dtype, Dtype) or order not in ("C", "F"):
        raise ValueError(f"an array of shape {str(shape)[:60]}")
    if dtype.objects:
        raise ValueError("an array of objects stands where numbers are wanted")
    kind = np.dtype(dtype.code)
    if dtype.order in ("<", ">"):
        kind = kind.newbyteorder("<" if dtype.order == "<" else ">")
    if type(raw) is not bytes or len(raw) != prod(shape) * kind.itemsize:
        raise ValueError(f"an array of shape {str(shape)[:60]} with another number of bytes")
    if not raw:
        return np.empty(shape, kind)
    return np.frombuffer(raw, kind).reshape(shape, order=order)


def sized(shape: Any) -> bool:
    """Whether ``shape`` is one that an array can have."""
    if type(shape) is not tuple or len(shape) > 8:
        return False
    return all(type(n) is int and 0 <= n < 1 << 40 for n in shape)


def _dtype(code: Any) -> Dtype:
    if type(code) is not str or not (_NUMBERS.fullmatch(code) or _OBJECTS.fullmatch(code)):
        raise ValueError(f"an array of {str(code)[:40]!r}, wanted one of numbers or texts")
    return Dtype(code)


def _encoded(text: Any, encoding: Any) -> bytes:
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise ValueError(f"an encoding {str(encoding)[:40]!r}, wanted latin1")
    return text.encode("latin-1")
