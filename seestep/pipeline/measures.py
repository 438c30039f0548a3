"""The measures of curation that need a model of a room to its right."""

from __future__ import annotations

from seestep.curate.engine import CurateConfig
from seestep.curate.measure import Measure


def measures_of(config: CurateConfig) -> dict[str, Measure]:
    """By the name of their operator."""
    return {}
