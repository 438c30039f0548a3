"""Keys that stand twice in one JSON object. A decoder keeps the last value and says nothing."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

_APART: Final = re.compile(rb'"[ \t\r\n]+:')
_BLANKS: Final = (b" :", b"\t:", b"\r:", b"\n:")
_SPELT: Final = re.compile(rb"\\u00(?:22|3[aA])")  # a quote or colon that is told by its number


def none_twice(lines: bytes, rows: list[dict[str, Any]]) -> bool:
    """Whether no object in lines of valid JSON, decoded as ``rows``, names a key twice, as far as
    counts tell of all lines at once; where they do not, each line has to be looked at."""
    return sum(map(len, rows)) == lines.count(b":") or not _may_repeat(lines, rows)


def named_twice(data: bytes, row: Any = None) -> str | None:
    """The first key that some object in ``data``, valid JSON, names twice.

    What is decoded (``row``, if it is at hand) and written again has fewer keys then. Only where
    the counts differ, which texts with quotes and colons may do as well, is it read by the slow
    decoder that shows pairs.
    """
    if type(row) is dict and len(row) == data.count(b":"):
        return None  # every key has a colon of its own
    if not _may_repeat(data, msgspec.json.decode(data)):
        return None
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in found:
            if key in seen:
                twice.append(key)
            seen.add(key)

    json.loads(data, object_pairs_hook=pairs)
    return twice[0] if twice else None


def _may_repeat(data: bytes, decoded: Any) -> bool:
    """Whether there are fewer keys when what was decoded is written again, or they cannot be
    counted. No part of ``data`` has more keys then than it had."""
    again = msgspec.json.encode(decoded).count(b'":')
    keys = data.count(b'":')
    if any(blank in data for blank in _BLANKS):  # looked for first: it is ten times as fast
        keys += sum(1 for _ in _APART.finditer(data))
    return again != keys or (b"\\u00" in data and _SPELT.search(data) is not None)
