"""Plain values into typed structs, with errors that name the dotted key and the nearest valid one.

msgspec decides every leaf; this walk exists because msgspec neither names the nearest key nor,
inside mappings, the key at all.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

import msgspec

Key: TypeAlias = tuple[str, ...]

_WORDS = {"yes": True, "on": True, "no": False, "off": False}
_PLAIN = re.compile(r"Expected `[^`]*`, got `[^`]*`$|Invalid enum value")
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")


class Misfit(Exception):
    """A value that its type refuses."""

    def __init__(
        self,
        key: Key,
        what: str,
        *,
        wanted: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what)
        self.key, self.what, self.wanted, self.got, self.hint = (
            key,
            what,
            wanted,
            got,
            hint,
        )


def fit(value: Any, kind: Any) -> Any:
    """``value`` (dicts, lists, plain values) as ``kind``; raises ``Misfit`` with the key."""
    return _fit(value, kind, (), kind)


def dotted_keys(kind: Any, depth: int = 6) -> list[str]:
    """Every dotted key that ``kind`` knows, list items written as ``0``."""
    if depth == 0:
        return []
    keys = []
    for struct in _structs(kind):
        for field in msgspec.structs.fields(struct):
            keys.append(field.encode_name)
            keys += [f"{field.encode_name}.{k}" for k in dotted_keys(field.type, depth - 1)]
    origin = get_origin(_bare(kind))
    if _is_list(origin):
        keys += [f"0.{k}" for a in get_args(_bare(kind)) for k in dotted_keys(a, depth - 1)]
    return list(dict.fromkeys(keys))


def _fit(value: Any, kind: Any, key: Key, root: Any) -> Any:
    bare = _bare(kind)
    structs = _structs(bare)
    if isinstance(value, dict) and structs:
        return _struct(value, structs, key, root)
    args = [a for a in get_args(bare) if a is not type(None)]
    for option in args if _is_union(bare) else [bare]:
        origin = get_origin(option)
        inner = get_args(option)
        if isinstance(value, dict) and _is_dict(origin) and len(inner) == 2:
            built = {k: _fit(v, inner[1], (*key, str(k)), root) for k, v in value.items()}
            return _leaf(built, kind, key)
        if isinstance(value, list) and _is_list(origin) and inner:
            kinds = [inner[0]] * len(value)
            if origin is tuple and inner[-1] is not Ellipsis and len(inner) == len(value):
                kinds = list(inner)
            return _leaf(
                [
                    _fit(v, k, (*key, str(i)), root)
                    for i, (v, k) in enumerate(zip(value, kinds, strict=True))
                ],
                kind,
                key,
            )
    return _leaf(value, kind, key)


def _struct(value: dict[Any, Any], structs: list[type[msgspec.Struct]], key: Key, root: Any) -> Any:
    struct, rest = _choose(value, structs, key)
    fields = {f.encode_name: f for f in msgspec.structs.fields(struct)}
    built = {}
    for name, inner in rest.items():
        if name not in fields:
            raise Misfit(
                (*key, str(name)),
                "there is no such key",
                hint=_nearest(name, fields, key, root),
            )
        built[fields[name].name] = _fit(inner, fields[name].type, (*key, str(name)), root)
    for name, field in fields.items():
        if field.required and name not in rest:
            raise Misfit((*key, name), "this key must be given", wanted=_say(field.type))
    try:
        return struct(**built)
    except (ValueError, TypeError) as error:
        raise Misfit(key, str(error)) from error


def _choose(
    value: dict[Any, Any], structs: list[type[msgspec.Struct]], key: Key
) -> tuple[type[msgspec.Struct], dict[Any, Any]]:
    """The struct that the tag names, and the values without the tag."""
    tagged = {s.__struct_config__.tag: s for s in structs if s.__struct_config__.tag is not None}
    if not tagged:
        return structs[0], value
    field = next(iter(tagged.values())).__struct_config__.tag_field or "type"
    rest = {k: v for k, v in value.items() if k != field}
    if field not in value and len(structs) == 1:
        return structs[0], rest
    found = tagged.get(str(value.get(field)))
    if found is None:
        raise Misfit(
            (*key, field),
            "this names none of the kinds" if field in value else "this key must be given",
            wanted=" | ".join(map(str, tagged)),
            got=None if field not in value else repr(value[field]),
            hint=_close(str(value.get(field)), [str(t) for t in tagged]),
        )
    return found, rest


def _leaf(value: Any, kind: Any, key: Key) -> Any:
    members = _members(kind)
    if isinstance(value, str) and str not in members:
        if bool in members and value.lower() in _WORDS:
            value = _WORDS[value.lower()]
        elif float in members and _FLOAT.match(value):
            value = float(value)
    try:
        return msgspec.convert(value, kind, dec_hook=_dec_hook)
    except msgspec.ValidationError as error:
        message = str(error).split(" - at `")[0]
        if _PLAIN.match(message):  # else it tells a constraint, such as "Expected `int` >= 1"
            message = "This value does not fit"
        hint = None
        if isinstance(value, bool | int | float) and str in members:
            hint = f'put it in quotes, "{value}", if a word is meant'
        elif isinstance(value, dict) and value and all(str(k).isdecimal() for k in value):
            hint = "this list is not written in the recipe, so give it whole"
        elif isinstance(value, str) and (words := _literals(kind)):
            hint = _close(value, words)
        raise Misfit(
            key,
            message[:1].lower() + message[1:],
            wanted=_say(kind),
            got=repr(value),
            hint=hint,
        ) from error


def _dec_hook(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise ValueError(f"Expected a {kind.__name__}, got {type(value).__name__}")


def _nearest(name: Any, fields: Mapping[str, Any], key: Key, root: Any) -> str:
    """The best guess at what was meant: a sibling key, the same word elsewhere, or the list."""
    here = [".".join((*key, field)) for field in fields]
    wanted = ".".join((*key, str(name)))
    everywhere = dotted_keys(root)
    close = difflib.get_close_matches(str(name), list(fields), n=1, cutoff=0.7)
    near = [".".join((*key, name)) for name in close]
    near = near or [k for k in everywhere if k.split(".")[-1] == str(name)]
    near = near or difflib.get_close_matches(wanted, here, 1, 0.6)
    near = near or difflib.get_close_matches(wanted, everywhere, 1, 0.7)
    if near:
        return f"did you mean {near[0]}?"
    return f"valid keys here: {', '.join(fields)}"


def _close(word: str, words: list[str]) -> str | None:
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else None


# --- reading types ----------------------------------------------------------------------------


def _bare(kind: Any) -> Any:
    return _bare(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _is_list(origin: Any) -> bool:
    return origin in (list, tuple, set, frozenset) or origin is Sequence


def _is_dict(origin: Any) -> bool:
    return origin is dict or origin is Mapping


def _members(kind: Any) -> list[Any]:
    bare = _bare(kind)
    return [m for a in get_args(bare) for m in _members(a)] if _is_union(bare) else [bare]


def _structs(kind: Any) -> list[type[msgspec.Struct]]:
    return [m for m in _members(kind) if isinstance(m, type) and issubclass(m, msgspec.Struct)]


def _literals(kind: Any) -> list[str]:
    from typing import Literal

    return [
        a
        for m in _members(kind)
        if get_origin(m) is Literal
        for a in get_args(m)
        if isinstance(a, str)
    ]


def _say(kind: Any) -> str:
    """A type in the words of a recipe's reader."""
    bare = _bare(kind)
    words = _literals(bare)
    if words:
        return " | ".join(words)
    if _is_union(bare):
        return " or ".join(_say(a) for a in get_args(bare))
    if bare is type(None):
        return "null"
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return "a mapping"
    origin = get_origin(bare)
    if _is_list(origin):
        return "a list"
    if _is_dict(origin):
        return "a mapping"
    return {
        str: "text",
        float: "a number",
        int: "a whole number",
        bool: "true or false",
    }.get(bare, getattr(bare, "__name__", str(bare)))
