"""Guard sets: records of every skill held out before training, by picture and scene.

Two records that share a picture, a video, a home or another cluster of their source stay on one
side, directly or through others. What training gains or loses on a guard set is therefore not
what it has seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from seestep.curate.batch import Batch, digest
from seestep.records import Verdict

HELD_OUT = "held_out"


class Guard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much to hold out: about ``per_skill`` records of every skill, or half of a rarer one, at
    most the share ``most`` of all records.

    Scenes are taken in an order that depends on their names and the seed alone, so a draw is the
    same whatever the order and number of workers. As long as ``most`` leaves room, one of more
    records a skill holds one of fewer.
    """

    per_skill: int = 200
    most: float = 0.05

    name = "guard"

    def __post_init__(self) -> None:
        if self.per_skill < 1 or not 0 < self.most < 1:
            raise ValueError("a guard needs per_skill of at least 1 and most between 0 and 1")

    def __call__(self, batch: Batch, *, seed: int = 0) -> tuple[list[Verdict], list[Held]]:
        """One verdict a row, ``HELD_OUT`` as the reason of those held out; what each skill got.

        Rows that their owners hold out (split other than train) are none of this.
        """
        rows = [i for i in range(len(batch)) if batch.splits[i] == "train"]
        room = int(self.most * len(rows))
        there = Counter(batch.skills[i] for i in rows)
        got: Counter[str] = Counter()
        scenes: Counter[str] = Counter()
        held: dict[int, str] = {}
        for scene, members in _ordered(batch, rows, seed):
            gives = Counter(batch.skills[i] for i in members)
            lacking = any(got[skill] < min(self.per_skill, there[skill] // 2) for skill in gives)
            if lacking and len(held) + len(members) <= room:
                held |= dict.fromkeys(members, scene)
                got += gives
                scenes.update(gives.keys())
        verdicts = [
            Verdict(
                id=batch.ids[i],
                check=self.name,
                keep=True,
                reason=HELD_OUT if i in held else "",
                evidence=held.get(i, ""),
            )
            for i in range(len(batch))
        ]
        return verdicts, [
            Held(
                skill=skill,
                wanted=self.per_skill,
                available=there[skill],
                held=got[skill],
                scenes=scenes[skill],
            )
            for skill in sorted(there)
        ]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One skill: records wanted, there, and held out, and of how many scenes those are."""

    skill: str
    wanted: int
    available: int
    held: int
    scenes: int


def joined(groups: Iterable[Sequence[str]]) -> Callable[[str], str]:
    """Names that stand in one group are one, directly or through others: the first of them by name.

    Union-find with path halving.
    """
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for group in groups:
        roots = sorted({find(name) for name in group})
        for root in roots[1:]:
            parent[root] = roots[0]
    return find


def _ordered(batch: Batch, rows: Sequence[int], seed: int) -> Iterator[tuple[str, list[int]]]:
    """Groups of rows that share a scene, directly or through others, in the order of the draw."""
    groups: dict[str, list[int]] = {}
    find = joined(batch.scenes[i] for i in rows)
    for i in rows:
        name = find(batch.scenes[i][0]) if batch.scenes[i] else f"record {batch.ids[i]}"
        groups.setdefault(name, []).append(i)
    for name in sorted(groups, key=lambda n: (digest(f"{seed}:{n}"), n)):
        yield name, groups[name]
