"""Agreement against a second implementation, and planted faults that the figures must find."""

import random

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from seestep.curate.judge.kappa import agreement, share
from tests.curate.judging import biased, judged, noisy, pair, record, settings
from tests.curate.test_judge import labels
from tests.endpoint.server import Server

GRADES = ("1", "2", "3", "4", "5", "6")
# the true grade by what the judge makes of it: lenient, and lost in the middle
CONFUSION = [
    [0.6, 0.2, 0.1, 0.1, 0.0, 0.0],
    [0.2, 0.4, 0.2, 0.1, 0.1, 0.0],
    [0.0, 0.1, 0.4, 0.3, 0.1, 0.1],
    [0.0, 0.1, 0.1, 0.4, 0.3, 0.1],
    [0.0, 0.0, 0.1, 0.2, 0.4, 0.3],
    [0.0, 0.0, 0.0, 0.1, 0.2, 0.7],
]


def planted_kappa(confusion):
    """Of true grades that are equally frequent, summed by hand."""
    seen = sum(confusion[i][j] / 6 * (i - j) ** 2 for i in range(6) for j in range(6))
    column = [sum(confusion[i][j] for i in range(6)) / 6 for j in range(6)]
    chance = sum(column[j] / 6 * (i - j) ** 2 for i in range(6) for j in range(6))
    return 1 - seen / chance


@pytest.mark.parametrize("size", [2, 3, 6])
def test_kappa_is_that_of_a_second_implementation(size):
    rng = np.random.default_rng(size)
    for _ in range(50):
        n = int(rng.integers(2, 60))
        a = rng.integers(0, size, n)
        b = np.where(rng.random(n) < 0.6, a, rng.integers(0, size, n))
        found = agreement(a.tolist(), b.tolist(), GRADES[:size])
        if len({*a.tolist(), *b.tolist()}) == 1:
            assert found.kappa is None
            continue
        wanted = cohen_kappa_score(a, b, weights="quadratic", labels=list(range(size)))
        assert found.kappa == pytest.approx(wanted, abs=1e-12)
        assert found.low - 1e-9 <= found.kappa <= found.high + 1e-9


def test_kappa_of_a_small_table_by_hand():
    found = agreement([0] * 5 + [1] * 5, [0, 0, 0, 0, 1, 0, 0, 1, 1, 1], ("a", "b"))
    seen, chance = 3 / 10, (5 * 4 + 5 * 6) / 100  # shares that disagree
    assert found.table == ((4, 1), (2, 3)) and found.kappa == pytest.approx(1 - seen / chance)
    assert (found.equal.count, found.equal.n) == (7, 10)


def test_what_is_all_alike_has_no_kappa():
    assert agreement([2] * 9, [2] * 9, GRADES).kappa is None
    assert agreement([], [], GRADES).kappa is None
    assert agreement([2] * 9, [1, 2, 3] * 3, GRADES).kappa == 0.0
    all_right = agreement([0, 1] * 20, [0, 1] * 20, ("a", "b"))
    assert (all_right.kappa, all_right.high) == (1.0, 1.0)
    assert all_right.low == pytest.approx(stats.binomtest(40, 40).proportion_ci().low)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng, truth = np.random.default_rng(7), planted_kappa(CONFUSION)
    a = np.arange(120) % 6
    inside = 0
    for draw in range(100):
        b = [int(rng.choice(6, p=CONFUSION[t])) for t in a]
        found = agreement(a.tolist(), b, GRADES, seed=draw)
        inside += found.low <= truth <= found.high
    assert 89 <= inside <= 100, inside


def test_groups_widen_the_interval_of_ratings_that_go_together():
    rng = random.Random(0)
    a, b = [], []
    for _ in range(40):
        truth, seen = rng.randrange(2), rng.randrange(2)
        a += [truth] * 5
        b += [truth if rng.random() < 0.4 else seen] * 5
    one = agreement(a, b, ("a", "b"))
    many = agreement(a, b, ("a", "b"), groups=[i // 5 for i in range(200)])
    assert one.kappa == many.kappa and many.high - many.low > 1.7 * (one.high - one.low)


def test_a_share_has_wilsons_interval():
    for count, n in ((0, 5), (3, 20), (20, 20)):
        wanted = stats.binomtest(count, n).proportion_ci(method="wilson")
        found = share(count, n)
        assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)
    assert share(0, 0).share is None


def test_the_planted_kappa_of_a_noisy_judge_is_recovered(tmp_path):
    true = [1 + n % 6 for n in range(120)]
    with Server(noisy(true, CONFUSION, seed=4)) as server:
        config = settings(server, gold=labels(true, tmp_path / "gold.jsonl"), canaries=10)
        found = judged([record(n) for n in range(120)], config, tmp_path / "answers")
    (gate,) = found.report.gates
    truth = planted_kappa(CONFUSION)
    assert gate.gold.n == 120 and gate.gold.low <= truth <= gate.gold.high
    assert gate.gold.high - gate.gold.low < 0.2 and 0.7 < truth < 0.8
    table = np.array(gate.gold.table)  # what went over the wire is what was drawn
    drawn = [random.Random(f"4:{n}").choices(range(6), CONFUSION[n % 6])[0] for n in range(120)]
    again = cohen_kappa_score([t - 1 for t in true], drawn, weights="quadratic")
    assert gate.gold.kappa == pytest.approx(again, abs=1e-12)
    wanted = np.array(CONFUSION) * 20
    expected = np.maximum(wanted, 1e-9)
    assert ((table > 0) <= (wanted > 0)).all()
    chi2 = ((table - wanted) ** 2 / expected)[wanted > 0].sum()
    assert stats.chi2.sf(chi2, (wanted > 0).sum() - 6) > 0.001


@pytest.mark.parametrize(("bias", "right"), [(0.4, 0.9), (0.0, 0.75)])
def test_the_planted_flips_of_a_biased_judge_are_recovered(bias, right, tmp_path):
    first, second = bias + (1 - bias) * right, bias + (1 - bias) * (1 - right)
    flips = first * second + (1 - first) * (1 - second)
    with Server(biased(bias, right, seed=2)) as server:
        config = settings(server, checks=("pair",))
        found = judged([pair(n) for n in range(60)], config, tmp_path / "answers")
    told = found.report.flips
    assert told.flipped.n == 60 and told.flipped.low <= flips <= told.flipped.high
    assert told.first.n == 120 and told.first.low <= (first + second) / 2 <= told.first.high
    undecided = [v for v in found.verdicts if v.reason == "undecided: flipped with the order"]
    assert len(undecided) == told.flipped.count == len(found.undecided)
