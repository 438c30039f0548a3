"""Recipes: YAML with ``base:`` and dotted overrides, decoded into frozen typed structs.

A misspelt key or a wrong type names the file, the full dotted key and the nearest valid one.
Plain words are read as YAML 1.2 has them: ``2e-5`` is a number, ``no`` and ``2024-01-01`` are
words (and ``no`` is false where a bool is wanted).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from seestep.errors import RecipeError
from seestep.fit import Key, Misfit, fit
from seestep.yamls import dump, parse

BASE = "base"
MAX_BYTES = 4 * 2**20
T = TypeVar("T", bound=msgspec.Struct)
Origins = dict[Key, str]  # where the value at a key was written


def load(path: Path | str, overrides: Sequence[str], kind: type[T]) -> T:
    """Read a recipe, what it is based on, and overrides; decode it strictly as ``kind``.

    Args:
        path: a YAML file. Its ``base: other.yaml`` (or a list of files, the last one wins),
            relative to itself, is read first; mappings merge, lists and plain values replace.
        overrides: "a.b=c" texts, applied in order; c is YAML, "list.0.x=3" reaches into a list.
        kind: a frozen msgspec struct.

    Raises ``RecipeError``.
    """
    values, origins = _merged(find(path), overrides)
    return _decode(values, kind, origins, str(path))


def read(path: Path | str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The merged plain values of a recipe, not yet checked against any type."""
    return _merged(find(path), overrides)[0]


def decode(values: Any, kind: type[T], *, file: str | Path = "recipe") -> T:
    """Plain values as ``kind``, with the same strictness and messages as ``load``."""
    return _decode(values, kind, {}, str(file))


def from_overrides(overrides: Sequence[str], kind: type[T]) -> T:
    """The defaults of ``kind`` with overrides alone, for settings given on the command line."""
    values: dict[str, Any] = {}
    origins: Origins = {}
    for text in overrides:
        _override(values, origins, text, Path("settings"))
    return _decode(values, kind, origins, "settings")


def resolved(recipe: msgspec.Struct) -> str:
    """The recipe as YAML with every default written out; loading it gives the same recipe."""
    plain = msgspec.to_builtins(recipe, enc_hook=lambda value: value.as_posix())
    return dump(plain)


def find(path: Path | str) -> Path:
    """``path``, or the recipe of that name which the installed package brings along."""
    path = Path(path)
    if path.exists():
        return path
    parts = path.parts[1:] if path.parts[:1] == ("recipes",) else path.parts
    packed = Path(__file__).parent.joinpath("_recipes", *parts)
    if not path.is_absolute() and packed.is_file():
        return packed
    raise RecipeError("there is no such recipe", file=path)


def merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``over`` laid on ``under``: mappings merge, everything else replaces."""
    out = dict(under)
    for key, value in over.items():
        below = out.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            value = merge(below, value)
        out[key] = value
    return out


def _merged(path: Path, overrides: Sequence[str]) -> tuple[dict[str, Any], Origins]:
    values, origins = _read(path, ())
    values = _unshared(values)
    for text in overrides:
        _override(values, origins, text, path)
    return values, origins


def _unshared(value: Any) -> Any:
    """A copy in which an alias (*a) is a value of its own: an override of one place is of one."""
    if isinstance(value, dict):
        return {key: _unshared(inner) for key, inner in value.items()}
    return [_unshared(inner) for inner in value] if isinstance(value, list) else value


def _read(path: Path, chain: tuple[Path, ...]) -> tuple[dict[str, Any], Origins]:
    real = path.resolve()
    if real in chain:
        names = " -> ".join(p.name for p in (*chain[chain.index(real) :], real))
        raise RecipeError(f"the bases of this recipe go in a circle: {names}", file=path)
    try:
        if not path.is_file():
            raise RecipeError("there is no such recipe", file=path)
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise RecipeError(f"larger than {MAX_BYTES:,} bytes, surely no recipe", file=path)
        values: Any = parse(data.decode("utf-8-sig"), file=path)
    except UnicodeDecodeError as error:
        raise RecipeError("this recipe is not UTF-8 text", file=path) from error
    except OSError as error:
        raise RecipeError(f"cannot read this recipe: {error.strerror}", file=path) from error
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise RecipeError("a recipe must be a mapping of keys", file=path)

    bases = values.pop(BASE, [])
    merged: dict[str, Any] = {}
    origins: Origins = {}
    for base in [bases] if isinstance(bases, str) else bases:
        if not isinstance(base, str):
            raise RecipeError("base must name a file or a list of files", file=path)
        below, from_base = _read(path.parent / base, (*chain, real))
        merged = merge(merged, below)
        origins.update(from_base)
    _note(values, (), str(path), origins)
    return merge(merged, values), origins


def _note(value: Any, key: Key, source: str, origins: Origins) -> None:
    origins[key] = source
    if isinstance(value, dict):
        for name, inner in value.items():
            _note(inner, (*key, str(name)), source, origins)


def _override(values: dict[str, Any], origins: Origins, text: str, path: Path) -> None:
    name, equals, written = text.partition("=")
    key = tuple(name.strip().split("."))
    if not equals or not all(key):
        raise RecipeError(
            f"cannot read the override {text!r}",
            file=path,
            wanted="a.b=value",
            got=text,
        )
    source = f"override {text!r}"
    value = parse(written, file=source)
    here: Any = values
    for depth, part in enumerate(key):
        last = depth == len(key) - 1
        where = ".".join(key[:depth])
        if isinstance(here, list):
            if not part.isdecimal() or int(part) >= len(here):
                raise RecipeError(
                    f"{where} is a list of {len(here)}, so {part!r} is no place in it",
                    file=source,
                    hint=f"an index from 0 to {len(here) - 1}" if here else "give the whole list",
                )
            if last:
                here[int(part)] = value
            else:
                here = here[int(part)]
        elif isinstance(here, dict):
            if last:
                here[part] = value
            else:
                if here.get(part) is None:
                    here[part] = {}
                here = here[part]
        else:
            raise RecipeError(f"{where} is {here!r}, there is nothing below it", file=source)
    origins[key] = source


def _decode(values: Any, kind: type[T], origins: Origins, file: str) -> T:
    try:
        built: T = fit(values, kind)
        return built
    except Misfit as misfit:
        source = file
        for end in range(len(misfit.key), -1, -1):
            if misfit.key[:end] in origins:
                source = origins[misfit.key[:end]]
                break
        dotted = ".".join(misfit.key)
        raise RecipeError(
            misfit.what,
            file=source,
            record=dotted or None,
            wanted=misfit.wanted,
            got=misfit.got,
            hint=misfit.hint,
        ) from None
