"""The command ``seestep``: one verb a file, loaded only when it is called."""

from __future__ import annotations

from seestep.cli.app import main

__all__ = ["main"]
