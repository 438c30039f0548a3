"""The xcot/1 wire types: what stands between <think> and </think>, field by field.

``records.Thought`` is how a thought is stored; these types are how a model writes it: short keys,
integers, closed verbs and predicates. The JSON schema for constrained decoding is made from them.

One thing is wider than the published draft of xcot/1: ``im`` and ``b`` of an object may be left
out together. A plan also names things that are not in view, and asking for a box of something
unseen would teach a model to invent one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from seestep.act.vocabulary import PREDICATES, VERBS

MAX_OBJECTS = 8
MAX_VIEWS = 3
MAX_SAME = 4
MAX_STEPS = 6
MAX_PRE = 3
MAX_EXPECT = 2
MAX_SEE = 80  # characters
MAX_NAME = 32  # characters
MAX_IMAGE = 31
MAX_PIXEL = 16383  # a bound for grammars; the true limit is the resized picture's side
ID = r"^o[0-9]{1,2}$"

Camera = Literal[
    "left", "right", "forward", "back", "turn_left", "turn_right", "around", "up", "down", "none"
]
CAMERAS: tuple[str, ...] = get_args(Camera)
WireFrame = Literal["n1000", "px"]

VERB_LIST: tuple[str, ...] = tuple(VERBS)
PREDICATE_LIST: tuple[str, ...] = (*PREDICATES, *(f"!{p}" for p in PREDICATES))


def _atom_schema(heads: tuple[str, ...]) -> dict[str, Any]:
    """JSON schema of (head, id, id): msgspec has no type for it, so ``check_atoms`` enforces it."""
    return {"prefixItems": [{"enum": list(heads)}]}


Id: TypeAlias = Annotated[str, Meta(pattern=ID)]
Image: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_IMAGE)]
Coordinate: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_PIXEL)]
Do: TypeAlias = Annotated[
    tuple[str, ...], Meta(min_length=1, max_length=3, extra_json_schema=_atom_schema(VERB_LIST))
]
Fact: TypeAlias = Annotated[
    tuple[str, ...],
    Meta(min_length=1, max_length=3, extra_json_schema=_atom_schema(PREDICATE_LIST)),
]


class _Wire(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Base: strict when read, minimal when written, fields in the order they are declared."""


class WireObject(_Wire, frozen=True, kw_only=True):
    """A thing: id, name, image index, and 4 integers of its box or 2 of its point."""

    id: Id
    n: Annotated[str, Meta(max_length=MAX_NAME)]
    im: Image | msgspec.UnsetType = msgspec.UNSET
    b: Annotated[tuple[Coordinate, ...], Meta(min_length=2, max_length=4)] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class WireView(_Wire, frozen=True, kw_only=True):
    """Two images: which objects are the same, and how the camera moved from one to the other."""

    src: Image = msgspec.field(name="from")
    dst: Image = msgspec.field(name="to")
    same: Annotated[
        tuple[Annotated[tuple[Id, ...], Meta(min_length=2, max_length=2)], ...],
        Meta(max_length=MAX_SAME),
    ]
    cam: Camera | msgspec.UnsetType = msgspec.UNSET


class WireStep(_Wire, frozen=True, kw_only=True):
    """See, preconditions, do, expected effects."""

    see: Annotated[str, Meta(max_length=MAX_SEE)]
    pre: Annotated[tuple[Fact, ...], Meta(max_length=MAX_PRE)] = ()
    do: Do
    expect: Annotated[tuple[Fact, ...], Meta(min_length=1, max_length=MAX_EXPECT)]


class WireThought(_Wire, frozen=True, kw_only=True):
    """The whole thought, in the order it is written: objects, views, steps, next action."""

    frame: WireFrame
    objs: Annotated[tuple[WireObject, ...], Meta(max_length=MAX_OBJECTS)]
    views: Annotated[tuple[WireView, ...], Meta(max_length=MAX_VIEWS)] = ()
    steps: Annotated[tuple[WireStep, ...], Meta(min_length=1, max_length=MAX_STEPS)]
    next: Do


def check_atoms(wire: WireThought) -> str:
    """What the types cannot say: "" if every verb, predicate, id and box shape is legal."""
    for step in wire.steps:
        for fact in (*step.pre, *step.expect):
            if fact[0] not in PREDICATE_LIST:
                return f"unknown predicate {fact[0]!r}"
        if step.do[0] not in VERB_LIST:
            return f"unknown verb {step.do[0]!r}"
    if wire.next[0] not in VERB_LIST:
        return f"unknown verb {wire.next[0]!r}"
    for thing in wire.objs:
        if (thing.im is msgspec.UNSET) != (thing.b is msgspec.UNSET):
            return f"object {thing.id} has an image or a box but not both"
        if thing.b is not msgspec.UNSET and len(thing.b) == 3:
            return f"object {thing.id} has 3 coordinates, wanted 2 or 4"
    return ""


def json_schema(frame: WireFrame = "n1000") -> dict[str, Any]:
    """The JSON schema of a thought in one frame, inlined; property order is writing order."""
    parts = msgspec.json.schema(WireThought)["$defs"]
    inlined: dict[str, Any] = _inline(parts["WireThought"], parts)
    inlined["properties"]["frame"] = {"const": frame}
    if frame == "n1000":
        box = inlined["properties"]["objs"]["items"]["properties"]["b"]
        box["items"]["maximum"] = 1000
    return {"$id": "xcot/1", **inlined}


def _inline(node: Any, parts: dict[str, Any]) -> Any:
    """Follow every $ref and drop titles, descriptions and defaults: what a grammar needs."""
    if isinstance(node, list):
        return [_inline(child, parts) for child in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(parts[node["$ref"].rsplit("/", 1)[1]], parts)
    if "prefixItems" in node:
        node = node | {"items": {"type": "string", "pattern": ID}}
    return {
        key: {name: _inline(child, parts) for name, child in value.items()}
        if key == "properties"
        else _inline(value, parts)
        for key, value in node.items()
        if key not in ("title", "description", "default")
    }
