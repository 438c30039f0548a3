"""Practice in reading a picture: what the first joint steps ask, and where names point.

A model this small learns to bind a name to a place only after many examples of little else. So
the joint stage begins with questions about things and their places alone, with listings of all
small things in view, and each name in a question is taught to tell how many things in view bear it
and, if one does, where that is; that of a table or shelf, how many things are on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep.act.vocabulary import plural, words
from seestep.families import Family, wording
from seestep.geometry.convert import to_frame
from seestep.geometry.frames import same_size
from seestep.geometry.render import render
from seestep.thought.wire import ANSWER, END_ANSWER, END_THINK, THINK
from seestep.train.base.asked import COLORS, TURN_END, TYPES
from seestep.train.base.corpus import BINS, IGNORE, ON, Corpus, Question
from seestep.world.room.catalog import KINDS as THINGS
from seestep.world.room.catalog import OBJECTS

OPTION = re.compile(r"^([A-Z])\. (.+)$", re.MULTILINE)
LISTED = 5  # things in one listing, at most
MANY = 5  # a name tells how many bear it up to here
_PLACES = tuple(k for k, thing in THINGS.items() if thing.receptacle and k not in OBJECTS)
KINDS = ("choice", "number", "yes_no", "text", "point", "points", "box")


def is_native(question: Question, family: Family) -> bool:
    """True if the answer is asked for in the family's own words, not in those of a benchmark.

    The sentence for a choice is also that of some benchmarks, and counts as the family's own.
    """
    asked = question.suffix.split(TURN_END)[0].rstrip()
    notations = family.notations
    return asked.endswith(
        tuple(
            wording.sentence(kind, family.frame, notations.get(kind, ""))
            for kind in KINDS
            if kind in notations or kind not in ("point", "points", "box")
        )
    )


def answer_of(text: str) -> str | None:
    """What stands in the answer tags, None if they are not there."""
    _, start, rest = text.partition(ANSWER)
    inside, end, _ = rest.partition(END_ANSWER)
    return inside.strip() if start and end else None


def in_words(question: Question) -> Question | None:
    """A choice without its letters: the same question, answered in the words of the right option.

    None if the question is no choice. A letter is one thought further than the words it stands
    for, and a model that cannot yet think the first learns nothing from letters. The ability of
    "side" becomes "side words".
    """
    choice = _choice(question)
    if choice is None:
        return None
    head, _, turn, right = choice
    form = wording.sentence("text", "", "")
    return Question(
        question.views,
        question.prefix,
        f"{head.rstrip()}\n{form}{TURN_END}{turn}",
        f"{THINK}{END_THINK}{ANSWER}{right}{END_ANSWER}{TURN_END}",
        f"{question.ability} words",
    )


def in_letters(question: Question) -> Question | None:
    """A choice whose right option is told, so that its letter alone is asked for.

    None if the question is no choice. It takes no looking: what it teaches is to find words among
    options, which no question about a picture teaches on its own. "color" becomes "color letter".
    """
    choice = _choice(question)
    if choice is None:
        return None
    _, listed, turn, right = choice
    return msgspec.structs.replace(
        question,
        suffix=f"The answer is {right}. Which option is it?\n{listed}{TURN_END}{turn}",
        ability=f"{question.ability} letter",
        gold={},
    )


def _choice(question: Question) -> tuple[str, str, str, str] | None:
    """What is asked, the options and all after them, the turn behind, and the words of the right
    option; None if the question is no choice."""
    asked, _, turn = question.suffix.partition(TURN_END)
    right = dict(OPTION.findall(asked)).get(answer_of(question.completion) or "")
    first = OPTION.search(asked)
    if right is None or first is None:
        return None
    return asked[: first.start()], asked[first.start() :], turn, right


def listings(corpus: Corpus, group: Sequence[Question]) -> list[Question]:
    """All small things of a group's picture with their places, and the first and the last of them.

    Made from what visual tokens are taught (``Corpus.cells``), so places are those of a grid of
    ``BINS``, as integers from 0 to 1000. Abilities "list" and "extreme", which nobody asks later.
    """
    first = group[0]
    found = {tuple(int(v) for v in cell[:4]) for cell in corpus.cells[first.views[0]]}
    things = sorted((t for t in found if t[2] >= 0 and TYPES[t[0]] in OBJECTS), key=_across)
    if not things:
        return []
    listed = "; ".join(f"{_name(t)} {_place(t)}" for t in things[:LISTED])
    told = [("list", "List the things.", listed)]
    if len(things) > 1 and things[1][2] - things[0][2] >= 2:
        told.append(("extreme", "What is the leftmost thing?", _name(things[0])))
    if len(things) > 1 and things[-1][2] - things[-2][2] >= 2:
        told.append(("extreme", "What is the rightmost thing?", _name(things[-1])))
    turn = first.suffix[first.suffix.index(TURN_END) :]
    form = wording.sentence("text", "", "")
    return [
        Question(
            first.views,
            first.prefix,
            f"{asked}\n{form}{turn}",
            f"{THINK}{END_THINK}{ANSWER}{said}{END_ANSWER}{TURN_END}",
            ability,
        )
        for ability, asked, said in told
    ]


class Mentions:
    """Finds the things that a question names: how many are in its picture, where, and on them."""

    def __init__(self, encode: Callable[[str], list[int]]) -> None:
        self.encode = encode
        self._names: dict[int, list[tuple[list[int], int, int]]] = {}  # by their first token
        self._known: dict[tuple[int, str], list[tuple[int, int, int, int, int]]] = {}
        for kind in [*OBJECTS, *_PLACES]:
            for color in COLORS:
                for noun in (words(kind), plural(words(kind))):
                    tokens = encode(f" {color} {noun}" if color else f" {noun}")
                    name = (tokens, TYPES.index(kind), COLORS.index(color))
                    self._names.setdefault(tokens[0], []).append(name)
        for found in self._names.values():
            found.sort(key=lambda name: -len(name[0]))  # "soap bottle" before "soap"

    def __call__(self, corpus: Corpus, question: Question) -> list[tuple[int, int, int, int, int]]:
        """(position of its last token in the suffix, column, row, how many things bear it, how many
        are on it) of each name; column and row are those of ``BINS``, -100 unless one thing alone
        bears the name. Small things tell the first three, places the last."""
        key = question.views[0], question.suffix
        if key not in self._known:
            cells = corpus.cells[question.views[0]]
            self._known[key] = list(self._find(cells, question.suffix))
        return self._known[key]

    def _find(
        self, cells: NDArray[np.int16], text: str
    ) -> Iterator[tuple[int, int, int, int, int]]:
        tokens, at = self.encode(text), 0
        while at < len(tokens):
            step = 1
            for name, kind, color in self._names.get(tokens[at], ()):
                if tokens[at : at + len(name)] == name:
                    step = len(name)
                    yield at + step - 1, *_told(cells, kind, color)
                    break
            at += step


def _told(cells: NDArray[np.int16], kind: int, color: int) -> tuple[int, int, int, int]:
    """Column, row, how many and how many on it, of what one name stands for in a picture."""
    if TYPES[kind] in _PLACES:
        held = cells[(cells[:, ON] == kind) & (cells[:, 2] >= 0)]
        return IGNORE, IGNORE, IGNORE, min(len(_spots(held)), MANY)
    alike = _spots(cells[(cells[:, 0] == kind) & ((cells[:, 1] == color) | (color == 0))])
    place = min(alike) if len(alike) == 1 else (IGNORE, IGNORE)
    return *place, min(len(alike), MANY), IGNORE


def _spots(cells: NDArray[np.int16]) -> set[tuple[int, int]]:
    return {(int(x), int(y)) for x, y in cells[:, 2:4]}


def _across(thing: tuple[int, ...]) -> tuple[int, ...]:
    return thing[2:]


def _name(thing: tuple[int, ...]) -> str:
    return f"{COLORS[thing[1]]} {words(TYPES[thing[0]])}".strip()


def _place(thing: tuple[int, ...]) -> str:
    middle = [(v + 0.5) / BINS for v in thing[2:]]
    values = to_frame(middle, "point", "unit", "permille", same_size((1, 1)))
    return render("point", values, "permille", "tuple")
