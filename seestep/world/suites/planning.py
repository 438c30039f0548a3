"""Items that come of episodes: the next action as a choice (EgoPlan), and judged plans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from seestep.act import goals, judge
from seestep.act.state import State, from_metadata
from seestep.bench import BENCHES
from seestep.records import Item, Record, Split
from seestep.world.episodes import EpisodesConfig, play_home, scene
from seestep.world.next_choice import NextChoice, next_choices
from seestep.world.room import RoomSimulator
from seestep.world.sighted import SightConfig

EGOPLAN, PLAN = "mini-egoplan", "mini-plan"


def items(
    seed: int,
    wanted: Sequence[str],
    inside: str,
    split: Split,
    *,
    tasks: int,
    clutter: float = 1.0,
) -> tuple[list[Item], dict[str, bytes]]:
    """Candidates for mini-egoplan and mini-plan from one home, and the pictures they show.

    mini-egoplan comes of ``tasks`` told tasks, of which about five in six can be played; each gives
    one or two next actions. mini-plan comes of sighted tasks, since only those need the picture:
    half as many as ``tasks`` of each of three views, two at least.
    """
    if EGOPLAN not in wanted and PLAN not in wanted:
        return [], {}
    config = EpisodesConfig(
        pairs=0,
        sighted_pairs=0,
        recoveries=0,
        next_actions=3,
        tasks=tasks if EGOPLAN in wanted else 0,
        sight=SightConfig(views=3 if PLAN in wanted else 0, per_view=max(2, math.ceil(tasks / 2))),
        clutter=clutter,
        folder=inside,
        split=split,
    )
    watch = config.watch
    hands = RoomSimulator(watch.size, watch.size, render=False, fov=watch.fov)
    eyes = RoomSimulator(watch.size, watch.size, supersample=watch.supersample, fov=watch.fov)
    played = play_home(seed, config, hands, eyes)
    state = from_metadata(hands.reset(scene(seed, config)).metadata)
    log = {line["id"]: line for line in _lines(played.files[f"trajectories/home-{seed}.jsonl"])}
    records = [row for row in played.rows if isinstance(row, Record)]
    made: list[Item] = []
    if PLAN in wanted:
        plans = [r for r in records if r.task == "plan" and len(r.tags) > 1]
        made += [plan_item(r, state, log[r.id.removesuffix("-plan")]) for r in plans]
    if EGOPLAN in wanted:
        made += [_next_item(choice) for choice in next_choices(records, seed)]
    shown = {media.path.rsplit("/", 1)[-1] for item in made for media in item.media}
    return made, {k: v for k, v in played.files.items() if k.rsplit("/", 1)[-1] in shown}


def plan_item(record: Record, state: State, line: dict[str, Any]) -> Item:
    """A plan record as an item whose answer is executed: context holds start state and goal.

    Of its tags comes first how the picture says what is meant, then the type of task.
    """
    context = judge.context(state, goals.from_json(line["goal"]))
    return _item(record, PLAN, answer=record.answer, scorer="plan", skill="planning",
                 form=record.form, turns=record.turns, context=context,
                 tags=record.tags[::-1])  # fmt: skip


def _next_item(choice: NextChoice) -> Item:
    ask = BENCHES["egoplan"].ask("choice")
    return _item(choice.record, EGOPLAN, answer=choice.answer, scorer=ask.scorer,
                 skill="planning", form=ask.form, turns=(choice.turn,), context={},
                 tags=("next_action", *choice.record.tags))  # fmt: skip


def _lines(log: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in log.splitlines()]


def _item(record: Record, suite: str, **fields: Any) -> Item:
    return Item(
        id=f"{suite}:{record.id.split(':', 1)[1]}",
        source=record.source,
        task=record.task,
        media=record.media,
        geometry=record.geometry if suite == PLAN else (),
        clusters=record.clusters,
        split=record.split,
        licence=record.licence,
        provenance=record.provenance,
        suite=suite,
        **fields,
    )
