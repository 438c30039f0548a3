"""Tables of several runs, by hand sums."""

import pytest

from seestep.errors import DataError
from seestep.records import Score
from seestep.study.compare import table


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
