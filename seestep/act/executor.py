"""What each verb needs and brings about, on a symbolic state.

Preconditions fail with the words AI2-THOR itself uses, so that a reason reads the same whether it
came from here, from the embedded home or from the real simulator. What is left out, on purpose:
free space and collisions (only a simulator knows them) and the slow cooling of hot things.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from seestep.act import vocabulary as v
from seestep.act.state import State, Thing, replaced
from seestep.records import Atom, Plan, Step

UNKNOWN = "Object ID appears to be invalid."
UNSEEN = "Target object not found within the specified visibility."
HAND_FULL = "Agent hand has something in it already! Can't pick up anything else"
HAND_EMPTY = "Can't place an object if Agent isn't holding anything"
NOT_RECEPTACLE = "This target object is NOT a receptacle!"
CLOSED = "Target openable Receptacle is CLOSED, can't place if target is not open!"
MUST_BE_OFF = "Target must be OFF to open!"
MUST_BE_CLOSED = "Target must be closed to Toggle On!"
NOT_TOGGLEABLE = "object is not toggleable"
ALREADY_ON = "can't toggle object on if it's already on!"
ALREADY_OFF = "can't toggle object off if it's already off!"
ALREADY_OPEN = "can't open object if it's already open"
ALREADY_CLOSED = "can't close object if it's already closed"


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which household the executor plays.

    ``knife``: slicing needs a knife in the hand; ALFRED adds this, AI2-THOR itself does not.
    ``approach``: a step walks to what it acts on; without it every act needs a ``goto`` first.
    ``pieces``: how many new objects a cut makes. AI2-THOR replaces the thing by slices with ids
    of their own; the embedded home (0) keeps one object and marks it isSliced.
    """

    knife: bool = False
    approach: bool = True
    pieces: int = 0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a plan. ``state`` is where execution ended, at the first bad step or the end.

    ``pre_*`` and ``expect_*`` count the atoms of the executed steps that held before and after.
    """

    ok: bool
    state: State
    first_bad_step: int | None = None
    reason: str = ""
    executed: int = 0
    pre_held: int = 0
    pre_total: int = 0
    expect_held: int = 0
    expect_total: int = 0

    @property
    def pre_rate(self) -> float | None:
        """Share of ``pre`` atoms that held, None if there were none."""
        return self.pre_held / self.pre_total if self.pre_total else None

    @property
    def expect_rate(self) -> float | None:
        """Share of ``expect`` atoms that came true, None if there were none."""
        return self.expect_held / self.expect_total if self.expect_total else None


DEFAULT = Rules()


def run(steps: Sequence[Atom] | Plan, state: State, rules: Rules = DEFAULT) -> Outcome:
    """Execute steps in order and stop at the first that fails, or at ``done``.

    A Plan's entities are resolved to objects by ``Entity.sim``; an entity without one is not in
    the home. Bare atoms name objectIds. Never raises for a bad plan: the Outcome says why.
    """
    todo, known = _resolve(steps)
    pre = [0, 0]
    expect = [0, 0]
    for index, step in enumerate(todo):
        _count(step.pre, known, state, pre)
        after, reason = apply(state, tuple(known.get(a, a) for a in step.do), rules)
        if reason:
            return Outcome(
                ok=False,
                state=state,
                first_bad_step=index,
                reason=reason,
                executed=index,
                pre_held=pre[0],
                pre_total=pre[1],
                expect_held=expect[0],
                expect_total=expect[1],
            )
        state = after
        _count(step.expect, known, state, expect)
        if step.do[0] == "done":
            break
    return Outcome(
        ok=True,
        state=state,
        executed=len(todo),
        pre_held=pre[0],
        pre_total=pre[1],
        expect_held=expect[0],
        expect_total=expect[1],
    )


def apply(state: State, do: Atom, rules: Rules = DEFAULT) -> tuple[State, str]:
    """Do one step on objectIds: (state after, "") or (state unchanged, why it failed)."""
    if problem := v.arity_problem(do):
        return state, problem
    verb, args = do[0], do[1:]
    for arg in args:
        if arg not in state.things:
            return state, UNKNOWN
    if verb in ("clean", "heat", "cool"):
        return _composite(state, do, rules)
    target = state.things[args[-1]] if args else None
    there, reason = _reach(state, target, verb, rules) if target is not None else (state, "")
    if not reason and verb in _ACTS:
        there, reason = _ACTS[verb](there, args, rules)
    return (state, reason) if reason else (there, "")


def routine(state: State, do: Atom) -> tuple[list[Atom], str]:
    """The primitive steps behind clean, heat or cool in this state, or why there are none.

    The thing must be in the hand. The appliance is the one named, else the first by id. Gotos are
    left to the rules. Any other verb is its own routine.
    """
    verb, args = do[0], do[1:]
    if verb not in ("clean", "heat", "cool"):
        return [do], ""
    thing = args[0]
    if state.holding != thing:
        return [], HAND_EMPTY if not state.holding else f"{thing} is not in the agent's hand"
    place = args[1] if len(args) > 1 else appliance(state, verb)
    if not place:
        return [], f"No target found: there is nothing here to {verb} it with"
    machine = state.things[place]
    if machine.type not in _APPLIANCES[verb]:
        return [], f"{place} cannot {verb} anything"
    if verb == "clean":
        faucet = _first(state, v.FAUCETS)
        if not faucet:
            return [], "No target found: there is no faucet here"
        running = state.things[faucet].is_on
        start: list[Atom] = [] if running else [("turn_on", faucet)]
        return [("put", place), *start, ("turn_off", faucet), ("pick", thing)], ""
    steps: list[Atom] = []
    if verb == "heat" and machine.is_on:
        steps.append(("turn_off", place))
    if not machine.is_open:
        steps.append(("open", place))
    steps += [("put", place), ("close", place)]
    if verb == "heat":
        steps += [("turn_on", place), ("turn_off", place)]
    return [*steps, ("open", place), ("pick", thing), ("close", place)], ""


def appliance(state: State, verb: str) -> str:
    """Id of the first thing here that can clean, heat or cool; "" if there is none."""
    return _first(state, _APPLIANCES[verb])


def holds_true(atom: Atom, state: State) -> bool:
    """Whether a predicate over objectIds holds; unknown predicates and things never do.

    ``in`` is for containers and ``on`` for other receptacles, however deep the thing lies;
    ``visible`` and ``reachable`` mean not shut away; ``clear`` means nothing lies in or on it.
    """
    name, args = atom[0].removeprefix("!"), atom[1:]
    if v.PREDICATES.get(name) != len(args) or any(a not in state.things for a in args):
        return False
    return _fact(name, args, state) != atom[0].startswith("!")


# --- the verbs --------------------------------------------------------------------------------


def _pick(state: State, args: Atom, rules: Rules) -> tuple[State, str]:
    thing = state.things[args[0]]
    if not thing.pickupable:
        return state, f"{thing.id} must have the property CanPickup to be picked up."
    if state.holding:
        return state, HAND_FULL
    return _settle(
        replaced(state, msgspec.structs.replace(thing, parents=()), holding=thing.id)
    ), ""


def _put(state: State, args: Atom, rules: Rules) -> tuple[State, str]:
    place = state.things[args[-1]]
    if not state.holding:
        return state, HAND_EMPTY
    held = state.things[state.holding]
    if len(args) == 2 and args[0] != held.id:
        return state, f"{args[0]} is not in the agent's hand"
    if not place.receptacle:
        return state, NOT_RECEPTACLE
    if place.id == held.id or held.id in state.ancestors(place.id):
        return state, "No valid positions to place object found"
    if place.shut:
        return state, CLOSED
    if not v.holds(place.type, held.type):
        return state, f"{held.type} is not a valid Object Type to be placed in {place.type}"
    placed = msgspec.structs.replace(held, parents=(place.id,))
    return _settle(replaced(state, placed, holding="")), ""


def _open(state: State, args: Atom, rules: Rules) -> tuple[State, str]:
    thing = state.things[args[0]]
    if not thing.openable:
        return state, f"{thing.id} is not an Openable object"
    if thing.is_open:
        return state, ALREADY_OPEN
    if thing.is_on and thing.type in v.MUST_BE_OFF_TO_OPEN:
        return state, MUST_BE_OFF
    return replaced(state, msgspec.structs.replace(thing, is_open=True)), ""


def _close(state: State, args: Atom, rules: Rules) -> tuple[State, str]:
    thing = state.things[args[0]]
    if not thing.openable:
        return state, f"{thing.id} is not an Openable object"
    if not thing.is_open:
        return state, ALREADY_CLOSED
    return replaced(state, msgspec.structs.replace(thing, is_open=False)), ""


def _turn(state: State, args: Atom, on: bool) -> tuple[State, str]:
    thing = state.things[args[0]]
    if not thing.toggleable:
        return state, NOT_TOGGLEABLE
    if thing.is_on == on:
        return state, ALREADY_ON if on else ALREADY_OFF
    if on and thing.is_open and thing.type in v.MUST_BE_CLOSED_TO_TURN_ON:
        return state, MUST_BE_CLOSED
    switched = [thing, *(state.things[c] for c in thing.controls if c in state.things)]
    return _settle(replaced(state, *(msgspec.structs.replace(t, is_on=on) for t in switched))), ""


def _slice(state: State, args: Atom, rules: Rules) -> tuple[State, str]:
    """AI2-THOR names the slices "<id>|<Type>Sliced_<n>" and leaves them where the thing lay."""
    thing = state.things[args[0]]
    if not thing.sliceable or thing.is_sliced:
        return state, f"{thing.id} Does not have the CanBeSliced property!"
    if state.holding == thing.id:
        return state, f"{thing.id} is in the agent's hand and cannot be sliced"
    if rules.knife and not (state.holding and state.things[state.holding].type in v.KNIVES):
        return state, "the agent must hold a knife to slice"
    slices = [
        Thing(
            id=f"{thing.id}|{thing.type}Sliced_{n}",
            type=f"{thing.type}Sliced",
            color=thing.color,
            size=thing.size,
            pickupable=True,
            cookable=thing.cookable,
            moveable=True,
            is_cooked=thing.is_cooked,
            temperature=thing.temperature,
            parents=thing.parents,
        )
        for n in range(rules.pieces)
    ]
    parents = () if slices else thing.parents
    whole = msgspec.structs.replace(thing, is_sliced=True, parents=parents)
    near = state.near | {s.id for s in slices} if thing.id in state.near else state.near
    return replaced(state, whole, *slices, near=near), ""


def _pour(state: State, args: Atom, rules: Rules) -> tuple[State, str]:
    if not state.holding:
        return state, HAND_EMPTY
    held = state.things[state.holding]
    if not held.is_filled:
        return state, f"{held.id} is not filled with liquid"
    emptied = [msgspec.structs.replace(held, is_filled=False)]
    if args and state.things[args[0]].fillable:
        emptied.append(msgspec.structs.replace(state.things[args[0]], is_filled=True))
    return replaced(state, *emptied), ""


def _push(state: State, args: Atom, rules: Rules) -> tuple[State, str]:
    thing = state.things[args[0]]
    movable = thing.moveable or thing.pickupable
    return state, "" if movable else f"{thing.id} is not moveable and cannot be pushed"


_APPLIANCES = {"clean": v.BASINS, "heat": frozenset({"Microwave"}), "cool": v.COOLERS}

_ACTS = {
    "pick": _pick,
    "put": _put,
    "open": _open,
    "close": _close,
    "turn_on": lambda state, args, rules: _turn(state, args, True),
    "turn_off": lambda state, args, rules: _turn(state, args, False),
    "slice": _slice,
    "pour": _pour,
    "push": _push,
}


def _composite(state: State, do: Atom, rules: Rules) -> tuple[State, str]:
    steps, reason = routine(state, do)
    after = state
    for step in steps:
        if not rules.approach:
            after, _ = apply(after, ("goto", step[-1]), rules)
        after, reason = apply(after, step, rules)
        if reason:
            return state, reason
    return (state, reason) if reason else (after, "")


# --- helpers ----------------------------------------------------------------------------------


def _reach(state: State, target: Thing, verb: str, rules: Rules) -> tuple[State, str]:
    """Walk to the target or check that it is in reach; what is held is always in reach."""
    if target.id == state.holding:
        return state, ""
    if state.concealed(target.id):
        return state, UNSEEN
    if rules.approach or verb in ("goto", "find"):
        return replaced(state, near=_neighbours(state, target.id)), ""
    if target.id not in state.near and not set(state.ancestors(target.id)) & state.near:
        return state, f"{target.id} is too far away to be interacted with"
    return state, ""


def _neighbours(state: State, target: str) -> frozenset[str]:
    """What is in reach from where one stands at ``target``: it, its receptacles, their contents."""
    around = [target, *(a for a in state.ancestors(target) if state.things[a].type != "Floor")]
    return frozenset(around).union(*(state.contents(a) for a in around))


def _settle(state: State) -> State:
    """Apply what places do to things: fridges cool, running heaters heat, taps clean."""
    running = any(t.type in v.FAUCETS and t.is_on for t in state.things.values())
    changed = []
    for thing in state.things.values():
        if not (thing.pickupable and thing.parents):
            continue
        places = [state.things[a] for a in state.ancestors(thing.id)]
        new = thing
        if any(p.type in v.COOLERS for p in places):
            new = msgspec.structs.replace(new, temperature="Cold")
        if any(p.type in v.HEATERS and p.is_on for p in places):
            new = msgspec.structs.replace(
                new, temperature="Hot", is_cooked=new.is_cooked or new.cookable
            )
        if running and new.is_dirty and any(p.type in v.BASINS for p in places):
            new = msgspec.structs.replace(new, is_dirty=False)
        if new != thing:
            changed.append(new)
    return replaced(state, *changed) if changed else state


def _fact(name: str, args: Atom, state: State) -> bool:
    if name == "hand_empty":
        return not state.holding
    thing = state.things[args[0]]
    if name in ("in", "on"):
        place = state.things[args[1]]
        inside = (place.type in v.CONTAINERS) == (name == "in")
        return inside and place.id in state.ancestors(thing.id)
    facts = {
        "visible": not state.concealed(thing.id),
        "reachable": not state.concealed(thing.id),
        "near": thing.id in state.near or thing.id == state.holding,
        "holding": state.holding == thing.id,
        "open": thing.is_open,
        "closed": thing.openable and not thing.is_open,
        "is_on": thing.is_on,
        "is_off": thing.toggleable and not thing.is_on,
        "clean": not thing.is_dirty,
        "hot": thing.temperature == "Hot",
        "cold": thing.temperature == "Cold",
        "sliced": thing.is_sliced or thing.type.endswith("Sliced"),
        "clear": not state.contents(thing.id),
    }
    return facts[name]


def _first(state: State, types: Iterable[str]) -> str:
    """Id of the first thing of these types, SinkBasin before the Sink it is part of."""
    found = sorted(
        (t.type not in ("SinkBasin", "BathtubBasin"), t.id)
        for t in state.things.values()
        if t.type in types
    )
    return found[0][1] if found else ""


def _resolve(steps: Sequence[Atom] | Plan) -> tuple[list[Step], dict[str, str]]:
    if isinstance(steps, Plan):
        return list(steps.steps), {e.id: e.sim or f"?{e.id}" for e in steps.entities}
    return [Step(do=tuple(s)) for s in steps], {}


def _count(atoms: Iterable[Atom], known: dict[str, str], state: State, tally: list[int]) -> None:
    for atom in atoms:
        tally[0] += holds_true((atom[0], *(known.get(a, a) for a in atom[1:])), state)
        tally[1] += 1
