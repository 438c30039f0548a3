"""How far: order of distances, and distances and sizes in metres.

Metric answers use the metadata of the simulator: distances run between centres of axis-aligned
boxes (VSI-Bench measures between closest points, which a box does not tell), and a size is the
longest side of that box.
"""

from __future__ import annotations

import math

import numpy as np

from seestep.records import Number
from seestep.world.questions.draft import (
    Draft,
    Look,
    coin,
    one,
    pick,
    shuffled_choice,
    slug,
)
from seestep.world.scene import Scene, Seen


def nearer(look: Look, rng: np.random.Generator) -> Draft | None:
    """Which of two to four things is closest to, or farthest from, the camera?"""
    scene, closest = look.scene, coin(rng)
    things = scene.things()
    wanted = int(rng.integers(2, 5))
    order = rng.permutation(len(things))
    chosen: list[Seen] = []
    for i in order:
        if all(scene.closer(things[i], t) is not None for t in chosen):
            chosen.append(things[i])
    chosen = chosen[:wanted]
    if len(chosen) < 2:
        return None
    ranked = sorted(chosen, key=lambda t: t.depth_m if closest else -t.depth_m)
    words = ("closer to", "closest to") if closest else ("farther from", "farthest from")
    word = words[len(chosen) > 2]
    ask = pick(rng, "Which is {} the camera?", "Which thing is {} the camera?").format(word)
    answer = shuffled_choice(rng, ranked[0].name, [t.name for t in ranked[1:]])
    key = slug("nearer" if closest else "farther", *sorted(t.name for t in chosen))
    return Draft("distance", "distance", key, (ask,), answer)


def nearer_to(look: Look, rng: np.random.Generator) -> Draft | None:
    """Which of two things is closer to a third? Told apart by at least a third of the distance."""
    things = look.scene.things()
    triples = []
    for c in things:
        others = [t for t in things if t is not c]
        for i, a in enumerate(others):
            for b in others[i + 1 :]:
                near, far = sorted((gap_m(a, c), gap_m(b, c)))
                if far > near * 1.35 and far - near > 0.1:
                    triples.append((a, b, c))
    if not triples:
        return None
    a, b, c = one(rng, triples)
    close, far_one = (a, b) if gap_m(a, c) < gap_m(b, c) else (b, a)
    ask = f"Which is closer to the {c.name}?"
    answer = shuffled_choice(rng, close.name, [far_one.name])
    key = slug("nearer-to", c.name, *sorted((a.name, b.name)))
    return Draft("distance", "distance", key, (ask,), answer)


def metres(look: Look, rng: np.random.Generator) -> Draft | None:
    """How far is a thing from the camera, or two things from one another, in metres?"""
    scene = look.scene
    things = scene.things()
    if coin(rng):
        if not things:
            return None
        thing = one(rng, things)
        ask = f"How far is the {thing.name} from the camera, in metres?"
        value, key = camera_gap_m(scene, thing), slug("metres", thing.name)
    else:
        pairs = [(a, b) for i, a in enumerate(things) for b in things[i + 1 :]]
        pairs = [p for p in pairs if gap_m(*p) >= 0.2]
        if not pairs:
            return None
        a, b = one(rng, pairs)
        ask = f"How far apart are the {a.name} and the {b.name}, in metres?"
        value, key = gap_m(a, b), slug("metres", a.name, b.name)
    return Draft("distance", "metric", key, (ask,), Number(value=round(value, 1), unit="m"))


def size(look: Look, rng: np.random.Generator) -> Draft | None:
    """How long is the longest side of a thing, in centimetres?"""
    things = look.scene.things()
    if not things:
        return None
    thing = one(rng, things)
    ask = f"How long is the longest side of the {thing.name}, in centimetres?"
    value = longest_cm(thing)
    return Draft("distance", "metric", slug("size", thing.name), (ask,),
                 Number(value=value, unit="cm"))  # fmt: skip


def gap_m(a: Seen, b: Seen) -> float:
    """Metres between the centres of two things."""
    return math.dist(_centre(a), _centre(b))


def longest_cm(thing: Seen) -> int:
    """Centimetres of the longest side of a thing's axis-aligned box."""
    sides: dict[str, float] = thing.raw["axisAlignedBoundingBox"]["size"]
    return round(100 * max(sides.values()))


def camera_gap_m(scene: Scene, thing: Seen) -> float:
    """Metres between the camera and the centre of a thing."""
    camera = scene.event.metadata["cameraPosition"]
    return math.dist([camera[axis] for axis in "xyz"], _centre(thing))


def _centre(thing: Seen) -> list[float]:
    centre = thing.raw["axisAlignedBoundingBox"]["center"]
    return [centre[axis] for axis in "xyz"]
