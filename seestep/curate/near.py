"""Near-duplicate texts: minhash candidates in numpy, every one verified by exact Jaccard.

A candidate pair is never trusted: its Jaccard similarity over character 5-shingles is counted
on the sets themselves. Texts shorter than a shingle have one shingle, the text itself, so two
short answers are twins only when they are equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE = 5
_SPACE = re.compile(r"\s+")
_DROP = re.compile(r"[^\w\s.,%-]|(?<!\d)[.,]|[.,](?!\d)|(?<=\w)-|-(?!\d)")
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
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\N{MINUS SIGN}", "-")
    return _SPACE.sub(" ", _DROP.sub(" ", folded)).strip()


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


def candidates(
    texts: Sequence[str],
    groups: Sequence[str],
    *,
    permutations: int = 252,
    band: int = 6,
    seed: int = 0,
) -> Iterator[tuple[int, int]]:
    """Pairs (i < j) of the same group that may be near-duplicates, each once.

    Groups of up to 32 texts yield every pair, so nothing is missed there. In larger ones a pair
    is yielded when one of ``permutations / band`` bands of its minhash signatures agree: with
    252 and 6 a pair of Jaccard 0.7 is found with probability 0.995, one of 0.8 with 1 - 3e-6.
    """
    members: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    for group in sorted(members):
        rows = members[group]
        if len(rows) <= 32:
            for n, i in enumerate(rows):
                for j in rows[n + 1 :]:
                    yield i, j
            continue
        signatures = minhash([texts[i] for i in rows], permutations, seed=seed)
        seen: set[int] = set()
        for start in range(0, permutations - band + 1, band):
            for bucket in _buckets(signatures[:, start : start + band]):
                for n, i in enumerate(bucket):
                    for j in bucket[n + 1 :]:
                        pair = i * len(rows) + j
                        if pair not in seen:
                            seen.add(pair)
                            yield rows[i], rows[j]


def minhash(texts: Sequence[str], permutations: int, *, seed: int = 0) -> NDArray[np.uint32]:
    """(len(texts), permutations) signatures: multiply-shift hashes of the rolling shingle code."""
    rng = np.random.default_rng(seed)
    odd = rng.integers(1, 1 << 63, size=permutations, dtype=np.uint64) | np.uint64(1)
    add = rng.integers(0, 1 << 63, size=permutations, dtype=np.uint64)
    out = np.empty((len(texts), permutations), dtype=np.uint32)
    for row, text in enumerate(texts):
        codes = np.unique(_codes(text))
        mixed = codes[:, None] * odd[None, :] + add[None, :]
        out[row] = (mixed >> np.uint64(32)).astype(np.uint32).min(axis=0)
    return out


def _codes(text: str) -> NDArray[np.uint64]:
    """One 64-bit code a shingle."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    size = min(SHINGLE, max(1, len(points)))
    if len(points) <= SHINGLE:
        points = np.concatenate([points, np.full(1, len(points), np.uint64)])
        size = len(points)
    code = np.zeros(len(points) - size + 1, dtype=np.uint64)
    for k in range(size):
        code = code * np.uint64(0x100000001B3) + points[k : len(points) - size + 1 + k]
        code ^= code >> np.uint64(29)
    return code * np.uint64(0x9E3779B97F4A7C15)


def _buckets(band: NDArray[np.uint32]) -> Iterator[list[int]]:
    """Rows whose band is equal, as ascending lists of at least two."""
    key = np.ascontiguousarray(band).view(np.dtype((np.void, band.dtype.itemsize * band.shape[1])))
    _, inverse = np.unique(key.ravel(), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    edges = np.flatnonzero(np.diff(inverse[order])) + 1
    starts = np.concatenate([[0], edges])
    ends = np.concatenate([edges, [len(order)]])
    for n in np.flatnonzero(ends - starts > 1):
        yield [int(row) for row in order[starts[n] : ends[n]]]


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
