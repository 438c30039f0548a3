"""Semantic duplicates: records about the same pictures that say the same in other words.

Vectors of question and answer find them, words decide: to an encoder "left of the mug" and "right
of the mug" are nearly one sentence, as are three and four, or yes and no. Two texts are twins only
if the words that decide an answer are the same in both, in the same order, and their answers have
a word in common. The best record of a group stays, and every one that goes names its twin and the
cosine of the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from seestep.columns import texts
from seestep.curate.batch import Batch
from seestep.curate.deciding import agree, deciding_of, meet, words_of_answer
from seestep.curate.embed import TOO_LONG, UNREADABLE, Encoder, column, matrix
from seestep.curate.join import CELLS_FROM, stars
from seestep.curate.measure import Measure
from seestep.curate.near import normalise
from seestep.curate.relevance import question
from seestep.curate.twins import best_first
from seestep.media import Roots
from seestep.records import Verdict

if TYPE_CHECKING:
    import pyarrow as pa


class SemanticDuplicates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Drop records whose meaning is that of a better one about the same pictures.

    ``least`` is the cosine from which two texts mean the same; ``deciding_words`` also asks that
    the words that decide an answer agree. Up to ``exact_up_to`` records of one picture (or of none)
    and of the same such words no twin is missed; of more, those of overlapping cells are compared
    (k-means, as SemDeDup has it).
    Texts in scripts or languages that the encoder does not read, or longer than it reads, stay, and
    the verdict says why.
    """

    encoder: Encoder = Encoder()
    least: float = 0.92
    deciding_words: bool = True
    exact_up_to: int = CELLS_FROM

    name = "semantic_duplicate"
    version = 1

    def __post_init__(self) -> None:
        if not 0 < self.least <= 1:
            raise ValueError(f"least must be in (0, 1], got {self.least}")

    def measure(self) -> Measure:
        return Meanings(self.encoder)

    def decide(self, batch: Batch, table: pa.Table, *, seed: int = 0) -> list[Verdict]:
        """One verdict a row. A dropped row is near a row that is kept."""
        why = table["why"].to_pylist()
        vectors = matrix(table["vector"])
        deciding = [deciding_of(text) for text in table["text"].to_pylist()]
        answers = [words_of_answer(text) for text in table["answer"].to_pylist()]
        groups: dict[tuple[str, ...], list[int]] = {}
        for row in best_first(batch.quality, batch.ids):
            if not why[row]:
                decide = deciding[row].words if self.deciding_words else ()
                groups.setdefault((batch.images[row], *decide), []).append(row)
        twin: dict[int, tuple[float, int]] = {}
        for rows in groups.values():
            if len(rows) == 1:
                continue

            def same(one: int, other: int, rows: list[int] = rows) -> bool:
                a, b = rows[one], rows[other]
                return not self.deciding_words or (
                    agree(deciding[a], deciding[b]) and meet(answers[a], answers[b])
                )

            found = stars(vectors[rows], self.least, same, exact_up_to=self.exact_up_to, seed=seed)
            for one, told in zip(rows, found, strict=True):
                if told is not None:
                    twin[one] = told.cosine, rows[told.row]
        return [self._verdict(batch, row, why[row], twin.get(row)) for row in range(len(batch))]

    def _verdict(self, batch: Batch, row: int, why: str, twin: tuple[float, int] | None) -> Verdict:
        rid = batch.ids[row]
        if twin is None:
            told = None if why else self.least
            return Verdict(id=rid, check=self.name, keep=True, threshold=told, evidence=why)
        cosine, other = twin
        return Verdict(
            id=rid,
            check=self.name,
            keep=False,
            reason="twin",
            score=cosine,
            threshold=self.least,
            evidence=f"twin {batch.ids[other]} cosine {cosine:.6f}",
        )


class Meanings(msgspec.Struct, frozen=True):
    """Columns ``vector`` (a unit vector of question and answer), ``text``, ``answer`` and ``why``
    there is none."""

    encoder: Encoder

    name = SemanticDuplicates.name
    version = 4
    reads = ("prompts", "outputs")
    loads_model = True

    def parameters(self) -> dict[str, Any]:
        return self.encoder.parameters()

    def __call__(self, batch: Batch, roots: Roots) -> pa.Table:
        import pyarrow as pa

        asked = [question(prompt) for prompt in batch.prompts]
        told = [f"{ask} {word}" for ask, word in zip(asked, batch.outputs, strict=True)]
        scripts = self.encoder.unread_pairs(asked, batch.outputs)
        why = [UNREADABLE.format(script) if script else "" for script in scripts]
        # equal beginnings are no equal meaning
        for row, cut in enumerate(self.encoder.cut(told)):
            why[row] = why[row] or (TOO_LONG if cut else "")
        read = ["" if reason else text for reason, text in zip(why, told, strict=True)]
        return pa.table(
            {
                "vector": column(self.encoder.vectors(read)),
                "text": texts([normalise(text) for text in told]),
                "answer": texts([normalise(output) for output in batch.outputs]),
                "why": texts(why),
            }
        )
