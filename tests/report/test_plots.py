"""Plots: ticks by hand, what is drawn and what is not."""

import math
import re

import pytest

from seestep.report import plots


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 1, [0, 0.5, 1]),
        (0, 4, [0, 1, 2, 3, 4]),
        (0.3, 0.31, [0.3, 0.305, 0.31]),
        (-100, 100, [-100, -50, 0, 50, 100]),
        (3, 3.5, [3, 3.2, 3.4]),
        (0, 7e6, [0, 2e6, 4e6, 6e6]),
    ],
)
def test_ticks_are_round_numbers_inside_the_range(
    low: float, high: float, wanted: list[float]
) -> None:
    assert plots.ticks(low, high) == pytest.approx(wanted)


def test_steps_are_counted_in_whole_numbers() -> None:
    assert plots.ticks(1, 2, least=1.0) == [1, 2]
    assert plots.ticks(1, 4, least=1.0) == [1, 2, 3, 4]


def test_nothing_logged_is_said_and_not_drawn() -> None:
    for series in ({}, {"loss": []}, {"loss": [(1.0, math.nan), (2.0, math.inf)]}):
        assert "nothing was logged" in plots.lines(series, x_label="step", y_label="loss")
    assert "no comparison" in plots.forest([], title="t")
    assert "nothing was counted" in plots.funnel([])


def test_a_line_goes_from_corner_to_corner() -> None:
    svg = plots.lines({"a": [(0, 0), (10, 2)]}, x_label="step", y_label="loss")
    points = re.findall(r'points="([^"]+)"', svg)
    assert points == ["46.0,204.0 448.0,10.0"]
    assert "legend" not in svg  # one series needs none
    both = plots.lines({"a": [(0, 1)], "b": [(0, 2), (1, 2)]}, x_label="s", y_label="y")
    assert "legend" in both and "<circle" in both


def test_a_gap_of_unfinished_numbers_does_not_move_the_axes() -> None:
    svg = plots.lines({"a": [(0, 1), (1, math.nan), (2, 2)]}, x_label="s", y_label="y")
    assert len(re.findall(r"points=\"(\S+) (\S+)\"", svg)) == 1
    assert "nan" not in svg


def test_a_forest_never_claims_more_than_the_table() -> None:
    rows = [
        ("up", 0.3, 0.1, 0.5, "better"),
        ("down", -0.3, -0.5, -0.1, "worse"),
        ("uncorrected", 0.3, 0.1, 0.5, "no detectable difference"),
    ]
    svg = plots.forest(rows, title="change")
    assert re.findall(r'r="4" fill="([^"]+)"', svg) == ["#2f7d4f", "#b3372a", "#666"]
    left, right = re.findall(r'<circle cx="([\d.]+)"', svg)[:2]
    middle = float(re.findall(r'<line x1="([\d.]+)"', svg)[0])
    assert float(left) - middle == pytest.approx(middle - float(right), abs=0.11)


def test_a_funnel_adds_what_was_left_out_to_what_was_kept() -> None:
    svg = plots.funnel([("all", 100, 0), ("kept", 60, 40)])
    widths = [float(w) for w in re.findall(r'width="([\d.]+)" height="18"', svg)]
    assert widths[0] == pytest.approx(widths[2] + widths[3], abs=0.11)
    assert widths[2] / widths[0] == pytest.approx(0.6, abs=0.01)
    assert "40 left out" in svg


def test_labels_are_escaped() -> None:
    label = '<b>"&'
    for svg in (
        plots.funnel([(label, 1, 0)]),
        plots.forest([(label, 0.1, 0.0, 0.2, "")], title=label),
        plots.lines({label: [(0, 1), (1, 2)], "b": [(0, 1)]}, x_label=label, y_label=label),
    ):
        assert "<b>" not in svg and "&lt;b&gt;" in svg
