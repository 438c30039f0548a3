"""Quotas: sums by hand, largest remainder, shortfalls told."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep.curate.batch import Batch
from seestep.curate.mix import Mix, apportion


def batch_of(cells: dict[tuple[str, str], int], quality=None) -> Batch:
    rows = [(s, t, f"{s}:{t}{i}") for (s, t), n in cells.items() for i in range(n)]
    sources, tasks, ids = zip(*rows, strict=True)
    empty = ("",) * len(rows)
    scores = quality or tuple(float(i % 6 + 1) for i in range(len(rows)))
    return Batch(ids, sources, tasks, ids, empty, empty, (), scores)


def test_largest_remainder_by_hand():
    # 10 * (5, 3, 1) / 9 = 5.56, 3.33, 1.11: one seat left, to the largest remainder
    shares = {("a", ""): 5.0, ("b", ""): 3.0, ("c", ""): 1.0}
    assert apportion(10, shares) == {("a", ""): 6, ("b", ""): 3, ("c", ""): 1}


@given(st.integers(0, 500), st.lists(st.floats(0, 10), min_size=1, max_size=8))
def test_seats_sum_to_the_total_and_stay_within_one_of_exact(total, weights):
    shares = {(str(i), ""): w for i, w in enumerate(weights)}
    seats = apportion(total, shares)
    mass = sum(weights)
    if mass == 0:
        assert set(seats.values()) == {0}
        return
    assert sum(seats.values()) == total
    assert all(abs(seats[c] - total * shares[c] / mass) <= 1 for c in shares)


def test_a_source_keeps_its_share_however_many_tasks_it_has():
    batch = batch_of({("vg", "relation"): 50, ("vg", "locate"): 50, ("epic", "plan"): 50})
    _, quotas = Mix(total=40)(batch)
    assert [(q.source, q.task, q.drawn) for q in quotas] == [
        ("epic", "plan", 20),
        ("vg", "locate", 10),
        ("vg", "relation", 10),
    ]


def test_what_is_not_named_is_not_drawn():
    batch = batch_of({("vg", "relation"): 5, ("lrv", "vqa"): 5})
    verdicts, _ = Mix(total=8, sources={"vg": 1.0})(batch)
    assert {v.id.split(":")[0] for v in verdicts if v.keep} == {"vg"}


def test_a_shortfall_is_told_and_offered_to_the_others():
    batch = batch_of({("a", "t"): 2, ("b", "t"): 50})
    _, (a, b) = Mix(total=20)(batch)
    assert (a.wanted, a.drawn, a.shortfall) == (10, 2, 8)
    assert (b.wanted, b.drawn, b.shortfall) == (10, 18, 0)
    _, (_, kept_b) = Mix(total=20, refill=False)(batch)
    assert kept_b.drawn == 10


def test_sources_get_their_shares_to_the_record_however_many_cells_they_have():
    # twelve cells of 8.33 each: rounded all at once, "a" would be given 104 and "z" 96
    batch = batch_of({(s, t): 60 for s in ("a", "m", "z") for t in "tuvw"})
    batch = replace(batch, levels=("easy", "hard", "medium") * 240)
    _, quotas = Mix(total=300)(batch)
    by_source, by_task = Counter(), Counter()
    for q in quotas:
        by_source[q.source] += q.drawn
        by_task[q.source, q.task] += q.drawn
    assert by_source == {"a": 100, "m": 100, "z": 100}
    assert set(by_task.values()) == {25}
    # 25 over three levels: 8.33 each, the one seat left to the first by name
    assert [q.drawn for q in quotas[:3]] == [9, 8, 8]


def test_the_best_are_drawn_first_and_order_does_not_matter():
    batch = batch_of({("a", "t"): 12})
    verdicts, _ = Mix(total=4)(batch)
    kept = {v.id for v in verdicts if v.keep}
    assert sorted(v.score for v in verdicts if v.keep) == [5.0, 5.0, 6.0, 6.0]
    order = list(range(12))
    random.Random(3).shuffle(order)
    again, _ = Mix(total=4)(batch.take(order))
    assert {v.id for v in again if v.keep} == kept


def test_ties_are_broken_by_the_seed_not_by_the_name():
    batch = batch_of({("a", "t"): 40}, quality=(3.0,) * 40)
    draws = [
        frozenset(v.id for v in Mix(total=10)(batch, seed=seed)[0] if v.keep) for seed in (0, 0, 1)
    ]
    assert draws[0] == draws[1] != draws[2]


def test_a_task_keeps_its_share_however_many_levels_it_has():
    batch = batch_of({("a", "t"): 60, ("a", "u"): 60})
    levels = tuple(("easy", "hard")[i % 2] if i < 60 else "medium" for i in range(120))
    batch = replace(batch, levels=levels)
    _, quotas = Mix(total=40)(batch)
    assert [(q.task, q.level, q.drawn) for q in quotas] == [
        ("t", "easy", 10),
        ("t", "hard", 10),
        ("u", "medium", 20),
    ]
    _, quotas = Mix(total=40, levels={"easy": 1, "hard": 3, "medium": 1})(batch)
    assert [q.drawn for q in quotas] == [5, 15, 20]


def test_a_source_that_is_not_here_is_told_and_its_share_offered_to_the_others():
    batch = batch_of({("a", "t"): 50})
    weights = {"a": 1.0, "gone": 3.0}
    _, (a, gone) = Mix(total=20, sources=weights)(batch)
    assert (gone.source, gone.wanted, gone.available, gone.drawn) == ("gone", 15, 0, 0)
    assert (a.wanted, a.drawn) == (5, 20)
    _, (a, gone) = Mix(total=20, sources=weights, tasks={"t": 1.0}, refill=False)(batch)
    assert (a.drawn, gone.shortfall) == (5, 15)


def test_a_source_with_nothing_of_the_tasks_that_are_drawn_is_told_like_one_that_is_not_here():
    batch = batch_of({("a", "t"): 50, ("b", "u"): 50})
    _, quotas = Mix(total=20, sources={"a": 1, "b": 1}, tasks={"t": 1})(batch)
    assert [(q.source, q.task, q.wanted, q.drawn) for q in quotas] == [
        ("a", "t", 10, 20),
        ("b", "*", 10, 0),
        ("b", "u", 0, 0),
    ]


def test_ties_of_weights_with_decimals_go_to_the_first_by_name_in_any_order_of_rows():
    # 4 * (2, 1) / 3 = 2.67 and 1.33, the second halved: 2.67, .67, .67, so three want two seats
    batch = batch_of({("s", "u"): 3, ("z", "t"): 2, ("z", "u"): 3})
    mix = Mix(total=4, sources={"s": 0.2, "z": 0.1})
    for order in (range(8), range(8)[::-1]):
        _, quotas = mix(batch.take(order))
        assert [q.drawn for q in quotas] == [3, 1, 0]


weights = st.sampled_from((0.1, 0.2, 0.3, 0.7, 1.0))


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from("tuvw")),
        st.integers(1, 6),
        min_size=1,
    ),
    st.dictionaries(st.sampled_from("abcdef"), weights),
    st.dictionaries(st.sampled_from("tuvw"), weights),
    st.integers(1, 30),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_never_matters(cells, sources, tasks, total, rng):
    batch = batch_of(cells)
    order = list(range(len(batch)))
    rng.shuffle(order)
    mix = Mix(total=total, sources=sources, tasks=tasks)
    draws = [{v.id for v in mix(b)[0] if v.keep} for b in (batch, batch.take(order))]
    assert draws[0] == draws[1]


def test_what_its_owner_holds_out_is_not_drawn():
    batch = batch_of({("a", "t"): 6})
    batch = replace(batch, splits=("train", "val") * 3)
    verdicts, (quota,) = Mix(total=6)(batch)
    assert (quota.available, quota.drawn) == (3, 3)
    assert [v.reason for v in verdicts if not v.keep] == ["held_out_by_its_owner"] * 3


def test_a_tie_goes_by_content_not_by_name():
    batch = batch_of({("a", "t"): 40}, quality=(3.0,) * 40)
    renamed = replace(batch, ids=tuple(f"z{i}" for i in range(40)))
    kept = [[v.keep for v in Mix(total=10)(b)[0]] for b in (batch, renamed)]
    assert kept[0] == kept[1]


@pytest.mark.parametrize("weight", (-1.0, float("nan"), float("inf")))
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(ValueError, match="not negative"):
        Mix(total=3, sources={"a": weight})


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no level 'eazy'; levels are easy, medium, hard"):
        Mix(total=3, levels={"eazy": 1.0})
