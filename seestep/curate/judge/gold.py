"""What people said about examples, as JSON lines, and what it takes to be believed.

    {"check": "quality", "id": "lvis:7-2", "label": 4}
    {"check": "consistency", "record": {...}, "label": 2}
    {"check": "plan", "id": "room:home-3-t1", "label": "bad"}
    {"check": "pair", "pair": {...}, "label": "chosen"}

An example is named by the id of a record that is judged, or brought along whole. Labels are 1 to 6,
of plans "good" or "bad", of pairs which side is better: "chosen" or "rejected".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from seestep.curate.judge.config import CheckName
from seestep.errors import DataError
from seestep.records import Pair, Record

GRADES = ("1", "2", "3", "4", "5", "6")
LABELS: dict[CheckName, tuple[str, ...]] = {
    "quality": GRADES,
    "consistency": GRADES,
    "redundancy": GRADES,
    "plan": ("bad", "good"),
    "pair": ("rejected", "chosen"),
}


class Gold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One label. ``by`` and ``note`` are for people."""

    check: CheckName
    label: int | str
    id: str = ""
    record: Record | None = None
    pair: Pair | None = None
    by: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        told = [bool(self.id), self.record is not None, self.pair is not None]
        if sum(told) != 1:
            raise ValueError("a gold label is about one of id, record and pair")
        if self.record is not None and self.check == "pair":
            raise ValueError("the check pair is about a pair, not a record")
        if self.pair is not None and self.check != "pair":
            raise ValueError(f"the check {self.check} is about a record, not a pair")
        if str(self.label) not in LABELS[self.check]:
            wanted = ", ".join(LABELS[self.check])
            raise ValueError(f"a label of {self.check} is one of {wanted}, got {self.label!r}")

    @property
    def asked(self) -> Record | Pair | None:
        """The example, if it is brought along."""
        return self.record if self.record is not None else self.pair

    @property
    def name(self) -> str:
        """The id of its example."""
        return self.id or (self.asked.id if self.asked is not None else "")

    @property
    def place(self) -> int:
        """The label's place among those of its check."""
        return LABELS[self.check].index(str(self.label))


def read_gold(file: Path) -> list[Gold]:
    """Every label of a file. Raises ``DataError`` naming the line that cannot be read, or the
    example that is labelled twice for one check."""
    try:
        lines = Path(file).read_bytes().split(b"\n")
    except OSError as error:
        raise DataError(f"the gold labels cannot be read: {error.strerror}", file=file) from error
    found: list[Gold] = []
    seen: dict[Any, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            one = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"), type=Gold)
        except (msgspec.DecodeError, RecursionError) as error:
            raise DataError(
                f"not a gold label: {error}",
                file=file,
                record=f"line {number}",
                hint='{"check": "quality", "id": "lvis:7-2", "label": 4}',
            ) from error
        key = (one.check, one.name)
        if key in seen:
            raise DataError(
                f"{one.name} is labelled twice for {one.check}",
                file=file,
                record=f"line {number}",
                wanted="one label",
                got=f"another in line {seen[key]}",
                hint="let the annotators settle on one label",
            )
        seen[key] = number
        found.append(one)
    if not found:
        raise DataError("there is no gold label in this file", file=file)
    return found
