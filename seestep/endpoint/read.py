"""JSON as models write it, read back into the struct that was asked for."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_TRAILING = re.compile(r",(\s*[}\]])")


def read(text: str, kind: type | None) -> tuple[Any, str]:
    """(value, "") or (None, what is wrong). Without ``kind`` any text but none is good.

    Mended are what carries no meaning: a thought or words around the object, a code fence, a comma
    before a closing bracket. What is missing or out of range is never made up.
    """
    if kind is None:
        return (text, "") if text.strip() else (None, "nothing was said")
    wrong = ""
    for attempt in _readings(text):
        try:
            return msgspec.json.decode(attempt, type=kind), ""
        except msgspec.ValidationError as error:
            return None, str(error)  # it is JSON: no mending changes what it says
        except (msgspec.DecodeError, RecursionError) as error:
            wrong = wrong or f"no JSON: {error}"
    return None, wrong or "nothing was said"


def _readings(text: str) -> list[str]:
    """The text itself, then what stands in it, each also without trailing commas."""
    plain = _THOUGHT.sub("", text)
    fenced = [m[1] for m in _FENCE.finditer(plain)]
    found = [text, plain, *fenced[::-1], *_objects(plain)]
    mended = [_TRAILING.sub(r"\1", x) for x in found]
    return list(dict.fromkeys(x.strip() for x in (*found, *mended) if x.strip()))


def _objects(text: str) -> list[str]:
    """The outermost {...} of a text, the last one first: what a model settles on stands last."""
    found: list[str] = []
    depth, start, quoted, escaped = 0, 0, False, False
    for at, char in enumerate(text):
        if quoted:
            quoted, escaped = (char != '"' or escaped), (char == "\\" and not escaped)
        elif char == '"' and depth:
            quoted, escaped = True, False
        elif char == "{":
            start, depth = (at, 1) if depth == 0 else (start, depth + 1)
        elif char == "}" and depth:
            depth -= 1
            if depth == 0:
                found.append(text[start : at + 1])
    return found[::-1]
