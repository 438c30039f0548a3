"""How valid a model's thoughts are, on CPU, without another model: twelve numbers an output.

Every score is per output, None where it does not apply, so that any two runs can be compared pair
by pair; ``summarise`` gives means with their n.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from seestep.act import goals, wire
from seestep.act import state as states
from seestep.act.executor import Rules, run
from seestep.act.judge import ground
from seestep.act.state import State
from seestep.families import Family
from seestep.geometry.convert import to_frame
from seestep.geometry.render import bounding_box
from seestep.records import Geometry, Item, Pair, Plan, Record, Thought
from seestep.thought.check import simulate
from seestep.thought.wire import Reading, read_thought, shown_media

_ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|$)", re.DOTALL)


class Validity(msgspec.Struct, frozen=True, kw_only=True):
    """What one output's thought is worth. Booleans and rates; None where it does not apply.

    ``present`` is False for an empty think: then all else is None. ``parsed``: the JSON decodes;
    ``schema``: types, verbs, predicates, caps; ``refs``: ids resolve, pictures exist, boxes are
    ordered and inside. ``pre_rate``: share of declared preconditions that hold where they stand,
    ``expect_rate`` likewise for effects, ``executed``: every step can be done, ``first_bad``: the
    first that cannot. ``goal``: the end state meets the goal. ``next``: the next action is the
    first step, or what follows looking. ``grounded``: share of placed things that lie on the
    annotation of that name (IoU >= 0.5, or the point inside it). ``agrees``: a plan answer says
    the thought's own steps. ``tokens`` if a counter was given.
    """

    present: bool
    parsed: bool | None = None
    schema: bool | None = None
    refs: bool | None = None
    pre_rate: float | None = None
    expect_rate: float | None = None
    executed: bool | None = None
    first_bad: int | None = None
    goal: bool | None = None
    next: bool | None = None
    grounded: float | None = None
    agrees: bool | None = None
    tokens: int | None = None
    reason: str = ""


class Rate(msgspec.Struct, frozen=True):
    """A mean over the outputs it applies to."""

    value: float
    n: int


def validity(
    text: str,
    asked: Record | Item | Pair,
    family: Family,
    *,
    count_tokens: Callable[[str], int] | None = None,
) -> Validity:
    """Score the thought in a completion. Never raises for what a model wrote.

    The state and goal of a plan question are read from ``Item.context``; without them the steps
    are held against themselves and ``goal`` is None.
    """
    reading = read_thought(text, shown_media(asked), family)
    if reading.stage in ("missing", "empty"):
        return Validity(
            present=reading.stage == "missing", parsed=_no(reading), reason=reading.reason
        )
    tokens = count_tokens(text) if count_tokens else None
    if reading.thought is None:
        return Validity(
            present=True,
            parsed=reading.stage != "parse",
            schema=reading.stage in ("reference", "range"),
            refs=False,
            tokens=tokens,
            reason=reading.reason,
        )
    thought = reading.thought
    context = asked.context if isinstance(asked, Item) else {}
    rules = msgspec.convert(context.get("rules", {}), Rules)
    state = states.from_json(context["state"]) if "state" in context else None
    known = thought if state is None else named(thought, state, rules)
    held = simulate(known, state, rules)
    goal = None
    if state is not None and "goal" in context:
        end = run(Plan(steps=known.steps, entities=known.entities), state, rules)
        goal = end.ok and not goals.unmet(goals.from_json(context["goal"]), end.state)
    return Validity(
        present=True,
        parsed=True,
        schema=True,
        refs=True,
        pre_rate=held.pre_held / held.pre_total if held.pre_total else None,
        expect_rate=held.expect_held / held.expect_total if held.expect_total else None,
        executed=held.first_bad is None,
        first_bad=held.first_bad,
        goal=goal,
        next=_next_is_right(thought),
        grounded=grounding(reading, asked, family),
        agrees=answer_agrees(thought, text),
        tokens=tokens,
        reason=held.reason,
    )


def summarise(scores: Sequence[Validity]) -> dict[str, Rate]:
    """Mean and n of every score; ``tokens_p50`` and ``tokens_p95`` instead of a mean."""
    out: dict[str, Rate] = {}
    for name in Validity.__struct_fields__:
        if name in ("reason", "tokens", "first_bad"):
            continue
        values = [float(v) for s in scores if (v := getattr(s, name)) is not None]
        if values:
            out[name] = Rate(sum(values) / len(values), len(values))
    tokens = sorted(s.tokens for s in scores if s.tokens is not None)
    for share in (50, 95):
        if tokens:
            place = min(len(tokens) - 1, (len(tokens) * share) // 100)
            out[f"tokens_p{share}"] = Rate(float(tokens[place]), len(tokens))
    return out


def named(thought: Thought, state: State, rules: Rules) -> Thought:
    """The thought with each entity resolved to the thing of that name its steps can be done to."""
    names = {e.id: wire.normal(e.name) for e in thought.entities}
    steps = [(s.do[0], *(names[a] for a in s.do[1:])) for s in thought.steps]
    plan = ground(steps, state, rules)
    meant: dict[str, str] = {}
    sims = {e.id: e.sim for e in plan.entities}
    for mine, theirs in zip(thought.steps, plan.steps, strict=True):
        for ours, found in zip(mine.do[1:], theirs.do[1:], strict=True):
            meant.setdefault(ours, sims[found])
    called = {wire.normal(n): t for t, n in sorted(_names(state).items(), reverse=True)}
    entities = tuple(
        msgspec.structs.replace(e, sim=meant.get(e.id) or called.get(names[e.id], ""))
        for e in thought.entities
    )
    return msgspec.structs.replace(thought, entities=entities)


def grounding(reading: Reading, asked: Record | Item | Pair, family: Family) -> float | None:
    """Share of the thought's placed things that lie on an annotation with their name."""
    truths: dict[str, list[Geometry]] = {}
    for g in asked.geometry:
        if g.label and g.kind in ("box", "polygon"):
            truths.setdefault(wire.normal(g.label), []).append(g)
    hits = [
        any(_lies_on(place, truth, asked, family) for truth in truths[wire.normal(place.label)])
        for place in reading.geometry
        if wire.normal(place.label) in truths
    ]
    return sum(hits) / len(hits) if hits else None


def answer_agrees(thought: Thought, text: str) -> bool | None:
    """Whether a plan answer has the thought's steps, by name; None if the answer is no plan."""
    match = _ANSWER.search(text)
    said = wire.parse(match.group(1)) if match else "no answer"
    if isinstance(said, str):
        return None
    names: Mapping[str, str] = {e.id: wire.normal(e.name) for e in thought.entities}
    mine = [(s.do[0], *(names[a] for a in s.do[1:])) for s in thought.steps]
    return mine == [tuple(s) for s in said if s[0] != "done"]


def _names(state: State) -> dict[str, str]:
    from seestep.act.names import names

    return names(state)


def _no(reading: Reading) -> bool | None:
    return False if reading.stage == "missing" else None


def _next_is_right(thought: Thought) -> bool:
    from seestep.thought.check import next_fault

    return not next_fault(thought)


def _lies_on(place: Geometry, truth: Geometry, asked: Record | Item | Pair, family: Family) -> bool:
    size = asked.find_media(place.media).size
    if truth.media != place.media or truth.image != place.image or size is None:
        return False
    resize: Any = family.resize(size)
    at, on = (
        to_frame(g.values, g.kind, g.frame, "pixel", resize, clip=True) for g in (place, truth)
    )
    x0, y0, x1, y1 = bounding_box(on)
    if place.kind == "point":
        return x0 <= at[0] <= x1 and y0 <= at[1] <= y1
    wide = min(at[2], x1) - max(at[0], x0)
    high = min(at[3], y1) - max(at[1], y0)
    common = max(0.0, wide) * max(0.0, high)
    union = (at[2] - at[0]) * (at[3] - at[1]) + (x1 - x0) * (y1 - y0) - common
    return union > 0 and common / union >= 0.5
