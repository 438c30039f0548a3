"""Items that come of episodes: the next action as a choice (EgoPlan), and judged plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from seestep.act import goals, judge
from seestep.act.state import State, from_metadata
from seestep.bench import BENCHES
from seestep.records import (
    Choice,
    Entity,
    FormRef,
    Item,
    MediaRef,
    Plan,
    Record,
    Split,
    Step,
    Text,
    Turn,
)
from seestep.world.episodes import EpisodesConfig, play_home
from seestep.world.room import RoomSimulator

EGOPLAN, PLAN = "mini-egoplan", "mini-plan"

# {0} the thing, {1} the second argument where a verb has two
PHRASES: dict[str, str] = {
    "find": "find the {0}",
    "goto": "go to the {0}",
    "pick": "pick up the {0}",
    "put": "put it {at}",
    "open": "open the {0}",
    "close": "close the {0}",
    "turn_on": "turn on the {0}",
    "turn_off": "turn off the {0}",
    "slice": "slice the {0}",
    "clean": "wash the {0}",
    "heat": "heat the {0}",
    "cool": "cool the {0}",
    "pour": "pour out the {0}",
    "push": "push the {0}",
    "look": "look at the {0}",
    "point": "point at the {0}",
    "done": "stop: all is done",
}


def items(
    seed: int, wanted: Sequence[str], inside: str, split: Split
) -> tuple[list[Item], dict[str, bytes]]:
    """Candidates for mini-egoplan and mini-plan from one home, and the pictures they show."""
    if EGOPLAN not in wanted and PLAN not in wanted:
        return [], {}
    config = EpisodesConfig(pairs=0, recoveries=0, next_actions=2, folder=inside, split=split)
    watch = config.watch
    hands = RoomSimulator(watch.size, watch.size, render=False, fov=watch.fov)
    eyes = RoomSimulator(watch.size, watch.size, supersample=watch.supersample, fov=watch.fov)
    played = play_home(seed, config, hands, eyes)
    state = from_metadata(hands.reset(seed).metadata)
    log = {line["id"]: line for line in _lines(played.files[f"trajectories/home-{seed}.jsonl"])}
    records = [row for row in played.rows if isinstance(row, Record)]
    made: list[Item] = []
    for record in records:
        if record.task == "plan" and PLAN in wanted:
            made.append(plan_item(record, state, log[record.id.removesuffix("-plan")]))
        if record.task == "next_action" and EGOPLAN in wanted:
            episode = next(r for r in records if r.task == "plan" and _same_task(r, record))
            item = next_item(record, episode, np.random.default_rng([seed, len(made)]))
            made += [item] if item is not None else []
    shown = {media.path.rsplit("/", 1)[-1] for item in made for media in item.media}
    return made, {k: v for k, v in played.files.items() if k.rsplit("/", 1)[-1] in shown}


def plan_item(record: Record, state: State, line: dict[str, Any]) -> Item:
    """A plan record as an item whose answer is executed: context holds start state and goal."""
    context = judge.context(state, goals.from_json(line["goal"]))
    return _item(record, PLAN, answer=record.answer, scorer="plan", skill="planning",
                 form=record.form, turns=record.turns, context=context,
                 tags=record.tags)  # fmt: skip


def next_item(record: Record, episode: Record, rng: np.random.Generator) -> Item | None:
    """What to do next, among four options: other steps of the same plan, then twisted ones.

    EgoPlan shows the progress as a video; here the steps done are told in words, since a still
    does not show them. None if there are fewer than three different wrong options.
    """
    assert isinstance(record.answer, Plan) and isinstance(episode.answer, Plan)
    right = phrase(record.answer.steps[0], record.answer.entities)
    wrong = [p for p in _others(episode.answer, record.answer) if p != right]
    wrong = list(dict.fromkeys(wrong))
    if len(wrong) < 3:
        return None
    options = [right, *wrong[:3]]
    order = rng.permutation(4)
    answer = Choice(options=tuple(options[i] for i in order), index=int(np.argmin(order)))
    done = _done(record, episode.answer)
    instruction = _instruction(record)
    told = f" So far: {'; '.join(done)}." if done else ""
    ask = f"My goal: {instruction}{told} What should I do next?"
    bench = BENCHES["egoplan"]
    form = bench.ask("choice").form
    media = tuple(MediaRef(media=m.key) for m in record.media)
    turn = Turn(role="user", parts=(*media, Text(text=ask), FormRef()))
    return _item(record, EGOPLAN, answer=answer, scorer="choice", skill="planning", form=form,
                 turns=(turn,), context={}, tags=("next_action", *record.tags))  # fmt: skip


def phrase(step: Step, entities: Sequence[Entity]) -> str:
    """A step in words: ("put", "o2") -> "put it in the fridge"."""
    from seestep.act.vocabulary import CONTAINERS

    known = {e.id: e for e in entities}
    things = [known[a] for a in step.do[1:]]
    names = [t.name for t in things] or ["thing"]
    place = things[-1] if things else None
    kind = place.sim.split("|")[0] if place else ""
    at = f"{'in' if kind in CONTAINERS else 'on'} the {names[-1]}"
    text = PHRASES[step.do[0]].format(*names, at=at)
    with_place = {"clean": " in the {1}", "heat": " with the {1}", "cool": " in the {1}"}
    if step.do[0] in with_place and len(names) > 1:
        text += with_place[step.do[0]].format(*names)
    return text


def _others(plan: Plan, now: Plan) -> Iterator[str]:
    """Wrong next actions: first the plan's other steps, then its things with other verbs."""
    for step in plan.steps:
        yield phrase(step, plan.entities)
    for verb in ("pick", "put", "open", "turn_on"):
        for entity in (*plan.entities, *now.entities):
            yield phrase(Step(do=(verb, entity.id)), (entity,))


def _done(record: Record, plan: Plan) -> list[str]:
    """The steps before the asked one, in words."""
    assert isinstance(record.answer, Plan)
    step = int(record.id.rsplit("k", 1)[1])
    return [phrase(s, plan.entities) for s in plan.steps[:step]]


def _instruction(record: Record) -> str:
    text = next(p.text for p in record.turns[0].parts if isinstance(p, Text))
    return text.split(" Done so far:")[0]


def _same_task(plan: Record, record: Record) -> bool:
    return record.id.startswith(plan.id.removesuffix("plan"))


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
