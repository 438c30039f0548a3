"""Which ability a record exercises, by what it wants back: the groups of guard sets."""

from __future__ import annotations

from typing import Final

from seestep.records import Box, Number, Path, Plan, Points, Record, YesNo

#: Tasks whose answers look like another skill's, or like none.
BY_TASK: Final = {
    "affordance": "affordance",
    "free_space": "free_space",
    "relation": "relation",
    "attribute": "attribute",
    "distance": "distance",
    "multiview": "multiview",
    "next_action": "planning",
    "recover": "planning",
    "plan": "planning",
    "instruction": "planning",
}


def skill_of(record: Record) -> str:
    """Its skill group; a free or lettered answer to an unnamed task is "questions"."""
    if record.task in BY_TASK:
        return BY_TASK[record.task]
    match record.answer:
        case Plan():
            return "planning"
        case Points() | Box():
            return "pointing"
        case Path():
            return "trajectory"
        case Number():
            return "distance" if record.answer.unit else "count"
        case YesNo():
            return "yes_no"
        case _:
            return "multiview" if len(record.media) > 1 else "questions"
