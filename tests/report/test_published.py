"""What docs/ and the readmes say of the evidence is what docs/results.json says."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from seestep.report.evidence import sections
from seestep.report.evidence_words import change, points
from seestep.report.grid import markdown
from seestep.study.results import BASE, Results

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def results() -> Results:
    return msgspec.json.decode((ROOT / "docs" / "results.json").read_bytes(), type=Results)


def words(text: str) -> list[str]:
    """All words and numbers, sorted: JSON keeps its keys in another order than a run its groups."""
    return sorted(re.findall(r"[+-]?\w+(?:\.\d+)?", text))


def test_the_page_is_written_from_the_numbers_beside_it(results: Results) -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    again = markdown(results.title, results.about, sections(results))
    assert words(page) == words(again)


def test_everything_of_the_recipe_has_been_run(results: Results) -> None:
    assert results.missing == ()


@pytest.mark.parametrize(("readme", "to"), [("README.md", " to "), ("README.zh-CN.md", " 至 ")])
def test_the_readmes_tell_these_numbers(results: Results, readme: str, to: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8").replace("（", " (").replace("）", ")")
    last = results.stages[-1]
    told = {c.against: change(c.change, c.low, c.high) for c in results.plan_changes}
    cells = results.skill.cells[last]
    lows = {g: c.change_low for g, c in cells.items() if results.verdicts[last][g] == "kept"}
    least = cells[min(lows, key=lambda g: lows[g] or 0.0)]
    mean, tested = results.suite.mean[last], results.tested_mean[last]
    assert least.change is not None and tested.change is not None
    assert least.change_low is not None and least.change_high is not None
    assert tested.change_low is not None and tested.change_high is not None
    numbers = [
        *(told[name].partition(" ")[2] for name in (BASE, "fuse")),
        change(least.change, least.change_low, least.change_high),
        change(tested.change, tested.change_low, tested.change_high),
        *(points(m) for m in (results.suite.mean[BASE].score, mean.score)),
        *(points(results.tested_mean[m].score) for m in (BASE, last)),
    ]
    for number in numbers:
        wanted = number.replace(" to ", to)
        assert wanted in text, f"{readme} does not say {wanted}"
