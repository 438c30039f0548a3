"""Is a thought what it claims to be: schema, references, geometry, preconditions, next action.

With the state of a home the steps are executed by ``act``. Without one they are held against
themselves: a step may not need what an earlier step has undone, nor expect what its verb does not
bring about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from seestep.act.executor import DEFAULT, Rules, run
from seestep.act.state import State
from seestep.act.vocabulary import PREDICATES, arity_problem
from seestep.errors import SeestepError
from seestep.families import Family
from seestep.records import Atom, Item, Pair, Plan, Record, Step, Thought, Verdict
from seestep.thought.wire import read_thought, shown_media, write_thought

CHECKS = (
    "thought_schema",
    "thought_references",
    "thought_geometry",
    "thought_preconditions",
    "thought_next",
)


class Held(NamedTuple):
    """How many declared atoms held, and the first step that could not be done."""

    pre_held: int = 0
    pre_total: int = 0
    expect_held: int = 0
    expect_total: int = 0
    first_bad: int | None = None
    reason: str = ""


def check_thought(
    thought: Thought,
    asked: Record | Item | Pair,
    family: Family,
    *,
    id: str | None = None,
    state: State | None = None,
    rules: Rules = DEFAULT,
) -> list[Verdict]:
    """One verdict a check, in the order of ``CHECKS``, up to and with the first that fails.

    Args:
        id: the id verdicts are about; default ``asked.id``.
        state: the home before the first step, when it is known.
    """
    faults: tuple[Callable[[], str], ...] = (
        lambda: schema_fault(thought),
        lambda: reference_fault(thought, asked),
        lambda: geometry_fault(thought, asked, family),
        lambda: precondition_fault(thought, state, rules),
        lambda: next_fault(thought),
    )
    verdicts: list[Verdict] = []
    for check, fault in zip(CHECKS, faults, strict=True):
        wrong = fault()
        verdicts.append(
            Verdict(
                id=id or asked.id,
                check=check,
                keep=not wrong,
                reason=check.removeprefix("thought_") if wrong else "",
                evidence=wrong[:500],
            )
        )
        if wrong:
            break
    return verdicts


def schema_fault(thought: Thought) -> str:
    """Why a step or fact is not of the closed vocabulary with the right number of arguments."""
    for step in thought.steps:
        if problem := arity_problem(step.do):
            return problem
        for fact in (*step.pre, *step.expect):
            if problem := fact_problem(fact):
                return problem
    return arity_problem(thought.next)


def fact_problem(fact: Atom) -> str:
    """Why a fact is not a predicate with its arguments; "" if it is."""
    name = fact[0].removeprefix("!") if fact else ""
    if name not in PREDICATES:
        return f"{name!r} is not one of the {len(PREDICATES)} predicates"
    if len(fact) - 1 != PREDICATES[name]:
        return f"{name} takes {PREDICATES[name]} arguments, got {len(fact) - 1}"
    return ""


def reference_fault(thought: Thought, asked: Record | Item | Pair) -> str:
    """Why an entity or view does not resolve in the record (ids are checked by the type)."""
    ids = [e.id for e in thought.entities]
    if len(set(ids)) != len(ids):
        return f"entity ids repeat: {ids}"
    shown = {m.key for m in shown_media(asked)}
    places = {g.key: g for g in asked.geometry}
    for entity in thought.entities:
        if entity.geometry is not None and entity.geometry not in places:
            return f"{entity.id} is at unknown geometry {entity.geometry!r}"
        media = places[entity.geometry].media if entity.geometry else entity.media
        if media is not None and media not in shown:
            return f"{entity.id} is on {media!r}, which no turn shows"
        if entity.geometry and entity.media not in (None, places[entity.geometry].media):
            return f"{entity.id} is on {entity.media!r}, its geometry on {media!r}"
    for view in thought.views:
        if not {view.src, view.dst} <= shown or view.src == view.dst:
            return f"a view goes from {view.src!r} to {view.dst!r}"
    return ""


def geometry_fault(thought: Thought, asked: Record | Item | Pair, family: Family) -> str:
    """Why the thought cannot be written for a family and read back: caps, sizes, ranges."""
    try:
        text = write_thought(thought, asked, family)
    except SeestepError as error:
        return str(error)
    return read_thought(text, shown_media(asked), family).reason


def precondition_fault(thought: Thought, state: State | None, rules: Rules = DEFAULT) -> str:
    """Which step cannot be done, or which declared fact does not hold."""
    held = simulate(thought, state, rules)
    if held.first_bad is not None:
        return f"step {held.first_bad + 1}: {held.reason}"
    if held.pre_held < held.pre_total:
        return f"{held.pre_total - held.pre_held} of {held.pre_total} preconditions do not hold"
    if held.expect_held < held.expect_total:
        missing = held.expect_total - held.expect_held
        return f"{missing} of {held.expect_total} expected facts do not come true"
    return ""


def next_fault(thought: Thought) -> str:
    """Next is the first step when steps are yet to be done, or what follows looking."""
    done_by_looking = all(s.do[0] in ("look", "find", "point") for s in thought.steps)
    allowed = {thought.steps[0].do} if thought.steps else set()
    if done_by_looking and (thought.next[0] in ("done", "point") or thought.next in allowed):
        return ""
    if thought.next in allowed:
        return ""
    return f"next is {thought.next}, the first step is {thought.steps[0].do if allowed else '-'}"


def simulate(thought: Thought, state: State | None, rules: Rules = DEFAULT) -> Held:
    """Execute the steps in ``state``, or, without one, against what they themselves declare.

    Steps that act need entities with ``sim`` ids to be executed in a state.
    """
    if state is None:
        return _declared(thought.steps)
    outcome = run(Plan(steps=thought.steps, entities=thought.entities), state, rules)
    return Held(
        outcome.pre_held,
        outcome.pre_total,
        outcome.expect_held,
        outcome.expect_total,
        outcome.first_bad_step,
        outcome.reason,
    )


# --- steps held against themselves ------------------------------------------------------------

_OPPOSITE = {
    "open": "closed",
    "closed": "open",
    "is_on": "is_off",
    "is_off": "is_on",
    "hot": "cold",
    "cold": "hot",
}
_BRINGS = {
    "open": "open",
    "close": "closed",
    "turn_on": "is_on",
    "turn_off": "is_off",
    "slice": "sliced",
    "clean": "clean",
    "heat": "hot",
    "cool": "cold",
}
# the fact that makes a verb pointless or impossible when it is known to hold before
_BARRED = {"open": "open", "close": "closed", "turn_on": "is_on", "turn_off": "is_off"}


def _declared(steps: Sequence[Step]) -> Held:
    known: dict[Atom, bool] = {}
    pre = expect = pre_total = expect_total = 0
    first_bad, reason = None, ""
    for index, step in enumerate(steps):
        for fact in step.pre:
            pre_total += 1
            if _hold(fact, known):
                pre += 1
                _learn(fact, known)
        verb, args = step.do[0], step.do[1:]
        wrong = _cannot(verb, args, known)
        if wrong:
            first_bad, reason = index, wrong
            break
        _bring(verb, args, known)
        for fact in step.expect:
            expect_total += 1
            if _hold(fact, known):
                expect += 1
                _learn(fact, known)
    return Held(pre, pre_total, expect, expect_total, first_bad, reason)


def _hold(fact: Atom, known: dict[Atom, bool]) -> bool:
    """Whether a fact holds or at least is not known to be false."""
    yes = not fact[0].startswith("!")
    atom = (fact[0].removeprefix("!"), *fact[1:])
    if atom[0] == "hand_empty" and yes:
        return not any(v for k, v in known.items() if k[0] == "holding")
    if atom[0] == "holding" and yes and known.get(("hand_empty",)):
        return False
    return known.get(atom, yes) == yes


def _learn(fact: Atom, known: dict[Atom, bool]) -> None:
    yes = not fact[0].startswith("!")
    atom = (fact[0].removeprefix("!"), *fact[1:])
    known[atom] = yes
    if yes and atom[0] in _OPPOSITE:
        known[_OPPOSITE[atom[0]], *atom[1:]] = False
    if yes and atom[0] == "holding":
        known[("hand_empty",)] = False
    if yes and atom[0] == "hand_empty":
        for held in [k for k in known if k[0] == "holding"]:
            known[held] = False


def _cannot(verb: str, args: Atom, known: dict[Atom, bool]) -> str:
    holding = [k[1] for k, v in known.items() if k[0] == "holding" and v]
    if verb == "pick" and holding:
        return f"{holding[0]} is already in the hand"
    if verb == "put" and known.get(("hand_empty",)):
        return "there is nothing in the hand to put"
    if verb == "put" and known.get(("closed", args[-1])):
        return f"{args[-1]} is closed"
    if verb in _BARRED and known.get((_BARRED[verb], args[-1])):
        return f"{args[-1]} is already {_BARRED[verb].removeprefix('is_')}"
    return ""


def _bring(verb: str, args: Atom, known: dict[Atom, bool]) -> None:
    if verb == "pick":
        _learn(("holding", args[0]), known)
        for place in [k for k in known if k[0] in ("on", "in") and k[1] == args[0]]:
            known[place] = False
    elif verb == "put":
        for place in [k for k in known if k[0] in ("on", "in") and k[2:] == args[-1:]]:
            if known.get(("holding", place[1])):
                del known[place]  # where it was taken from before, it may lie again
        _learn(("hand_empty",), known)
    elif verb in _BRINGS:
        _learn((_BRINGS[verb], args[0]), known)
    elif verb in ("goto", "find"):
        for near in [k for k in known if k[0] == "near"]:
            del known[near]
        known["near", args[0]] = True
