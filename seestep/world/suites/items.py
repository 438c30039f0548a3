"""Drafts as items of a benchmark's mini suite, and the choice among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from seestep.bench import Bench
from seestep.records import Answer, Choice, Item, Number, Split, Text, YesNo
from seestep.world.questions.draft import LICENCE, Draft, Look, clusters, user_turn

MORE = "more-"  # folder of what a skill lacks in the suites


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
    least so far; ties by a seeded shuffle. An item's family is its first tag. A letter is given
    seldom or often among questions with as many options: were C compared with the letters of all,
    questions with three options would be taken for being right at C.
    """
    order = np.random.default_rng(seed).permutation(len(pool))
    left = [pool[i] for i in order]
    families: Counter[str] = Counter({item.tags[0]: 0 for item in left})
    answers: Counter[tuple[str, int, str]] = Counter()
    homes: Counter[tuple[str, ...]] = Counter()
    chosen: list[Item] = []
    while left and len(chosen) < count:
        best = min(
            left,
            key=lambda item: (
                families[item.tags[0]],
                _lead(answers, item),
                homes[item.clusters],
            ),
        )
        left.remove(best)
        chosen.append(best)
        families[best.tags[0]] += 1
        answers[_given(best)] += 1
        homes[best.clusters] += 1
    return sorted(chosen, key=lambda item: item.id)


def _given(item: Item) -> tuple[str, int, str]:
    """Form, number of options (0 if none are told) and class of an item's answer."""
    options = len(item.answer.options) if isinstance(item.answer, Choice) else 0
    return item.form.kind if item.form else "", options, answer_class(item.answer)


def _lead(answers: Counter[tuple[str, int, str]], item: Item) -> int:
    """How much oftener the item's answer was given than the rarest it could have instead."""
    form, options, given = _given(item)
    letters = [chr(ord("A") + i) for i in range(options)]
    rarest = min((answers[form, options, letter] for letter in letters), default=0)
    return answers[form, options, given] - rarest


def more_of_skills(
    pools: Mapping[str, Sequence[Item]],
    chosen: Mapping[str, Sequence[Item]],
    per_skill: int,
    seed: int,
) -> dict[str, tuple[list[Item], int]]:
    """ "more-<skill>" -> the items that bring a skill to ``per_skill``, and how many were wanted.

    Only skills that the suites lack items of; never a question that some suite already asks, nor
    one question twice in the forms of two suites. Judged plans are a skill of their own.
    """
    have = Counter(skill_of(item) for items in chosen.values() for item in items)
    taken = {question_of(item) for items in chosen.values() for item in items}
    left: dict[str, dict[str, Item]] = {}
    for items in pools.values():
        for item in items:
            if question_of(item) not in taken:
                left.setdefault(skill_of(item), {}).setdefault(question_of(item), item)
    made = {}
    for skill in sorted({skill_of(item) for items in pools.values() for item in items}):
        lack = per_skill - have[skill]
        if lack > 0:
            name = f"{MORE}{skill}"
            found = choose(list(left.get(skill, {}).values()), lack, seed)
            made[name] = [_moved(item, name) for item in found], lack
    return made


def skill_of(item: Item) -> str:
    """The item's skill; "plan" for a plan that is executed."""
    return "plan" if item.scorer == "plan" else item.skill


def question_of(item: Item) -> str:
    """What tells a question apart whatever suite asks it: its id without the suite."""
    return item.id.split(":", 1)[1]


def _moved(item: Item, suite: str) -> Item:
    return msgspec.structs.replace(item, id=f"{suite}:{question_of(item)}", suite=suite)


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
