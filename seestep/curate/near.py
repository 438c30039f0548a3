"""Texts that are compared: normalised, as sets of shingles, by their deciding words.

Texts shorter than a shingle have one shingle, the text itself, so two short answers are twins only
when they are equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

SHINGLE = 5
_MARKS = re.compile(r"(?<!\d)[.,]|[.,](?!\d)|(?<=\w)-|-(?!\d)")
_DROP = re.compile(rf"[^\w\s.,%-]|{_MARKS.pattern}")
_DIGIT = re.compile(r"\d")
_NO_PUNCTUATION = {n: chr(n).lower() if re.match(r"[\w.,%-]", chr(n)) else " " for n in range(128)}
_NO_SIGNS = _NO_PUNCTUATION | {ord(sign): " " for sign in ".,-"}
_WORD = re.compile(r"[\w.,%-]+")
# Words that only dress a question: two texts that differ in these alone ask the same thing.
# Spatial words, numbers, colours and negations decide an answer and must never stand here.
FILLERS = frozenset(
    """a an the this that these those is are was were be do does did can could would will please
    you your me my i we us it its of to there here image picture photo scene view shown visible
    see seen show tell give answer question now and so just kindly""".split()  # noqa: SIM905
)


def normalise(text: str) -> str:
    """NFKC, case folded, punctuation and runs of space gone; decimal points and signs stay."""
    return " ".join(normal_words(text))


def normal_words(text: str) -> list[str]:
    """The words of ``normalise``."""
    if not text.isascii():
        folded = unicodedata.normalize("NFKC", text).casefold().replace("\N{MINUS SIGN}", "-")
        return _DROP.sub(" ", folded).split()
    # most texts: a table drops what a pattern would in five times the time
    if not _DIGIT.search(text):
        return text.translate(_NO_SIGNS).split()  # a point or a sign is only of a number
    return _MARKS.sub(" ", text).translate(_NO_PUNCTUATION).split()


def normalise_all(texts: Sequence[str]) -> list[str]:
    """``normalise`` of many texts; those that are ASCII in a tenth of the time, all at once."""
    from seestep.curate.kernels import normalised

    plain = texts if "".join(texts).isascii() else [text for text in texts if text.isascii()]
    starts = np.zeros(len(plain) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, plain), np.int64, len(plain)), out=starts[1:])
    signs, starts = normalised(np.frombuffer("".join(plain).encode(), dtype=np.uint8), starts)
    whole = signs.tobytes().decode()
    made = [whole[a:b] for a, b in pairwise(starts.tolist())]
    if len(plain) == len(texts):
        return made
    each = iter(made)
    return [next(each) if text.isascii() else normalise(text) for text in texts]


def shingles(text: str, size: int = SHINGLE) -> frozenset[str]:
    """Character shingles of a normalised text; the text itself when it is shorter."""
    if len(text) <= size:
        return frozenset((text,))
    return frozenset(text[i : i + size] for i in range(len(text) - size + 1))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """|a & b| / |a | b|; sets from ``shingles`` are never empty."""
    common = len(a & b)
    return common / (len(a) + len(b) - common)


def same_words(a: str, b: str) -> bool:
    """Whether two normalised texts say the same words in the same order.

    Fillers are ignored and a typo (one edit in a word of five letters or more) is forgiven.
    "left of the mug" and "right of the mug" share most shingles and are not the same question.
    """
    words_a, words_b = _content(a), _content(b)
    return len(words_a) == len(words_b) and all(
        _one_word(x, y) for x, y in zip(words_a, words_b, strict=True)
    )


def _content(text: str) -> list[str]:
    return [w for w in _WORD.findall(text) if w not in FILLERS and not _misspelt_filler(w)]


def _misspelt_filler(word: str) -> bool:
    """Only of six letters or more: "three" is one edit from "there" and decides an answer."""
    return len(word) > 5 and any(_edits_at_most_one(word, f) for f in FILLERS if len(f) > 5)


def _one_word(a: str, b: str) -> bool:
    if a == b:
        return True
    if min(len(a), len(b)) < 5 or a[0] != b[0] or any(c.isdigit() for c in a + b):
        return False  # a typo spares the first letter; "mouse" and "house" are two words
    return _edits_at_most_one(a, b)


def _edits_at_most_one(a: str, b: str) -> bool:
    """One insertion, deletion, substitution or swap of neighbours."""
    if abs(len(a) - len(b)) > 1:
        return False
    head = next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    x, y = a[head:], b[head:]
    swapped = len(x) > 1 and len(y) > 1 and x[0] == y[1] and x[1] == y[0] and x[2:] == y[2:]
    return x[1:] == y[1:] or x == y[1:] or x[1:] == y or swapped
