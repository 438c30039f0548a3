"""The checkpoint that a run starts from."""

from __future__ import annotations

from pathlib import Path

from seestep.errors import RecipeError


def resolve_model(name: str) -> Path:
    """A checkpoint folder; "embedded" is the one that ships with seestep."""
    if name == "embedded":
        from seestep.models.tiny import checkpoint_path

        return checkpoint_path()
    path = Path(name)
    if not (path / "config.json").is_file():
        raise RecipeError(
            f"{name} is no checkpoint folder",
            wanted="a folder with config.json, or embedded",
            hint="download the weights, or use model: embedded to try the recipe",
        )
    return path
