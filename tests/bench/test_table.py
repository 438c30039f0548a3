"""The table of benchmarks says what the public protocols say."""

import csv
from pathlib import Path

import pytest

from seestep.answers import SCORERS
from seestep.bench import BENCHES, get
from seestep.errors import DataError

KINDS = {
    "choice": "choice", "yes_no": "yes_no", "mra": "number", "number": "number",
    "points_in_mask": "point",
}  # fmt: skip


def test_there_are_seventeen():
    assert len(BENCHES) == 17
    assert all(name == bench.name for name, bench in BENCHES.items())


def test_the_titles_are_the_rows_of_the_published_table():
    table = Path(__file__).parents[3] / "shared/data/published/table1.csv"
    if not table.exists():
        pytest.skip("the published table is not on this machine")
    rows = [row["benchmark"] for row in csv.DictReader(table.read_text().splitlines())]
    assert [bench.title for bench in BENCHES.values()] == rows


def test_every_scorer_exists_and_fits_the_answer():
    for bench in BENCHES.values():
        for ask in bench.asks:
            assert ask.scorer in SCORERS
            assert KINDS[ask.scorer] == ask.kind


def test_pointing_sets_ask_for_fractions_in_round_brackets():
    pointing = {n for n, b in BENCHES.items() if "point" in {a.kind for a in b.asks}}
    assert pointing == {
        "refspatial-location", "refspatial-placement", "refspatial-unseen", "robospatial",
        "where2place",
    }  # fmt: skip
    for name in pointing:
        form = BENCHES[name].ask("point").form
        assert (form.frame, form.notation) == ("unit", "tuples")
        assert "[(x1, y1)" in form.prompt and "between 0 and 1" in form.prompt


def test_a_benchmark_is_found_by_its_own_and_its_mini_name():
    assert get("mini-sat") is get("sat") is BENCHES["sat"]
    assert get("sat").mini == "mini-sat"
    with pytest.raises(DataError, match="satt"):
        get("satt")


def test_what_a_benchmark_does_not_ask_is_a_key_error():
    with pytest.raises(KeyError, match="number"):
        get("sat").ask("number")
