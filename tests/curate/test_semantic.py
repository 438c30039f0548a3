"""The same in other words: found by vectors, decided by words, among records of one picture."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from seestep.curate import join
from seestep.curate.batch import make_batch
from seestep.curate.deciding import agree, deciding_of, meet, words_of_answer
from seestep.curate.embed import column
from seestep.curate.join import stars
from seestep.curate.near import normalise
from seestep.curate.semantic import SemanticDuplicates
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


def brute(
    vectors: np.ndarray, least: float, same=lambda row, kept: True
) -> list[tuple[int, float] | None]:
    """The same from all pairs in float64: greedy, best first."""
    whole = vectors.astype(np.float64)
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    likeness = whole @ whole.T
    kept: list[int] = []
    found: list[tuple[int, float] | None] = []
    for row in range(len(vectors)):
        near = [k for k in kept if likeness[row, k] >= least - 1e-6 and same(row, k)]
        best = max(near, key=lambda k: likeness[row, k], default=None)
        if best is None:
            kept.append(row)
        found.append(None if best is None else (best, likeness[row, best]))
    return found


def check(vectors: np.ndarray, least: float, same=lambda row, kept: True) -> int:
    """Compare with ``brute``; equally like twins may be others. Returns how many rows go."""
    found, wanted = stars(vectors, least, same), brute(vectors, least, same)
    assert [f is None for f in found] == [w is None for w in wanted]
    for row, (f, w) in enumerate(zip(found, wanted, strict=True)):
        if f is not None:
            assert w is not None and f.cosine == pytest.approx(w[1], abs=1e-7)
            assert found[f.row] is None and f.row < row and same(row, f.row)
    return sum(f is not None for f in found)


def circle(cosines: np.ndarray) -> np.ndarray:
    angle = np.arccos(cosines)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


@pytest.mark.parametrize("count", [1, 3, 700, 1500])
def test_twins_are_those_of_all_pairs_whatever_the_blocks(count):
    rng = np.random.default_rng(count)
    vectors = clumps(count, 3)[rng.permutation(3 * count)]
    assert check(vectors, 0.98) >= count


def test_twins_of_many_sorts_are_those_of_all_pairs(monkeypatch):
    monkeypatch.setattr(join, "BLOCK", 64)
    monkeypatch.setattr(join, "PAIRS", 100)
    rng = np.random.default_rng(0)
    for seed in range(20):
        vectors = clumps(int(rng.integers(1, 30)), int(rng.integers(1, 20)), seed)
        vectors = vectors[rng.permutation(len(vectors))]
        words = rng.integers(0, 3, len(vectors))
        check(vectors, float(rng.choice([0.5, 0.9, 0.98])), lambda a, b, w=words: w[a] == w[b])


def test_vectors_about_the_threshold_are_those_of_all_pairs():
    """From a millionth below ``least`` on two are twins, and a tenth of that is told apart."""
    for least in (0.5, 0.92, 0.999):
        offsets = np.array([-3e-6, -2e-6, -1.3e-6, -7e-7, -1e-7, 0, 1e-7, 1e-6])
        for offset in offsets:
            gone = check(circle(np.array([1, least + offset])), least)
            assert gone == (offset > -1e-6)


def test_a_long_chain_is_that_of_all_pairs():
    step = np.cos(np.deg2rad(np.arange(0, 170, 0.05)))
    assert check(circle(step), float(np.cos(np.deg2rad(0.11)))) > 2000
    rng = np.random.default_rng(1)
    assert check(circle(step[rng.permutation(len(step))]), float(np.cos(np.deg2rad(0.11)))) > 1500


def test_a_clique_of_two_thousand_leaves_one_or_one_of_each_word():
    vectors = clumps(1, 2000)
    assert brute(vectors, 0.9).count(None) == 1
    assert check(vectors, 0.9) == 1999
    assert check(vectors, 0.9, lambda row, kept: row % 7 == kept % 7) == 1993


def test_memory_grows_with_the_rows_of_a_clique_not_with_its_pairs():
    vectors = np.repeat(unit(np.random.default_rng(0), 1, 64), 20_000, axis=0)
    tracemalloc.start()
    found = stars(vectors, 0.9)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [None, *[(0, 1.0)] * 19_999]
    assert peak < 100e6  # all pairs would be 200 million


def test_one_row_has_no_twin_wherever_cells_begin():
    assert stars(clumps(1, 1), 0.9, exact_up_to=0) == [None]
    assert stars(clumps(1, 1)[:0], 0.9, exact_up_to=0) == []


def test_equal_vectors_are_one_alike_whatever_float32_makes_of_them():
    one = np.random.default_rng(0).normal(size=(50, 384)).astype(np.float32)
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    found = stars(np.concatenate([one, one]), 1.0)
    assert found == [*[None] * 50, *((i, 1.0) for i in range(50))]


def test_cells_find_nearly_all_twins_and_no_other():
    vectors = clumps(4000, 3)[np.random.default_rng(2).permutation(12_000)]
    exact = stars(vectors, 0.98)
    found = stars(vectors, 0.98, exact_up_to=1000, seed=1)
    gone = [(row, twin) for row, twin in enumerate(found) if twin is not None]
    for row, twin in gone:
        assert float(vectors[row] @ vectors[twin.row]) >= 0.98 - 1e-5 and found[twin.row] is None
    assert len(gone) / sum(twin is not None for twin in exact) > 0.99
    assert stars(vectors, 0.98, exact_up_to=1000, seed=1) == found


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
        ("How is the bin? The bin is full", "How is the bin? The bin is empty", False),
        ("What do you do? push the drawer", "What do you do? pull the drawer", False),
        ("How does it turn? clockwise", "How does it turn? counterclockwise", False),
    ],
)
def test_words_decide(one, other, same):
    assert agree(deciding_of(normalise(one)), deciding_of(normalise(other))) == same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("杯子左边是什么？盘子", "杯子右边是什么？盘子", False),
        ("杯子左边是什么？盘子", "杯子的左侧是什么？盘子", True),
        ("杯子左边是什么？盘子", "什么在杯子的左側？盘子", True),
        ("杯子上面有什么？书", "杯子下面有什么？书", False),
        ("盒子里有什么？苹果", "盒子外有什么？苹果", False),
        ("盒子里有什么？苹果", "盒子中有什么？苹果", True),
        ("有三把椅子", "有四把椅子", False),
        ("图中有两把椅子", "有二把椅子。", True),
        ("图中有兩把椅子", "图中有２把椅子", False),  # as "two" and "2" are
        ("有3把椅子", "有4把椅子", False),
        ("房间里有３把椅子", "房间里有3把椅子。", True),
        ("十二个人", "二十个人", False),
        ("第一个杯子", "第二个杯子", False),
        ("桌上有杯子吗？有", "桌上有杯子吗？没有", False),
        ("桌上有没有杯子？有", "桌上有杯子吗？有", True),
        ("他是不是在跑步？", "他在跑步吗？", True),
        ("他是否在跑步？", "他在跑步吗？", True),
        ("他在跑步", "他不在跑步", False),
        ("这里没人", "这里無人", True),
        ("门开着吗？是", "门开着吗？否", False),
        ("门是打开的", "门是关闭的", False),
        ("红色的杯子", "蓝色的杯子", False),
        ("紅的杯子", "红色的杯子", True),
        ("杯子在碗的左边", "碗在杯子的左边", False),
        ("有多少把椅子？", "椅子有多少把？", True),
        ("有多少椅子？", "有少椅子？", False),
        ("这是三明治", "三明治", True),
        ("iPhone在left的右边", "iPhone在right的右边", False),
        ("哪个更大？杯子", "哪个更小？杯子", False),
        ("和以前一样", "和以前不一样", False),
    ],
)
def test_chinese_words_decide(one, other, same):
    told = agree(deciding_of(normalise(one)), deciding_of(normalise(other)))
    assert told == same, (deciding_of(normalise(one)), deciding_of(normalise(other)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("在桌子上。", "桌子上面", True),
        ("桌子上", "椅子上", False),
        ("杯子", "盘子", False),
        ("正在跑步", "在跑步", True),
        ("左边", "在左侧", True),
        ("红色", "蓝色", False),
        ("三", "四", False),
        ("a cup", "两个cups", True),
        ("是的", "是", True),
    ],
)
def test_chinese_answers_meet_in_a_word(one, other, same):
    assert meet(*(words_of_answer(normalise(text)) for text in (one, other))) == same


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
        # a short answer goes under in a long question
        ask("zh3", "What is the name of the shop behind the parked cars?", Freeform(text="书店")),
    ]
    found = said(rows, SemanticDuplicates(least=0.85))
    assert all(v.keep for v in found.values())
    for name in ("t:zh1", "t:zh3"):
        assert "written in cjk" in found[name].evidence and found[name].threshold is None
    loose = said(rows[:4], SemanticDuplicates(least=0.85, deciding_words=False))
    assert sum(not v.keep for v in loose.values()) == 2  # so it is the words that kept them


def test_a_text_longer_than_the_encoder_reads_is_not_measured():
    before = " ".join(f"Robot {n} moved the plate to the shelf." for n in range(40))
    rows = [
        ask("a", f"{before} What does the cup hold?", Freeform(text="the cup holds tea")),
        ask("b", f"{before} Who washes the cup?", Freeform(text="the cup is grandmother's")),
    ]
    found = said(rows)
    assert all(v.keep and "longer than the encoder reads" in v.evidence for v in found.values())


def test_a_chain_keeps_both_ends():
    """a is near b, b near c, a not near c: b goes, c stays."""
    batch = make_batch([ask(k, f"word {k}", RACKET) for k in "abc"])
    angle = np.deg2rad([0, 20, 40])
    vectors = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    table = pa.table(
        {"vector": column(vectors), "text": ["x"] * 3, "answer": ["x"] * 3, "why": [""] * 3}
    )
    found = SemanticDuplicates(least=0.9).decide(batch, table)
    assert [v.keep for v in found] == [True, False, True]
    assert found[1].evidence == f"twin t:a cosine {np.cos(np.deg2rad(20)):.6f}"


def test_verdicts_are_those_of_all_pairs_within_pictures_words_and_what_was_read():
    rng = np.random.default_rng(3)
    words = ["mug", "left", "right", "three", "four", "dog", "table", "cat"]
    for seed in range(6):
        vectors = clumps(12, 25, seed)[rng.permutation(300)]
        texts = [" ".join(rng.choice(words, rng.integers(1, 4))) for _ in range(300)]
        answers = [str(a) for a in rng.choice(words[:3], 300)]
        why = ["not read" if n < 0.1 else "" for n in rng.random(300)]
        batch = make_batch([ask(f"{n:03d}", "q", RACKET) for n in range(300)])
        batch = replace(
            batch,
            images=tuple(str(i) for i in rng.choice(["a", "b", "none"], 300)),
            quality=tuple(float(q) for q in rng.integers(0, 3, 300)),
        )
        columns = {"vector": column(vectors), "text": texts, "answer": answers, "why": why}
        found = SemanticDuplicates(least=0.95).decide(batch, pa.table(columns))
        order = sorted(range(300), key=lambda row: (-batch.quality[row], batch.ids[row]))

        def same(a, b, order=order, batch=batch, texts=texts, answers=answers, why=why):
            one, other = order[a], order[b]
            return (
                not why[one]
                and not why[other]
                and batch.images[one] == batch.images[other]
                and agree(deciding_of(texts[one]), deciding_of(texts[other]))
                and answers[one] == answers[other]
            )

        wanted = brute(vectors[order], 0.95, same)
        assert [found[row].keep for row in order] == [twin is None for twin in wanted]
        assert 0 < sum(twin is not None for twin in wanted) < 300
        assert all((v.evidence == "not read") == (w != "") for v, w in zip(found, why, strict=True))
