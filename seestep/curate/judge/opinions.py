"""What answers mean: keep, drop or undecided, of one check and of all checks of a row.

A question without a valid answer is undecided, whatever the fault was: it is never kept for it and
never dropped for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from seestep.curate.judge.config import CheckName, Judge
from seestep.curate.judge.prompts import Graded, PlanOpinion, Preference
from seestep.records import Pair, Record, Verdict

CHECK = "judge"
UNDECIDED, ADVICE, EXECUTOR = "undecided: ", "advice: ", "executor: "
TAG = "judge-undecided"
EXECUTED = ("room", "act")  # who verified a pair by carrying out both plans
LOW: dict[CheckName, str] = {
    "quality": "low quality",
    "consistency": "inconsistent thought",
    "redundancy": "redundant words",
    "plan": "bad plan",
    "pair": "prefers the rejected",
}
Says = Literal["keep", "drop", "undecided"]


class Heard(NamedTuple):
    """What came of one ask: a value, or the problem why there is none; the tokens it took."""

    value: Any
    problem: str = ""
    tokens: int | None = None


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """Of one check about one row. ``why`` is empty for keep; ``sides`` are the positions preferred
    of a pair, 0 the first, None undecided: as asked with the chosen one first, then second."""

    says: Says
    why: str = ""
    grade: int | None = None
    told: tuple[str, ...] = ()  # the judge's own reasons, or the problem
    sides: tuple[int | None, ...] = ()
    tokens: int | None = None  # of all that was asked for it

    @property
    def flipped(self) -> bool:
        """Whether the judge preferred a position and not an output."""
        return len(self.sides) == 2 and None not in self.sides and self.sides[0] == self.sides[1]


def unasked(why: str, problem: str) -> Opinion:
    """Of what could not be asked as it must be."""
    return Opinion(says="undecided", why=why, told=(problem,), tokens=0)


def opinion(check: CheckName, heard: Sequence[Heard], config: Judge) -> Opinion:
    """What the answers of one check say."""
    tokens = summed(one.tokens for one in heard)
    return msgspec.structs.replace(_said(check, heard, config), tokens=tokens)


def summed(tokens: Iterable[int | None]) -> int | None:
    """All of them; None where there is none or one is not known."""
    known = list(tokens)
    return None if not known or None in known else sum(filter(None, known))


def _said(check: CheckName, heard: Sequence[Heard], config: Judge) -> Opinion:
    told = tuple(one.problem or str(one.value.reasons) for one in heard)
    if check == "pair":
        return _of_pair(heard, told)
    (one,) = heard
    if one.problem:
        return Opinion(says="undecided", why="no answer", told=told)
    if isinstance(one.value, Graded):
        grade = one.value.grade
        if grade is None:
            return Opinion(says="undecided", why="cannot tell", told=told)
        if grade >= getattr(config.least, check):
            return Opinion(says="keep", grade=grade, told=told)
        return Opinion(says="drop", why=LOW[check], grade=grade, told=told)
    assert isinstance(one.value, PlanOpinion)
    if one.value.verdict == "cannot_tell":
        return Opinion(says="undecided", why="cannot tell", told=told)
    if one.value.verdict == "good":
        return Opinion(says="keep", grade=1, told=told)
    return Opinion(says="drop", why=LOW[check], grade=0, told=told)


def _of_pair(heard: Sequence[Heard], told: tuple[str, ...]) -> Opinion:
    sides = tuple(_side(one) for one in heard)
    if any(one.problem for one in heard):
        return Opinion(says="undecided", why="no answer", told=told, sides=sides)
    if None in sides:
        return Opinion(says="undecided", why="cannot tell", told=told, sides=sides)
    if sides[0] == sides[1]:
        return Opinion(says="undecided", why="flipped with the order", told=told, sides=sides)
    if sides == (0, 1):
        return Opinion(says="keep", grade=1, told=told, sides=sides)
    return Opinion(says="drop", why=LOW["pair"], grade=0, told=told, sides=sides)


def _side(one: Heard) -> int | None:
    if one.problem:
        return None
    assert isinstance(one.value, Preference)
    return {"first": 0, "second": 1, "cannot_tell": None}[one.value.better]


def verdict(
    row: Record | Pair,
    opinions: Mapping[CheckName, Opinion],
    may: Mapping[CheckName, bool],
    config: Judge,
) -> Verdict:
    """What becomes of a row. An executor that ran both plans of a pair has the last word; a check
    that may not decide only advises; a drop outweighs what is undecided."""
    evidence = msgspec.json.encode(
        {
            name: {"says": one.says, "why": one.why, "grade": one.grade, "told": one.told}
            for name, one in opinions.items()
        },
        order="deterministic",
    ).decode()
    score = threshold = None
    if (quality := opinions.get("quality")) is not None and quality.grade is not None:
        score, threshold = float(quality.grade), float(config.least.quality)

    def told(keep: bool, reason: str) -> Verdict:
        return Verdict(
            id=row.id,
            check=CHECK,
            keep=keep,
            reason=reason,
            score=score,
            threshold=threshold,
            evidence=evidence if opinions else "",
            cost=summed(one.tokens for one in opinions.values()),
        )

    if not opinions:
        return told(True, "no check fits")
    if executed(row):
        said = {"keep": "agrees", "drop": "disagrees", "undecided": "is undecided"}
        return told(True, f"{EXECUTOR}the judge {said[opinions['pair'].says]}")
    deciding = [one for name, one in opinions.items() if may[name]]
    for one in deciding:
        if one.says == "drop":
            return told(False, one.why)
    for one in deciding:
        if one.says == "undecided":
            return told(config.undecided == "keep", UNDECIDED + one.why)
    advising = [one for name, one in opinions.items() if not may[name]]
    for says in ("drop", "undecided"):
        for one in advising:
            if one.says == says:
                return told(True, ADVICE + (UNDECIDED if says == "undecided" else "") + one.why)
    return told(True, "")


def executed(row: Record | Pair) -> bool:
    """Whether somebody carried out what the row says."""
    return isinstance(row, Pair) and row.verified_by in EXECUTED


def undecided(verdict: Verdict) -> bool:
    """Whether this verdict says that the judge could not say, be it as advice."""
    return verdict.reason.removeprefix(ADVICE).startswith(UNDECIDED)


def is_held(verdict: Verdict) -> bool:
    """Whether its row is held back, since the judge could not say."""
    return undecided(verdict) and not verdict.keep
