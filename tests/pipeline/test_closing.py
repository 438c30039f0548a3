from __future__ import annotations

from pathlib import Path

import msgspec

from seestep.pipeline.closing import abilities, spent
from seestep.report.build import build
from seestep.study.compare import Table
from seestep.terminal import Look
from tests.report.runs import make, results


def tables(tmp_path: Path) -> tuple[Table, Table]:
    told = results(build(make(tmp_path), tmp_path / "report"))["tables"]
    return msgspec.convert(told["skill"], Table), msgspec.convert(told["suite"], Table)


def test_the_table_says_what_the_page_says(tmp_path: Path) -> None:
    skills, suites = tables(tmp_path)
    lines = abilities(skills, suites, Look(width=100))
    assert lines[0].split() == ["ability", "items", "base", "dpo", "change"]
    (row,) = (line for line in lines if line.startswith("attribute"))
    assert row.split()[:4] == ["attribute", "10", "50.0", "100.0"]
    assert "+50.0 (" in row
    (lacking,) = (line for line in lines if line.startswith("pointing"))
    assert lacking.split() == ["pointing", "2", "-", "50.0"]
    # models stand in the order of the run, though results.json sorts its keys
    (mean,) = (line for line in lines if line.startswith("mean of 1 suites"))
    assert mean.split()[5:7] == ["50.0", "100.0"]


def test_a_narrow_terminal_gets_fewer_columns(tmp_path: Path) -> None:
    skills, suites = tables(tmp_path)
    narrow = abilities(skills, suites, Look(width=48))
    assert max(map(len, narrow)) <= 48
    assert "items" not in narrow[0] and "dpo" in narrow[0]


def test_the_time_is_told_by_part_the_largest_first() -> None:
    told = spent({"start": 10.0, "train": 90.0})
    assert told == "training 1 min 30 s (90 %), start-up 10 s (10 %)"
