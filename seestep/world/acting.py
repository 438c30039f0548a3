"""Carry out acts over objectIds in a Simulator, and keep what came of each.

An act is one atom of ``plans.expand``. A goto stands the agent at the first pose from which the
simulator says the thing can be reached; if there is none the act fails with the simulator's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seestep.act import goals
from seestep.act.executor import DEFAULT, Rules
from seestep.act.goals import Goal
from seestep.act.search import primitives
from seestep.act.state import State, from_metadata
from seestep.act.vocabulary import ACTIONS
from seestep.records import Atom, Plan
from seestep.world import plans
from seestep.world.protocol import Event, Simulator

NO_POSE = "No target found: there is no place to stand from which it can be reached"


@dataclass(frozen=True, slots=True)
class Taken:
    """One act and the Event it led to. ``step`` is the index of the plan's step it belongs to."""

    step: int
    act: Atom
    event: Event

    @property
    def ok(self) -> bool:
        return bool(self.event)


@dataclass(frozen=True, slots=True)
class Trace:
    """What came of a plan in a simulator: every act up to the first that failed, or all of them.

    ``missing`` are the goal's unmet conditions at the end, in words.
    """

    start: Event
    taken: tuple[Taken, ...]
    missing: tuple[str, ...]

    @property
    def end(self) -> Event:
        return self.taken[-1].event if self.taken else self.start

    @property
    def ok(self) -> bool:
        """True if every act succeeded."""
        return all(t.ok for t in self.taken)

    @property
    def reached(self) -> bool:
        """True if every act succeeded and the goal holds at the end."""
        return self.ok and not self.missing

    @property
    def first_bad_step(self) -> int | None:
        """Index of the plan's step that failed, None if none did."""
        return next((t.step for t in self.taken if not t.ok), None)

    @property
    def reason(self) -> str:
        """The simulator's errorMessage of the failed act, else the unmet conditions."""
        failed = [t for t in self.taken if not t.ok]
        return failed[0].event.error if failed else "; ".join(self.missing)

    @property
    def state(self) -> State:
        """The symbolic state at the end."""
        return from_metadata(self.end.metadata)


def carry_out(
    plan: Plan | Sequence[Atom], simulator: Simulator, goal: Goal, rules: Rules = DEFAULT
) -> Trace:
    """Execute a plan (or primitive acts) from where the simulator stands now.

    A plan is expanded step by step with the simulator's own state, so that an appliance that is
    already open is not opened again. Stops at the first act that fails, and at ``done``.
    """
    start = simulator.last_event
    taken: list[Taken] = []
    steps = plans.atoms(plan) if isinstance(plan, Plan) else [tuple(a) for a in plan]
    for index, step in enumerate(steps):
        state = from_metadata(simulator.last_event.metadata)
        acts = primitives(state, [step], rules) if isinstance(plan, Plan) else [step]
        for act in acts:
            taken.append(Taken(index, act, do(act, simulator)))
            if not taken[-1].ok:
                break
        if (taken and not taken[-1].ok) or step[0] == "done":
            break
    end = taken[-1].event if taken else start
    return Trace(start, tuple(taken), tuple(goals.unmet(goal, end.metadata)))


def do(act: Atom, simulator: Simulator) -> Event:
    """One primitive act as simulator actions; the Event of the last of them."""
    verb, target = act[0], act[-1]
    if verb in ("goto", "find"):
        return go_to(target, simulator)
    actions = ACTIONS[verb]
    if not actions:
        return simulator.step("Done")
    (action,) = actions
    arguments: dict[str, Any] = {"objectId": target} if len(act) > 1 else {}
    return simulator.step(action, **arguments)


def go_to(target: str, simulator: Simulator) -> Event:
    """Stand where ``target`` can be reached: by NavigateTo, else at its first interactable pose."""
    if "NavigateTo" in simulator.capabilities:  # the embedded home's shorter way to say the same
        return simulator.step("NavigateTo", objectId=target)
    event = simulator.step("GetInteractablePoses", objectId=target)
    if not event:
        return event
    poses = event.metadata["actionReturn"]
    if not poses:
        return Event(
            metadata={**event.metadata, "lastActionSuccess": False, "errorMessage": NO_POSE}
        )
    return simulator.step("TeleportFull", **poses[0])


def told(trace: Trace) -> list[dict[str, Any]]:
    """Every act as plain data, for a log: what was done, what was said, and what changed."""
    events = [trace.start, *(t.event for t in trace.taken)]
    acts = []
    for before, taken in zip(events, trace.taken, strict=False):
        then, now = from_metadata(before.metadata), from_metadata(taken.event.metadata)
        agent = taken.event.metadata["agent"]
        acts.append(
            {
                "step": taken.step,
                "act": list(taken.act),
                "success": taken.ok,
                "errorMessage": taken.event.error,
                "position": agent["position"],
                "rotation": agent["rotation"]["y"],
                "held": now.holding,
                "changed": sorted(i for i, t in now.things.items() if then.things.get(i) != t),
            }
        )
    return acts
