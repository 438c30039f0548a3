"""Reading coordinates back out of a model's text, whatever notation it chose.

One parser for all notations of ``render`` and their common misspellings. It never guesses the
frame: numbers are returned as written, in the frame the caller declares, with the name of the
rule that matched. Every pattern is possessive, so time is linear in the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from seestep.errors import GeometryError
from seestep.geometry.frames import CELL_FRAMES
from seestep.geometry.render import bounding_box
from seestep.records import FRAMES

Order = Literal["xy", "yx"]

_NUM = r"[-+]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][-+]?+\d++)?+"
_SEQ = rf"{_NUM}(?:\s*+,\s*+{_NUM})++"
_ROUND = rf"\(\s*+{_SEQ}\s*+,?+\s*+\)"
_SQUARE = rf"\[\s*+{_SEQ}\s*+,?+\s*+\]"
_GROUP = re.compile(rf"{_ROUND}|{_SQUARE}")
# one bracket around a run of groups: [(x, y), (x, y)] or [[x, y], [x, y]] or ((x, y), (x, y))
_LIST = re.compile(
    rf"[\[(]\s*+(?P<body>(?:{_ROUND}|{_SQUARE})(?:\s*+,?+\s*+(?:{_ROUND}|{_SQUARE}))*+)\s*+,?+\s*+[\])]"
)
_NUMBER = re.compile(_NUM)
_QWEN = re.compile(r"<\|(box|point|quad)_start\|>([^<]{0,400}+)<\|\1_end\|>")
_KEY = re.compile(
    r"[\"'](?P<key>point_2d|points_2d|points|point|bbox_2d|box_2d|bbox|box|coordinates|path)[\"']"
    r"\s*+:\s*+(?=[\[(])"
)
_XML = re.compile(r"<points?\b([^<>]{0,20000}+)>")
_XML_ATTR = re.compile(rf"\b([xy])(\d{{0,6}}+)\s*+=\s*+[\"']?+\s*+({_NUM})")
_BARE = re.compile(rf"\s*+({_SEQ})\s*+\.?+\s*+\Z")
_QUOTE = r"[\"']?+"
_IS = rf"{_QUOTE}\s*+[:=]\s*+{_QUOTE}"
_NAMED = re.compile(rf"\bx{_IS}({_NUM}){_QUOTE}\s*+,?+\s*+{_QUOTE}y{_IS}({_NUM})")
_BOX_KEYS = frozenset({"bbox_2d", "box_2d", "bbox", "box"})

# fullwidth ASCII, then lenticular brackets, the ideographic comma and curly quotes
_WIDE = {0xFEE0 + c: c for c in range(0x21, 0x7F)} | str.maketrans(
    "\u3010\u3011\u3001\u201c\u201d\u2018\u2019", "[],\"\"''"
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Coordinates found in a text.

    Attributes:
        kind: what was asked for.
        values: flat x, y, ... as written, always x before y.
        rule: the notation that matched, then what had to be done to it ("tuples+fullwidth").
        frame: the frame the caller declared.
        integral: every number was written without a decimal point.
    """

    kind: str
    values: tuple[float, ...]
    rule: str
    frame: str
    integral: bool

    @property
    def positions(self) -> tuple[float, ...]:
        """``values`` as positions: an integer point in a pixel frame is that pixel's centre."""
        if self.integral and self.frame in CELL_FRAMES and self.kind in _POINTS:
            return tuple(v + 0.5 for v in self.values)
        return self.values

    @property
    def pairs(self) -> tuple[tuple[float, float], ...]:
        """``values`` as (x, y) pairs."""
        return tuple(zip(self.values[::2], self.values[1::2], strict=True))


_POINTS = frozenset({"point", "points", "path"})


@dataclass(frozen=True, slots=True)
class _Group:
    """One bracket of numbers."""

    numbers: tuple[float, ...]
    integral: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """Groups that one rule found.

    ``box`` when the notation itself says that they are boxes, ``named`` when it says which
    number is x: a declared order has no say then.
    """

    rule: str
    groups: tuple[_Group, ...]
    box: bool = False
    named: bool = False


def parse(text: str, want: str, *, frame: str, order: Order = "xy") -> Parsed | None:
    """The point, points, box, polygon or path that ``text`` states, or None.

    Rules, first that yields the wanted kind wins: Qwen box tokens, XML points, JSON keys
    (``point_2d``, ``bbox_2d`` ...), named ``x:`` and ``y:``, a bracketed list of groups (the last
    one in the text, so an answer after an explanation is found), lone groups, bare numbers when
    nothing else is there. Text in a code fence is preferred to the words around it, and what
    follows the last "Answer:" to what precedes it. Full-width signs are read as ASCII.

    For ``point`` the first of several is taken and the rule ends in "+first". A notation that
    names boxes answers a wish for points with the centres, "+centre". Third numbers of triples
    (a depth) are dropped, "+depth". Values outside the frame are returned as they are.

    Args:
        want: "point" | "points" | "box" | "polygon" | "path".
        order: "yx" when the speaker is known to write y first (Gemini).
    """
    if want not in ("point", "points", "box", "polygon", "path"):
        raise GeometryError("cannot parse that kind", wanted="point .. path", got=want)
    if frame not in FRAMES or order not in ("xy", "yx"):
        raise GeometryError("undeclared frame or order", got=f"{frame}, {order}")
    plain = fold_width(text)
    wide = "+fullwidth" if plain != text else ""
    for part, where in _places(plain):
        for found in _candidates(part):
            parsed = _as_kind(found, want, frame, order)
            if parsed is not None:
                rule = found.rule + parsed.rule + where + wide
                return Parsed(parsed.kind, parsed.values, rule, frame, parsed.integral)
    return None


def fold_width(text: str) -> str:
    """Full-width brackets, digits, letters and punctuation as ASCII; length is kept."""
    return text.translate(_WIDE)


def _places(text: str) -> Iterator[tuple[str, str]]:
    fences = text.split("```")[1::2]
    for fence in reversed(fences):
        yield fence, "+fenced"
    head, sep, tail = text.rpartition("nswer:")
    if sep and head[-1:] in ("A", "a"):
        yield tail, ""
    yield text, ""


def _candidates(text: str) -> Iterator[_Found]:
    tokens = [tuple(_groups(m.group(2))) for m in _QWEN.finditer(text)]
    if any(tokens):
        boxes = [_join(*t) for t in tokens if len(t) == 2]
        yield _Found("qwen_box_tokens", tuple(boxes or [g for t in tokens for g in t]), bool(boxes))
    points = _xml(text)
    if points:
        yield _Found("xml_points", tuple(points), named=True)
    yield from _keyed(text)
    named = [_group(f"{m.group(1)},{m.group(2)}") for m in _NAMED.finditer(text)]
    if named:
        yield _Found("named_xy", tuple(named), named=True)
    lists = list(_LIST.finditer(text))
    for match in reversed(lists[-3:]):
        groups = list(_groups(match.group("body")))
        rule = "tuples" if match.group("body").startswith("(") else "lists"
        yield _Found(rule, tuple(groups))
    loose = list(_groups(text))
    if loose:
        first = _GROUP.search(text)
        yield _Found("tuple" if first and first.group()[0] == "(" else "list", tuple(loose))
    bare = _BARE.match(text)
    if bare:
        yield _Found("bare", (_group(bare.group(1)),))


def _keyed(text: str) -> Iterator[_Found]:
    """Values of point and box keys, read by bracket so that broken JSON around them is fine."""
    found: dict[str, list[_Group]] = {}
    for match in _KEY.finditer(text):
        key, at = match.group("key"), match.end()
        one = _GROUP.match(text, at) or _LIST.match(text, at)
        if one:
            found.setdefault(key, []).extend(_groups(one.group()))
    for key, groups in found.items():
        yield _Found(f"json_{key}", tuple(groups), key in _BOX_KEYS)


def _xml(text: str) -> list[_Group]:
    out = []
    for tag in _XML.finditer(text):
        sides: dict[str, dict[str, str]] = {}
        for axis, index, number in _XML_ATTR.findall(tag.group(1)):
            sides.setdefault(index, {})[axis] = number
        out += [_group(f"{s['x']},{s['y']}") for s in sides.values() if len(s) == 2]
    return out


def _groups(text: str) -> Iterator[_Group]:
    return (_group(m.group()) for m in _GROUP.finditer(text))


def _group(text: str) -> _Group:
    words = _NUMBER.findall(text)
    whole = all(w.lstrip("+-").isdigit() for w in words)
    return _Group(tuple(float(w) for w in words), whole)


def _join(a: _Group, b: _Group) -> _Group:
    return _Group(a.numbers + b.numbers, a.integral and b.integral)


def _as_kind(found: _Found, want: str, frame: str, order: Order) -> Parsed | None:
    if want == "box":
        pairs, note = _as_box(found)
    else:
        pairs, note = _as_points(found)
        if want == "point" and len(pairs) > 1:
            pairs, note = pairs[:1], note + "+first"
        if want == "polygon" and len(pairs) < 3:
            return None
    if not pairs:
        return None
    swap = order == "yx" and not found.named
    flat = [v for pair in pairs for v in (pair[::-1] if swap else pair)]
    if not all(math.isfinite(v) for v in flat):
        return None
    if want == "box":
        ordered = bounding_box(flat)
        if ordered[0] == ordered[2] or ordered[1] == ordered[3]:
            return None
        note += "" if tuple(flat) == ordered else "+sorted"
        flat = list(ordered)
    note += "+yx" if swap else ""
    whole = all(g.integral for g in found.groups) and "+centre" not in note
    return Parsed(want, tuple(flat), note, frame, whole)


Pairs = list[tuple[float, float]]


def _as_points(found: _Found) -> tuple[Pairs, str]:
    groups = found.groups
    if _all_sized(groups, 2):
        return [(g.numbers[0], g.numbers[1]) for g in groups], ""
    if _all_sized(groups, 3):
        return [(g.numbers[0], g.numbers[1]) for g in groups], "+depth"
    if found.box:
        corners = [_corners(g) for g in groups if len(g.numbers) == 4]
        return [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in corners], "+centre"
    # prose mixes sizes: "(3 mugs, see (0.1, 0.2))" has only one pair
    return [(g.numbers[0], g.numbers[1]) for g in groups if len(g.numbers) == 2], "+mixed"


def _as_box(found: _Found) -> tuple[Pairs, str]:
    fours = [g for g in found.groups if len(g.numbers) == 4]
    if fours:
        return list(_corners(fours[0])), "" if len(fours) == 1 else "+first"
    if len(found.groups) == 2 and _all_sized(found.groups, 2):
        (a, b), (c, d) = (g.numbers for g in found.groups)
        return [(a, b), (c, d)], "+corners"
    return [], ""


def _corners(group: _Group) -> tuple[tuple[float, float], tuple[float, float]]:
    a, b, c, d = group.numbers
    return (a, b), (c, d)


def _all_sized(groups: Iterable[_Group], size: int) -> bool:
    sizes = {len(g.numbers) for g in groups}
    return sizes == {size}
