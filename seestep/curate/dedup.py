"""Duplicates, exact and near: a twin has the same pictures and the same, or nearly the same, text.

The same question about another picture is not a duplicate, nor is another question about the
same picture. The best record of a group stays (quality, then id), and every record that goes
names the twin that stays and the exact similarity between them.
"""

from __future__ import annotations

import msgspec

from seestep.curate.batch import Batch
from seestep.curate.near import normalise, same_words
from seestep.curate.twins import Near, Twins, best_first, sweep
from seestep.records import Verdict


class ExactDuplicates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Drop all but the best of the records with equal normalised text and equal pictures."""

    name = "exact_duplicate"
    version = 1


class NearDuplicates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Drop records whose text is nearly that of a better one about the same pictures.

    ``least`` is the Jaccard similarity of character 5-shingles from which texts are near.
    ``same_words`` also asks that all deciding words agree in order (typos forgiven): without
    it "left of the mug" and "right of the mug" are twins.
    """

    least: float = 0.7
    same_words: bool = True
    permutations: int = 252
    band: int = 6

    name = "near_duplicate"
    version = 1

    def __post_init__(self) -> None:
        if not 0 < self.least <= 1:
            raise ValueError(f"least must be in (0, 1], got {self.least}")
        if self.band < 1 or self.permutations < self.band:
            raise ValueError(f"{self.permutations} permutations make no band of {self.band}")


def twin_text(batch: Batch, row: int) -> str:
    """What two records are compared by: question and answer, normalised."""
    return f"{normalise(batch.prompts[row])} = {normalise(batch.outputs[row])}"


def find_exact(check: ExactDuplicates, batch: Batch) -> list[Verdict]:
    """One verdict a row. Similarity of an exact twin is 1 by definition."""
    best: dict[tuple[str, str], int] = {}
    keys = [(batch.images[i], twin_text(batch, i)) for i in range(len(batch))]
    for row in best_first(batch.quality, batch.ids):
        best.setdefault(keys[row], row)
    return [
        _verdict(check.name, batch, row, best[keys[row]], 1.0, 1.0) for row in range(len(batch))
    ]


def find_near(check: NearDuplicates, batch: Batch, *, seed: int = 0) -> list[Verdict]:
    """One verdict a row. A dropped row is near a row that is kept, not merely near a near one."""
    texts = [twin_text(batch, i) for i in range(len(batch))]
    twins = Twins(
        texts,
        batch.images,
        least=check.least,
        permutations=check.permutations,
        band=check.band,
        seed=seed,
    )

    def same(row: int, other: int) -> bool:
        return same_words(texts[row], texts[other])

    order = best_first(batch.quality, batch.ids)
    found = dict(sweep(twins, order, same if check.same_words else None))
    return [_near_verdict(check, batch, row, found[row]) for row in range(len(batch))]


def _near_verdict(check: NearDuplicates, batch: Batch, row: int, twin: Near | None) -> Verdict:
    other, similarity = (row, 0.0) if twin is None else (twin.row, twin.similarity)
    return _verdict(check.name, batch, row, other, similarity, check.least)


def _verdict(
    name: str, batch: Batch, row: int, twin: int, similarity: float, least: float
) -> Verdict:
    if twin == row:
        return Verdict(id=batch.ids[row], check=name, keep=True, threshold=least)
    return Verdict(
        id=batch.ids[row],
        check=name,
        keep=False,
        reason="twin",
        score=similarity,
        threshold=least,
        evidence=f"twin {batch.ids[twin]} jaccard {similarity:.6f}",
    )
