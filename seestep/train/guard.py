"""Did a stage lose an ability? Guard sets come in as callables; a lost group stops the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import msgspec

from seestep.errors import DataError
from seestep.records import Score
from seestep.run import atomic_write

GUARD = "guard.json"


class Change(Protocol):
    """A paired change of the mean with its 95 % interval, as ``study.stats.paired`` gives it."""

    @property
    def change(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


Ask: TypeAlias = Callable[[Path], Mapping[str, Sequence[Score]]]
"""Asks a checkpoint the guard sets: group -> scores of its items."""

Compare: TypeAlias = Callable[[Sequence[float], Sequence[float], Sequence[str]], Change]
"""(before, after, clusters) of the same items, in the same order."""


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """One group before and after a stage. ``lost``: it fell and the interval excludes 0."""

    group: str
    n: int
    before: float
    after: float
    change: float
    low: float
    high: float
    parsed_before: float
    parsed_after: float
    lost: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard sets say; ``go_on`` is False when a loss must stop the run."""

    groups: tuple[GroupChange, ...]
    lost: tuple[str, ...]
    go_on: bool


def guard(
    ask: Ask,
    compare: Compare,
    before: Mapping[str, Sequence[Score]],
    checkpoint: Path,
    *,
    regression: Literal["stop", "report"] = "stop",
    out: Path | None = None,
) -> Report:
    """Ask ``checkpoint`` the guard sets, compare with ``before``, and write ``out/guard.json``."""
    report = judge(before, ask(checkpoint), compare, regression=regression)
    if out is not None:
        atomic_write(out / GUARD, msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return report


def judge(
    before: Mapping[str, Sequence[Score]],
    after: Mapping[str, Sequence[Score]],
    compare: Compare,
    *,
    regression: Literal["stop", "report"] = "stop",
) -> Report:
    """Compare two sets of guard scores group by group, item by item.

    Raises ``DataError`` when the two were not asked the same items.
    """
    groups = []
    for name in sorted(before.keys() | after.keys()):
        old = {s.item: s for s in before.get(name, ())}
        new = {s.item: s for s in after.get(name, ())}
        if old.keys() != new.keys() or not old:
            raise DataError(
                f"guard group {name!r} was asked other items before the stage than after it",
                wanted=f"{len(old)} items",
                got=f"{len(new)}, {len(old.keys() & new.keys())} of them shared",
            )
        items = sorted(old)
        a, b = [old[i].value for i in items], [new[i].value for i in items]
        found = compare(a, b, [next(iter(old[i].clusters), i) for i in items])
        groups.append(
            GroupChange(
                group=name,
                n=len(items),
                before=sum(a) / len(a),
                after=sum(b) / len(b),
                change=found.change,
                low=found.low,
                high=found.high,
                parsed_before=sum(s.parsed for s in old.values()) / len(old),
                parsed_after=sum(s.parsed for s in new.values()) / len(new),
                lost=found.change < 0 and found.high < 0,
            )
        )
    lost = tuple(g.group for g in groups if g.lost)
    return Report(groups=tuple(groups), lost=lost, go_on=not lost or regression == "report")
