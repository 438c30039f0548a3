"""Ranks of rewards within strata, by hand sums."""

from __future__ import annotations

import random
import subprocess
import sys

import pyarrow as pa
import pytest

from seestep.curate.batch import Batch
from seestep.curate.reward import Reward
from seestep.errors import RecipeError
from seestep.recipe import from_overrides


def rows(*told):
    """A batch and a table from (id, source, task, reward or why)."""
    n = len(told)
    batch = Batch(
        ids=tuple(t[0] for t in told),
        sources=tuple(t[1] for t in told),
        tasks=tuple(t[2] for t in told),
        prompts=tuple(f"prompt of {t[0]}" for t in told),
        outputs=("yes",) * n,
        images=("",) * n,
        json=(b"",) * n,
        skills=("seeing",) * n,
        levels=("easy",) * n,
    )
    scores = [t[3] if isinstance(t[3], float) else None for t in told]
    why = [t[3] if isinstance(t[3], str) else "" for t in told]
    table = pa.table({"reward": pa.array(scores, pa.float64()), "why": pa.array(why, pa.string())})
    return batch, table


def kept(reward, *told, seed=0):
    return {v.id for v in reward.decide(*rows(*told), seed) if v.keep}


POINTS = [(f"p{i}", "robopoint", "point", -5.0 - i) for i in range(5)]
PLANS = [(f"q{i}", "alfred", "plan", 5.0 - i) for i in range(5)]


def test_each_source_and_task_keeps_its_own_top():
    # 0.4 of 5 is 2 in each, though every plan scores above every point
    assert kept(Reward(model="m", keep=0.4), *POINTS, *PLANS) == {"p0", "p1", "q0", "q1"}


def test_without_strata_one_scale_is_assumed():
    assert kept(Reward(model="m", keep=0.5, strata=()), *POINTS, *PLANS) == {
        f"q{i}" for i in range(5)
    }


def test_a_stratum_may_be_a_source_alone():
    both = [("a", "vg", "count", 3.0), ("b", "vg", "exists", 2.0)]
    assert kept(Reward(model="m", keep=0.5, strata=("source",)), *both) == {"a"}
    assert kept(Reward(model="m", keep=0.5), *both) == {"a", "b"}


@pytest.mark.parametrize(
    ("keep", "scored", "stay"),
    [
        (0.8, 5, 4),
        (0.8, 3, 2),  # 2.4
        (0.5, 3, 2),  # 1.5
        (0.5, 5, 3),  # 2.5
        (0.35, 10, 4),  # 3.5, which is 3.4999999999999996 in floats
        (0.1, 3, 1),  # 0.3, but one stays
        (1.0, 7, 7),
    ],
)
def test_halves_are_rounded_up_and_one_stays_at_least(keep, scored, stay):
    told = [(f"r{i}", "s", "t", float(i)) for i in range(scored)]
    reward = Reward(model="m", keep=keep)
    assert kept(reward, *told) == {f"r{i}" for i in range(scored - stay, scored)}


def test_a_verdict_tells_score_cut_and_rank():
    told = [("a", "s", "t", 1.5), ("b", "s", "t", 2.5), ("c", "s", "t", -0.5)]
    a, b, c = Reward(model="m", keep=0.6).decide(*rows(*told))  # 1.8 of 3
    assert (b.keep, b.score, b.threshold, b.evidence) == (True, 2.5, 1.5, "1 of 3 in s, t")
    assert (a.keep, a.reason, a.threshold) == (True, "", 1.5)
    assert (c.keep, c.reason, c.score, c.threshold) == (False, "below_top", -0.5, 1.5)


def test_least_drops_what_is_in_the_top():
    told = [("a", "s", "t", 1.5), ("b", "s", "t", 2.5), ("c", "s", "t", -0.5)]
    a, b, c = Reward(model="m", keep=0.6, least=2.0).decide(*rows(*told))
    assert [v.reason for v in (a, b, c)] == ["below_least", "", "below_top"]
    assert {v.threshold for v in (a, b, c)} == {2.0}


def test_what_was_not_scored_is_outside_of_the_ranking_and_told():
    told = [("a", "s", "t", 1.0), ("b", "s", "t", "too_long: 9000 tokens"), ("c", "s", "t", 0.0)]
    a, b, c = Reward(model="m", keep=0.5).decide(*rows(*told))  # 1 of 2
    assert (a.keep, b.keep, c.keep) == (True, True, False)
    assert (b.score, b.evidence) == (None, "unscored: too_long: 9000 tokens")
    dropped = Reward(model="m", keep=0.5, unscored="drop").decide(*rows(*told))[1]
    assert (dropped.keep, dropped.reason) == (False, "unscored")


def test_a_batch_without_a_score_keeps_its_rows_and_none_gives_none():
    assert kept(Reward(model="m"), ("a", "s", "t", "picture: gone")) == {"a"}
    assert Reward(model="m").decide(*rows()) == []


@pytest.mark.parametrize("seed", range(5))
def test_neither_order_nor_ids_change_who_stays(seed):
    told = [(f"r{i}", f"s{i % 3}", "t", float(i // 6)) for i in range(60)]  # ties in every stratum
    mixed = random.Random(seed).sample(told, len(told))
    reward = Reward(model="m", keep=0.37)
    by_id = {v.id: v for v in reward.decide(*rows(*told))}
    assert {v.id: v for v in reward.decide(*rows(*mixed))} == by_id
    assert [v.id for v in reward.decide(*rows(*mixed))] == [t[0] for t in mixed]


def test_equal_scores_are_ordered_by_content_and_seed():
    told = [(f"r{i}", "s", "t", 1.0) for i in range(40)]
    half = Reward(model="m", keep=0.5)
    assert len(kept(half, *told)) == 20
    assert kept(half, *told) == kept(half, *told[::-1])
    assert kept(half, *told) != kept(half, *told, seed=1)
    batch, table = rows(*told)
    renamed = Batch(**{**vars(batch), "ids": tuple(f"z{i}" for i in range(40))})
    by_row = [v.keep for v in half.decide(batch, table)]
    assert [v.keep for v in half.decide(renamed, table)] == by_row


@pytest.mark.parametrize(
    "told",
    [
        {"keep": 0.0},
        {"keep": 1.2},
        {"least": float("nan")},
        {"longest": 0},
        {"max_pixels": 0},
        {"strata": ("task", "task")},
    ],
)
def test_impossible_settings_are_refused(told):
    with pytest.raises(ValueError):
        Reward(model="m", **told)


def test_a_recipe_says_it_in_a_line_and_a_wrong_word_is_told():
    told = from_overrides(["model=Skywork/Skywork-VL-Reward-7B", "keep=0.7"], Reward)
    assert (told.keep, told.strata) == (0.7, ("source", "task"))
    with pytest.raises(RecipeError, match="kep"):
        from_overrides(["model=m", "kep=0.7"], Reward)


def test_deciding_needs_neither_torch_nor_transformers():
    look = "import sys, seestep.curate.reward; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look]).returncode == 0
