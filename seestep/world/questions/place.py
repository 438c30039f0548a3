"""Where it is: boxes, points, and free space on a surface."""

from __future__ import annotations

import numpy as np

from seestep.records import Box, Points
from seestep.world.questions.distance import gap_m
from seestep.world.questions.draft import (
    Draft,
    Look,
    box_of,
    one,
    pick,
    point_in,
    region_of,
    slug,
)
from seestep.world.scene import Mask, Scene, Seen

LEAST_FREE = 25  # pixels of a free region worth pointing at


def locate(look: Look, rng: np.random.Generator) -> Draft | None:
    """The tight box of an uncut thing."""
    pool = look.scene.things()
    if not pool:
        return None
    thing = one(rng, pool)
    ask = pick(rng, "Find the {}.", "Where is the {}? Give its box.").format(thing.name)
    return Draft(
        "locate", "grounding", slug("box", thing.name), (ask,), Box(geometry="box"),
        (box_of(thing, look),),
    )  # fmt: skip


def point(look: Look, rng: np.random.Generator) -> Draft | None:
    """A point of an uncut thing, scored against its mask."""
    pool = look.scene.things()
    if not pool:
        return None
    thing = one(rng, pool)
    ask = pick(rng, "Point to the {}.", "Point at the {}.").format(thing.name)
    return _pointing("point", "pointing", slug("point", thing.name), ask, look,
                     look.scene.mask(thing), thing.name)  # fmt: skip


def point_related(look: Look, rng: np.random.Generator) -> Draft | None:
    """Point to the thing that is leftmost, rightmost, closest or farthest of its noun or of all."""
    scene = look.scene
    word = one(rng, ("leftmost", "rightmost", "closest", "farthest"))
    things = scene.things()
    nouns = sorted({t.noun for t in things if scene.names[t.noun] > 1})
    noun = one(rng, nouns) if nouns else None
    if noun is None:
        return None
    rivals = [t for t in scene.glimpsed if t.noun == noun]
    if not scene.clear(rivals):
        return None
    best = _extreme(scene, rivals, word)
    if best is None:
        return None
    ask = f"Point to the {word} {noun}."
    return _pointing("point", "pointing", slug("point", word, noun), ask, look,
                     scene.mask(best), f"{word} {noun}")  # fmt: skip


def point_near(look: Look, rng: np.random.Generator) -> Draft | None:
    """Point to the thing closest to another: two steps, and kept out of training by default."""
    scene = look.scene
    things = scene.things()
    found = []
    for mark in things:
        gaps = sorted(
            (gap_m(mark, t), t.id) for t in scene.glimpsed if not t.place and t is not mark
        )
        if len(gaps) > 1 and gaps[1][0] > 1.3 * gaps[0][0] + 0.05:
            found += [(mark, t) for t in things if t.id == gaps[0][1]]
    if not found:
        return None
    mark, best = one(rng, found)
    ask = f"Point to the thing closest to the {mark.name}."
    return _pointing("point", "pointing", slug("point-near", mark.name), ask, look,
                     scene.mask(best), best.name)  # fmt: skip


def free_space(look: Look, rng: np.random.Generator) -> Draft | None:
    """A free spot on a table, counter or the like."""
    found = _spots(look.scene)
    if not found:
        return None
    place, free = one(rng, found)
    ask = pick(rng, "Point to a free spot on the {}.", "Point to an empty place on the {}.")
    return _pointing("free_space", "free_space", slug("free", place.name), ask.format(place.name),
                     look, free, f"free spot on the {place.name}")  # fmt: skip


def free_beside(look: Look, rng: np.random.Generator) -> Draft | None:
    """A free spot left of, right of, in front of or behind a thing, on what bears the thing.

    The region is as wide as a person would take it: for left and right the rows that the thing
    covers and as many again above and below; for front and behind likewise with columns.
    """
    scene = look.scene
    word = one(rng, ("left of", "right of", "in front of", "behind"))
    spots = []
    for place, free in _spots(scene):
        for thing in scene.things():
            if place.id not in thing.parents:
                continue
            region = free & beside(thing, word, free.shape)
            if region.sum() >= LEAST_FREE:
                spots.append((place, thing, region))
    if not spots:
        return None
    place, thing, region = one(rng, spots)
    ask = f"Point to a free spot on the {place.name} {word} the {thing.name}."
    return _pointing("free_space", "free_space", slug("free", word, thing.name), ask, look,
                     region, f"free spot {word} the {thing.name}")  # fmt: skip


def free_between(look: Look, rng: np.random.Generator) -> Draft | None:
    """A free spot between two things on the same surface."""
    scene = look.scene
    spots = []
    for place, free in _spots(scene):
        things = [t for t in scene.things() if place.id in t.parents]
        for i, a in enumerate(things):
            for b in things[i + 1 :]:
                region = free & _between(a, b, free.shape)
                if region.sum() >= LEAST_FREE:
                    spots.append((a, b, region))
    if not spots:
        return None
    a, b, region = one(rng, spots)
    ask = f"Point to a free spot between the {a.name} and the {b.name}."
    return _pointing("free_space", "free_space", slug("between", a.name, b.name), ask, look,
                     region, "free spot")  # fmt: skip


def beside(thing: Seen, word: str, shape: tuple[int, ...]) -> Mask:
    """The part of the picture that is ``word`` the thing; see ``free_beside``."""
    x0, y0, x1, y1 = thing.box_px
    wide, high = x1 - x0, y1 - y0
    ys, xs = np.mgrid[: shape[0], : shape[1]] + 0.5
    rows = (ys > y0 - high) & (ys < y1 + high)
    columns = (xs > x0 - wide) & (xs < x1 + wide)
    sides: dict[str, Mask] = {
        "left of": rows & (xs < x0),
        "right of": rows & (xs > x1),
        "in front of": columns & (ys > y1),
        "behind": columns & (ys < y0),
    }
    return sides[word]


def _between(a: Seen, b: Seen, shape: tuple[int, ...]) -> Mask:
    """Pixels by the middle half of the line from foot to foot, at most a quarter of it away."""
    ends = [np.array([t.centre_px[0], t.box_px[3]]) for t in (a, b)]
    ys, xs = np.mgrid[: shape[0], : shape[1]] + 0.5
    along = ends[1] - ends[0]
    length = float(np.hypot(*along)) or 1.0
    dx, dy = xs - ends[0][0], ys - ends[0][1]
    t = (dx * along[0] + dy * along[1]) / length**2
    off = np.abs(dx * along[1] - dy * along[0]) / length
    middle: Mask = (t > 0.25) & (t < 0.75) & (off < length / 4)
    return middle


def _spots(scene: Scene) -> list[tuple[Seen, Mask]]:
    return [(place, free) for place, free in scene.tops if free.sum() >= 2 * LEAST_FREE]


def _extreme(scene: Scene, things: list[Seen], word: str) -> Seen | None:
    """The one thing that beats all others by the margin, or None."""
    if word in ("leftmost", "rightmost"):
        sign, margin = (
            (1 if word == "leftmost" else -1),
            scene.config.side_margin * scene.width,
        )
        ranked = sorted((sign * t.centre_px[0], i) for i, t in enumerate(things))
    else:
        sign, margin = (1 if word == "closest" else -1), scene.config.depth_margin_m
        ranked = sorted((sign * t.depth_m, i) for i, t in enumerate(things))
    if len(ranked) < 2 or ranked[1][0] - ranked[0][0] < margin:
        return None
    return things[ranked[0][1]]


def _pointing(
    task: str, skill: str, key: str, ask: str, look: Look, mask: Mask, label: str
) -> Draft:
    geometry = (point_in(mask, look, label=label), region_of(mask, look, label=label))
    answer = Points(geometry="point", region="region")
    return Draft(task, skill, key, (ask,), answer, geometry)
