"""The next action as a choice among four, made of the records of episodes (as EgoPlan asks it).

EgoPlan shows the progress as a video; here the steps done are told in words, since a still does
not show them. Wrong options are the plan's other steps, then its things with other verbs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from seestep.act.vocabulary import CONTAINERS
from seestep.bench import BENCHES
from seestep.records import Choice, Entity, FormRef, MediaRef, Plan, Record, Step, Text, Turn
from seestep.run import Manifest, Progress, ShardResult, read_rows, shard_stage

VERSION = 3
WALKS = ("goto", "find")  # go to it, or act on it at once: both are right, so neither is offered

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


@dataclass(frozen=True, slots=True)
class NextChoice:
    """The question after some steps of an episode, its options, and the picture's record."""

    record: Record
    turn: Turn
    answer: Choice


def build(
    folder: Path, episodes: Path, *, seed: int = 0, progress: Progress | None = None
) -> Manifest:
    """Write a run folder with the next-action records of ``episodes`` (a run folder) as choices.

    Their media are those of the episodes.
    """
    return shard_stage(
        folder,
        stage="world.next_choice",
        version=VERSION,
        config={"seed": seed},
        inputs=[episodes],
        shards=1,
        work=partial(_shard, episodes, seed),
        progress=progress,
    )


def _shard(episodes: Path, seed: int, n: int) -> ShardResult:
    rows = []
    for made in next_choices(list(read_rows(episodes, Record)), seed):
        record = made.record
        rows.append(
            msgspec.structs.replace(
                record,
                id=f"{record.id}-choice",
                turns=(made.turn,),
                answer=made.answer,
                form=BENCHES["egoplan"].ask("choice").form,
                geometry=(),
                thought=None,
            )
        )
    return ShardResult(rows=rows)


def next_choices(records: Sequence[Record], seed: int) -> Iterator[NextChoice]:
    """A choice for every next_action record whose plan record is there too.

    Passed over are walks, and what has fewer than three different wrong options.
    """
    plans = {r.id.removesuffix("plan"): r for r in records if r.task == "plan"}
    for record in records:
        episode = plans.get(record.id.rsplit("-", 1)[0] + "-")
        if record.task == "next_action" and episode is not None:
            rng = np.random.default_rng([seed, zlib.crc32(record.id.encode())])
            made = _choice(record, episode, rng)
            if made is not None:
                yield made


def _choice(record: Record, episode: Record, rng: np.random.Generator) -> NextChoice | None:
    assert isinstance(record.answer, Plan) and isinstance(episode.answer, Plan)
    if record.answer.steps[0].do[0] in WALKS:
        return None
    step = int(record.id.rsplit("k", 1)[1])
    right = phrase(record.answer.steps[0], record.answer.entities)
    taken = {right, *_as_right(episode.answer, step)}
    wrong = list(dict.fromkeys(p for p in _others(episode.answer, record.answer) if p not in taken))
    if len(wrong) < 3:
        return None
    options = [right, *wrong[:3]]
    order = rng.permutation(4)
    answer = Choice(options=tuple(options[i] for i in order), index=int(np.argmin(order)))
    done = [phrase(s, episode.answer.entities) for s in episode.answer.steps[:step]]
    told = f" So far: {'; '.join(done)}." if done else ""
    ask = f"My goal: {_instruction(record)}{told} What should I do next?"
    media = tuple(MediaRef(media=m.key) for m in record.media)
    return NextChoice(record, Turn(role="user", parts=(*media, Text(text=ask), FormRef())), answer)


def phrase(step: Step, entities: Sequence[Entity]) -> str:
    """A step in words: ("put", "o2") -> "put it in the fridge"."""
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
        if step.do[0] not in WALKS:
            yield phrase(step, plan.entities)
    for verb in ("pick", "put", "open", "turn_on"):
        for entity in (*plan.entities, *now.entities):
            yield phrase(Step(do=(verb, entity.id)), (entity,))


def _as_right(plan: Plan, now: int) -> Iterator[str]:
    """Later steps that nothing between now and then is needed for: they may be done at once.

    Judged by what a verb asks of the hand; errs towards leaving an option out. A thing taken out
    of what is opened now has to wait for that; one that is put there later has not.
    """
    full = False
    for done in plan.steps[:now]:
        full = {"pick": True, "put": False}.get(done.do[0], full)
    opened = plan.steps[now].do[-1] if plan.steps[now].do[0] == "open" else ""
    filled = any(s.do[0] == "put" and s.do[-1] == opened for s in plan.steps[now:])
    for step in plan.steps[now + 1 :]:
        verb = step.do[0]
        wants_full = verb in ("clean", "heat", "cool")
        wants_empty = verb == "pick"
        if verb in ("put", *WALKS) or (wants_full and not full) or (wants_empty and full):
            continue
        if not (wants_empty and opened and not filled):
            yield phrase(step, plan.entities)


def _instruction(record: Record) -> str:
    text = next(p.text for p in record.turns[0].parts if isinstance(p, Text))
    return text.split(" Done so far:")[0]
