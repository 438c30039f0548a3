"""Tasks that only a picture makes clear: "Put the leftmost thing in the fridge."

The words say what to do and, loosely, with what; which thing that is stands in one close picture,
and a plan has to name it by colour and noun. A plan made from the words alone, or from another
picture, names something else and fails when it is executed.

Ways to refer to a thing, each fitting just one thing in the picture:

- ``noun``: "mug" (its colour must be seen), not for kinds that are nearly always of one colour;
- ``color``: "green thing" (what it is must be seen);
- ``end``: "leftmost thing" and "rightmost thing";
- ``beside``: "thing left of the red bowl", where only one thing is.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from seestep.act import goals, search
from seestep.act import vocabulary as v
from seestep.act.executor import DEFAULT, Rules, run
from seestep.act.goals import Goal, Want
from seestep.act.names import names
from seestep.act.state import State
from seestep.records import Atom
from seestep.world import tasks, watch
from seestep.world.protocol import Event, Simulator
from seestep.world.scene import Scene, SceneConfig, Seen
from seestep.world.tasks import Task
from seestep.world.views import ViewConfig, plan_shots

HOWS: Final = ("noun", "color", "end", "beside")
TWO: Final = "pick_two_obj_and_place"
CARRIER: Final = "pick_and_place_with_movable_recep"


class SightConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many close views of a home, and how many tasks of each."""

    views: int = 4
    per_view: int = 4
    hows: tuple[str, ...] = HOWS
    least_pixels: int = SceneConfig().least_pixels  # of a thing that a plan must name
    known: tuple[str, ...] = ("Bread", "Egg", "Lettuce", "Potato")  # types not asked for by noun
    near_m: float = 0.65  # the camera stands this far from the surface it looks at,
    far_m: float = 1.1  # to this, as for questions


@dataclass(frozen=True, slots=True)
class Refer:
    """A way to speak of a seen thing: ``words`` follow "the"."""

    how: str
    words: str
    thing: Seen


def look(
    simulator: Simulator, seed: int, config: SightConfig, shown: watch.WatchConfig
) -> Iterator[Event]:
    """Close views of the surfaces that bear most things, from where the home's start left them.

    Simulators without free cameras (``LookAt``) show the surface from where the agent can act on
    it. Views that could not be taken are left out.
    """
    size = ViewConfig(
        size=shown.size, close=config.views, wide=0, orbits=0, turns=0,
        near_m=config.near_m, far_m=config.far_m,
    )  # fmt: skip
    rng = np.random.default_rng([5, seed])
    for shot in plan_shots(simulator.last_event.metadata, (), rng, size):
        (camera,) = shot.cameras
        arguments: dict[str, Any] = dict(camera.arguments)
        action = camera.action
        if action not in simulator.capabilities:
            poses = watch.stands(simulator, arguments["objectId"], 1)
            if not poses:
                continue
            action, arguments = "TeleportFull", poses[0]
        event = simulator.step(action, **arguments)
        if event:
            yield event


def scene_of(event: Event, config: SightConfig) -> Scene:
    """What of a picture a task may be about."""
    return Scene(event, SceneConfig(least_pixels=config.least_pixels))


def sample(
    scene: Scene,
    state: State,
    rng: random.Random,
    *,
    used: Counter[str],
    config: SightConfig,
    kinds: Sequence[str] = goals.TASKS,
    rules: Rules = DEFAULT,
) -> list[Task]:
    """At most ``config.per_view`` different tasks that this picture makes clear.

    Ways to refer, kinds of task and things that ``used`` counts least come first; what is taken is
    added to it. The same arguments give the same tasks.
    """
    options = [(r, kind) for r in refers(scene, state, config) for kind in kinds]
    options = [(r, kind) for r, kind in options if (kind == TWO) == (r.how == "both")]
    rng.shuffle(options)
    found: list[Task] = []
    here: Counter[str] = Counter()
    while options and len(found) < config.per_view:
        best = min(
            options,
            key=lambda o: (here[o[0].thing.id], used[o[0].how] + used[o[1]], here[o[0].words]),
        )
        options.remove(best)
        refer, kind = best
        task = _task(refer, kind, scene, state, rng, rules)
        if task is None or any(t.goal == task.goal for t in found):
            continue
        found.append(task)
        used.update((refer.how, kind))
        here.update((refer.thing.id, refer.words))
    return found


def refers(scene: Scene, state: State, config: SightConfig) -> list[Refer]:
    """Every way to speak of a thing in the picture that fits it alone, in a fixed order.

    Only of things that the plan can name: a name of colour and noun that nothing else in the home
    bears. There must be another thing in view to take it for. "both" is two things of a noun;
    ``thing`` is the left one.
    """
    named = nameable(scene, state)
    rivals = [t for t in scene.glimpsed if not t.place]
    if len(rivals) < 2:
        return []
    out: list[Refer] = []
    colors = Counter(t.color for t in scene.glimpsed)
    for thing in named:
        if scene.names[thing.noun] == 1 and thing.type not in config.known:
            out.append(Refer("noun", thing.noun, thing))
        if thing.color and colors[thing.color] == 1:
            out.append(Refer("color", f"{thing.color} thing", thing))
        others = [o for o in rivals if o.id != thing.id]
        for word, left in (("left", True), ("right", False)):
            if all(scene.left_of(thing, o) is left for o in others):
                out.append(Refer("end", f"{word}most thing", thing))
        out += [Refer("beside", words, thing) for words in _beside(thing, named, rivals, scene)]
    for pair in _pairs(named, scene):
        out.append(Refer("both", v.plural(pair[0].noun), pair[0]))
    wanted = {*config.hows, "both"}
    return [r for r in out if r.how in wanted]


def nameable(scene: Scene, state: State) -> list[Seen]:
    """Seen, uncut things that are called by colour and noun throughout the home, in order of id."""
    called = names(state)
    borne = Counter(called.values())
    return [
        t for t in scene.things() if called.get(t.id) == t.name and borne[t.name] == 1 and t.color
    ]


def _beside(
    thing: Seen, named: Sequence[Seen], rivals: Sequence[Seen], scene: Scene
) -> Iterator[str]:
    """ "thing left of the red bowl" for every bowl that has this thing, and no other, there."""
    for anchor in named:
        if anchor.id == thing.id:
            continue
        sides = {o.id: scene.left_of(o, anchor) for o in rivals if o.id != anchor.id}
        if None in sides.values():
            continue  # something stands too near to tell
        for word, left in (("left", True), ("right", False)):
            if [i for i, side in sides.items() if side is left] == [thing.id]:
                yield f"thing {word} of the {anchor.name}"


def _pairs(named: Sequence[Seen], scene: Scene) -> Iterator[tuple[Seen, Seen]]:
    """Things of one noun, the only two in view, the left one first."""
    for noun in dict.fromkeys(t.noun for t in named):
        fit = sorted((t for t in named if t.noun == noun), key=lambda t: t.centre_px[0])
        seen = [t for t in scene.glimpsed if t.noun == noun]
        if len(fit) == 2 and len(seen) == 2:
            yield fit[0], fit[1]


def _task(
    refer: Refer, kind: str, scene: Scene, state: State, rng: random.Random, rules: Rules
) -> Task | None:
    """A task of this kind with this thing, and the expert's steps; None if there is none."""
    if kind == TWO:
        draft = _both(refer, scene, state, rng)
    elif kind == CARRIER:
        draft = _carried(refer, scene, state, rng)
    else:
        draft = next(tasks.drafts(kind, state, rng, only=refer.thing.id), None)
    if draft is None:
        return None
    goal, fields, things = draft
    steps = _steps(goal, kind, state, rules)
    if not steps:
        return None
    words = rng.choice(tasks.TEMPLATES[kind]).format(**{**fields, "x": refer.words})
    how = "noun" if refer.how == "both" else refer.how
    return Task(kind, goal, words, tuple(steps), tuple(things), how)


def _both(refer: Refer, scene: Scene, state: State, rng: random.Random) -> tasks.Draft | None:
    """The two things of a noun, one after the other; the goal is over these two."""
    pair = next(p for p in _pairs(nameable(scene, state), scene) if p[0].id == refer.thing.id)
    drafts = tasks.drafts("pick_and_place_simple", state, rng, only=pair[0].id)
    for goal, fields, things in drafts:
        place = things[-1]
        inside = goal.wants[0].what.inside
        if place in state.ancestors(pair[1].id):
            continue
        wants = tuple(
            Want(msgspec.structs.replace(tasks.which(state.things[t.id]), inside=inside))
            for t in pair
        )
        words = {**fields, "xs": refer.words}
        return Goal(TWO, wants), words, [pair[0].id, pair[1].id, place]
    return None


def _carried(refer: Refer, scene: Scene, state: State, rng: random.Random) -> tasks.Draft | None:
    """Into or onto another thing in view, and with it to a place. That one is told by its noun."""
    carriers = [
        t.id
        for t in nameable(scene, state)
        if t.id != refer.thing.id and scene.names[t.noun] == 1 and t.name not in refer.words
    ]
    for goal, fields, things in tasks.drafts(CARRIER, state, rng, only=refer.thing.id):
        if things[1] in carriers and things[2] not in state.ancestors(things[1]):
            noun = v.words(state.things[things[1]].type)
            on = fields["c"].split(" ", 1)[0]
            return goal, {**fields, "c": f"{on} the {noun}", "c_": noun}, things
    return None


def _steps(goal: Goal, kind: str, state: State, rules: Rules) -> list[Atom]:
    """The expert's steps; of two things the left one first, and a carrier is filled, then moved."""
    first = list(goal.wants[:1])
    if kind == CARRIER:
        inner = goal.wants[0].what
        assert inner.inside is not None
        bare = msgspec.structs.replace(inner.inside, inside=None)
        first = [Want(msgspec.structs.replace(inner, inside=bare))]
    stages = [Goal(kind, tuple(first)), goal] if kind in (TWO, CARRIER) else [goal]
    steps: list[Atom] = []
    for stage in stages:
        outcome = run(steps, state, rules)
        more = search.expert(outcome.state, stage, rules, most_states=400)
        if not outcome.ok or more is None:
            return []
        steps += more
    return steps
