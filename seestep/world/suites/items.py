"""Drafts as items of a benchmark's mini suite, and the choice among them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from seestep.bench import Bench
from seestep.records import Answer, Choice, Item, Number, Split, Text, YesNo
from seestep.world.questions.draft import LICENCE, Draft, Look, clusters, user_turn

_Given = tuple[str, int, str]  # form, number of options, class of the answer
_Lot = tuple[str, str, int, str]  # family, and what is given

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
    lots: dict[_Lot, dict[tuple[str, ...], deque[int]]] = {}  # -> homes -> places in the order
    for place, i in enumerate(order):
        item = pool[i]
        homes_of = lots.setdefault((item.tags[0], *_given(item)), {})
        homes_of.setdefault(item.clusters, deque()).append(place)
    families: Counter[str] = Counter()
    answers: Counter[_Given] = Counter()
    homes: Counter[tuple[str, ...]] = Counter()
    chosen: list[Item] = []
    while lots and len(chosen) < count:
        ranks = {lot: (families[lot[0]], _lead(answers, lot[1:])) for lot in lots}
        first = min(ranks.values())
        _, place, lot, home = min(
            (homes[home], places[0], lot, home)
            for lot, rank in ranks.items()
            if rank == first
            for home, places in lots[lot].items()
        )
        lots[lot][home].popleft()
        if not lots[lot][home]:
            del lots[lot][home]
        if not lots[lot]:
            del lots[lot]
        chosen.append(pool[order[place]])
        families[lot[0]] += 1
        answers[lot[1:]] += 1
        homes[home] += 1
    return sorted(chosen, key=lambda item: item.id)


def _given(item: Item) -> _Given:
    """Form, number of options (0 if none are told) and class of an item's answer."""
    options = len(item.answer.options) if isinstance(item.answer, Choice) else 0
    return item.form.kind if item.form else "", options, answer_class(item.answer)


def _lead(answers: Counter[_Given], answer: _Given) -> int:
    """How much oftener an answer was given than the rarest there could be instead."""
    form, options, given = answer
    letters = [chr(ord("A") + i) for i in range(options)]
    rarest = min((answers[form, options, letter] for letter in letters), default=0)
    return answers[form, options, given] - rarest


def more_of_skills(
    pools: Mapping[str, Sequence[Item]],
    chosen: Mapping[str, Sequence[Item]],
    size: Callable[[str], int],
    seed: int,
) -> dict[str, tuple[list[Item], int]]:
    """ "more-<skill>" -> the items that bring a skill to its ``size``, and how many were wanted.

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
        lack = size(skill) - have[skill]
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
