"""Small records and pairs to be judged, and judges of known faults behind the loopback server."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from seestep import run
from seestep.curate.judge.config import Judge
from seestep.curate.judge.run import Judged, judge_rows
from seestep.endpoint import EndpointConfig
from seestep.records import (
    Entity,
    Freeform,
    Pair,
    Plan,
    Record,
    Step,
    Text,
    Thought,
    Turn,
)
from tests.endpoint.server import Server, said


def record(key, words="What is case {key}?", answer="It is the case of {key}.", **more) -> Record:
    turn = Turn(role="user", parts=(Text(text=words.format(key=key)),))
    return Record(
        id=f"t:{key}",
        source="t",
        task="describe",
        media=more.pop("media", ()),
        turns=(turn,),
        answer=Freeform(text=answer.format(key=key)) if isinstance(answer, str) else answer,
        **more,
    )


def plan(*verbs: str) -> Plan:
    mug = Entity(id="o1", name="mug")
    return Plan(steps=tuple(Step(do=(verb, "o1")) for verb in verbs), entities=(mug,))


def thought(*see: str) -> Thought:
    mug = Entity(id="o1", name="mug")
    steps = tuple(Step(do=("look", "o1"), see=words) for words in see)
    return Thought(entities=(mug,), steps=steps, next=("done",))


def pair(key, *, by="file") -> Pair:
    """The chosen plan picks, the rejected one opens."""
    return Pair(
        id=f"p:{key}",
        source="t",
        task="plan",
        media=(),
        turns=(Turn(role="user", parts=(Text(text=f"Take the mug of case {key}."),)),),
        instruction="Take the mug.",
        observation="",
        chosen=plan("pick"),
        rejected=plan("open"),
        mishap="drop-step",
        reason="fails",
        verified_by=by,
    )


def settings(server: Server, *, endpoint: dict | None = None, **more) -> Judge:
    """One check, no gate and no canaries unless told otherwise."""
    client = {"base_url": server.url, "model": "m", "max_tokens": 128, "wait_s": 0.01}
    return Judge(
        endpoint=EndpointConfig(**client | (endpoint or {})),
        **{"undecided": "hold", "checks": ("quality",), "ungated": True, "canaries": 0} | more,
    )


def judged(rows, config: Judge, file: Path, *, name="run", roots=None) -> Judged:
    return judge_rows(rows, config, roots or {}, run=name, cache=file)


def folder_of(path: Path, *parts: Sequence) -> Path:
    run.shard_stage(
        path,
        stage="toy",
        version=1,
        config={},
        inputs=[],
        shards=len(parts),
        work=partial(_part, parts=parts),
    )
    return path


def _part(n: int, *, parts) -> run.ShardResult:
    return run.ShardResult(rows=parts[n])


def case_of(text: str) -> int:
    """The number of the case that a question is about."""
    return int(re.search(r"case (?:of )?(\d+)", text)[1])


def graded(grade: int | None, reasons: str = "seen") -> dict:
    return said(json.dumps({"reasons": reasons, "grade": grade}))


def preferred(better: str) -> dict:
    return said(json.dumps({"reasons": "seen", "better": better, "sure": "clearly"}))


def is_bad(text: str) -> bool:
    """Whether a question shows what stands in canaries and their twins."""
    return any(w in text for w in ("thing thing", "wait", "There is a thing", "cannot be:"))


def noisy(truth: Sequence[int], confusion: Sequence[Sequence[float]], seed: int):
    """A judge that grades case n by the row of ``confusion`` (of 6 x 6) for its true grade; it
    gives what canaries show a 1."""

    def answer(text: str, n: int) -> dict:
        if is_bad(text):
            return graded(1)
        case = case_of(text)
        draw = random.Random(f"{seed}:{case}").choices(range(1, 7), confusion[truth[case] - 1])
        return graded(draw[0])

    return answer


def biased(bias: float, right: float, seed: int):
    """A judge of pairs that says "first" with probability ``bias``, else what is right with
    probability ``right``. The right output picks the mug."""

    def answer(text: str, n: int) -> dict:
        truth = 0 if "pick" in text.split("[first]")[1].split("[second]")[0] else 1
        rng = random.Random(f"{seed}:{case_of(text)}:{truth}")
        if rng.random() < bias:
            return preferred("first")
        side = truth if rng.random() < right else 1 - truth
        return preferred(("first", "second")[side])

    return answer
