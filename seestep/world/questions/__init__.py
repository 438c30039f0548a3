"""Questions about a home that its own geometry answers, one small file a family.

``ask`` is the whole interface. Balance is by construction: a family draws the answer it wants
(yes or no, which relation, which number, where the right option stands) before it looks for
things that give that answer, and asks nothing if there are none. It never falls back on the
other answer, but an answer that few views offer stays the rarer one: of ``fits`` about six in ten
are yes, since most things may go on most places. ``suites.choose`` evens out what is left.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from seestep.bench import BENCHES
from seestep.records import Form, Record, Split, Verdict
from seestep.world.questions import distance, multiview, place, relation, things
from seestep.world.questions.draft import Draft, Look, one, slug, to_record

One = Callable[[Look, np.random.Generator], Draft | None]
Many = Callable[[Sequence[Look], np.random.Generator], Draft | None]

SINGLE: dict[str, One] = {
    "exists": things.exists,
    "count": things.count,
    "count_options": things.count_options,
    "count_on": things.count_on,
    "color": things.color,
    "name_at": things.name_at,
    "side": relation.side,
    "depth": relation.depth,
    "height": relation.height,
    "truth": relation.truth,
    "support": relation.support,
    "support_truth": relation.support_truth,
    "fits": relation.fits,
    "locate": place.locate,
    "point": place.point,
    "point_related": place.point_related,
    "point_near": place.point_near,
    "free_space": place.free_space,
    "free_beside": place.free_beside,
    "free_between": place.free_between,
    "nearer": distance.nearer,
    "nearer_to": distance.nearer_to,
    "metres": distance.metres,
    "size": distance.size,
}
SEVERAL: dict[str, Many] = {
    "turned": multiview.turned,
    "same": multiview.same,
    "in_both": multiview.in_both,
    "count_across": multiview.count_across,
    "first_seen": multiview.first_seen,
    "metres_across": multiview.metres_across,
    "size_across": multiview.size_across,
    "nearer_across": multiview.nearer_across,
}
FAMILIES: tuple[str, ...] = (*SINGLE, *SEVERAL)
HELD_OUT = ("point_near",)
"""Families that training does not ask by default: mini-refspatial-unseen asks them."""


FORMS: dict[str, tuple[Form, ...]] = {
    kind: tuple(dict.fromkeys(a.form for b in BENCHES.values() for a in b.asks if a.kind == kind))
    for kind in ("choice", "yes_no", "number", "point")
}
"""Answer kind -> the different forms in which benchmarks ask for it."""


class AskConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which families to ask, and how often at most about one view (or group of views).

    ``benchmark_forms`` is the share of records whose answer is asked for in the words of some
    benchmark (``bench``), drawn among those that have such answers; the rest leave the form to
    the model family.
    """

    families: tuple[str, ...] = tuple(f for f in FAMILIES if f not in HELD_OUT)
    per_family: int = 2
    benchmark_forms: float = 0.25

    def __post_init__(self) -> None:
        unknown = sorted(set(self.families) - set(FAMILIES))
        if not 0 <= self.benchmark_forms <= 1 or self.per_family < 1:
            raise ValueError("benchmark_forms must lie in [0, 1] and per_family be at least 1")
        if unknown:
            raise ValueError(
                f"unknown question families: {', '.join(unknown)}; there are {', '.join(FAMILIES)}"
            )


def ask(
    looks: Sequence[Look],
    *,
    prefix: str,
    seed: int,
    config: AskConfig,
    split: Split = "train",
) -> tuple[list[Record], list[Verdict]]:
    """Records about one view, or about several of one home, and what was left out of them.

    Args:
        looks: one view: the families about one picture; more: those about several.
        prefix: start of every record id, "home:12-v0".
        seed: with ``prefix`` and the family's name it decides every draw, so that adding a
            family changes no other family's questions.
    """
    records = []
    for draft in drafts(looks, prefix=prefix, seed=seed, config=config):
        rng = np.random.default_rng([seed, zlib.crc32(f"{prefix}/{draft.key}/form".encode())])
        form = Form(kind=draft.kind)
        if rng.random() < config.benchmark_forms and draft.kind in FORMS:
            form = one(rng, FORMS[draft.kind])
        records.append(to_record(draft, looks, form, prefix=prefix, split=split))
    return records, leave_out(looks[0], prefix) if len(looks) == 1 else []


def drafts(looks: Sequence[Look], *, prefix: str, seed: int, config: AskConfig) -> Iterator[Draft]:
    """The drafts behind ``ask``, in the order of the families."""
    for name in config.families:
        if (name in SINGLE) != (len(looks) == 1):
            continue
        rng = np.random.default_rng([seed, zlib.crc32(f"{prefix}/{name}".encode())])
        keys: set[str] = set()
        for _ in range(config.per_family):
            draft = SINGLE[name](looks[0], rng) if name in SINGLE else SEVERAL[name](looks, rng)
            if draft is not None and draft.key not in keys:
                keys.add(draft.key)
                yield replace(draft, family=name)


def leave_out(look: Look, prefix: str) -> list[Verdict]:
    """One verdict for each thing in view that no question may name or point at, with the reason.

    Checks: ``question:small`` (too few pixels), ``question:ambiguous`` (its name fits something
    else in view), ``question:cut`` (the border cuts it, so only its existence is asked about).
    """
    scene, verdicts = look.scene, []
    least = scene.config.least_pixels
    for thing in scene.glimpsed:
        if thing.place and thing.cut:
            continue  # furniture reaches out of most pictures, and nobody points at it
        check = reason = ""
        score: float | None = None
        if thing.pixels < least:
            check, score = "question:small", float(thing.pixels)
            reason = f"fewer than {least} pixels are seen"
        elif scene.names[thing.name] > 1:
            check, score = "question:ambiguous", float(scene.names[thing.name])
            reason = "its name fits other things in view"
        elif thing.cut:
            check, reason = "question:cut", "the border of the picture cuts it"
        if check:
            verdicts.append(
                Verdict(
                    id=f"{prefix}-{slug(thing.id)}",
                    check=check,
                    keep=False,
                    reason=reason,
                    score=score,
                    threshold=float(least) if check == "question:small" else None,
                    evidence=thing.name,
                )
            )
    return verdicts


__all__ = ["FAMILIES", "HELD_OUT", "AskConfig", "Draft", "Look", "ask", "drafts", "leave_out"]
