"""The words that decide an answer: to an encoder "left of the mug" and "right of the mug" are one.

English words stand between spaces, Chinese ones (``chinese``) are found inside a run of signs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from seestep.curate.chinese import HAN, words_of
from seestep.curate.near import FILLERS

_PLACES = (
    "left right above below under over beneath behind front back between beside inside outside in "
    "on into onto near nearer nearest far farther farthest close closer closest top bottom middle "
    "leftmost rightmost uppermost upper lower up down before after next first last second third "
    "towards toward away from to"
)
_COMPARED = (
    "more less most least fewer bigger biggest smaller smallest larger largest taller tallest "
    "faster slower older younger shorter shortest longer longest higher highest lowest same "
    "different every all any both either only than and or big small large little tall short "
    "long high low fast slow old new young"
)
_STATES = (
    "full empty hot cold warm cool wet dry clean dirty lit unlit broken intact whole soft hard "
    "heavy wide narrow thick thin push pull pushed pulled pushing pulling standing sitting "
    "lying alive dead locked unlocked clockwise counterclockwise anticlockwise north south "
    "east west day night man woman boy girl male female"
)
_SAID = (  # "isn't" is normalised to "isn t"
    "yes no not none never without nothing cannot isn aren wasn weren doesn don didn open opened "
    "closed close on off zero one two three four five six seven eight nine ten"
)
_COLOURS = (
    "red green blue yellow orange purple pink brown black white grey gray beige gold silver dark "
    "light"
)
DECIDING = frozenset(f"{_PLACES} {_COMPARED} {_SAID} {_STATES} {_COLOURS}".split())
_SIGN = rf"[^\W_{HAN}]"
_WORD = re.compile(rf"(?P<han>[{HAN}]+)|{_SIGN}+(?:[.,']{_SIGN}+)*")


class Deciding(NamedTuple):
    """Deciding words and numbers of a text, and its other words but for fillers, in order; of
    Chinese the other words are single signs."""

    words: list[str]
    others: list[str]


def deciding_of(text: str) -> Deciding:
    """The deciding words of a normalised text."""
    found = Deciding([], [])
    for match in _WORD.finditer(text):
        word = match[0]
        if match["han"]:
            said = words_of(word)
            found.words.extend(said.deciding)
            found.others.extend("".join(said.parts))
        elif word in DECIDING or any(c.isdigit() for c in word):
            found.words.append(word)
        elif word not in FILLERS:
            found.others.append(word)
    return found


def agree(one: Deciding, other: Deciding) -> bool:
    """Whether two texts decide alike: the same deciding words and numbers in the same order, and,
    where there are any, the words that both have in the same order ("the mug left of the bowl" is
    not "the bowl left of the mug")."""
    if one.words != other.words:
        return False
    if not one.words:
        return True
    both = set(one.others) & set(other.others)
    return [w for w in one.others if w in both] == [w for w in other.others if w in both]


def words_of_answer(answer: str) -> set[str]:
    """The content words of a normalised answer, without an English plural; of Chinese pairs of
    signs, and its deciding words only where there is nothing else. One of fillers alone ("there")
    has those."""
    found: set[str] = set()
    fillers: set[str] = set()
    for match in _WORD.finditer(answer):
        if match["han"]:
            said = words_of(match[0])
            found |= said.pairs or set(said.deciding)
        elif match[0] in FILLERS:
            fillers.add(match[0])
        else:
            found.add(match[0].removesuffix("s"))
    return found or fillers


def meet(one: set[str], other: set[str]) -> bool:
    """Whether two answers have a word in common, or none at all."""
    return bool(one & other) or not (one or other)
