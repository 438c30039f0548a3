"""From a record and a check to the questions that are sent: words as data, pictures after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seestep.curate.judge import prompts
from seestep.curate.judge.canaries import Canary, spoil
from seestep.curate.judge.config import CheckName, Judge
from seestep.curate.judge.pictures import show
from seestep.curate.judge.show import Pieces, describes, fenced, of_pair, of_record, too_long
from seestep.endpoint import Ask, Picture
from seestep.endpoint.ask import Said
from seestep.errors import MediaError
from seestep.media import Roots
from seestep.records import Pair, Plan, Record

SEEING: tuple[CheckName, ...] = ("quality", "plan", "pair")  # the others judge words alone


@dataclass(frozen=True)
class Subject:
    """Something to be judged: ``key`` is its own, be it a row, a gold example or a canary."""

    key: str
    asked: Record | Pair
    checks: tuple[CheckName, ...]
    canary: Canary | None = None


@dataclass(frozen=True)
class Unasked:
    """Why a question cannot be asked: ``why`` in a word, ``problem`` in full."""

    why: str
    problem: str


def fitting(row: Record | Pair, config: Judge) -> tuple[CheckName, ...]:
    """The checks of the config that can be asked about a row."""
    if isinstance(row, Pair):
        return tuple(c for c in config.checks if c == "pair")
    fits: dict[CheckName, bool] = {
        "quality": True,
        "consistency": row.thought is not None,
        "redundancy": describes(row),
        "plan": isinstance(row.answer, Plan),
        "pair": False,
    }
    return tuple(check for check in config.checks if fits[check])


def orders(check: CheckName) -> int:
    """How many questions a check takes: a pair is asked in both orders."""
    return 2 if check == "pair" else 1


def name(key: str, check: CheckName, order: int) -> str:
    """The id of one ask."""
    return f"{order} {check} {key}"


def asks(
    subject: Subject, config: Judge, roots: Roots
) -> Iterator[tuple[CheckName, int, Ask | Unasked]]:
    """Every question about a subject; its pictures are read once."""
    pictures: list[str | Picture] | Unasked | None = None
    for check in subject.checks:
        shown: list[str | Picture] | Unasked = []
        if check in SEEING and config.pixels:
            if pictures is None:
                pictures = _pictures(subject.asked, config, roots)
            shown = pictures
        for order in range(orders(check)):
            yield check, order, _ask(subject, check, order, shown)


def _ask(
    subject: Subject, check: CheckName, order: int, shown: list[str | Picture] | Unasked
) -> Ask | Unasked:
    if isinstance(shown, Unasked):
        return shown
    pieces = _pieces(subject.asked, check, swapped=order == 1)
    if subject.canary is not None:
        pieces = spoil(pieces, subject.canary, swapped=order == 1)
    if too_long(pieces):
        return Unasked("too long", f"{sum(len(text) for _, text in pieces):,} characters")
    turns = (
        Said("system", (prompts.system(check),)),
        Said("user", (fenced(pieces), *shown)),
    )
    return Ask(
        id=name(subject.key, check, order),
        turns=turns,
        version=prompts.version(check),
        answer=prompts.PROMPTS[check].answer,
    )


def _pieces(asked: Record | Pair, check: CheckName, *, swapped: bool) -> Pieces:
    if isinstance(asked, Pair):
        return of_pair(asked, swapped=swapped)
    pieces = of_record(asked)
    if check in ("quality", "plan"):  # a thought may not talk the judge into its answer
        return tuple(piece for piece in pieces if piece[0] != "thought")
    return pieces


def _pictures(asked: Record | Pair, config: Judge, roots: Roots) -> list[str | Picture] | Unasked:
    try:
        return show(
            asked, roots, kind=config.picture, pixels=config.pixels, most=config.most_pictures
        )
    except MediaError as error:
        return Unasked("no picture", str(error))
