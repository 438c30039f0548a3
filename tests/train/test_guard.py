"""A stage that loses a guard group significantly is told apart from noise, and stops."""

import json

import pytest

from seestep.errors import DataError
from seestep.records import Score
from seestep.study.stats import paired
from seestep.train.guard import guard, judge


def scores(group, values):
    return [
        Score(item=f"{group}:{i}", suite=group, skill=group, value=v, parsed=v > 0, rule="")
        for i, v in enumerate(values)
    ]


BEFORE = {"pointing": scores("pointing", [1.0] * 40), "count": scores("count", [1.0, 0.0] * 20)}


def test_a_collapsed_group_is_lost_and_a_noisy_one_is_not():
    after = {
        "pointing": scores("pointing", [1.0] * 20 + [0.0] * 20),
        "count": scores("count", [0.0, 1.0] * 19 + [1.0, 0.0]),
    }
    report = judge(BEFORE, after, paired)
    assert report.lost == ("pointing",) and not report.go_on
    pointing = next(g for g in report.groups if g.group == "pointing")
    assert (pointing.before, pointing.after, pointing.change) == (1.0, 0.5, -0.5)
    assert (pointing.parsed_before, pointing.parsed_after) == (1.0, 0.5)
    assert judge(BEFORE, after, paired, regression="report").go_on


def test_the_report_lies_beside_the_checkpoint(tmp_path):
    report = guard(lambda checkpoint: BEFORE, paired, BEFORE, tmp_path / "final", out=tmp_path)
    assert report.go_on
    assert json.loads((tmp_path / "guard.json").read_text())["lost"] == []


def test_other_items_are_refused():
    with pytest.raises(DataError, match="other items"):
        judge(BEFORE, {**BEFORE, "count": scores("count", [1.0])}, paired)
