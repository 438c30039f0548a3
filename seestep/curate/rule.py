"""What a rule is: rows in, one verdict a row out, and why a row is dropped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from seestep.curate.batch import Batch
from seestep.records import Verdict


class Fault(NamedTuple):
    """Why a row is dropped."""

    reason: str
    evidence: str = ""
    score: float | None = None
    threshold: float | None = None


class Rule(msgspec.Struct, frozen=True, tag_field="check", forbid_unknown_fields=True):
    """Base: one verdict a row, from ``fault``."""

    @property
    def name(self) -> str:
        """The tag a recipe and the ledger call it by."""
        return str(self.__struct_config__.tag)

    def __call__(self, batch: Batch) -> list[Verdict]:
        """One verdict a row, in row order."""
        name, faults = self.name, self.faults(batch)
        return [
            Verdict(id=id, check=name, keep=True) if fault is None else _dropped(id, name, fault)
            for id, fault in zip(batch.ids, faults, strict=True)
        ]

    def faults(self, batch: Batch) -> list[Fault | None]:
        """What is wrong with each row."""
        found: list[Fault | None] = [None] * len(batch)
        for row in self.doubtful(batch):
            found[row] = self.fault(batch, row)
        return found

    def doubtful(self, batch: Batch) -> Iterable[int]:
        """The rows that have to be looked at; it is plain that nothing is wrong with the others."""
        return range(len(batch))

    def fault(self, batch: Batch, row: int) -> Fault | None:
        """What is wrong with a row, None if nothing is."""
        raise NotImplementedError


def _dropped(id: str, check: str, fault: Fault) -> Verdict:
    return Verdict(
        id=id,
        check=check,
        keep=False,
        reason=fault.reason,
        evidence=fault.evidence[:500],
        score=fault.score,
        threshold=fault.threshold,
    )
