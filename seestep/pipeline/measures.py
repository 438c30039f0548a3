"""The measures of curation that need a model of a room to its right."""

from __future__ import annotations

from seestep.curate.engine import CurateConfig
from seestep.curate.measure import Measure


def measures_of(config: CurateConfig) -> dict[str, Measure]:
    """By the name of their operator."""
    found: dict[str, Measure] = {}
    if config.reward is not None:
        from seestep.models.reward import RewardMeasure

        found[config.reward.name] = RewardMeasure(config.reward)
    return found
