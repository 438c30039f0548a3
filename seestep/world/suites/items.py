"""Drafts as items of a benchmark's mini suite, and the choice among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from seestep.bench import Bench
from seestep.records import Answer, Choice, Item, Number, Split, Text, YesNo
from seestep.world.questions.draft import LICENCE, Draft, Look, clusters, user_turn


def to_item(
    draft: Draft,
    looks: Sequence[Look],
    bench: Bench,
    *,
    family: str,
    prefix: str,
    split: Split,
    suite: str = "",
) -> Item:
    """The draft asked and scored as ``bench`` does. KeyError if it has no such answers."""
    ask = bench.ask(draft.kind)
    suite = suite or bench.mini
    before = (Text(text=bench.before),) if bench.before else ()
    return Item(
        id=f"{suite}:{prefix}-{draft.key}",
        source="home",
        task=draft.task,
        media=tuple(look.media for look in looks),
        turns=(user_turn(looks, (*before, *draft.parts)),),
        geometry=draft.geometry,
        form=ask.form,
        clusters=clusters(looks),
        split=split,
        licence=LICENCE,
        tags=(family,),
        suite=suite,
        answer=draft.answer,
        scorer=ask.scorer,
        skill=draft.skill,
    )


def choose(pool: Sequence[Item], count: int, seed: int) -> list[Item]:
    """At most ``count`` items of a pool: families in turn, answers evenly, homes spread.

    Greedy: of the family asked least so far, the answer given least so far, from the home used
    least so far; ties by a seeded shuffle. An item's family is its first tag.
    """
    order = np.random.default_rng(seed).permutation(len(pool))
    left = [pool[i] for i in order]
    families: Counter[str] = Counter({item.tags[0]: 0 for item in left})
    answers: Counter[tuple[str, str]] = Counter()
    homes: Counter[tuple[str, ...]] = Counter()
    chosen: list[Item] = []
    while left and len(chosen) < count:
        best = min(
            left,
            key=lambda item: (
                families[item.tags[0]],
                answers[item.form.kind if item.form else "", answer_class(item.answer)],
                homes[item.clusters],
            ),
        )
        left.remove(best)
        chosen.append(best)
        families[best.tags[0]] += 1
        answers[best.form.kind if best.form else "", answer_class(best.answer)] += 1
        homes[best.clusters] += 1
    return sorted(chosen, key=lambda item: item.id)


def answer_class(answer: Answer) -> str:
    """What is balanced: the letter, yes or no, the count; "" for all other answers."""
    match answer:
        case Choice():
            return answer.letter
        case YesNo():
            return str(answer.yes)
        case Number(unit=""):
            return str(answer.value)
        case _:
            return ""
