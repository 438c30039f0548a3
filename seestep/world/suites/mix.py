"""Which question families stand for which benchmark, and on which kind of shot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """Families asked about shots of some kinds. ``count_options``: numbers become four options."""

    families: tuple[str, ...]
    shots: tuple[str, ...] = ("close", "wide")
    count_options: bool = False


_PAIRS = ("orbit", "turn")

MIXES: dict[str, tuple[Part, ...]] = {
    "all-angles": (
        Part(("count_across",), _PAIRS, count_options=True),
        Part(("in_both", "nearer_across"), _PAIRS),
        Part(("turned",), ("turn",)),
    ),
    "blink": (
        Part(("count",), count_options=True),
        Part(("nearer", "support", "side", "color")),
        Part(("turned",), ("turn",)),
    ),
    "cv-bench": (
        Part(("count",), count_options=True),
        Part(("side", "height", "nearer", "nearer_to")),
    ),
    "embspatial": (Part(("side", "height", "nearer")),),
    "erqa": (
        Part(("support", "color", "side", "nearer_to")),
        Part(("count_on",), count_options=True),
        Part(("in_both",), _PAIRS),
    ),
    "mmsi": (
        Part(("in_both", "nearer_across"), _PAIRS),
        Part(("turned",), ("turn",)),
        Part(("first_seen",), ("tour",)),
    ),
    "omnispatial-train": (
        Part(("side", "depth", "nearer", "nearer_to")),
        Part(("count",), count_options=True),
    ),
    "omnispatial-test": (
        Part(("side", "depth", "nearer", "nearer_to")),
        Part(("count",), count_options=True),
    ),
    "realworldqa": (
        Part(("color", "side", "truth", "exists")),
        Part(("count",), count_options=True),
    ),
    "refspatial-location": (Part(("point", "point_related")),),
    "refspatial-placement": (Part(("free_beside", "free_between")),),
    "refspatial-unseen": (Part(("point_near",)),),
    "robospatial": (Part(("truth", "fits", "free_beside")),),
    "sat": (Part(("turned",), ("turn",)), Part(("side", "depth", "nearer"))),
    "vsi-bench": (
        Part(("count_across", "metres_across", "size_across"), ("tour",)),
        Part(("first_seen", "nearer_across"), ("tour",)),
    ),
    "where2place": (Part(("free_space", "free_beside", "free_between")),),
}
"""All but EgoPlan, whose questions come of episodes: see ``planning``."""
