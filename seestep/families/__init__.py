"""Model families by name or ``config.model_type``; others join by entry point.

A package adds one by declaring, in the group "seestep.families", a name that loads a ``Family``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import entry_points

from seestep.errors import SeestepError
from seestep.families.base import Family, Tokens
from seestep.families.qwen2_5_vl import FAMILY as QWEN2_5_VL
from seestep.families.qwen3_vl import FAMILY as QWEN3_VL
from seestep.families.robobrain2 import FAMILY as ROBOBRAIN2

__all__ = ["GROUP", "Family", "Tokens", "for_model_type", "get", "known", "like"]

GROUP = "seestep.families"
_BUILT_IN = (QWEN2_5_VL, QWEN3_VL, ROBOBRAIN2)


@cache
def known() -> dict[str, Family]:
    """All families by name: built in, then those of installed packages."""
    families = {family.name: family for family in _BUILT_IN}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        family = point.load()
        if not isinstance(family, Family):
            raise SeestepError(f"entry point {point.value!r} of {GROUP} is no Family")
        if families.setdefault(family.name, family) is not family:
            raise SeestepError(
                f"two families are called {family.name!r}", got=point.value, hint="rename one"
            )
    return families


def get(name: str) -> Family:
    """The family called ``name``."""
    families = known()
    if name not in families:
        raise SeestepError("unknown model family", wanted=" | ".join(families), got=name)
    return families[name]


def like(name: str) -> Family | None:
    """A family by its name, however it is written: qwen2.5-vl, Qwen2_5_VL, RoboBrain2.0-7B.

    A later version is another family: RoboBrain2.5 is not RoboBrain2.
    """
    told = name.rsplit("/", 1)[-1].lower()
    found = [f for f in known().values() if _starts(told, f.name)]
    return max(found, key=lambda f: len(_plain(f.name)), default=None)


def for_model_type(model_type: str) -> Family:
    """The family whose checkpoints carry this ``config.model_type``.

    RoboBrain 2.0 shares Qwen2.5-VL's type and is never returned: a recipe or seestep.json names it.
    """
    for family in known().values():
        if model_type in family.model_types:
            return family
    types = [t for f in known().values() for t in f.model_types]
    raise SeestepError("no family for this model type", wanted=" | ".join(types), got=model_type)


def _starts(told: str, family: str) -> bool:
    signs = r"[^a-z0-9]*".join(_plain(family))
    return re.match(rf"[^a-z0-9]*{signs}(?!\.[1-9])", told) is not None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
