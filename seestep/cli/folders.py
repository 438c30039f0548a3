"""Folders that are given by name on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from seestep.errors import RecipeError


def named_folders(texts: Iterable[str] | None) -> dict[str, Path]:
    """``--root NAME=FOLDER``, as often as it is given. Raises ``RecipeError``."""
    found = {}
    for text in texts or ():
        name, equals, folder = text.partition("=")
        if not equals:
            raise RecipeError(f"--root {text!r} has no =", wanted="NAME=FOLDER")
        found[name] = Path(folder)
    return found
