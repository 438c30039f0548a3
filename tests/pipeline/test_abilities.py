"""The card's tables: every family has its group, and the figures are hand sums."""

import pytest

from seestep.pipeline.abilities import GROUPS, by_family, by_group
from seestep.train.base.probe import Tried
from seestep.world.questions import FAMILIES


def tried(ability, score, control, *, home="1", form="native", chance=0.5):
    return Tried(
        home=home, ability=ability, form=form, asked="?", gold="", said="", blind="",
        score=score, control=control, chance=chance, formed=True,
    )  # fmt: skip


def test_every_family_of_questions_is_in_one_group():
    grouped = [family for families, _ in GROUPS.values() for family in families]
    assert sorted(grouped) == sorted(FAMILIES)


def test_a_group_counts_all_its_questions_and_splits_them_by_form():
    items = [tried("side", 1, 0, home=str(i)) for i in range(30)]
    items += [tried("height", 0, 1, home=str(i), form="benchmark") for i in range(10)]
    (group,) = by_group(items)
    assert (group.name, group.n, group.homes, group.bar) == ("relation", 40, 30, 0.93)
    assert group.score == pytest.approx(0.75) and group.control == pytest.approx(0.25)
    assert (group.native.n, group.native.score) == (30, 1.0)
    assert (group.benchmark.n, group.benchmark.score) == (10, 0.0)
    assert group.low < 0.75 < group.high
    assert group.sees and group.passed is False and not group.at_chance
    assert [a.name for a in by_family(items)] == ["height", "side"]


def test_an_ability_that_reads_but_does_not_see_does_not_pass():
    items = [tried("exists", 1, i % 10 > 0, home=str(i)) for i in range(50)]
    (group,) = by_group(items)
    assert group.score == 1.0 and group.control == pytest.approx(0.9)
    assert not group.sees and group.passed is False


def test_an_ability_whose_interval_reaches_chance_is_said_to_be_there():
    items = [tried("turned", i % 2, 0, home=str(i)) for i in range(40)]
    (group,) = by_group(items)
    assert group.at_chance and group.passed is None
    assert group.benchmark.score is None
