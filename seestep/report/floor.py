"""What a score is held against: a guess without looking, and the model with a wrong picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from seestep.evals.chance import chance
from seestep.records import Item, Score


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """Of one group of items. Scores are in [0, 1]."""

    chance: float | None  # None where no item of the group has a chance that can be computed
    wrong_image: dict[str, float]  # model -> its score on the same items with foreign pictures


def floors(
    items: Iterable[Item],
    wrong: Mapping[str, Sequence[Score]],
    by: Literal["suite", "skill"],
) -> dict[str, Floor]:
    """Group -> its floor; ``wrong`` holds the wrong-image scores of the models that have them."""
    chances: dict[str, list[float]] = defaultdict(list)
    groups = set()
    for item in items:
        group = getattr(item, by)
        groups.add(group)
        value = chance(item)
        if value is not None:
            chances[group].append(value)
    blind: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for model, scores in wrong.items():
        for score in scores:
            blind[getattr(score, by)][model].append(score.value)
    return {
        group: Floor(
            chance=_mean(chances[group]) if chances[group] else None,
            wrong_image={model: _mean(values) for model, values in blind[group].items()},
        )
        for group in sorted(groups)
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
