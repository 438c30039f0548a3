"""The embedded tiny model: its architecture, tokenizer and weights."""

from __future__ import annotations

from pathlib import Path

from seestep.errors import DataError
from seestep.models import TINY


def checkpoint_path() -> Path:
    """Folder of the embedded checkpoint; ``DataError`` when this installation lacks it."""
    if not (TINY / "config.json").is_file():
        raise DataError(
            "the embedded checkpoint is missing",
            file=TINY,
            hint="install the wheel, or make it with the recipe recipes/tiny/base.yaml",
        )
    return TINY
