"""Thoughts from what a record already knows: plans, relations, several views. Rules, no model.

A thought is built only when every word of it can be checked against the record: names and boxes
come from its geometry, steps from its plan, a relation from the boxes themselves. What cannot be
built leaves a reason, and the record stays as it was.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from seestep.geometry.convert import to_pixels
from seestep.geometry.render import bounding_box
from seestep.records import (
    Choice,
    Entity,
    Geometry,
    Plan,
    Points,
    Record,
    Step,
    Text,
    Thought,
    View,
    YesNo,
)
from seestep.thought.schema import CAMERAS, MAX_EXPECT, MAX_OBJECTS, MAX_PRE, MAX_SAME, MAX_STEPS

TASKS: Final = ("plan", "next_action", "recover", "relation", "multiview")
SHARES: Final = {
    "plan": 1.0,
    "next_action": 0.5,
    "recover": 1.0,
    "relation": 0.5,
    "multiview": 1.0,
}
_PLACES = ("box", "point", "polygon")
# words for a relation and its opposite, by the axis they are about (x grows right, y grows down)
_SIDES: Final = {0: ("left", "right"), 1: ("above", "below")}


class BuildConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How thoughts are built.

    ``shares``: task -> share of its records that get a thought, drawn by id and seed; a task not
    named gets none. ``keep_original`` leaves the record without thought beside the one with it.
    ``boxes`` and ``pre`` may be left out for a model too small to carry them. ``most_chars`` is
    the budget: 384 tokens of the Qwen tokenizer are about 800 characters of minified JSON.
    """

    shares: dict[str, float] = msgspec.field(default_factory=lambda: dict(SHARES))
    keep_original: bool = True
    boxes: bool = True
    pre: bool = True
    most_chars: int = 800
    family: str = "qwen3_vl"  # in whose frame the budget and the boxes are tried
    seed: int = 0

    def __post_init__(self) -> None:
        for task, share in self.shares.items():
            if task not in TASKS:
                raise ValueError(f"thoughts are built for {', '.join(TASKS)}, not for {task!r}")
            if not 0 <= share <= 1:
                raise ValueError(f"share of {task} must be in 0..1, got {share}")


def build(record: Record, config: BuildConfig | None = None) -> Thought | str:
    """The thought behind a record's answer, or the reason why there is none."""
    config = config or BuildConfig()
    builder = _BUILDERS.get(record.task)
    if builder is None:
        return f"no_rule_for_{record.task}"
    thought = builder(record)
    if isinstance(thought, str):
        return thought
    if not config.pre:
        steps = tuple(msgspec.structs.replace(s, pre=()) for s in thought.steps)
        thought = msgspec.structs.replace(thought, steps=steps)
    if not config.boxes:
        bare = (msgspec.structs.replace(e, media=None, geometry=None) for e in thought.entities)
        thought = msgspec.structs.replace(thought, entities=tuple(bare))
    return thought


def applies(record: Record) -> bool:
    """Whether there is a rule for records like this: a next action in words has no steps."""
    builder = _BUILDERS.get(record.task)
    return builder is not None and (builder is not plan_thought or isinstance(record.answer, Plan))


# --- plan -------------------------------------------------------------------------------------


def plan_thought(record: Record) -> Thought | str:
    """The plan's own steps, its things placed where the record shows them; next is step one.

    A simulated thing without a place is in no picture, so nothing is said to be seen of it.
    """
    plan = record.answer
    if not isinstance(plan, Plan):
        return "answer_is_no_plan"
    if not plan.steps:
        return "plan_is_empty"
    if len(plan.steps) > MAX_STEPS:
        return "too_many_steps"
    if len(plan.entities) > MAX_OBJECTS:
        return "too_many_objects"
    if any(not s.expect for s in plan.steps if s.do[0] != "done"):
        return "step_without_expect"
    entities = tuple(_placed(e, record) for e in plan.entities)
    unseen = {e.id for e in entities if e.sim and e.geometry is None}
    steps = tuple(
        msgspec.structs.replace(
            s,
            see="" if s.do[-1] in unseen else s.see,
            pre=s.pre[:MAX_PRE],
            expect=s.expect[:MAX_EXPECT],
        )
        for s in plan.steps
        if s.do[0] != "done"
    )
    if not steps:
        return "plan_is_empty"
    return Thought(
        entities=entities,
        steps=steps,
        next=steps[0].do,
        annotator="sim" if any(e.sim for e in plan.entities) else "rule",
    )


# --- relation ---------------------------------------------------------------------------------


def relation_thought(record: Record) -> Thought | str:
    """Look at both things; say how they stand when their boxes show it, then answer."""
    places = _named_places(record)
    if len(places) < 2:
        return "two_things_are_not_placed"
    a, b = _in_prompt_order(places, record)[:2]
    if sum(g.label in (a.label, b.label) for g in places) > 2 or a.label == b.label:
        return "things_share_a_name"
    relation = stands(a, b, record)
    asked = _asked_axis(record)
    said = relation.get(asked, "") if asked is not None else ""
    if said and _contradicts(said, record):
        return "boxes_disagree_with_the_answer"
    entities = (_entity(1, a), _entity(2, b))
    words = f"{a.label} {said}{' of' if said in _SIDES[0] else ''} {b.label}" if said else b.label
    steps = (_look(entities[0], a.label), _look(entities[1], words))
    return Thought(entities=entities, steps=steps, next=("done",))


def stands(a: Geometry, b: Geometry, record: Record) -> dict[int, str]:
    """How ``a`` stands to ``b`` in the picture: axis -> "left", "right", "above" or "below".

    Said only when the centres are further apart than a quarter of the two extents together.
    """
    if a.media != b.media or a.image != b.image:
        return {}
    size = record.find_media(a.media).size
    if size is None and (a.frame == "pixel") != (b.frame == "pixel"):
        return {}
    boxes = [bounding_box(to_pixels(g, size or (1, 1)) if size else g.values) for g in (a, b)]
    out = {}
    for axis, words in _SIDES.items():
        (low_a, high_a), (low_b, high_b) = ((box[axis], box[axis + 2]) for box in boxes)
        apart = (low_a + high_a) / 2 - (low_b + high_b) / 2
        if abs(apart) > (high_a - low_a + high_b - low_b) / 4:
            out[axis] = words[apart > 0]
    return out


def _asked_axis(record: Record) -> int | None:
    """The axis the question is about, None if it is about depth, support or both."""
    words = set(re.findall(r"[a-z]+", _asked_words(record)))
    axes = [axis for axis, pair in _SIDES.items() if words & set(pair)]
    return axes[0] if len(axes) == 1 else None


def _contradicts(said: str, record: Record) -> bool:
    """Whether the answer says the opposite of what the boxes show."""
    answer = record.answer
    opposite = next(p[1 - p.index(said)] for p in _SIDES.values() if said in p)
    if isinstance(answer, Choice):
        words = set(re.findall(r"[a-z]+", answer.options[answer.index].lower()))
        return opposite in words and said not in words
    if isinstance(answer, YesNo):
        asked = set(re.findall(r"[a-z]+", _prompt(record)))
        if (said in asked) == (opposite in asked):
            return False
        return answer.yes != (said in asked)
    return False


# --- several views ----------------------------------------------------------------------------


def multiview_thought(record: Record) -> Thought | str:
    """Match what carries the same name in two pictures, say how the camera moved if asked.

    In a record of this task, geometries with one label on two media are the same thing; a label
    that one picture has twice says nothing.
    """
    if len(record.media) < 2:
        return "one_picture_only"
    src, dst = record.media[0].key, record.media[1].key
    first, second = _named_once(record, src), _named_once(record, dst)
    shared = [label for label in first if label in second][: min(MAX_SAME, MAX_OBJECTS // 2)]
    if not shared:
        return "nothing_is_in_both_views"
    entities: list[Entity] = []
    steps: list[Step] = []
    same: list[tuple[str, str]] = []
    for label in shared:
        one = _entity(len(entities) + 1, first[label])
        two = _entity(len(entities) + 2, second[label])
        entities += [one, two]
        same.append((one.id, two.id))
        if len(steps) + 2 <= MAX_STEPS:
            steps.append(_look(one, f"{label} in image 1"))
            steps.append(_look(two, f"same {label} in image 2"))
    camera = _camera(record)
    next_do: tuple[str, ...] = ("done",)
    if isinstance(record.answer, Points):
        cited = record.answer.geometry
        target = next((e.id for e in entities if e.geometry == cited), None)
        next_do = ("point", target) if target else next_do
    return Thought(
        entities=tuple(entities),
        steps=tuple(steps),
        next=next_do,
        views=(View(src=src, dst=dst, same=tuple(same), camera=camera),),
    )


def _camera(record: Record) -> str:
    """How the camera moved, when that is what was asked: it is then the answer itself."""
    answer = record.answer
    if not isinstance(answer, Choice) or "camera" not in _prompt(record):
        return "none"
    words = answer.options[answer.index].lower().split()
    turning = "turn" in _prompt(record) or "turn" in " ".join(words)
    for word in words:
        if turning and f"turn_{word}" in CAMERAS:
            return f"turn_{word}"
        if word in CAMERAS:
            return word
    return "none"


# --- helpers ----------------------------------------------------------------------------------

_BUILDERS: dict[str, Callable[[Record], Thought | str]] = {
    "plan": plan_thought,
    "next_action": plan_thought,
    "recover": plan_thought,
    "relation": relation_thought,
    "multiview": multiview_thought,
}


def _look(entity: Entity, see: str) -> Step:
    return Step(do=("look", entity.id), see=see, expect=(("visible", entity.id),))


def _entity(number: int, geometry: Geometry) -> Entity:
    return Entity(id=f"o{number}", name=geometry.label, media=geometry.media, geometry=geometry.key)


def _named_places(record: Record) -> list[Geometry]:
    return [
        g for g in record.geometry if g.kind in _PLACES and g.label and g.frame != "pixel_resized"
    ]


def _named_once(record: Record, media: str) -> dict[str, Geometry]:
    """Label -> place, for the labels that stand once on this media."""
    here = [g for g in _named_places(record) if g.media == media]
    times = Counter(g.label for g in here)
    return {g.label: g for g in here if times[g.label] == 1}


def _placed(entity: Entity, record: Record) -> Entity:
    """The entity with the only geometry that carries its name, if it has none yet."""
    if entity.geometry is not None:
        return entity
    found = [g for g in _named_places(record) if g.label == entity.name]
    if len(found) != 1:
        return entity
    return msgspec.structs.replace(entity, media=found[0].media, geometry=found[0].key)


def _in_prompt_order(places: Sequence[Geometry], record: Record) -> list[Geometry]:
    """Places in the order their names stand in the question; those not named come last."""
    prompt = _prompt(record)

    def position(g: Geometry) -> int:
        at = prompt.find(g.label.lower())
        return at if at >= 0 else len(prompt)

    return sorted(places, key=position)


def _asked_words(record: Record) -> str:
    options = record.answer.options if isinstance(record.answer, Choice) else ()
    return " ".join((_prompt(record), *options)).lower()


def _prompt(record: Record) -> str:
    parts = (p for t in record.turns if t.role == "user" for p in t.parts)
    return " ".join(p.text for p in parts if isinstance(p, Text)).lower()
