"""Sending the questions about many subjects, and what was heard: each question paid once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from seestep.curate.judge.ask import Subject, Unasked, asks, name, orders
from seestep.curate.judge.config import CheckName, Judge
from seestep.curate.judge.opinions import Heard, Opinion, opinion, unasked
from seestep.curate.judge.report import Cost
from seestep.endpoint import Ask, Endpoint
from seestep.endpoint.cache import Cache
from seestep.endpoint.client import BUDGET
from seestep.errors import RunError
from seestep.media import Roots
from seestep.progress import Progress
from seestep.stopping import left_to_asyncio

Opinions: TypeAlias = dict[CheckName, Opinion]


def hear(
    subjects: Sequence[Subject],
    config: Judge,
    roots: Roots,
    *,
    run: str,
    cache: Path,
    progress: Progress | None,
) -> tuple[dict[str, Opinions], Cost]:
    """Every opinion about every subject by its key, and what it took.

    Raises ``RunError`` where the budget is spent before all is asked or nothing is answered.
    """
    heard: dict[str, Heard] = {}
    lacking: dict[str, Unasked] = {}
    alike: dict[str, list[str]] = {}  # asks of equal content: one is sent, all hear its answer
    total = sum(orders(check) for s in subjects for check in s.checks)
    left = known = 0

    def questions() -> Iterator[Ask]:
        first: dict[str, str] = {}
        for subject in subjects:
            for check, order, ask in asks(subject, config, roots):
                ident = name(subject.key, check, order)
                if isinstance(ask, Unasked):
                    lacking[ident] = ask
                    continue
                leader = first.setdefault(ask.key(config.endpoint), ident)
                alike.setdefault(leader, []).append(ident)
                if leader == ident:
                    yield ask

    async def all_of() -> Cost:
        nonlocal left, known
        asked = 0
        with Cache(cache) as answers:
            endpoint = Endpoint(config.endpoint, answers, run=run, seed=config.seed)
            async for reply in endpoint.replies(questions()):
                asked += 1
                known += reply.cached
                left += reply.problem == BUDGET
                heard[reply.id] = Heard(reply.value, _problem(reply.problem), reply.tokens)
                if progress is not None:
                    note = f"{endpoint.spent.tokens:,} tokens"
                    progress.update(min(total, asked + len(lacking)), total, note)
            spent = endpoint.spent
        if progress is not None:
            progress.update(total, total)
        return Cost(
            questions=asked,
            known=known,
            calls=spent.calls,
            tokens=spent.tokens,
            cost=round(spent.cost, 6),
        )

    with left_to_asyncio():
        cost = asyncio.run(all_of())
    if left:
        raise RunError(
            f"the budget is spent: {left:,} of {total:,} questions are not asked yet",
            file=None,
            wanted=f"more than {cost.tokens:,} tokens, {cost.cost:g} in money",
            hint="raise budget_tokens or budget_cost and run the same command: it goes on there",
        )
    for leader, names in alike.items():
        for ident in names:
            heard[ident] = heard[leader]
    return {s.key: _opinions(s, heard, lacking, config) for s in subjects}, cost


def _opinions(
    subject: Subject, heard: dict[str, Heard], lacking: dict[str, Unasked], config: Judge
) -> Opinions:
    found: Opinions = {}
    for check in subject.checks:
        names = [name(subject.key, check, order) for order in range(orders(check))]
        gone = next((lacking[n] for n in names if n in lacking), None)
        if gone is not None:
            found[check] = unasked(gone.why, gone.problem)
        else:
            found[check] = opinion(check, [heard[n] for n in names], config)
    return found


def _problem(text: str) -> str:
    """Without what differs from one broken connection to the next."""
    return text.split(":")[0] if text.startswith("the connection broke") else text
