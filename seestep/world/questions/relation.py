"""How things stand to one another: sides, depth, height, support, and what may go where.

Sides are those of the picture. "In front" is closer to the camera. "Above" is higher in the room
as well as in the picture: a thing further back on the same table is not above the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seestep.act.vocabulary import holds
from seestep.records import YesNo
from seestep.world.questions.draft import (
    Draft,
    Look,
    boxes_of,
    coin,
    one,
    pick,
    shuffled_choice,
    slug,
)
from seestep.world.questions.things import preposition
from seestep.world.scene import Scene, Seen

# relation -> the words for it and for its opposite, and the test of (a, b)
_Test = Callable[[Scene, Seen, Seen], bool | None]
RELATIONS: dict[str, tuple[str, str, _Test]] = {
    "side": ("left of", "right of", Scene.left_of),
    "depth": ("in front of", "behind", Scene.closer),
    "height": ("above", "below", Scene.above),
}


def side(look: Look, rng: np.random.Generator) -> Draft | None:
    """Is A left or right of B?"""
    return _compare("side", look, rng)


def depth(look: Look, rng: np.random.Generator) -> Draft | None:
    """Is A in front of or behind B?"""
    return _compare("depth", look, rng)


def height(look: Look, rng: np.random.Generator) -> Draft | None:
    """Is A above or below B?"""
    return _compare("height", look, rng)


def truth(look: Look, rng: np.random.Generator) -> Draft | None:
    """Is A left of B? Relation, answer and order are drawn before the pair."""
    relation, yes = one(rng, ("side", "side", "depth", "depth", "height")), coin(rng)
    pair = _pair(relation, look.scene, rng, wanted=coin(rng))
    if pair is None:
        return None
    a, b, holds_now = pair
    word = RELATIONS[relation][0 if holds_now == yes else 1]
    ask = f"Is the {a.name} {word} the {b.name}?"
    key = slug("is", word, a.name, b.name)
    boxes = boxes_of((a, look), (b, look))
    return Draft("relation", "relation", key, (ask,), YesNo(yes=yes), boxes)


def support(look: Look, rng: np.random.Generator) -> Draft | None:
    """Where is the mug? On the table, or on or in another seen place that could hold it."""
    scene = look.scene
    borne = [(t, found) for t in scene.things(scene.lone) if (found := scene.support(t))]
    if not borne:
        return None
    thing, (word, bearer) = one(rng, borne)
    wrong = [
        f"{preposition(p)} the {p.name}"
        for p in scene.lone
        if p.id not in thing.parents and p is not thing and p.raw["receptacle"]
    ]
    if not wrong:
        return None
    wrong = [wrong[i] for i in rng.permutation(len(wrong))[:3]]
    answer = shuffled_choice(rng, f"{word} the {bearer.name}", wrong)
    ask = f"Where is the {thing.name}?"
    boxes = boxes_of((thing, look), (bearer, look))
    return Draft("relation", "relation", slug("where", thing.name), (ask,), answer, boxes)


def support_truth(look: Look, rng: np.random.Generator) -> Draft | None:
    """Is the mug on the table? The answer is drawn first; a "no" names another seen place."""
    scene, yes = look.scene, coin(rng)
    borne = [(t, found) for t in scene.things(scene.lone) if (found := scene.support(t))]
    for i in rng.permutation(len(borne)):
        thing, (word, bearer) = borne[i]
        place = bearer
        if not yes:
            others = [
                p
                for p in scene.lone
                if p.raw["receptacle"] and p.id not in thing.parents and p is not thing
            ]
            if not others:
                continue
            place = one(rng, others)
            word = preposition(place)
        ask = f"Is the {thing.name} {word} the {place.name}?"
        key = slug("is", word, thing.name, place.name)
        boxes = boxes_of((thing, look), (place, look))
        return Draft("relation", "relation", key, (ask,), YesNo(yes=yes), boxes)
    return None


def fits(look: Look, rng: np.random.Generator) -> Draft | None:
    """Can the apple be put in the bowl? By AI2-THOR's table of what a receptacle takes."""
    scene, yes = look.scene, coin(rng)
    pairs = [
        (t, p)
        for t in scene.things(scene.lone)
        for p in scene.lone
        if p is not t
        and p.raw["receptacle"]
        and p.id not in t.parents
        and t.id not in p.parents
        and holds(p.type, t.type) == yes
    ]
    if not pairs:
        return None
    thing, place = one(rng, pairs)
    ask = pick(rng, "Can the {} go {} the {}?", "Can I put the {} {} the {}?")
    ask = ask.format(thing.name, preposition(place), place.name)
    key = slug("fits", thing.name, place.name)
    return Draft("affordance", "compatibility", key, (ask,), YesNo(yes=yes))


def _compare(relation: str, look: Look, rng: np.random.Generator) -> Draft | None:
    pair = _pair(relation, look.scene, rng, wanted=coin(rng))
    if pair is None:
        return None
    a, b, first = pair
    words = RELATIONS[relation][:2]
    right, wrong = (words[0], words[1]) if first else (words[1], words[0])
    both = (right, wrong) if coin(rng) else (wrong, right)
    ask = pick(rng, "Is the {} {} or {} the {}?", "Where is the {}: {} or {} the {}?")
    short = [w.removesuffix(" of") for w in both]
    joined = ask.format(a.name, short[0], both[1], b.name)
    answer = shuffled_choice(rng, right.removesuffix(" of"), [wrong.removesuffix(" of")])
    key = slug(relation, a.name, b.name)
    boxes = boxes_of((a, look), (b, look))
    return Draft("relation", "relation", key, (joined,), answer, boxes)


def _pair(
    relation: str, scene: Scene, rng: np.random.Generator, *, wanted: bool
) -> tuple[Seen, Seen, bool] | None:
    """Two uncut things whose relation is clear, and is ``wanted`` (they can always be swapped)."""
    test = RELATIONS[relation][2]
    things = scene.things() if relation != "height" else scene.whole
    pairs = [
        (a, b, result)
        for i, a in enumerate(things)
        for b in things[i + 1 :]
        if (result := test(scene, a, b)) is not None and not _nested(a, b)
    ]
    if not pairs:
        return None
    a, b, result = one(rng, pairs)
    return (a, b, wanted) if result == wanted else (b, a, wanted)


def _nested(a: Seen, b: Seen) -> bool:
    return a.id in b.parents or b.id in a.parents
