"""The same in other words: found by vectors, decided by words, among records of one picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from seestep.curate.batch import make_batch
from seestep.curate.join import near_pairs
from seestep.curate.near import normalise
from seestep.curate.semantic import SemanticDuplicates, _deciding, agree
from seestep.records import Freeform, Number
from tests.curate.test_engine import ask


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    found = rng.normal(size=shape).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def clumps(count: int, each: int, seed: int = 0) -> np.ndarray:
    """``count`` directions, ``each`` times, a little apart."""
    rng = np.random.default_rng(seed)
    found = np.repeat(unit(rng, count, 24), each, axis=0) + 0.04 * unit(rng, count * each, 24)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def brute(vectors: np.ndarray, least: float) -> dict[tuple[int, int], float]:
    likeness = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    count = len(vectors)
    return {
        (a, b): likeness[a, b]
        for a in range(count)
        for b in range(a + 1, count)
        if likeness[a, b] >= least
    }


@pytest.mark.parametrize("count", [1, 3, 700, 1500])
def test_all_pairs_are_found_whatever_the_blocks(count):
    vectors = clumps(count, 3)
    left, right, cosine = near_pairs(vectors, 0.98)
    wanted = brute(vectors, 0.98)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == sorted(wanted)
    assert np.allclose(cosine, [wanted[pair] for pair in sorted(wanted)], atol=1e-6)


def test_one_row_has_no_pair_wherever_cells_begin():
    assert len(near_pairs(clumps(1, 1), 0.9, exact_up_to=0)[0]) == 0


def test_equal_vectors_are_one_alike_whatever_float32_makes_of_them():
    one = np.random.default_rng(0).normal(size=(50, 384)).astype(np.float32)
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    vectors = np.concatenate([one, one])
    left, right, cosine = near_pairs(vectors, 1.0)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(i, i + 50) for i in range(50)]
    assert (cosine == 1).all()


def test_cells_find_nearly_all_pairs_and_no_other():
    vectors = clumps(4000, 3)
    exact = set(zip(*(c.tolist() for c in near_pairs(vectors, 0.98)[:2]), strict=True))
    left, right, cosine = near_pairs(vectors, 0.98, exact_up_to=1000, seed=1)
    found = list(zip(left.tolist(), right.tolist(), strict=True))
    assert len(found) == len(set(found)) and set(found) <= exact
    assert len(found) / len(exact) > 0.99
    again = near_pairs(vectors, 0.98, exact_up_to=1000, seed=1)
    assert (again[0] == left).all() and (again[2] == cosine).all()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("What color is the car? blue", "What color does the car have? blue", True),
        ("What is left of the mug? a plate", "What is right of the mug? a plate", False),
        ("How many chairs are there? 3", "What is the number of chairs? 3", True),
        ("How many chairs are there? 3", "How many chairs are there? 4", False),
        ("Is the mug left of the bowl? yes", "Is the bowl left of the mug? yes", False),
        ("Is the mug left of the bowl? yes", "Is the mug left of the bowl? no", False),
        ("Is there a mug? yes", "Is there no mug? yes", False),
        ("Was the mug moved? yes", "Wasn't the mug moved? yes", False),
        ("What is leftmost? a plate", "What is rightmost? a plate", False),
        ("Which is faster? the car", "Which is slower? the car", False),
        ("Is the red mug here? yes", "Is the blue mug here? yes", False),
    ],
)
def test_words_decide(one, other, same):
    assert agree(_deciding(normalise(one)), _deciding(normalise(other))) == same


def said(rows, config=None, quality=()):
    config = config or SemanticDuplicates()
    batch = make_batch(rows)
    batch = replace(batch, quality=quality)
    return {v.id: v for v in config.decide(batch, config.measure()(batch, {}))}


HELD = "What is the man holding?"
HOLDS = "What does the man hold?"
RACKET = Freeform(text="a tennis racket")


def test_a_paraphrase_about_the_same_picture_goes_and_names_its_twin():
    rows = [ask("a", HELD, RACKET), ask("b", HOLDS, RACKET), ask("c", HOLDS, RACKET, sha="bb")]
    found = said(rows)
    assert {i for i, v in found.items() if not v.keep} == {"t:b"}
    twin, _, cosine = found["t:b"].evidence.rpartition(" cosine ")
    assert twin == "twin t:a" and 0.92 <= float(cosine) < 1
    assert found["t:b"].score == pytest.approx(float(cosine), abs=1e-6)


def test_other_answers_to_one_question_are_no_twins():
    asked = "How is the man related to the backpack?"
    found = said(
        [ask("a", asked, Freeform(text="carries")), ask("b", asked, Freeform(text="wears"))]
    )
    assert all(v.keep for v in found.values())


def test_the_better_one_stays():
    rows = [ask("a", HELD, RACKET), ask("b", HOLDS, RACKET)]
    assert not said(rows, quality=(2.0, 5.0))["t:a"].keep


def test_other_numbers_and_sides_are_no_twins_and_chinese_is_not_measured():
    rows = [
        ask("three", "How many chairs are there?", Number(value=3)),
        ask("four", "How many chairs are there?", Number(value=4)),
        ask("left", "What is left of the mug?", Freeform(text="a plate")),
        ask("right", "What is right of the mug?", Freeform(text="a plate")),
        ask("zh1", "杯子在哪里？", Freeform(text="在桌子上。")),
        ask("zh2", "狗在做什么？", Freeform(text="在跑步。")),
    ]
    found = said(rows, SemanticDuplicates(least=0.85))
    assert all(v.keep for v in found.values())
    assert "written in cjk" in found["t:zh1"].evidence and found["t:zh1"].threshold is None
    loose = said(rows[:4], SemanticDuplicates(least=0.85, deciding_words=False))
    assert sum(not v.keep for v in loose.values()) == 2  # so it is the words that kept them


def test_a_chain_keeps_both_ends():
    """a is near b, b near c, a not near c: b goes, c stays."""
    batch = make_batch([ask(k, f"word {k}", RACKET) for k in "abc"])
    angle = np.deg2rad([0, 20, 40])
    vectors = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    from seestep.curate.embed import column

    table = pa.table(
        {"vector": column(vectors), "text": ["x"] * 3, "answer": ["x"] * 3, "why": [""] * 3}
    )
    found = SemanticDuplicates(least=0.9).decide(batch, table)
    assert [v.keep for v in found] == [True, False, True]
    assert found[1].evidence == f"twin t:a cosine {np.cos(np.deg2rad(20)):.6f}"
