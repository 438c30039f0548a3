"""Tables of several runs, by hand sums."""

import msgspec
import numpy as np
import pytest

from seestep.errors import DataError
from seestep.records import Score
from seestep.study.compare import table, to_json


def scores(suite: str, values: list[float], parsed: list[bool] | None = None) -> list[Score]:
    flags = parsed or [True] * len(values)
    return [
        Score(
            item=f"{suite}-{i}",
            suite=suite,
            skill="count",
            value=v,
            parsed=flag,
            rule="number",
            clusters=(f"home:{i // 2}",),
        )
        for i, (v, flag) in enumerate(zip(values, flags, strict=True))
    ]


def test_a_cell_tells_score_parse_rate_and_score_if_parsed_apart() -> None:
    got = table({"base": scores("mini-sat", [1, 0, 1, 0], [True, True, True, False])})
    cell = got.cells["base"]["mini-sat"]
    assert (cell.score, cell.parse_rate, cell.n, cell.clusters) == (0.5, 0.75, 4, 2)
    assert cell.score_if_parsed == pytest.approx(2 / 3)


def test_the_mean_is_over_suites_that_all_models_have() -> None:
    got = table(
        {
            "base": scores("a", [1, 1]) + scores("b", [0, 0]),
            "tuned": scores("a", [1, 0]),
        }
    )
    assert got.mean_over == ("a",)
    assert got.missing == {"tuned": ("b",)}
    assert got.mean["base"].score == 1.0
    assert got.mean["tuned"].change == -0.5


def test_changes_are_paired_and_corrected_over_all_groups() -> None:
    before = scores("a", [0] * 40) + scores("b", [1, 0] * 20)
    after = scores("a", [1] * 40) + scores("b", [1, 0] * 20)
    got = table({"base": before, "tuned": after})
    risen, same = got.cells["tuned"]["a"], got.cells["tuned"]["b"]
    assert (risen.change, risen.verdict, risen.gained, risen.lost) == (1.0, "better", 40, 0)
    assert risen.p is not None and risen.p_holm == pytest.approx(2 * risen.p)
    assert (same.change, same.verdict) == (0.0, "no detectable difference")


def test_an_item_scored_twice_is_refused() -> None:
    with pytest.raises(DataError, match="scored twice"):
        table({"base": scores("a", [1]) * 2})


def test_runs_that_share_no_item_are_refused() -> None:
    with pytest.raises(DataError, match="share no item"):
        table({"base": scores("a", [1, 1])[:1], "tuned": scores("a", [1, 1])[1:]})


def test_no_runs_are_refused() -> None:
    with pytest.raises(DataError, match="no scores"):
        table({})


def test_only_shared_items_are_compared() -> None:
    got = table({"base": scores("a", [0, 0, 0, 0]), "tuned": scores("a", [1, 1, 0, 0])[:2]})
    cell = got.cells["tuned"]["a"]
    assert (cell.n, cell.score, cell.change, cell.gained, cell.lost) == (2, 1.0, 1.0, 2, 0)


def test_one_model_has_scores_and_no_changes() -> None:
    got = table({"base": scores("a", [1, 0, 1, 1])})
    cell = got.cells["base"]["a"]
    assert (cell.score, cell.change, cell.p, cell.verdict) == (0.75, None, None, "")
    assert got.mean["base"].score == 0.75


def test_suites_that_stand_apart_are_shown_and_not_averaged() -> None:
    runs = {"base": scores("a", [1, 1]) + scores("mini-plan", [0, 0])}
    got = table(runs, apart=["mini-plan"])
    assert (got.groups, got.mean_over, got.mean["base"].score) == (("a", "mini-plan"), ("a",), 1.0)


def test_another_baseline_can_be_named() -> None:
    got = table({"one": scores("a", [1, 1]), "two": scores("a", [0, 0])}, baseline="two")
    assert got.cells["one"]["a"].change == 1.0
    assert got.cells["two"]["a"].change is None


def test_the_order_of_scores_changes_no_byte() -> None:
    before = scores("a", [0.2, 0.9, 1, 0] * 8)
    after = scores("a", [0.4, 0.9, 0, 0.1] * 8)
    one = table({"base": before, "tuned": after})
    two = table({"base": before[::-1], "tuned": after[::-1]})
    assert to_json({"suite": one}) == to_json({"suite": two})


def test_free_and_constrained_answers_are_not_compared() -> None:
    free, held = scores("mini-plan", [1, 0]), scores("mini-plan", [1, 1])
    held = [msgspec.structs.replace(s, constrained=True) for s in held]
    with pytest.raises(DataError, match=r"grammar.*wanted free, got constrained"):
        table({"base": free, "tuned": held})
    assert table({"base": held, "tuned": held}).cells["tuned"]["mini-plan"].change == 0


def test_the_mean_of_suites_of_the_same_homes_is_as_sure_as_their_joint_bootstrap() -> None:
    rng = np.random.default_rng(2)
    k, each = 150, 3
    easy = rng.random(k) < 0.5  # a home that is easy in one suite is hard in the other one,
    turn = rng.random(k) < 0.15  # and some are all right afterwards, in both
    before, after = [], []
    gains = np.zeros((2, k))
    sums = np.zeros((2, k))
    for n, suite in enumerate("ab"):
        for home in range(k):
            for i in range(each):
                old = float(rng.random() < (0.75 if easy[home] == (n == 0) else 0.25))
                new = 1.0 if turn[home] else old
                sums[n, home] += old / each
                gains[n, home] += (new - old) / each
                at = f"{suite}-{home}-{i}"
                before.append(scored(suite, at, old, f"home:{home}"))
                after.append(scored(suite, at, new, f"home:{home}"))
    new = scored("a", "a-new", 1.0, "home:0")  # base was not asked this
    got = table({"base": before, "m": [*after, new]}, by="suite")
    picks = np.random.default_rng(9).multinomial(k, np.full(k, 1 / k), size=20_000) / k
    for cell, rows, low, high in (
        (got.mean["base"], sums, "low", "high"),
        (got.mean["m"], gains, "change_low", "change_high"),
    ):
        wanted = np.quantile(picks @ rows.mean(axis=0), [0.025, 0.975])
        assert (getattr(cell, low), getattr(cell, high)) == pytest.approx(wanted, abs=0.004)
    assert got.mean["base"].clusters == k


def scored(suite: str, item: str, value: float, home: str) -> Score:
    return Score(item=item, suite=suite, skill="s", value=value, parsed=True, rule="r",
                 clusters=(home,))  # fmt: skip
