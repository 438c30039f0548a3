"""The command ``seestep``: one verb a file, loaded only when it is called."""

from __future__ import annotations

from seestep.cli.app import app, main

__all__ = ["app", "main"]
