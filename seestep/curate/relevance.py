"""Does an answer belong to its question? Its likeness to it, beside that of other records' answers.

How alike a question and its answer are says little by itself: "What colour is the mug?" and "red"
share no word, and every plan shares words with every household task. So an answer is held against
answers of other records of the same task, drawn by content hash: ``score`` is the share of them
that are less like the question than its own, .5 for an answer picked at random, whatever the task.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from seestep.columns import integers, numbers, texts
from seestep.curate.batch import Batch, digest
from seestep.curate.embed import UNREADABLE, Encoder, column, folder_of, matrix, rank, sha256_of
from seestep.curate.measure import Measure
from seestep.curate.near import normalise
from seestep.media import Roots
from seestep.records import Verdict

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

SILENT = "not measured: the answer has no words"
LONE = "not measured: fewer than {} other answers {}"
BLIND = "not measured: answers of this task are no likelier than others (mean {})"
RANKED = ("worse", "drawn", "others")
SPEAKING = ("choice", "plan", "text")  # kinds of answers that have words
_PLACES = re.compile(r"\b(?:point|points|box|polygon|mask|path)\([^)]*\) \w+")


class Relevance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Drop answers that fewer than ``least`` of the others of their task would be worse than.

    Up to ``others`` answers in other words are drawn for each. Not measured are answers without
    words (yes, 3, a place), texts that the encoder does not read, answers beside which
    their task has fewer than ``fewest`` in other words, and tasks whose own answers are, on the
    whole, no better than others (a mean below ``telling``): those stay, and the verdict says why.

    ``reranker`` is a cross-encoder (a folder, or a name of the local hub cache) that reads question
    and answer together, in place of ``encoder``; it reads 1 + ``others`` pairs a record. Others are
    those of the same shard then, which must hold ``fewest`` of them.
    """

    encoder: Encoder = Encoder()
    reranker: str = ""
    least: float = 0.2
    others: int = 64
    fewest: int = 20
    telling: float = 0.7

    name = "relevance"
    version = 1

    def __post_init__(self) -> None:
        if not 0 <= self.least < 1:
            raise ValueError(f"least is a share of other answers, not {self.least}")
        if self.others < 1 or self.fewest < 1:
            raise ValueError("others and fewest must be at least 1")

    def measure(self) -> Measure:
        if self.reranker:
            return Reranked(self.reranker, self.others, self.encoder)
        return QuestionsAndAnswers(self.encoder)

    def decide(self, batch: Batch, table: pa.Table, *, seed: int = 0) -> list[Verdict]:
        """One verdict a row: the share of other answers that fit worse, and the likeness itself."""
        why = table["why"].to_pylist()
        tasks: dict[str, list[int]] = defaultdict(list)
        for row in range(len(batch)):
            if not why[row]:
                tasks[batch.tasks[row]].append(row)
        found: dict[int, tuple[float, int]] = {}
        for rows in tasks.values():
            found |= self._task(batch, table, rows, why)
        likeness = _likeness(table)
        return [
            self._verdict(batch.ids[row], why[row], found.get(row), likeness[row])
            for row in range(len(batch))
        ]

    def _task(
        self, batch: Batch, table: pa.Table, rows: list[int], why: list[str]
    ) -> dict[int, tuple[float, int]]:
        """Score and number of other answers of the rows of one task; ``why`` where there is none.

        The order of the rows decides which others are drawn, so it is one of their contents.
        """
        rows = _by_content(batch, rows)
        if self.reranker:
            worse, drawn, there = (table[c].take(rows).to_pylist() for c in RANKED)
        else:
            asked, said = (matrix(table[c].take(rows)) for c in ("asked", "said"))
            words = table["words"].take(rows).to_pylist()
            worse, drawn = (c.tolist() for c in beaten(asked, said, words, self.others))
            there = others_of(words)
        shares = {
            row: (w / n, n)
            for row, w, n, count in zip(rows, worse, drawn, there, strict=True)
            if count >= self.fewest
        }
        mean = sum(share for share, _ in shares.values()) / max(1, len(shares))
        for row in rows:
            if row not in shares:
                where = "in this shard" if self.reranker else "of this task"
                why[row] = LONE.format(self.fewest, where)
            elif mean < self.telling:
                why[row] = BLIND.format(f"{mean:.2f}")
        return {row: score for row, score in shares.items() if not why[row]}

    def _verdict(
        self, rid: str, why: str, found: tuple[float, int] | None, likeness: float
    ) -> Verdict:
        if found is None:
            return Verdict(id=rid, check=self.name, keep=True, evidence=why)
        share, drawn = found
        keep = share >= self.least
        return Verdict(
            id=rid,
            check=self.name,
            keep=keep,
            reason="" if keep else "beside_the_question",
            score=share,
            threshold=self.least,
            evidence=f"better than {share:.0%} of {drawn} other answers, likeness {likeness:.3f}",
        )


class QuestionsAndAnswers(msgspec.Struct, frozen=True):
    """Columns ``asked`` and ``said`` (unit vectors), ``words`` (of the answer) and ``why`` not."""

    encoder: Encoder

    name = "relevance"
    version = 2
    reads = ("prompts", "outputs", "kinds")
    loads_model = True

    def parameters(self) -> dict[str, Any]:
        return self.encoder.parameters()

    def __call__(self, batch: Batch, roots: Roots) -> pa.Table:
        import pyarrow as pa

        asked, words, why = _texts(batch, self.encoder)
        vectors = self.encoder.vectors([*asked, *words])
        return pa.table(
            {
                "asked": column(vectors[: len(batch)]),
                "said": column(vectors[len(batch) :]),
                "words": texts([normalise(word) for word in words]),
                "why": texts(why),
            }
        )


class Reranked(msgspec.Struct, frozen=True):
    """Columns ``likeness`` (a cross-encoder's), ``worse`` of ``drawn`` of the ``others`` there are,
    answers of the same task and shard in other words, and ``why`` not."""

    model: str
    others: int
    encoder: Encoder  # says which scripts are read

    name = "relevance"
    version = 2
    reads = ("prompts", "outputs", "kinds", "tasks")
    loads_model = True

    def parameters(self) -> dict[str, Any]:
        return {
            "reranker": sha256_of(folder_of(self.model)),
            "others": self.others,
            "scripts": self.encoder.scripts,
        }

    def __call__(self, batch: Batch, roots: Roots) -> pa.Table:
        import pyarrow as pa

        reader = msgspec.structs.replace(self.encoder, model=self.model)
        asked, words, why = _texts(batch, reader)
        pairs: list[tuple[int, int]] = []
        tasks: dict[str, list[int]] = defaultdict(list)
        for row in range(len(batch)):
            if not why[row]:
                tasks[batch.tasks[row]].append(row)
        there = [0] * len(batch)
        for found in tasks.values():
            rows = _by_content(batch, found)
            plain = [normalise(words[row]) for row in rows]
            for row, beside in zip(rows, others_of(plain), strict=True):
                there[row] = beside
            pairs += [(row, row) for row in rows]
            for rival, is_one in draws(plain, self.others):
                pairs += [(rows[at], rows[rival[at]]) for at in is_one.nonzero()[0]]
        told = [(asked[row], words[other]) for row, other in pairs]
        score = rank(self.model, told, self.encoder.device)
        likeness, worse, drawn = [0.0] * len(batch), [0.0] * len(batch), [0] * len(batch)
        for (row, other), value in zip(pairs, score, strict=True):
            if row == other:
                likeness[row] = value
            else:
                worse[row] += float(value < likeness[row]) + 0.5 * float(value == likeness[row])
                drawn[row] += 1
        return pa.table(
            {
                "likeness": numbers(likeness),
                "worse": numbers(worse),
                "drawn": integers(drawn),
                "others": integers(there),
                "why": texts(why),
            }
        )


def beaten(
    asked: NDArray[np.float32], said: NDArray[np.float32], words: list[str], others: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each row, how many of the answers drawn for it are less like its question than its own
    (halves for equals), and how many were drawn."""
    import numpy as np

    own = np.einsum("ij,ij->i", asked, said)
    worse = np.zeros(len(words))
    drawn = np.zeros(len(words), dtype=np.int64)
    for other, is_one in draws(words, others):
        theirs = np.einsum("ij,ij->i", asked, said[other])
        worse += is_one * ((theirs < own) + 0.5 * (theirs == own))
        drawn += is_one
    return worse, drawn


def draws(
    words: Sequence[str], others: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Up to ``others`` times, for each row one whose words are other, and whether one was left.

    No row is drawn twice for another: rows stand in a ring, those of the same words together, and
    others are taken at even steps round the rest of it.
    """
    import numpy as np

    first: dict[str, int] = {}
    number = np.array([first.setdefault(word, len(first)) for word in words], dtype=np.int64)
    ring = np.argsort(number, kind="stable")
    sizes = np.bincount(number)
    after, left = np.cumsum(sizes)[number], len(words) - sizes[number]
    for k in range(min(others, left.max(initial=0))):
        step = np.where(left > others, k * left // others, k)
        yield ring[(after + step) % len(words)], k < left


def others_of(words: Sequence[str]) -> list[int]:
    """For each row, how many rows have other words."""
    times = Counter(words)
    return [len(words) - times[word] for word in words]


def _by_content(batch: Batch, rows: list[int]) -> list[int]:
    """Rows in an order that neither ids nor the order of the input decide."""
    return sorted(rows, key=lambda r: (digest(f"{batch.prompts[r]}\n{batch.outputs[r]}"), r))


def _texts(batch: Batch, encoder: Encoder) -> tuple[list[str], list[str], list[str]]:
    """Questions and answers as they are read, "" where they are not, and why."""
    asked = [question(prompt) for prompt in batch.prompts]
    words = [spoken(kind, text) for kind, text in zip(batch.kinds, batch.outputs, strict=True)]
    scripts = encoder.unread_pairs(asked, words)
    why = [
        UNREADABLE.format(script) if script else "" if word else SILENT
        for script, word in zip(scripts, words, strict=True)
    ]
    read = [not reason for reason in why]
    asked = [text if ok else "" for ok, text in zip(read, asked, strict=True)]
    words = [text if ok else "" for ok, text in zip(read, words, strict=True)]
    return asked, words, why


def _likeness(table: pa.Table) -> list[float]:
    import numpy as np

    if "likeness" in table.column_names:
        found: list[float] = table["likeness"].to_pylist()
        return found
    asked, said = matrix(table["asked"]), matrix(table["said"])
    return [float(value) for value in np.einsum("ij,ij->i", asked, said)]


def question(prompt: str) -> str:
    """The words of a question without its places, which no encoder can read."""
    return " ".join(_PLACES.sub(" ", prompt).split())


def spoken(kind: str, output: str) -> str:
    """The words of an answer that can be held against a question; "" where it has none."""
    if kind not in SPEAKING:
        return ""
    words = normalise(output)
    return output if any(c.isalpha() for c in words) and words not in ("yes", "no") else ""
