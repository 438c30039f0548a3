"""Whether a benchmark's question stands in the training data, in its own or much the same words.

Question, options and answer are compared together, and what many rows share is taken out first:
"What is the color of the ... in the image?" is a template, and two rows that have it in common have
nothing in common. What is left must agree, not one lucky run of words.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from seestep.curate.near import normalise

WORDS = 4  # of a run of words
COMMON = 3  # rows of a benchmark that may share a run before it is a template
OFTEN = 8  # records of the training data that may; a leak comes once, or in a few wordings
LEAST = 4  # runs that must be left of a row before it can be told from others
LETTER = re.compile(r"^\s*(?:\([A-Ha-h]\)|[A-Ha-h][.):])\s+")  # before an option
SHARED = 0.6  # of the runs of the shorter row


@dataclass(frozen=True, slots=True)
class Hit:
    """A row of the benchmark that says the same, and which share of its runs agree."""

    row: int
    score: float


class Texts:
    """The questions of one benchmark, ready to be looked up."""

    def __init__(self, rows: Sequence[str]) -> None:
        self.rows = [runs(text) for text in rows]
        counts = Counter(run for row in self.rows for run in row)
        self.templates = {run for run, n in counts.items() if n > COMMON}
        self.left = [row - self.templates for row in self.rows]
        self._of: dict[int, list[int]] = defaultdict(list)
        for number, row in enumerate(self.left):
            if len(row) >= LEAST:
                for run in row:
                    self._of[run].append(number)

    def compares(self, said: Said, common: set[int]) -> bool:
        """Whether enough of ``said`` is left without templates to tell it from others."""
        return said.runs - len(said.known & (self.templates | common)) >= LEAST

    @property
    def checkable(self) -> int:
        """Rows that say something of their own."""
        return sum(len(row) >= LEAST for row in self.left)

    def known(self) -> set[int]:
        """The runs that any row holds."""
        return set().union(*self.rows)

    def find(self, said: Said, common: set[int]) -> Hit | None:
        """The row that shares most with ``said``; ``common`` are templates of the training data."""
        stripped = said.known & (self.templates | common)
        if not self.compares(said, common):
            return None
        left = said.runs - len(stripped)
        shared = Counter(row for run in said.known - stripped for row in self._of.get(run, ()))
        best: Hit | None = None
        for row, n in sorted(shared.items(), key=lambda x: (-x[1], x[0]))[:8]:
            theirs = len(self.left[row] - common)
            score = n / min(left, theirs) if theirs >= LEAST else 0.0
            if score >= SHARED and n >= LEAST and (best is None or score > best.score):
                best = Hit(row, score)
        return best


@dataclass(frozen=True, slots=True)
class Said:
    """A text of the training data: how many runs it has, and those that a benchmark has too."""

    runs: int
    known: frozenset[int]

    @classmethod
    def of(cls, text: str, known: set[int]) -> Said:
        """``known`` are the runs of all benchmarks together."""
        found = runs(text)
        return cls(len(found), frozenset(found & known))


def in_order(options: Sequence[str], answer: str) -> str:
    """The options of a row by name and without letters, then its answer: their order says
    nothing."""
    named = sorted(LETTER.sub("", option) for option in options)
    return " ".join((*named, LETTER.sub("", answer) if options else answer))


def templates(texts: Iterable[Said], share: float = 1e-4) -> set[int]:
    """Known runs that more than ``OFTEN`` texts, and more than ``share`` of them, have."""
    counts: Counter[int] = Counter()
    total = 0
    for text in texts:
        counts.update(text.known)
        total += 1
    most = max(OFTEN, share * total)
    return {run for run, n in counts.items() if n > most}


def runs(text: str) -> set[int]:
    """Hashes of all runs of ``WORDS`` words; of a shorter text, of the text itself."""
    words = normalise(text).split()
    if not words:
        return set()
    last = max(1, len(words) - WORDS + 1)
    return {_hash(" ".join(words[i : i + WORDS])) for i in range(last)}


def _hash(run: str) -> int:
    return int.from_bytes(blake2b(run.encode(), digest_size=8).digest(), "little")
