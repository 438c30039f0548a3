"""The order of samples depends on seed, epoch and data, and on nothing else."""

import numpy as np
import pytest

from seestep.train.order import fingerprint, schedule

BASE = {
    "main": 20,
    "replay_share": 0.0,
    "effective": 4,
    "micro": 2,
    "epochs": 2.0,
    "max_steps": None,
    "seed": 0,
    "data": "d",
}


def plan(count: int = 20, **changes):
    rng = np.random.default_rng(3)
    return schedule(rng.integers(10, 99, count).tolist(), **{**BASE, **changes})


def test_every_epoch_shows_every_sample_once():
    found = plan()
    assert found.steps == 10
    for epoch in found.indices.reshape(2, 20):
        assert sorted(epoch) == list(range(20))


def test_a_step_holds_the_same_samples_whatever_the_micro_batch():
    steps = [[sorted(s) for s in plan(micro=m).indices.reshape(-1, 4).tolist()] for m in (1, 2, 4)]
    assert steps[0] == steps[1] == steps[2]


def test_inside_a_step_long_samples_come_first():
    lengths = np.random.default_rng(3).integers(10, 99, 20)
    for step in plan().indices.reshape(-1, 4):
        assert (np.diff(lengths[step]) <= 0).all()


@pytest.mark.parametrize("change", [{"seed": 1}, {"data": "e"}])
def test_another_seed_or_other_data_is_another_order(change):
    assert not np.array_equal(plan().indices, plan(**change).indices)


def test_a_longer_run_starts_like_a_shorter_one():
    assert np.array_equal(plan(max_steps=12).indices[:40], plan().indices)


def test_replay_takes_its_share_spread_evenly_and_shows_all_before_any_twice():
    found = plan(30, replay_share=0.2, effective=5, epochs=4.0)
    assert found.per_epoch == 25
    per_step = (found.indices.reshape(-1, 5) >= 20).sum(axis=1)
    assert (per_step == 1).all()
    replay = found.indices[found.indices >= 20]
    assert sorted(replay[:10]) == sorted(replay[10:]) == list(range(20, 30))


def test_the_last_step_is_filled_from_the_next_epoch():
    found = plan(effective=6, epochs=1.0)
    assert found.steps == 4 and len(found.indices) == 24
    assert set(found.indices.tolist()) == set(range(20))


def test_a_fingerprint_knows_order_and_boundaries():
    assert len({fingerprint(x) for x in (["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""])}) == 4
