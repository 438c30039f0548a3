"""Ablations: settings that differ from a reference in exactly one thing, and their two tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from seestep.errors import RecipeError

T = TypeVar("T", bound=msgspec.Struct)


class Setting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One arm: ``change`` sets a dotted key of the SFT stages, ``times`` multiplies one."""

    name: str
    change: dict[str, Any] = {}
    times: dict[str, float] = {}

    def __post_init__(self) -> None:
        if len(self.change) + len(self.times) != 1:
            keys = ", ".join([*self.change, *self.times]) or "nothing"
            raise ValueError(
                f"setting {self.name!r} changes {keys}: an ablation changes exactly one key"
            )

    @property
    def key(self) -> str:
        return next(iter([*self.change, *self.times]))


def changed(config: T, setting: Setting) -> T:
    """``config`` with the setting's one change.

    Raises ``RecipeError`` if the key does not exist, the value does not fit, or nothing differs.
    """
    plain: dict[str, Any] = msgspec.to_builtins(config)
    *path, last = setting.key.split(".")
    here: Any = plain
    for part in path:
        here = here.get(part) if isinstance(here, dict) else None
    if not isinstance(here, dict) or last not in here:
        raise RecipeError(f"setting {setting.name!r}: no training option is called {setting.key!r}")
    old = here[last]
    if setting.times:
        if isinstance(old, bool) or not isinstance(old, int | float):
            raise RecipeError(f"setting {setting.name!r}: {setting.key} is {old!r}, not a number")
        new: Any = old * setting.times[setting.key]
        new = round(new) if isinstance(old, int) else new
    else:
        new = setting.change[setting.key]
    here[last] = new
    try:
        made = msgspec.convert(plain, type(config))
    except msgspec.ValidationError as error:
        raise RecipeError(f"setting {setting.name!r}: {error}") from error
    if made == config:
        raise RecipeError(f"setting {setting.name!r} changes nothing: {setting.key} is {old!r}")
    return made


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
