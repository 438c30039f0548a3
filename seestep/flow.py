"""What the steps of a run took in and passed on, and where two runs part, record by record.

A record's fate in a folder is its first failing verdict, or that it was kept. Everything is read
from the ledgers; nothing is computed again.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from seestep import ledger
from seestep.errors import RunError
from seestep.jsonl import each_line
from seestep.lineage import stages
from seestep.records import Verdict
from seestep.run import MANIFEST, STAGE, differences

KEPT, ABSENT = "kept", "absent"


class Fate(NamedTuple):
    """What became of a record in one folder; ``verdict`` is the one that dropped it."""

    kept: bool
    verdict: Verdict | None = None

    @property
    def word(self) -> str:
        """ "kept", or "check:reason"."""
        if self.verdict is None:
            return KEPT
        return f"{self.verdict.check}:{self.verdict.reason}".rstrip(":")


class Check(msgspec.Struct, frozen=True):
    """One check of a folder: how many records came to it, and how many went there, by reason."""

    name: str
    taken: int
    gone: dict[str, int]

    @property
    def passed(self) -> int:
        return self.taken - sum(self.gone.values())


class Funnel(msgspec.Struct, frozen=True):
    """The checks of one folder in their order."""

    folder: str  # relative to the run, its own name if it is the run
    stage: str
    source: str  # "" for all
    checks: list[Check]
    taken: int
    kept: int


class Move(msgspec.Struct, frozen=True):
    """A record whose fate is another one in the second run: "kept", "absent" or "check:reason"."""

    id: str
    before: str
    after: str
    why: str  # what the check that dropped it said, the second run's where both did


class Parted(msgspec.Struct, frozen=True):
    """How two runs differ in one folder."""

    folder: str
    settings: list[str]
    kept: tuple[int, int]
    moves: list[Move]
    rewritten: list[str]  # kept by both, and not the same row


def funnels(run: Path, *, by_source: bool = False) -> list[Funnel]:
    """The funnel of every folder with a ledger, in the order the data flowed; of each source (what
    stands before the colon of an id) apart if asked."""
    out = []
    for folder, stage in _folders(run):
        order, fates = _told(folder)
        groups: dict[str, list[Fate]] = {}
        for id, fate in fates.items():
            groups.setdefault(id.partition(":")[0] if by_source else "", []).append(fate)
        name = _name(folder, run)
        for source, mine in sorted(groups.items()):
            out.append(_funnel(name, stage, source, order, mine))
    return out


def _funnel(folder: str, stage: str, source: str, order: list[str], fates: list[Fate]) -> Funnel:
    gone: dict[str, Counter[str]] = {name: Counter() for name in order}
    for fate in fates:
        if fate.verdict is not None:
            gone.setdefault(fate.verdict.check, Counter())[fate.verdict.reason] += 1
    checks, left = [], len(fates)
    for name, reasons in gone.items():
        checks.append(Check(name, left, _alike(reasons)))
        left = checks[-1].passed
    return Funnel(folder, stage, source, checks, len(fates), left)


def _alike(reasons: Counter[str]) -> dict[str, int]:
    """Most frequent first; reasons that differ by their numbers alone are one, with N for them."""
    folded: dict[str, list[str]] = {}
    for reason in reasons:
        folded.setdefault(re.sub(r"\d+(\.\d+)?", "N", reason), []).append(reason)
    told = Counter[str]()
    for shape, same in folded.items():
        told[shape if len(same) > 1 else same[0]] = sum(reasons[reason] for reason in same)
    return dict(told.most_common())


def parted(before: Path, after: Path) -> list[Parted]:
    """What differs, folder by folder of the same name; two folders that are alone are one pair.

    Raises ``RunError`` where the runs have no folder in common.
    """
    ours, theirs = (dict(_named(run)) for run in (before, after))
    shared = [(name, ours[name], theirs[name]) for name in ours if name in theirs]
    if not shared and len(ours) == len(theirs) == 1:
        ((name, one),), (other,) = ours.items(), theirs.values()
        shared = [(name, one, other)]
    if not shared:
        raise RunError(
            "the two runs have no folder in common",
            file=after,
            wanted=" or ".join(list(ours)[:6]),
            got=" or ".join(list(theirs)[:6]),
        )
    return [_parted(*pair) for pair in shared]


def _parted(name: str, before: Path, after: Path) -> Parted:
    ours, theirs = _told(before)[1], _told(after)[1]
    moves = []
    for id in dict.fromkeys((*ours, *theirs)):
        old, new = ours.get(id), theirs.get(id)
        was, now = (ABSENT if fate is None else fate.word for fate in (old, new))
        if was != now:
            by = next((f.verdict for f in (new, old) if f is not None and f.verdict), None)
            moves.append(Move(id, was, now, _why(by)))
    rows = [_rows(folder) for folder in (before, after)]
    rewritten = [id for id, line in rows[0].items() if rows[1].get(id, line) != line]
    kept = tuple(sum(f.kept for f in fates.values()) for fates in (ours, theirs))
    return Parted(name, _settings(before, after), (kept[0], kept[1]), moves, rewritten)


def _why(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    told = [verdict.evidence] if verdict.evidence else []
    if verdict.score is not None:
        told.append(f"score {verdict.score:g}")
    if verdict.threshold is not None:
        told.append(f"threshold {verdict.threshold:g}")
    return ", ".join(told)


def _settings(before: Path, after: Path) -> list[str]:
    """Dotted keys of the recipes that differ; nothing where a folder keeps none."""
    return differences(_config(before), _config(after))


def _config(folder: Path) -> Any:
    file = next((folder / n for n in (MANIFEST, STAGE) if (folder / n).is_file()), None)
    found = msgspec.json.decode(file.read_bytes()) if file else {}
    return found.get("config") if isinstance(found, dict) else None


def _named(run: Path) -> Iterator[tuple[str, Path]]:
    for folder, _ in _folders(run):
        yield _name(folder, run), folder


def _name(folder: Path, run: Path) -> str:
    return folder.resolve().name if folder == Path(run) else folder.relative_to(run).as_posix()


def _folders(run: Path) -> list[tuple[Path, str]]:
    """Folders with a ledger, but for those whose verdicts stand in the folder around them too."""
    found = stages(Path(run))
    around = {folder for folder, _ in found}
    return [(f, stage) for f, stage in found if not (f.name == "checks" and f.parent in around)]


def _told(folder: Path) -> tuple[list[str], dict[str, Fate]]:
    """Names of the checks in their order, and the fate of every record."""
    order: dict[str, None] = {}
    fates: dict[str, Fate] = {}
    waiting: list[str] = []
    last = ""
    for file in _ledgers(folder):
        for row, verdict in ledger.read(file):
            if verdict.id != last:
                _merge(order, waiting)
                waiting, last = [], verdict.id
            if verdict.check:
                waiting.append(verdict.check)
            if row is not None:
                fates[verdict.id] = Fate(True)
            elif not verdict.keep and verdict.id not in fates:
                fates[verdict.id] = Fate(False, verdict)
    _merge(order, waiting)
    return list(order), fates


def _merge(order: dict[str, None], seen: list[str]) -> None:
    """Checks in the order in which records meet them: a new one comes behind the one before it."""
    if all(name in order for name in seen):
        return
    names = list(order)
    at = 0
    for name in seen:
        if name in order:
            at = names.index(name) + 1
        else:
            names.insert(at, name)
            order[name] = None
            at += 1
    order.clear()
    order.update(dict.fromkeys(names))


def _ledgers(folder: Path) -> list[Path]:
    """Ledgers of committed shards; one without a number has no commit."""
    out = []
    for file in sorted(folder.glob("ledger*.parquet")):
        number = file.stem.removeprefix("ledger").removeprefix("-")
        if not number or (folder / f"commit-{number}.json").exists():
            out.append(file)
    return out


class _Named(msgspec.Struct):
    id: str = ""


def _rows(folder: Path) -> Mapping[str, bytes]:
    """A hash of every row by id."""
    out: dict[str, bytes] = {}
    for file in sorted(folder.glob("part-*.jsonl")):
        for _, _, line in each_line(file):
            id = msgspec.json.decode(line, type=_Named).id
            if id:
                out[id] = hashlib.blake2b(line.strip(), digest_size=12).digest()
    return out
