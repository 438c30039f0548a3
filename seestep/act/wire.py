"""The text of a plan answer: a JSON list of steps, each a verb and the names of its things.

    [["pick","red mug"],["open","fridge"],["put","fridge"]]

Names, not ids: whoever answers must have seen what it talks about. ``see``, ``pre`` and ``expect``
belong to the thought and are not part of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from seestep.act import vocabulary as v
from seestep.records import Entity, Plan, Step

MOST_STEPS: Final = 12
_FENCE = re.compile(r"^```[a-z]*\s*|\s*```$")
_ARTICLE = re.compile(r"^(?:the|a|an)\s+")


def write(plan: Plan) -> str:
    """The answer text of a plan; no spaces between its parts."""
    name = {e.id: e.name for e in plan.entities}
    steps = [[s.do[0], *(name[a] for a in s.do[1:])] for s in plan.steps]
    return msgspec.json.encode(steps).decode()


def parse(text: str) -> list[tuple[str, ...]] | str:
    """The steps in words that ``text`` holds, or the reason why it holds none.

    Also read are ``{"step_list": [...]}`` and steps written ``{"do": [...]}``; a code fence around
    the whole is ignored. Names are lower-cased and lose their article.
    """
    try:
        found: Any = msgspec.json.decode(_FENCE.sub("", text.strip()))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return "not a JSON list of steps"
    if isinstance(found, dict):
        found = found.get("step_list")
    if not isinstance(found, list):
        return "not a JSON list of steps"
    if not found:
        return "the plan has no steps"
    if len(found) > MOST_STEPS:
        return f"the plan has {len(found)} steps, more than {MOST_STEPS}"
    steps = []
    for number, raw in enumerate(found, 1):
        step = raw.get("do") if isinstance(raw, dict) else raw
        if not isinstance(step, list) or not all(isinstance(w, str) for w in step):
            return f"step {number} is not a list of words"
        step = (*step[:1], *(normal(w) for w in step[1:]))
        if problem := v.arity_problem(step):
            return f"step {number}: {problem}"
        steps.append(step)
    return steps


def read(text: str, known: Sequence[Entity]) -> Plan | str:
    """The plan that ``text`` holds, or the reason why it cannot be read.

    Names resolve to the known entities; of several with one name the first is taken (``ground``
    does better where the state is known). A name that nobody bears becomes an entity without
    ``sim``: such a plan is readable and fails when executed.
    """
    steps = parse(text)
    if isinstance(steps, str):
        return steps
    first: dict[str, Entity] = {}
    for entity in known:
        first.setdefault(normal(entity.name), entity)
    return build(steps, [[first.get(name) for name in step[1:]] for step in steps])


def build(steps: Sequence[tuple[str, ...]], things: Sequence[Sequence[Entity | None]]) -> Plan:
    """A Plan from steps in words and the entity meant by each word (None: nobody bears it).

    Entities get the ids o1, o2, ... in the order in which the plan first names them.
    """
    out: dict[tuple[str, str], Entity] = {}
    made = []
    for words, found in zip(steps, things, strict=True):
        do = [words[0]]
        for name, entity in zip(words[1:], found, strict=True):
            key = (entity.sim or entity.id, entity.name) if entity else ("", name)
            if key not in out:
                ident = f"o{len(out) + 1}"
                out[key] = (
                    msgspec.structs.replace(entity, id=ident)
                    if entity
                    else Entity(id=ident, name=name)
                )
            do.append(out[key].id)
        made.append(Step(do=tuple(do)))
    return Plan(steps=tuple(made), entities=tuple(out.values()))


def normal(name: str) -> str:
    """A name as names are compared: lower case, single spaces, no article."""
    return _ARTICLE.sub("", " ".join(name.lower().split()))
