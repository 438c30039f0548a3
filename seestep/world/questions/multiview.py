"""Two or more views of one home: what is the same, how the camera moved, what there is in all.

Views are called "image 1", "image 2" ... in the order shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seestep.act.vocabulary import plural
from seestep.records import GeometryRef, Number, Points
from seestep.world.questions.distance import gap_m, longest_cm
from seestep.world.questions.draft import (
    Draft,
    Look,
    boxes_of,
    one,
    pick,
    point_in,
    region_of,
    shuffled_choice,
    slug,
)
from seestep.world.questions.things import MOST
from seestep.world.scene import Seen

LEAST_TURN_DEG = 12.0
MOST_TURN_DEG = 75.0


def turn_deg(a: Look, b: Look) -> float | None:
    """Degrees clockwise seen from above that the camera turned; None if it also moved."""
    one_, two = (look.scene.event.metadata for look in (a, b))
    if any(abs(one_["cameraPosition"][k] - two["cameraPosition"][k]) > 0.02 for k in "xyz"):
        return None
    return (heading_deg(b) - heading_deg(a) + 180.0) % 360.0 - 180.0


def heading_deg(look: Look) -> float:
    """The camera's rotation about the vertical, clockwise seen from above."""
    meta = look.scene.event.metadata
    view = meta.get("view")
    return float(view["rotation"] if view else meta["agent"]["rotation"]["y"])


def turned(looks: Sequence[Look], rng: np.random.Generator) -> Draft | None:
    """Did the camera turn left or right between the two images? Some thing is in both."""
    a, b = looks[0], looks[1]
    degrees = turn_deg(a, b)
    if degrees is None or not LEAST_TURN_DEG <= abs(degrees) <= MOST_TURN_DEG:
        return None
    if not {t.id for t in a.scene.seen} & {t.id for t in b.scene.seen}:
        return None
    right, wrong = ("right", "left") if degrees > 0 else ("left", "right")
    ask = pick(rng, "From image 1 to image 2, which way did the camera turn?",
               "Which way did the camera turn between the images?")  # fmt: skip
    answer = shuffled_choice(rng, right, [wrong])
    boxes = boxes_of(*(pair for ab in _shared(a, b)[:2] for pair in zip(ab, (a, b), strict=True)))
    return Draft("multiview", "multiview", "turned", (ask,), answer, boxes)


def same(looks: Sequence[Look], rng: np.random.Generator) -> Draft | None:
    """Point in image 2 to the thing marked in image 1."""
    a, b = looks[0], looks[1]
    shared = _shared(a, b)
    if not shared:
        return None
    first, second = one(rng, shared)
    ask = (
        "Image 1 shows a thing at ",
        GeometryRef(geometry="at"),
        ". Point to it in image 2.",
    )
    geometry = (
        point_in(a.scene.mask(first), a, "at", first.name),
        point_in(b.scene.mask(second), b, "point", second.name),
        region_of(b.scene.mask(second), b, "region", second.name),
    )
    answer = Points(geometry="point", region="region")
    return Draft("multiview", "multiview", slug("same", first.id), ask, answer, geometry)


def in_both(looks: Sequence[Look], rng: np.random.Generator) -> Draft | None:
    """Which thing is in both images? The wrong options are in one of them only."""
    a, b = looks[0], looks[1]
    both = {first.id: (first, second) for first, second in _shared(a, b)}
    shared = [first for first, _ in both.values()]
    # "only in one" must hold to the last pixel, and for everything of that name
    single = [
        t.name
        for mine, other in ((a, b), (b, a))
        for t in mine.scene.things()
        if t.name not in other.scene.traces
    ]
    names = {t.name for t in shared}
    wrong = sorted(set(single) - names)
    if not shared or not wrong:
        return None
    thing = one(rng, shared)
    wrong = [wrong[i] for i in rng.permutation(len(wrong))[:3]]
    ask = pick(rng, "Which thing is in both images?", "Which thing do both images show?")
    answer = shuffled_choice(rng, thing.name, wrong)
    boxes = boxes_of((thing, a), (both[thing.id][1], b))
    return Draft("multiview", "multiview", slug("both", thing.name), (ask,), answer, boxes)


def count_across(looks: Sequence[Look], rng: np.random.Generator) -> Draft | None:
    """How many different mugs are there in all images together? Ones are drawn one time in four."""
    several = rng.random() < 0.75
    by_number: dict[int, list[str]] = {}
    nouns = {t.noun for look in looks for t in look.scene.seen if not t.place}
    for noun in sorted(nouns):
        bearers = [(t, look) for look in looks for t in look.scene.glimpsed if t.noun == noun]
        seen = all(look.scene.clear([t]) for t, look in bearers)
        number = len({t.id for t, _ in bearers})
        if seen and number <= MOST and (number > 1) == several:
            by_number.setdefault(number, []).append(noun)
    if not by_number:
        return None
    number = one(rng, sorted(by_number))
    noun = one(rng, by_number[number])
    ask = f"How many different {plural(noun)} are there in these images?"
    return Draft("count", "count", slug("count-across", noun), (ask,), Number(value=number))


def first_seen(looks: Sequence[Look], rng: np.random.Generator) -> Draft | None:
    """Which of these things appears first? For three images or more."""
    names: list[str] = []
    debut: dict[str, int] = {}
    for when, look in enumerate(looks):
        for thing in look.scene.glimpsed:
            if not thing.place:
                debut.setdefault(thing.name, when)
        names += [t.name for t in look.scene.things() if t.name not in names]
    chosen: dict[int, str] = {}
    for i in rng.permutation(len(names)):
        chosen.setdefault(debut[names[i]], names[i])
    if len(looks) < 3 or len(chosen) < 2:
        return None
    ranked = [chosen[when] for when in sorted(chosen)]
    answer = shuffled_choice(rng, ranked[0], ranked[1:4])
    ask = "Which of these things appears first in the images?"
    return Draft("multiview", "multiview", slug("first", *sorted(ranked)), (ask,), answer)


def _shared(a: Look, b: Look) -> list[tuple[Seen, Seen]]:
    """Things that are nameable and whole in both views."""
    there = {t.id: t for t in b.scene.things()}
    return [(t, there[t.id]) for t in a.scene.things() if t.id in there]


def metres_across(looks: Sequence[Look], rng: np.random.Generator) -> Draft | None:
    """How far apart are two things, each seen in one of the images, not needfully the same?"""
    things = _lone_across(looks)
    pairs = [(a, b) for i, a in enumerate(things) for b in things[i + 1 :] if gap_m(a, b) >= 0.3]
    if not pairs:
        return None
    a, b = one(rng, pairs)
    ask = f"How far apart are the {a.name} and the {b.name}, in metres?"
    answer = Number(value=round(gap_m(a, b), 1), unit="m")
    return Draft("distance", "metric", slug("metres-across", a.name, b.name), (ask,), answer)


def size_across(looks: Sequence[Look], rng: np.random.Generator) -> Draft | None:
    """How long is the longest side of a thing that the images show, in centimetres?"""
    things = _lone_across(looks)
    if not things:
        return None
    thing = one(rng, things)
    ask = f"How long is the longest side of the {thing.name}, in centimetres?"
    answer = Number(value=longest_cm(thing), unit="cm")
    return Draft("distance", "metric", slug("size-across", thing.name), (ask,), answer)


def nearer_across(looks: Sequence[Look], rng: np.random.Generator) -> Draft | None:
    """Which of two things is closer to a third, wherever the images show them?"""
    things = _lone_across(looks)
    if len(things) < 3:
        return None
    a, b, c = (things[i] for i in rng.permutation(len(things))[:3])
    near, far = sorted((a, b), key=lambda t: gap_m(t, c))
    if gap_m(far, c) < 1.35 * gap_m(near, c) + 0.1:
        return None
    ask = f"Which is closer to the {c.name}?"
    answer = shuffled_choice(rng, near.name, [far.name])
    key = slug("nearer-across", c.name, *sorted((a.name, b.name)))
    return Draft("distance", "distance", key, (ask,), answer)


def _lone_across(looks: Sequence[Look]) -> list[Seen]:
    """Whole things whose name fits one and the same thing in all views."""
    bearers: dict[str, set[str]] = {}
    for look in looks:
        for thing in look.scene.glimpsed:
            bearers.setdefault(thing.name, set()).add(thing.id)
    found = {t.id: t for look in looks for t in look.scene.things() if len(bearers[t.name]) == 1}
    return [found[i] for i in sorted(found)]
