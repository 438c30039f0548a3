"""Chance and the wrong-image floor, against sums by hand."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seestep.evals.chance import chance
from seestep.records import Choice, Number, YesNo
from seestep.report.floor import floors
from tests.report.runs import choice, pointing, scored


def test_a_guess_among_options_is_right_one_time_in_as_many(tmp_path: Path) -> None:
    item = choice(tmp_path, 0)
    assert chance(item) == 1 / 2
    four = msgspec.structs.replace(item, answer=Choice(options=("a", "b", "c", "d"), index=0))
    assert chance(four) == 1 / 4
    assert chance(msgspec.structs.replace(item, answer=YesNo(yes=True))) == 1 / 2


def test_a_blind_point_hits_as_often_as_the_region_is_large(tmp_path: Path) -> None:
    # 48 x 24 of 96 x 96 pixels; a pixel more on each side at most
    assert chance(pointing(tmp_path, 0)) == pytest.approx(48 * 24 / 96**2, rel=0.1)


def test_a_number_has_no_chance_that_can_be_told(tmp_path: Path) -> None:
    assert chance(msgspec.structs.replace(choice(tmp_path, 0), answer=Number(value=3))) is None


def test_floors_are_means_by_group(tmp_path: Path) -> None:
    items = [choice(tmp_path, 0), choice(tmp_path, 1)]
    blind = {"dpo": [scored(items[0], 1.0), scored(items[1], 0.0)]}
    (floor,) = floors(items, blind, "skill").values()
    assert (floor.chance, floor.wrong_image) == (0.5, {"dpo": 0.5})
    assert set(floors(items, {}, "suite")) == {"mini-sat"}
