"""Draw n records by quota over source x task x difficulty: largest remainder, best score first.

The draw depends on the records' scores and contents and the seed only, so neither input order nor
workers change it. What a cell cannot supply is offered to the others and reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

import msgspec

from seestep.curate.batch import Batch, digest
from seestep.curate.difficulty import LEVELS
from seestep.records import Verdict

Cell = tuple[str, str, str]  # source, task, level; "*" for a source without a record to draw
K = TypeVar("K", bound=tuple[str, ...])


class Mix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many records to draw, and in which proportions.

    ``sources``, ``tasks`` and ``levels`` (easy, medium, hard; see ``difficulty``) give weights;
    "*" is the weight of those not named (1 when the table is empty, else 0: what a recipe does not
    name is not drawn). A source's share is divided over the tasks it has, a task's over its
    levels, each by largest remainder. ``refill`` offers what a cell lacks to the others, a source
    that is named and not here (or has nothing of the tasks and levels that are drawn) included.
    Records that their owners hold out (split other than train) are left out.
    """

    total: int
    sources: dict[str, float] = {}
    tasks: dict[str, float] = {}
    levels: dict[str, float] = {}
    refill: bool = True

    name = "mix"

    def __post_init__(self) -> None:
        weights = (*self.sources.values(), *self.tasks.values(), *self.levels.values())
        if self.total < 0 or not all(0 <= w < float("inf") for w in weights):
            raise ValueError("a mix needs a total and weights that are not negative, and finite")
        if unknown := self.levels.keys() - {*LEVELS, "*"}:
            known = ", ".join(LEVELS)
            raise ValueError(f"there is no level {min(unknown)!r}; levels are {known}")

    def __call__(self, batch: Batch, *, seed: int = 0) -> tuple[list[Verdict], list[Quota]]:
        """One verdict a row, and what became of each cell's quota."""
        cells: dict[Cell, list[int]] = {}
        levels = batch.levels or ("",) * len(batch)
        for row in range(len(batch)):
            if not batch.splits or batch.splits[row] == "train":
                cell = batch.sources[row], batch.tasks[row], levels[row]
                cells.setdefault(cell, []).append(row)
        available = {cell: len(rows) for cell, rows in cells.items()}
        here = {cell[0] for cell in cells if all(self._weights(cell))}
        absent = [s for s in self.sources if s != "*" and s not in here]
        available |= {(source, "*", "*"): 0 for source in absent}
        wanted = divide(self.total, self.shares(available))
        drawn = self._fill(wanted, available)
        quality = batch.quality or (0.0,) * len(batch)
        kept: set[int] = set()
        for cell, rows in cells.items():
            rows.sort(key=lambda i: (-quality[i], _content(batch, i, seed), batch.ids[i]))
            kept.update(rows[: drawn[cell]])
        verdicts = [
            Verdict(
                id=batch.ids[i],
                check=self.name,
                keep=i in kept,
                reason=_reason(batch, i, i in kept),
                score=quality[i] if batch.quality else None,
            )
            for i in range(len(batch))
        ]
        return verdicts, [
            Quota(
                source=cell[0],
                task=cell[1],
                level=cell[2],
                wanted=wanted[cell],
                available=available[cell],
                drawn=drawn[cell],
            )
            for cell in sorted(available)
        ]

    def shares(self, available: Mapping[Cell, int]) -> dict[Cell, Fraction]:
        """Weight of every cell: a source's over its tasks, a task's over its levels.

        Exact, as sums of floats depend on their order and break ties that are none.
        """
        of_task: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        of_source: dict[str, Fraction] = defaultdict(Fraction)
        for cell in available:
            of_task[cell[:2]] += self._weights(cell)[1]
        for (source, task), mass in of_task.items():
            of_source[source] += _weight(self.tasks, task) if mass else 0
        shares = {}
        for cell in available:
            share = _weight(self.sources, cell[0])
            masses = of_source[cell[0]], of_task[cell[:2]]
            for weight, mass in zip(self._weights(cell), masses, strict=True):
                share *= weight / mass if mass else 0
            shares[cell] = share
        return shares

    def _weights(self, cell: Cell) -> tuple[Fraction, Fraction]:
        """Of a cell's task among those of its source, and of its level among those of the task."""
        return _weight(self.tasks, cell[1]), _weight(self.levels, cell[2])

    def _fill(self, wanted: Mapping[Cell, int], available: Mapping[Cell, int]) -> dict[Cell, int]:
        drawn = {cell: min(n, available[cell]) for cell, n in wanted.items()}
        shares = self.shares(available)
        while self.refill and (left := sum(wanted.values()) - sum(drawn.values())) > 0:
            room = {c: shares[c] for c in drawn if drawn[c] < available[c] and shares[c] > 0}
            if not room:
                break
            for cell, more in divide(left, room).items():
                drawn[cell] = min(available[cell], drawn[cell] + more)
        return drawn


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: what was wanted of it, what it had, what was drawn."""

    source: str
    task: str
    level: str
    wanted: int
    available: int
    drawn: int

    @property
    def shortfall(self) -> int:
        """How many fewer than wanted could be drawn here."""
        return max(0, self.wanted - self.drawn)


def apportion(total: int, shares: Mapping[K, float | Fraction]) -> dict[K, int]:
    """Whole numbers that sum to ``total``, by largest remainder; ties go to the first cell by name.

    All zero if no cell has a share.
    """
    parts = {cell: Fraction(share) for cell, share in shares.items()}
    mass = sum(parts.values())
    if mass <= 0:
        return dict.fromkeys(shares, 0)
    exact = {cell: total * part / mass for cell, part in parts.items()}
    seats = {cell: int(value) for cell, value in exact.items()}
    by_remainder = sorted(exact, key=lambda c: (-(exact[c] - seats[c]), c))
    for cell in by_remainder[: total - sum(seats.values())]:
        seats[cell] += 1
    return seats


def divide(total: int, shares: Mapping[Cell, Fraction], depth: int = 1) -> dict[Cell, int]:
    """``apportion`` among sources, then among the tasks of each, then among the levels of each.

    Among all cells at once, twelve cells of 166.67 would all be rounded up in a source whose name
    comes first and down in one whose name comes last.
    """
    inner: dict[tuple[str, ...], dict[Cell, Fraction]] = {}
    for cell, share in shares.items():
        inner.setdefault(cell[:depth], {})[cell] = share
    seats = apportion(total, {key: sum(cells.values()) for key, cells in inner.items()})
    out: dict[Cell, int] = {}
    for key, cells in inner.items():
        if depth == 3:  # one cell
            out |= dict.fromkeys(cells, seats[key])
        else:
            out |= divide(seats[key], cells, depth + 1)
    return out


def _weight(table: Mapping[str, float], key: str) -> Fraction:
    if key == "*":  # whatever a source that is not here would have had
        return Fraction(1)
    told = table.get(key, table.get("*", 0 if table else 1))
    return Fraction(str(told))  # 0.1 is a tenth, as it was written


def _content(batch: Batch, row: int, seed: int) -> str:
    """A hash of what a record asks, answers and shows, whatever it is called."""
    told = batch.prompts[row], batch.outputs[row], batch.images[row]
    return digest("\0".join((str(seed), *told)))


def _reason(batch: Batch, row: int, kept: bool) -> str:
    if batch.splits and batch.splits[row] != "train":
        return "held_out_by_its_owner"
    return "" if kept else "over_quota"
