"""Draw n records by quota over source x task: largest remainder, best score first.

The draw depends on the records' scores, ids and the seed only, so neither input order nor
workers change it. What a cell cannot supply is offered to the others and reported.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from seestep.curate.batch import Batch, digest
from seestep.records import Verdict

Cell = tuple[str, str]  # source, task


class Mix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many records to draw, and in which proportions.

    ``sources`` and ``tasks`` give weights; "*" is the weight of those not named (1 when the
    table is empty, else 0: what a recipe does not name is not drawn). A source's share is
    divided over the tasks it has. ``refill`` offers what a cell lacks to the others.
    """

    total: int
    sources: dict[str, float] = {}
    tasks: dict[str, float] = {}
    refill: bool = True

    name = "mix"

    def __post_init__(self) -> None:
        if self.total < 0 or any(w < 0 for w in (*self.sources.values(), *self.tasks.values())):
            raise ValueError("a mix needs a total and weights that are not negative")

    def __call__(self, batch: Batch, *, seed: int = 0) -> tuple[list[Verdict], list[Quota]]:
        """One verdict a row, and what became of each cell's quota."""
        cells: dict[Cell, list[int]] = {}
        for row in range(len(batch)):
            cells.setdefault((batch.sources[row], batch.tasks[row]), []).append(row)
        available = {cell: len(rows) for cell, rows in cells.items()}
        wanted = apportion(self.total, self.shares(available))
        drawn = self._fill(wanted, available)
        quality = batch.quality or (0.0,) * len(batch)
        kept: set[int] = set()
        for cell, rows in cells.items():
            rows.sort(key=lambda i: (-quality[i], digest(f"{seed}:{batch.ids[i]}"), batch.ids[i]))
            kept.update(rows[: drawn[cell]])
        verdicts = [
            Verdict(
                id=batch.ids[i],
                check=self.name,
                keep=i in kept,
                reason="" if i in kept else "over_quota",
                score=quality[i] if batch.quality else None,
            )
            for i in range(len(batch))
        ]
        quotas = [
            Quota(
                source=s, task=t, wanted=wanted[s, t], available=available[s, t], drawn=drawn[s, t]
            )
            for s, t in sorted(cells)
        ]
        return verdicts, quotas

    def shares(self, available: Mapping[Cell, int]) -> dict[Cell, float]:
        """Weight of every cell that has records; a source's weight is spread over its tasks."""
        of_source: dict[str, float] = {}
        for source, task in available:
            of_source[source] = of_source.get(source, 0.0) + _weight(self.tasks, task)
        return {
            (s, t): _weight(self.sources, s) * _weight(self.tasks, t) / of_source[s]
            if of_source[s]
            else 0.0
            for s, t in available
        }

    def _fill(self, wanted: Mapping[Cell, int], available: Mapping[Cell, int]) -> dict[Cell, int]:
        drawn = {cell: min(n, available[cell]) for cell, n in wanted.items()}
        shares = self.shares(available)
        while self.refill and (left := sum(wanted.values()) - sum(drawn.values())) > 0:
            room = {c: shares[c] for c in drawn if drawn[c] < available[c] and shares[c] > 0}
            if not room:
                break
            for cell, more in apportion(left, room).items():
                drawn[cell] = min(available[cell], drawn[cell] + more)
        return drawn


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: what was wanted of it, what it had, what was drawn."""

    source: str
    task: str
    wanted: int
    available: int
    drawn: int

    @property
    def shortfall(self) -> int:
        """How many fewer than wanted could be drawn here."""
        return max(0, self.wanted - self.drawn)


def apportion(total: int, shares: Mapping[Cell, float]) -> dict[Cell, int]:
    """Whole numbers that sum to ``total``, by largest remainder; ties go to the first cell by name.

    All zero if no cell has a share.
    """
    mass = sum(shares.values())
    if mass <= 0:
        return dict.fromkeys(shares, 0)
    exact = {cell: total * share / mass for cell, share in shares.items()}
    seats = {cell: int(value) for cell, value in exact.items()}
    by_remainder = sorted(exact, key=lambda c: (-(exact[c] - seats[c]), c))
    for cell in by_remainder[: total - sum(seats.values())]:
        seats[cell] += 1
    return seats


def _weight(table: Mapping[str, float], key: str) -> float:
    return table.get(key, table.get("*", 0.0 if table else 1.0))
