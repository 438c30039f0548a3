"""What a job in another process brought, on its way home: its result, or the error that ended it.

An exception is unpickled by calling its class with its ``args``. Many cannot bear that: a required
keyword, a class that the other side does not have, a text that is made anew of itself. One that
would not arrive as it left arrives as a ``RunError`` that tells the job, the type and the text.
"""

from __future__ import annotations

import pickle
import reprlib
import traceback
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from seestep.errors import RunError

Kind = Literal["shard", "job"]


class _Failure(NamedTuple):
    error: bytes | None  # pickled; None where unpickling would make another one of it
    text: str
    told: str  # the job, the type and the text
    trace: str


class _There(Exception):
    """The traceback of the other process, as the cause of what is raised in this one."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def attempt(work: bytes, job: bytes, kind: Kind = "job") -> bytes:
    """``work(job)``, both pickled, for ``outcome``: what it brings, or what it raises."""
    told: str = kind
    try:
        given = pickle.loads(job)
        told = f"{kind} {reprlib.repr(given)}"
        made = _thawed(work)(given)
    except (Exception, SystemExit) as error:
        return pickle.dumps(_failure(error, told))
    try:
        return pickle.dumps(made)
    except Exception as error:
        unsent = RunError(f"what {told} brought cannot be sent to another process: {error}")
        return pickle.dumps(_failure(unsent, told))


def outcome(data: bytes) -> Any:
    """What ``attempt`` brought. Raises what the job raised."""
    made = pickle.loads(data)
    if not isinstance(made, _Failure):
        return made
    raise _again(made) from _There(made.trace)


@lru_cache(maxsize=1)
def _thawed(work: bytes) -> Any:
    try:
        return pickle.loads(work)
    except Exception as error:
        raise RunError(
            f"this work cannot be read in another process: {error}",
            hint="is it of a module that can be imported there, and of the same version?",
        ) from error


def _failure(error: BaseException, job: str) -> _Failure:
    said = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)[1:]
    where = f" (at {frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    trace = "".join(traceback.format_exception(error))
    text = _text(error)
    frozen = None
    if isinstance(error, Exception):
        try:
            frozen = pickle.dumps(error)
            if not _is_same(pickle.loads(frozen), type(error).__qualname__, text):
                frozen = None
        except Exception:
            frozen = None  # whatever a class may raise while it is pickled
    return _Failure(frozen, text, f"{job} raised {said}{where}", trace)


def _again(failure: _Failure) -> Exception:
    unknown = RunError(failure.told)
    if failure.error is None:
        return unknown
    try:
        error = pickle.loads(failure.error)
    except Exception:
        return unknown
    return error if isinstance(error, Exception) and _text(error) == failure.text else unknown


def _is_same(error: object, name: str, text: str) -> bool:
    return type(error).__qualname__ == name and _text(error) == text


def _text(error: object) -> str:
    try:
        return str(error)
    except Exception:
        return ""
