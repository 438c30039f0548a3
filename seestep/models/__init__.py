"""Models: load by ``config.model_type``, processors without torchvision, the embedded tiny model.

This file stays light: ``from seestep.models.load import load`` brings torch in.
"""

from __future__ import annotations

from pathlib import Path

TINY = Path(__file__).parent / "tiny" / "checkpoint"
"""Folder of the embedded checkpoint, a plain transformers folder."""
