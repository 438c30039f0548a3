"""Preference pairs whose verdict was executed, not assumed.

A pair is kept only if the chosen plan reaches the goal in the simulator and the rejected one does
not: it fails at a step, or ends with the goal unmet (or, labelled "costlier", it reaches the goal
by more acts). The reason is the simulator's own. Whatever is thrown away leaves a verdict.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from seestep.act import wire
from seestep.act.executor import DEFAULT, Rules
from seestep.act.goals import Goal
from seestep.act.judge import context, judge_plan
from seestep.act.state import State
from seestep.records import (
    Answer,
    Choice,
    Number,
    Pair,
    Plan,
    Record,
    Verdict,
    YesNo,
)
from seestep.world.acting import Trace, carry_out
from seestep.world.mishaps import COSTLIER
from seestep.world.protocol import Simulator

CHECK = "pair:verify"
COSTLIER_TAG = "costlier"


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of a rejected plan; ``problem`` says why it cannot be one, "" if it can."""

    problem: str
    reason: str = ""
    first_bad_step: int | None = None
    trace: Trace | None = None


def verify(
    chosen: Plan,
    rejected: Plan,
    kind: str,
    *,
    state: State,
    goal: Goal,
    good: Trace,
    fresh: Callable[[], Simulator],
    rules: Rules = DEFAULT,
) -> Proof:
    """Execute ``rejected`` in a fresh simulator and hold it against the good trace.

    Also refused: a rejected text that, read by its names alone, means a plan that works, since a
    judge of texts would call it right.
    """
    if not good.reached:
        return Proof(f"chosen plan fails: {good.reason}")
    if wire.write(chosen) == wire.write(rejected):
        return Proof("rejected plan reads like the chosen one")
    trace = carry_out(rejected, fresh(), goal, rules)
    if kind == COSTLIER:
        extra = len(trace.taken) - len(good.taken)
        if not trace.reached:
            return Proof(f"redundant plan fails: {trace.reason}", trace=trace)
        if extra <= 0:
            return Proof("redundant plan costs no more than the chosen one", trace=trace)
        return Proof("", f"reaches the goal with {extra} more actions", None, trace)
    if trace.reached:
        return Proof("rejected plan still reaches the goal", trace=trace)
    if judge_plan(context(state, goal, rules), wire.write(rejected)).value:
        return Proof("rejected text can be read as a plan that reaches the goal", trace=trace)
    return Proof("", trace.reason, trace.first_bad_step, trace)


def pair(asked: Record, rejected: Plan, kind: str, proof: Proof, *, by: str = "room") -> Pair:
    """The Pair of a plan record and a rejected plan with its proof."""
    if proof.problem:
        raise ValueError(f"{asked.id}: not a pair: {proof.problem}")
    costlier = (COSTLIER_TAG,) if kind == COSTLIER else ()
    return Pair(
        **_shared(asked, f"{asked.id}-{kind}"),
        tags=(*asked.tags, f"mishap:{kind}", *costlier),
        instruction=_instruction(asked),
        observation=_observation(asked),
        chosen=asked.answer,
        rejected=rejected,
        mishap="costlier" if kind == COSTLIER else kind,
        first_bad_step=proof.first_bad_step,
        reason=proof.reason,
        verified_by=by,
    )


def boxed(plan: Plan, record: Record) -> Plan:
    """The plan with the boxes that the record already has for the same things."""
    assert isinstance(record.answer, Plan)
    known = {e.sim: e for e in record.answer.entities if e.sim and e.geometry}
    entities = tuple(
        msgspec.structs.replace(e, media=known[e.sim].media, geometry=known[e.sim].geometry)
        if e.sim in known
        else e
        for e in plan.entities
    )
    return msgspec.structs.replace(plan, entities=entities)


def dropped(asked_id: str, kind: str, proof: Proof, rejected: Plan) -> Verdict:
    """The verdict on a candidate that is no pair; its text is the evidence."""
    return Verdict(
        id=f"{asked_id}-{kind}",
        check=CHECK,
        keep=False,
        reason=proof.problem,
        evidence=wire.write(rejected),
    )


def kept(made: Pair) -> Verdict:
    """The verdict on a pair that was verified."""
    return Verdict(id=made.id, check=CHECK, keep=True, reason=made.reason)


def as_json(made: Pair) -> dict[str, Any]:
    """The plan view of a pair: {instruction, observation, chosen_plan, rejected_plan}.

    Each plan is {"step_list": [{"see", "pre", "do", "expect"}, ...]} with names for entities; both
    have the same structure. Raises ValueError for a pair of plain answers.
    """
    return {
        "instruction": made.instruction,
        "observation": made.observation,
        "chosen_plan": _plan_json(made.id, made.chosen),
        "rejected_plan": _plan_json(made.id, made.rejected),
    }


def from_question(asked: Record, seed: int) -> Pair | None:
    """An instruction preference: a grounded right answer against a wrong one of the same form.

    Wrong is another option, the other of yes and no, or a count off by one or two. None for
    answers that have no such wrong neighbour (points, boxes, free text).
    """
    rng = random.Random(f"{seed}:{asked.id}")
    match asked.answer:
        case Choice(options=options, index=index) if len(options) > 1:
            other = rng.choice([i for i in range(len(options)) if i != index])
            wrong: Answer = Choice(options=options, index=other)
            reason = f"the scene shows {options[index]!r}, not {options[other]!r}"
        case YesNo(yes=yes):
            wrong, reason = YesNo(yes=not yes), f"the scene says {'yes' if yes else 'no'}"
        case Number(value=value, unit="") if float(value).is_integer() and value >= 0:
            offsets = [o for o in (-2, -1, 1, 2) if value + o >= 0]
            off = value + rng.choice(offsets)
            wrong, reason = Number(value=off), f"the scene has {value:g}, not {off:g}"
        case _:
            return None
    return Pair(
        **_shared(asked, f"{asked.id}-wrong"),
        tags=(*asked.tags, "mishap:wrong_answer"),
        instruction=_instruction(asked),
        observation=_observation(asked),
        chosen=asked.answer,
        rejected=wrong,
        mishap="wrong_answer",
        reason=reason,
        verified_by="rule",
    )


def _shared(asked: Record, ident: str) -> dict[str, Any]:
    names = (
        "source",
        "task",
        "media",
        "turns",
        "geometry",
        "form",
        "clusters",
        "split",
        "licence",
        "provenance",
    )
    return {"id": ident, **{name: getattr(asked, name) for name in names}}


def _instruction(asked: Record) -> str:
    texts = [p.text for t in asked.turns if t.role == "user" for p in t.parts if hasattr(p, "text")]
    return " ".join(texts).strip()


def _observation(asked: Record) -> str:
    return ", ".join(m.key for m in asked.media)


def _plan_json(ident: str, plan: Answer) -> dict[str, Any]:
    if not isinstance(plan, Plan):
        raise ValueError(f"{ident}: a pair of plain answers has no plan view")
    name = {e.id: e.name for e in plan.entities}

    def said(atom: tuple[str, ...]) -> list[str]:
        return [atom[0], *(name[a] for a in atom[1:])]

    steps = [
        {
            "see": s.see,
            "pre": [said(a) for a in s.pre],
            "do": said(s.do),
            "expect": [said(a) for a in s.expect],
        }
        for s in plan.steps
    ]
    return msgspec.to_builtins({"step_list": steps})  # type: ignore[no-any-return]
