"""What is there: existence, counting, colour and name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from seestep.act.vocabulary import CONTAINERS, plural
from seestep.records import Choice, Freeform, GeometryRef, Number, YesNo
from seestep.world.questions.draft import (
    Draft,
    Look,
    article,
    coin,
    one,
    pick,
    point_in,
    shuffled_choice,
    slug,
)
from seestep.world.scene import Scene, Seen, name_of

MOST = 6  # nobody counts further than this in a small picture


def exists(look: Look, rng: np.random.Generator) -> Draft | None:
    """Is there a red mug? The answer is drawn first; a "no" shares colour or noun 2 times in 3."""
    scene, yes = look.scene, coin(rng)
    if yes:
        pool = [t for t in scene.seen if not t.place] or scene.seen
        if not pool:
            return None
        name = one(rng, pool).name
    else:
        absent = _absent(scene, rng)
        if absent is None:
            return None
        name = absent
    ask = pick(rng, "Is there {}?", "Can you see {}?").format(article(name))
    return Draft("exists", "yes_no", slug("exists", name), (ask,), YesNo(yes=yes))


def count(look: Look, rng: np.random.Generator) -> Draft | None:
    """How many mugs are there?

    Whether the answer is 0, 1 or more is drawn first (1 : 2 : 5, since most views offer only
    ones), then the number evenly from those on offer. 0 asks for something of this home that the
    view lacks; any other noun is asked only if all its bearers in view are well seen and whole.
    """
    scene, wanted = look.scene, int(rng.choice(3, p=(0.125, 0.25, 0.625)))
    if wanted == 0:
        by_number = {0: [n for n in _home_nouns(scene) if n not in scene.traces]}
    else:
        by_number = {}
        for noun in sorted({t.noun for t in scene.seen if not t.place}):
            bearers = [t for t in scene.glimpsed if t.noun == noun]
            if scene.clear(bearers) and min(len(bearers), 2) == wanted and len(bearers) <= MOST:
                by_number.setdefault(len(bearers), []).append(noun)
    numbers = sorted(n for n, nouns in by_number.items() if nouns)
    if not numbers:
        return None
    number = one(rng, numbers)
    noun = one(rng, by_number[number])
    ask = pick(rng, "How many {} are there?", "Count the {}.").format(plural(noun))
    return Draft("count", "count", slug("count", noun), (ask,), Number(value=number))


def count_options(look: Look, rng: np.random.Generator) -> Draft | None:
    """How many mugs are there, among four numbers?"""
    draft = count(look, rng)
    return None if draft is None else with_options(draft, rng)


def count_on(look: Look, rng: np.random.Generator) -> Draft | None:
    """How many things are on the table? Only direct, well seen contents, nothing nested."""
    scene = look.scene
    found = []
    for place in scene.lone:
        inside = [t for t in scene.glimpsed if place.id in t.parents]
        direct = [t for t in inside if (scene.support(t) or ("", t))[1] is place]
        if place.place and inside and scene.clear(inside) and len(direct) == len(inside) <= MOST:
            found.append((place, len(inside)))
    if not found:
        return None
    number = one(rng, sorted({n for _, n in found}))
    place = one(rng, [p for p, n in found if n == number])
    ask = f"How many things can be seen {preposition(place)} the {place.name}?"
    return Draft("count", "count", slug("count-on", place.name), (ask,), Number(value=number))


def color(look: Look, rng: np.random.Generator) -> Draft | None:
    """What color is the mug? Words half of the time, else four options."""
    scene = look.scene
    pool = [t for t in scene.things(scene.seen) if t.color and scene.names[t.noun] == 1]
    if not pool:
        return None
    thing = one(rng, pool)
    ask = pick(rng, "What color is the {}?", "Which color does the {} have?").format(thing.noun)
    key = slug("color", thing.noun)
    if coin(rng):
        return Draft("attribute", "attribute", key, (ask,), Freeform(text=thing.color))
    others = sorted({str(o["color"]) for o in scene.objects.values() if o.get("color")})
    wrong = [c for c in others if c != thing.color]
    if len(wrong) < 3:
        return None
    wrong = [wrong[i] for i in rng.permutation(len(wrong))[:3]]
    answer = shuffled_choice(rng, thing.color, wrong)
    return Draft("attribute", "attribute", f"{key}-options", (ask,), answer)


def name_at(look: Look, rng: np.random.Generator) -> Draft | None:
    """What is at this point? The point is the thing's innermost one."""
    pool = look.scene.things()
    if not pool:
        return None
    thing = one(rng, pool)
    point = point_in(look.scene.mask(thing), look, "at", thing.name)
    ask = ("What is at ", GeometryRef(geometry="at"), "?")
    answer = Freeform(text=thing.name)
    return Draft("attribute", "attribute", slug("name", thing.id), ask, answer, (point,))


def with_options(draft: Draft, rng: np.random.Generator) -> Draft:
    """A count as a choice of four neighbouring numbers in any order."""
    assert isinstance(draft.answer, Number)
    gold = int(draft.answer.value)
    lowest = max(0, gold - int(rng.integers(4)))
    others = [str(n) for n in range(lowest, lowest + 4) if n != gold]
    options = [str(gold), *others]
    order = rng.permutation(4)
    answer = Choice(options=tuple(options[i] for i in order), index=int(np.argmin(order)))
    return replace(draft, key=f"{draft.key}-options", answer=answer)


def preposition(place: Seen) -> str:
    """ "in" a fridge or a bowl, "on" a table."""
    return "in" if place.type in CONTAINERS else "on"


def _absent(scene: Scene, rng: np.random.Generator) -> str | None:
    """A name that nothing in view bears, not even with a single pixel."""
    bearers = [t for t in scene.glimpsed if not t.place]
    home = [o for o in scene.objects.values() if o["pickupable"]]
    if not bearers or not home:
        return None
    for _ in range(20):
        like, other = one(rng, bearers), one(rng, home)
        color, (full, noun) = other.get("color") or "", name_of(other)
        guess = one(rng, (f"{color} {like.noun}", f"{like.color} {noun}", full)).strip()
        if guess not in scene.traces:
            return guess
    return None


def _home_nouns(scene: Scene) -> list[str]:
    return sorted({name_of(o)[1] for o in scene.objects.values() if o["pickupable"]})
