"""Duplicates, exact and near: a twin has the same pictures and the same, or nearly the same, text.

The same question about another picture is not a duplicate, nor is another question about the
same picture. The best record of a group stays (quality, then id), and every record that goes
names the twin that stays and the exact similarity between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seestep.curate.batch import Batch
from seestep.curate.near import candidates, jaccard, normalise, same_words, shingles
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
    for row in _best_first(batch):
        best.setdefault(keys[row], row)
    return [
        _verdict(check.name, batch, row, best[keys[row]], 1.0, 1.0) for row in range(len(batch))
    ]


def find_near(check: NearDuplicates, batch: Batch, *, seed: int = 0) -> list[Verdict]:
    """One verdict a row. A dropped row is near a row that is kept, not merely near a near one."""
    texts = [twin_text(batch, i) for i in range(len(batch))]
    sets = [shingles(t) for t in texts]
    near: dict[int, list[tuple[int, float]]] = {}
    pairs = candidates(
        texts, batch.images, permutations=check.permutations, band=check.band, seed=seed
    )
    for i, j in pairs:
        small, large = sorted((len(sets[i]), len(sets[j])))
        if small < check.least * large:  # the Jaccard of such sizes cannot reach the threshold
            continue
        similarity = jaccard(sets[i], sets[j])
        if similarity < check.least:
            continue
        if check.same_words and not same_words(texts[i], texts[j]):
            continue
        near.setdefault(i, []).append((j, similarity))
        near.setdefault(j, []).append((i, similarity))
    kept: dict[int, int] = {}  # row -> rank at which it was kept
    twin: dict[int, tuple[int, float]] = {}
    for rank, row in enumerate(_best_first(batch)):
        rivals = [(s, -kept[other], other) for other, s in near.get(row, ()) if other in kept]
        if rivals:
            similarity, _, other = max(rivals)
            twin[row] = (other, similarity)
        else:
            kept[row] = rank
    return [
        _verdict(check.name, batch, row, *twin.get(row, (row, 0.0)), check.least)
        for row in range(len(batch))
    ]


def _best_first(batch: Batch) -> Sequence[int]:
    """Rows by quality descending, then id: an order that no shard or worker count changes."""
    quality = batch.quality or (0.0,) * len(batch)
    return sorted(range(len(batch)), key=lambda i: (-quality[i], batch.ids[i]))


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
