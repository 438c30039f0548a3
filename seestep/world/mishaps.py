"""Ways in which a plan goes wrong, injected into a good one.

An injected error is only a suspicion: ``pairs`` executes every one, and what still reaches the
goal is thrown away (or, for ``redundant``, labelled costlier). Kinds that lengthen and kinds that
shorten a plan are both there, so that length does not give the worse plan away.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from seestep.act import goals, wire
from seestep.act import vocabulary as v
from seestep.act.annotate import annotated
from seestep.act.executor import DEFAULT, Rules
from seestep.act.goals import Goal
from seestep.act.names import names
from seestep.act.state import State
from seestep.records import Atom, Plan
from seestep.world.plans import atoms

T = TypeVar("T")
MOST_STEPS: Final = 6
COSTLIER: Final = "redundant"


@dataclass(frozen=True, slots=True)
class Scene:
    """What an injector works on: the good steps over objectIds, their home and their goal."""

    steps: tuple[Atom, ...]
    state: State
    goal: Goal
    rng: random.Random
    seen: frozenset[str] = frozenset()  # things in the picture, which are the likeliest mistaken

    @property
    def carried(self) -> str:
        """The thing that the plan is about: the last one it picks, "" if it picks none."""
        return next((s[-1] for s in reversed(self.steps) if s[0] == "pick"), "")


def inject(
    kind: str,
    plan: Plan,
    state: State,
    goal: Goal,
    seed: str,
    rules: Rules = DEFAULT,
    seen: Collection[str] = (),
) -> Iterator[Plan]:
    """Bad variants of a good plan, of one kind of mishap, in an order fixed by ``seed``.

    Each reads differently from the good plan, has the same JSON structure and 1 to MOST_STEPS
    steps. The iterator may be empty: a plan without a put has no wrong receptacle. A thing taken
    for the right one is among those ``seen``, if any fits. KeyError for an unknown kind.
    """
    rng = random.Random(f"{seed}:{kind}")
    scene = Scene(tuple(atoms(plan)), state, goal, rng, frozenset(seen))
    seen = {wire.write(plan)}
    for steps in _shuffled(list(KINDS[kind](scene)), scene.rng):
        if not 1 <= len(steps) <= MOST_STEPS:
            continue
        bad = annotated(steps, state, rules)
        text = wire.write(bad)
        if text not in seen:
            seen.add(text)
            yield bad


def _drop_step(scene: Scene) -> Iterator[list[Atom]]:
    """Leave out one act that another needs."""
    for index, step in enumerate(scene.steps[:-1]):
        if step[0] not in ("goto", "find"):
            yield [*scene.steps[:index], *scene.steps[index + 1 :]]


def _swap_order(scene: Scene) -> Iterator[list[Atom]]:
    """Do two acts that follow each other the wrong way round; a walk between them stays put."""
    acts = [i for i, step in enumerate(scene.steps) if step[0] not in ("goto", "find")]
    for i, j in itertools.pairwise(acts):
        steps = list(scene.steps)
        steps[i], steps[j] = steps[j], steps[i]
        yield steps


def _wrong_object(scene: Scene) -> Iterator[list[Atom]]:
    """Take another thing that is there: alike in type or colour if possible."""
    if not scene.carried:
        return
    right = scene.state.things[scene.carried]
    others = [
        t
        for _, t in sorted(scene.state.things.items())
        if t.pickupable
        and not scene.state.concealed(t.id)
        and (scene.carried,) != (t.id,)
        and not any(t.id in step for step in scene.steps)
        and not any(goals.matches(w, t) for w in _kinds(scene.goal))
    ]
    others = [t for t in others if t.id in scene.seen] or others
    others.sort(key=lambda t: (t.type != right.type, t.color != right.color, t.id))
    for other in others[:4]:
        yield _replaced(scene.steps, scene.carried, other.id)


def _wrong_receptacle(scene: Scene) -> Iterator[list[Atom]]:
    """Put it down somewhere else: half the time where it may lie, half where it may not."""
    places = [s[-1] for s in scene.steps if s[0] == "put"]
    if not places:
        return
    right = scene.state.things[places[-1]]
    held = scene.state.things[scene.carried] if scene.carried else None
    others = [
        t
        for _, t in sorted(scene.state.things.items())
        if t.id != right.id
        and t.type not in ("Floor", right.type)
        and t.id != scene.carried
        and not t.pickupable
        and (t.receptacle or t.openable)
    ]
    fit = [t.id for t in others if held is not None and v.holds(t.type, held.type)]
    unfit = [t.id for t in others if t.id not in fit]
    for other in (*_shuffled(fit, scene.rng)[:2], *_shuffled(unfit, scene.rng)[:2]):
        yield _replaced(scene.steps, right.id, other)


def _hallucinated_object(scene: Scene) -> Iterator[list[Atom]]:
    """Speak of a thing that is not in the home: a colour or a type that is not there."""
    if not scene.carried:
        return
    right = scene.state.things[scene.carried]
    borne = {wire.normal(name) for name in names(scene.state).values()}
    colors = sorted({t.color for t in scene.state.things.values() if t.color})
    types = sorted({t.type for t in scene.state.things.values() if t.pickupable})
    absent = sorted(v.HOLDS["CoffeeTable"] - set(types) - {t + "Sliced" for t in v.SLICEABLE})
    ghosts = [f"{c} {v.words(right.type)}" for c in colors]
    ghosts += [f"{right.color} {v.words(t)}".strip() for t in absent]
    fit = [g for g in ghosts if wire.normal(g) not in borne]
    for ghost in _shuffled(fit, scene.rng)[:4]:
        yield _replaced(scene.steps, scene.carried, f"?{ghost}")


def _premature_end(scene: Scene) -> Iterator[list[Atom]]:
    """Stop before the work is done."""
    yield list(scene.steps[:-1])
    if len(scene.steps) > 3:
        yield list(scene.steps[:-2])


def _wrong_state_action(scene: Scene) -> Iterator[list[Atom]]:
    """Switch on what is on, close what is closed, open what has no door."""
    wrong: list[Atom] = []
    for thing in sorted(scene.state.things.values(), key=lambda t: t.id):
        if thing.type == "Floor" or scene.state.concealed(thing.id):
            continue
        if thing.toggleable:
            wrong.append(("turn_on" if thing.is_on else "turn_off", thing.id))
        elif thing.openable:
            wrong.append(("open" if thing.is_open else "close", thing.id))
        elif any(thing.id in step for step in scene.steps):
            wrong += [("open", thing.id), ("turn_on", thing.id)]
    named = [w for w in wrong if any(w[1] in step for step in scene.steps)]
    rest = [w for w in wrong if w not in named]
    for step in (*_shuffled(named, scene.rng)[:2], *_shuffled(rest, scene.rng)[:2]):
        at = scene.rng.randrange(len(scene.steps))
        yield [*scene.steps[:at], step, *scene.steps[at:]]


def _redundant(scene: Scene) -> Iterator[list[Atom]]:
    """Get there by a longer way: a walk for nothing, or lay down and pick up again."""
    picks = [i for i, s in enumerate(scene.steps) if s[0] == "pick"]
    for i in picks:
        thing = scene.steps[i][-1]
        for place in scene.state.things[thing].parents[:1]:
            if thing in scene.state.things and scene.state.things[place].type != "Floor":
                back: list[Atom] = [("put", place), ("pick", thing)]
                yield [*scene.steps[: i + 1], *back, *scene.steps[i + 1 :]]
    aims = [
        t.id
        for _, t in sorted(scene.state.things.items())
        if not t.pickupable
        and t.receptacle
        and t.type != "Floor"
        and not scene.state.concealed(t.id)
        and not any(t.id in step for step in scene.steps)
    ]
    for aim in _shuffled(aims, scene.rng)[:2]:
        at = scene.rng.randrange(1, len(scene.steps)) if len(scene.steps) > 1 else 0
        yield [*scene.steps[:at], ("goto", aim), *scene.steps[at:]]


KINDS: Final[dict[str, Callable[[Scene], Iterator[list[Atom]]]]] = {
    "drop_step": _drop_step,
    "swap_order": _swap_order,
    "wrong_object": _wrong_object,
    "wrong_receptacle": _wrong_receptacle,
    "hallucinated_object": _hallucinated_object,
    "premature_end": _premature_end,
    "wrong_state_action": _wrong_state_action,
    COSTLIER: _redundant,
}


def _kinds(goal: Goal) -> list[goals.Which]:
    return [want.what for want in goal.wants]


def _replaced(steps: tuple[Atom, ...], old: str, new: str) -> list[Atom]:
    return [(s[0], *(new if a == old else a for a in s[1:])) for s in steps]


def _shuffled(items: list[T], rng: random.Random) -> list[T]:
    return rng.sample(items, len(items))
