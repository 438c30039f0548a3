"""The search for twins against brute force over Python sets."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from seestep.curate import kernels
from seestep.curate.near import jaccard, normalise, shingles
from seestep.curate.twins import Shingle, Twins, _points, sweep

WORDS = [f"{a}{b}{c}" for a in "bdgk" for b in "aeio" for c in ("l", "mn", "rst")]
SIGNS = "把红色的杯子放在桌上左边右边厨房里有几个苹果请指出洗手池旁边那只碗"


def noisy(n: int, seed: int, words=WORDS, gap: str = " ") -> list[str]:
    rng = random.Random(seed)
    texts = [gap.join(rng.choices(words, k=rng.randint(1, 14))) for _ in range(n)]
    for i in range(0, n, 5):
        text = texts[rng.randrange(n)]
        cut = rng.randrange(max(1, len(text)))
        texts[i] = text[:cut] + rng.choice(["", "x", " "]) + text[cut + 1 :]
    return [normalise(t) for t in texts]


def word_sets(texts: list[str], size: int) -> list[frozenset[tuple[str, ...]]]:
    made = []
    for words in (t.split() for t in texts):
        short = len(words) <= size
        grams = [words] if short else [words[i : i + size] for i in range(len(words) - size + 1)]
        made.append(frozenset(map(tuple, grams)))
    return made


@pytest.mark.parametrize(
    ("texts", "shingle"),
    [
        (noisy(900, 1), Shingle("char", 5)),
        (noisy(900, 2), Shingle("word", 2)),
        (noisy(900, 3, list(SIGNS), ""), Shingle("char", 5)),
        (noisy(900, 4, list(SIGNS), ""), Shingle("char", 2)),
    ],
    ids=("letters", "words", "signs", "pairs of signs"),
)
def test_twins_are_those_of_brute_force(texts, shingle):
    twins = Twins(texts, ["p"] * len(texts), least=0.7, shingle=shingle)
    found = dict(sweep(twins, range(len(texts))))
    sets = (
        word_sets(texts, shingle.size)
        if shingle.unit == "word"
        else [shingles(t, shingle.size) for t in texts]
    )
    kept: list[int] = []
    for row, near in found.items():
        true = [(jaccard(sets[row], sets[k]), k) for k in kept]
        if near is None:
            assert all(s < 0.7 for s, _ in true)
            kept.append(row)
        else:
            assert near.similarity == jaccard(sets[row], sets[near.row])
            assert near.similarity == max(s for s, _ in true)
    assert 80 < len(kept) < 0.95 * len(texts)


def test_signs_are_words_of_their_own():
    points, starts = _points(["左边的 cup", "左 边 的 cup", "cup"])
    tokens, begins = kernels.word_tokens(points, starts)
    parts = [tokens[a:b].tolist() for a, b in itertools.pairwise(begins)]
    assert parts[0] == parts[1] and len(parts[0]) == 4
    assert parts[2] == parts[0][3:]


def test_short_texts_are_near_only_when_equal():
    texts = ["yes", "no", "3", "cup", "cups", "", "左", "左边", "yes", ""] * 10  # one large group
    twins = Twins(texts, [""] * len(texts), least=0.5)
    found = dict(sweep(twins, range(len(texts))))
    kept = [texts[row] for row, near in found.items() if near is None]
    assert sorted(kept) == sorted(set(texts))
    assert all(texts[n.row] == texts[row] for row, n in found.items() if n)


def test_rows_of_other_groups_are_never_near():
    texts = noisy(300, 5)
    groups = [f"p{i % 60}" if i < 150 else "large" for i in range(300)]
    for row, near in sweep(Twins(texts, groups, least=0.3), range(300)):
        assert near is None or groups[near.row] == groups[row]


def test_small_groups_are_compared_without_hashing():
    base = "abcdefghijklmnopqrstuvwxyz" * 2
    texts = [base, base[:-1] + "0"]
    twins = Twins(texts, ["p", "p"], least=0.1, permutations=6)
    (_, first), (_, second) = sweep(twins, [0, 1])
    assert first is None and second is not None and second.tier == "group"


def test_twins_of_any_similarity_are_found_in_small_groups():
    texts = [*noisy(600, 6), *noisy(600, 7, list(SIGNS), ""), *(t * 3 for t in noisy(120, 8))]
    texts = [text for text in texts if len(text) > 5]
    groups = [f"p{i // 30}" for i in range(len(texts))]
    sets = [shingles(t) for t in texts]
    kept: list[int] = []
    for row, near in sweep(Twins(texts, groups, least=0.15), range(len(texts))):
        true = [jaccard(sets[row], sets[k]) for k in kept if groups[k] == groups[row]]
        assert (0.0 if near is None else near.similarity) == max(
            (s for s in true if s >= 0.15), default=0.0
        )
        if near is None:
            kept.append(row)
    assert 200 < len(kept) < 1200


def test_a_cluster_of_copies_is_compared_once_each():
    text = "pick up the red mug from the kitchen table and rinse it"
    texts = [text + " " + "x" * (i % 3) for i in range(20_000)]
    twins = Twins(texts, [""] * len(texts), least=0.7)
    found = [near for _, near in sweep(twins, range(len(texts)))]
    assert found[0] is None and {n.row for n in found[1:] if n} == {0}
    *_, stands, _ = twins._tables
    assert int(np.diff(stands).max()) == 1  # nothing but the kept row stands in any bucket


def test_the_kept_twin_that_came_first_is_named_among_equals():
    texts = ["one two three four five six", "one two three four five sex"]
    texts = [*texts, "one two three four five sax"]
    twins = Twins(texts, [""] * 3, least=0.6)
    twins.keep(1)
    twins.keep(0)
    near = twins.near(2)
    assert [n.row for n in near] == [1, 0] and near[0].similarity == near[1].similarity


def test_shingles_that_come_again_are_counted_once():
    texts = [
        "abcabcabcabcabc",
        "a" * 40,
        "one two one two one two",
        "左边的左边的左边的",
        "",
        "yes",
    ]
    codes, starts = kernels.shingle_codes(*_points(texts), 5)
    parts = [codes[a:b].tolist() for a, b in itertools.pairwise(starts)]
    assert [len(part) for part in parts] == [len(shingles(t)) for t in texts]
    assert all(len(set(part)) == len(part) for part in parts)


def test_hashes_are_those_of_numpy():
    texts = noisy(60, 9)
    codes, starts = kernels.shingle_codes(*_points(texts), 5)
    rng = np.random.default_rng(0)
    odd, add = rng.integers(0, 1 << 32, (2, 21), dtype=np.uint32)
    rows, groups = np.arange(len(texts)), np.zeros(len(texts), dtype=np.int64)
    keys = kernels.band_keys(codes, starts, rows, groups, odd, add, 1)
    least = np.empty(keys.shape, dtype=np.uint32)
    prints = []
    for row, (a, b) in enumerate(itertools.pairwise(starts)):
        half = (codes[a:b] >> np.uint64(32)).astype(np.uint32)
        least[:, row] = (half * odd[:, None] + add[:, None]).min(1)
        bits = codes[a:b, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)
        most = bits.sum(0) > (b - a) / 2
        prints.append(sum(1 << i for i in np.flatnonzero(most).tolist()))
    for of, key in zip(least, keys, strict=True):
        assert len(set(zip(of.tolist(), key.tolist(), strict=True))) == len(set(of.tolist()))
        assert len(set(key.tolist())) == len(set(of.tolist()))
    assert kernels.simhashes(codes, starts).tolist() == prints


def test_simhash_of_a_text_is_near_that_of_a_near_text():
    base = " ".join(WORDS)
    texts = [base, base.replace("bal", "bax"), " ".join(reversed(WORDS)), "another thing at all"]
    prints = kernels.simhashes(*kernels.shingle_codes(*_points(texts), 5))
    apart = [int(prints[0] ^ p).bit_count() for p in prints]
    assert apart[0] == 0 and apart[1] <= 6 < apart[3]


def test_minhash_keys_agree_as_often_as_jaccard_says():
    a = "the quick brown fox jumps over the lazy dog"
    b = "the quick brown fox jumps over a lazy cat"
    codes, starts = kernels.shingle_codes(*_points([a, b]), 5)
    rng = np.random.default_rng(0)
    odd = rng.integers(0, 1 << 32, 8192, dtype=np.uint32) | np.uint32(1)
    add = rng.integers(0, 1 << 32, 8192, dtype=np.uint32)
    rows, groups = np.arange(2), np.zeros(2, dtype=np.int64)
    keys = kernels.band_keys(codes, starts, rows, groups, odd, add, 1)
    assert (keys[:, 0] == keys[:, 1]).mean() == pytest.approx(
        jaccard(shingles(a), shingles(b)), abs=0.02
    )


@pytest.mark.parametrize("text", ("char", "char:0", "line:3", "word:x", "5"))
def test_other_shingles_are_refused(text):
    with pytest.raises(ValueError, match="char:N or word:N"):
        Shingle.parse(text)
