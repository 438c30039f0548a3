"""Ablations: settings that differ from a reference in exactly one thing, and their two tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from seestep.errors import RecipeError
from seestep.study.sabotage import Sabotage

T = TypeVar("T", bound=msgspec.Struct)


class Setting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One arm: what it has other than the reference. One thing, unless it is ``together``.

    ``change`` sets a dotted key of the SFT stages, ``times`` multiplies one, ``same`` gives one
    the value of another. ``drop`` leaves out what the reference does; ``sabotage`` writes the
    training answers wrongly, on purpose: see ``study.sabotage``.
    """

    name: str
    about: str = ""
    change: dict[str, Any] = {}
    times: dict[str, float] = {}
    same: dict[str, str] = {}
    drop: tuple[Literal["replay"], ...] = ()
    sabotage: tuple[Sabotage, ...] = ()
    together: bool = False

    def __post_init__(self) -> None:
        causes = self.causes
        if len(causes) != 1 and not (self.together and causes):
            keys = ", ".join(causes) or "nothing"
            raise ValueError(
                f"setting {self.name!r} changes {keys}: an ablation changes exactly one key"
            )

    @property
    def options(self) -> list[str]:
        """Dotted keys of the training options that it changes."""
        return [*self.change, *self.times, *self.same]

    @property
    def causes(self) -> list[str]:
        """Everything it changes, one word each."""
        dropped = [f"no {part}" for part in self.drop]
        return [*self.options, *dropped, *(f"sabotage {kind}" for kind in self.sabotage)]


def changed(configs: Sequence[T], setting: Setting) -> list[T]:
    """The configs of some stages with the setting's training options; they as they are where the
    setting has none.

    Raises ``RecipeError`` if a key does not exist, a value does not fit, or a key differs in none.
    """
    plain: list[dict[str, Any]] = [msgspec.to_builtins(config) for config in configs]
    for key in setting.options:
        moved = [_change(stage, key, setting) for stage in plain]
        if not any(moved):
            here, last = _place(plain[0], key, setting)
            raise RecipeError(f"setting {setting.name!r} changes nothing: {key} is {here[last]!r}")
    try:
        made = [msgspec.convert(p, type(c)) for p, c in zip(plain, configs, strict=True)]
    except msgspec.ValidationError as error:
        raise RecipeError(f"setting {setting.name!r}: {error}") from error
    if setting.options and made == list(configs):
        raise RecipeError(f"setting {setting.name!r} changes nothing")
    return made


def _change(plain: dict[str, Any], key: str, setting: Setting) -> bool:
    """Set one option of a stage; whether it is another one now."""
    here, last = _place(plain, key, setting)
    old = here[last]
    if key in setting.times:
        if isinstance(old, bool) or not isinstance(old, int | float):
            raise RecipeError(f"setting {setting.name!r}: {key} is {old!r}, not a number")
        new: Any = old * setting.times[key]
        new = round(new) if isinstance(old, int) else new
    elif key in setting.same:
        there, name = _place(plain, setting.same[key], setting)
        new = there[name]
    else:
        new = setting.change[key]
    here[last] = new
    return bool(new != old)


def _place(plain: dict[str, Any], key: str, setting: Setting) -> tuple[dict[str, Any], str]:
    """The mapping that holds a dotted key, and the key's last word."""
    *path, last = key.split(".")
    here: Any = plain
    for part in path:
        here = here.get(part) if isinstance(here, dict) else None
    if not isinstance(here, dict) or last not in here:
        raise RecipeError(f"setting {setting.name!r}: no training option is called {key!r}")
    return here, last


def differences(a: msgspec.Struct, b: msgspec.Struct) -> list[str]:
    """Dotted keys in which two configs differ."""
    return sorted(_differing(msgspec.to_builtins(a), msgspec.to_builtins(b), ""))


def settings_rows(
    configs: Mapping[str, msgspec.Struct], keys: Sequence[str], means: Mapping[str, float]
) -> list[dict[str, Any]]:
    """The settings table: one row an arm, the compared options and the computed mean."""
    rows = []
    for name, config in configs.items():
        plain = msgspec.to_builtins(config)
        row: dict[str, Any] = {"run": name}
        for key in keys:
            value: Any = plain
            for part in key.split("."):
                value = value[part]
            row[key] = value
        row["mean"] = means[name]
        rows.append(row)
    return rows


def _differing(a: Any, b: Any, key: str) -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        return [
            line
            for name in sorted(a.keys() | b.keys())
            for line in _differing(a.get(name), b.get(name), f"{key}.{name}" if key else name)
        ]
    return [] if a == b else [key]
