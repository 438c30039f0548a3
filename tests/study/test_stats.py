"""Statistics against hand sums, scipy and simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from seestep.study import stats


def test_wilson_equals_scipy() -> None:
    for hits, n in ((0, 20), (7, 20), (20, 20), (63, 100)):
        wanted = binomtest(hits, n).proportion_ci(method="wilson")
        assert stats.wilson(hits / n, n) == pytest.approx((wanted.low, wanted.high))


def test_singleton_clusters_leave_the_wilson_interval_alone() -> None:
    values = [1.0] * 7 + [0.0] * 13
    got = stats.interval(values, [str(i) for i in range(20)])
    wanted = binomtest(7, 20).proportion_ci(method="wilson")
    assert (got.low, got.high) == pytest.approx((wanted.low, wanted.high), abs=0.01)


def test_items_that_repeat_inside_a_cluster_widen_the_interval() -> None:
    once = stats.interval([1, 0, 1, 1, 0, 1, 0, 1], [str(i) for i in range(8)])
    copied = stats.interval([1, 0, 1, 1, 0, 1, 0, 1] * 5, [str(i) for i in range(8)] * 5)
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.08)


def test_holm_by_hand() -> None:
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([0.9, 0.8]) == [1.0, 1.0]


def test_sign_flip_is_mcnemar_where_both_apply() -> None:
    before = [0, 0, 0, 0, 0, 1, 1, 0, 1, 0]
    after = [1, 1, 1, 1, 1, 0, 1, 0, 1, 1]
    got = stats.paired(before, after, [str(i) for i in range(10)])
    assert got.method == "exact McNemar"
    assert (got.gained, got.lost, got.change) == (6, 1, 0.5)
    gain = np.array(after, float) - np.array(before, float)
    assert got.p == pytest.approx(binomtest(6, 7).pvalue)
    assert stats._sign_flip(gain, np.random.default_rng(0)) == pytest.approx(got.p)


def test_no_change_is_no_evidence() -> None:
    got = stats.paired([1, 0, 1], [1, 0, 1], ["a", "a", "b"])
    assert (got.change, got.p, got.gained, got.lost) == (0.0, 1.0, 0, 0)


def test_a_clustered_null_is_rejected_about_as_often_as_promised() -> None:
    rng = np.random.default_rng(3)
    clusters = [str(i // 4) for i in range(120)]
    clustered = unclustered = 0
    for seed in range(200):
        up = np.repeat(rng.random(30) < 0.5, 4)  # a home moves as one, up or down alike
        moved = rng.random(120) < 0.8
        before = np.where(up, 0.0, 1.0)
        after = np.where(moved, 1 - before, before)
        got = stats.paired(before, after, clusters, seed=seed)
        clustered += got.p < 0.05
        unclustered += stats.mcnemar(got.gained, got.lost) < 0.05
    assert clustered <= 20  # 5 % promised
    assert unclustered >= 40  # what ignoring the clusters would have claimed


def test_macro_mean_weighs_benchmarks_equally() -> None:
    # (3-4-5): distances 0.3 and 0.4 below add to 0.5, halved by the two groups
    parts = [(0.8, 0.5, 0.9), (0.6, 0.2, 0.6)]
    assert stats.macro(parts, np.eye(2)) == pytest.approx((0.7, 0.45, 0.75))


def test_groups_of_the_same_homes_move_together() -> None:
    homes = [str(i) for i in range(300)]
    rng = np.random.default_rng(1)
    kind = rng.normal(0.5, 0.2, 300)  # what a home adds to all of its questions
    groups = [kind + rng.normal(0, 0.1, 300) for _ in range(4)]
    found = stats.correlations([(g, homes) for g in groups])
    assert found[0, 1] == pytest.approx(np.corrcoef(groups)[0, 1])
    parts = [(i.mean, i.low, i.high) for i in (stats.interval(g, homes) for g in groups)]
    _, low, high = stats.macro(parts, found)
    whole = stats.interval(np.mean(groups, axis=0), homes)  # one score a home, resampled
    assert (low, high) == pytest.approx((whole.low, whole.high), abs=0.002)
    _, low, high = stats.macro(parts, np.eye(4))
    assert high - low < 0.6 * (whole.high - whole.low)  # taken as strangers: too sure
    apart = stats.correlations([(groups[0], homes), (groups[1], [f"{h}b" for h in homes])])
    assert apart[0, 1] == 0.0


def test_a_question_lost_makes_a_change_less_sure_than_none_lost() -> None:
    homes = [str(i) for i in range(450)]
    same = [1.0] * 450
    none = stats.paired(same, same, homes)
    one = stats.paired(same, [0.0, *same[1:]], homes)
    third = stats.paired(same, [2 / 3, *same[1:]], homes)  # by one seed of three
    room = binomtest(1, 450).proportion_ci(0.95, "exact").high - 1 / 450
    assert one.low == pytest.approx(-1 / 450 - room)
    assert one.high == pytest.approx(-1 / 450 + none.high)
    assert one.low < third.low < none.low
    many = stats.paired(same, [0.0] * 12 + same[12:], homes)  # enough for the bootstrap alone
    assert many.high < 0


def test_homes_of_several_questions_move_by_as_much_as_those_that_moved() -> None:
    homes = [str(i // 4) for i in range(160)]
    same = [1.0] * 160
    none = stats.paired(same, same, homes)  # by one of four
    assert none.high == pytest.approx((1 - 0.025 ** (1 / 40)) / 4) == -none.low
    one = stats.paired(same, [0.0, *same[1:]], homes)
    room = binomtest(1, 40).proportion_ci(0.95, "exact").high - 1 / 40
    assert one.low == pytest.approx(-1 / 160 - room / 4)
    whole = stats.paired(same, [0.0] * 4 + same[4:], homes)
    assert whole.low == pytest.approx(-1 / 40 - room)
    both = stats.paired(same, [0.0] * 5 + same[5:], homes)  # four of one home, one of another
    room = binomtest(2, 40).proportion_ci(0.95, "exact").high - 2 / 40
    assert both.low == pytest.approx(-5 / 160 - room * 2.5 / 4)


def test_a_small_home_that_moved_wholly_says_as_little_as_a_large_one() -> None:
    homes = ["one", *(str(i // 20) for i in range(400))]  # 20 homes of 20 questions, one of one
    same = [1.0] * 401
    room = binomtest(1, 21).proportion_ci(0.95, "exact").high - 1 / 21
    for lost in (0, 1):
        after = [float(i != lost) for i in range(401)]
        got = stats.paired(same, after, homes)
        assert got.low == pytest.approx(-1 / 401 - room * 21 / 401)
    assert stats.paired(same, same, homes).mde == pytest.approx((1 - 0.025 ** (1 / 21)) * 21 / 401)


def test_what_a_home_adds_to_a_mean_is_all_its_questions() -> None:
    first = ([1.0, 0.0, 1.0, 1.0, 0.0, 0.0], list("aabbcc"))  # pulls 0, 1, -1
    second = ([1.0, 1.0, 0.0, 0.0], list("abcc"))  # 0.5, 0.5, -1
    by_hand = (0 * 0.5 + 1 * 0.5 + 1 * 1) / (2**0.5 * 1.5**0.5)
    assert stats.correlations([first, second])[0, 1] == pytest.approx(by_hand)


@pytest.mark.parametrize("together", [False, True])
def test_rare_losses_lie_in_the_interval_as_often_as_promised(together: bool) -> None:
    rng = np.random.default_rng(5)
    homes = [str(i // 4) for i in range(160)]
    held = 0
    for seed in range(150):
        spread = np.repeat(rng.random(40) < 0.04, 4) & (rng.random(160) < 0.5)
        lost = spread if together else rng.random(160) < 0.02  # 2 of 100 either way
        got = stats.paired([1.0] * 160, np.where(lost, 0.0, 1.0).tolist(), homes, seed=seed)
        held += got.low <= -0.02 <= got.high
    assert held >= 0.95 * 150


def test_no_change_in_few_homes_is_not_certainty() -> None:
    few = stats.paired([1] * 4, [1] * 4, list("abcd"))
    many = stats.paired([1] * 400, [1] * 400, [str(i) for i in range(400)])
    assert few.high == pytest.approx(1 - 0.025**0.25)
    assert many.high < 0.01 < few.high


def test_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 scores but 1 cluster"):
        stats.interval([1, 0], ["a"])


def test_graded_answers_that_all_agree_still_leave_room() -> None:
    one = stats.interval([0.5, 0.5, 0.5], ["a", "a", "a"])
    assert (one.mean, one.low, one.high, one.clusters) == (0.5, 0.0, 1.0, 1)
    three = stats.interval([0.5, 0.5, 0.5], list("abc"))
    assert three.low == pytest.approx(max(0.0, 0.5 - (1 - 0.025 ** (1 / 3))))
    assert three.method == "exact bound"


def test_scenes_that_moved_alike_are_no_certainty_either() -> None:
    got = stats.paired([1, 0, 1, 0], [0, 1, 0, 1], ["a", "a", "b", "b"])  # each gains and loses one
    assert (got.change, got.gained, got.lost, got.p) == (0.0, 2, 2, 1.0)
    assert (got.low, got.high) == pytest.approx((-0.8418861, 0.8418861))
    assert got.mde == pytest.approx(0.8418861)


def test_one_scene_proves_nothing() -> None:
    got = stats.paired([0, 0, 0], [1, 1, 1], ["a", "a", "a"])
    assert (got.p, got.clusters) == (1.0, 1)
    assert got.method == "cluster sign-flip"


def test_the_smallest_change_that_is_found_shrinks_with_the_root_of_the_scenes() -> None:
    def mde(n: int) -> float:
        after = [1.0, 0.0] * (n // 2)
        return stats.paired([0.0] * n, after, [str(i) for i in range(n)]).mde

    # gains of 0 and 1, half each: standard deviation 0.5, (1.96 + 0.8416) x 0.5 / sqrt(n - 1)
    assert mde(100) == pytest.approx(2.8016 * 0.5 / 99**0.5, rel=1e-3)
    assert mde(401 - 1) == pytest.approx(2.8016 * 0.5 / 399**0.5, rel=1e-3)


def test_graded_changes_by_hand() -> None:
    got = stats.paired([0.2, 0.4, 0.6], [0.5, 0.4, 0.9], ["a", "b", "c"])
    assert got.change == pytest.approx(0.2)
    assert (got.gained, got.lost) == (2, 0)
    assert got.p == 0.5  # two scenes moved: of four sign patterns two are as far from zero
