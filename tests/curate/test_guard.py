"""Held-out scenes: nothing shared between the sides, small skills first, sizes kept."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep.curate.batch import Batch
from seestep.curate.guard import HELD_OUT, Guard, joined
from seestep.curate.pictures import each_picture


def batch_of(rows) -> Batch:
    """Rows are (skill, scenes)."""
    n = len(rows)
    skills, scenes = zip(*rows, strict=True)
    ids = tuple(f"r{i}" for i in range(n))
    empty = ("",) * n
    return Batch(
        ids, empty, empty, empty, empty, empty, (), splits=("train",) * n, skills=skills,
        scenes=scenes,
    )  # fmt: skip


def held(batch: Batch, guard: Guard, seed: int = 0) -> set[int]:
    verdicts, _ = guard(batch, seed=seed)
    return {i for i, v in enumerate(verdicts) if v.reason == HELD_OUT}


scenes = st.lists(st.sampled_from("abcdefghijklmnop"), max_size=3, unique=True).map(tuple)
rows = st.lists(st.tuples(st.sampled_from(("count", "plan")), scenes), min_size=1, max_size=60)


@given(rows, st.integers(1, 30), st.floats(0.05, 0.9), st.integers(0, 3))
def test_no_scene_stands_on_both_sides_and_the_share_is_kept(rows, per_skill, most, seed):
    batch = batch_of(rows)
    out = held(batch, Guard(per_skill=per_skill, most=most), seed)
    ours = {s for i in out for s in batch.scenes[i]}
    theirs = {s for i in range(len(rows)) if i not in out for s in batch.scenes[i]}
    assert not ours & theirs
    assert len(out) <= most * len(rows)


def test_scenes_that_meet_in_a_third_are_one():
    find = joined([("a", "b"), ("c", "d"), ("b", "c"), ("e",)])
    assert [find(x) for x in "abcde"] == ["a", "a", "a", "a", "e"]


def test_every_skill_gets_its_records_and_a_rare_one_no_more_than_half():
    rows = [("count", (f"s{i}",)) for i in range(100)] + [("plan", (f"p{i}",)) for i in range(6)]
    batch = batch_of(rows)
    out = held(batch, Guard(per_skill=10, most=0.5))
    assert Counter(batch.skills[i] for i in out) == {"count": 10, "plan": 3}


def test_a_larger_draw_holds_a_smaller_one_and_the_order_of_rows_does_not_matter():
    rows = [("count", (f"s{i % 30}",)) for i in range(90)]
    batch = batch_of(rows)
    small, large = (held(batch, Guard(per_skill=n, most=0.9)) for n in (9, 30))
    assert small < large
    turned = batch.take(range(len(rows))[::-1])
    assert {batch.ids[i] for i in small} == {
        turned.ids[i] for i in held(turned, Guard(per_skill=9, most=0.9))
    }
    assert held(batch, Guard(per_skill=9, most=0.9), seed=1) != small


def test_what_its_owner_holds_out_is_left_to_its_owner():
    batch = batch_of([("count", (f"s{i}",)) for i in range(10)])
    batch = Batch(**{**batch.__dict__, "splits": ("val",) * 10})
    assert not held(batch, Guard(per_skill=3, most=0.5))


@pytest.mark.parametrize("more", ({"per_skill": 0}, {"most": 0}, {"most": 1}))
def test_sizes_that_make_no_sense_are_refused(more):
    with pytest.raises(ValueError, match="per_skill"):
        Guard(**more)


def test_pictures_of_a_record_with_several_are_told_one_by_one():
    a, b, c = ("a" * 64, "b" * 64, "c" * 64)
    assert each_picture(f"pixels:{a}+frames:{b},{c}") == [f"pixels:{x}" for x in (a, b, c)]
    assert each_picture("coco:7") == each_picture("") == []
