"""The wrong-image control: whose picture is lent, and what counts once the control is known."""

import msgspec
import pytest

from seestep.errors import DataError
from seestep.evals.control import BLIND, needs_picture, wrong_images
from seestep.records import Item, Media, MediaRef, Number, Score, Text, Turn
from seestep.study.compare import table


def score(i: int, value: float, **fields: object) -> Score:
    told = {"suite": "mini-plan", "skill": "planning", "parsed": True, "rule": "plan", **fields}
    return Score(item=f"q{i}", value=value, clusters=(f"home:{i}",), **told)


def item(i: int, home: int, suite: str = "mini-plan", pictures: int = 1) -> Item:
    media = tuple(Media(key=f"v{k}", path=f"{i}-{k}.png") for k in range(pictures))
    return Item(
        id=f"q{i}",
        source="t",
        task="plan",
        media=media,
        turns=(Turn(role="user", parts=(*(MediaRef(media=m.key) for m in media), Text(text="?"))),),
        clusters=(f"home:{home}", f"view:{i}"),
        suite=suite,
        answer=Number(value=0),
        scorer="number",
        skill="planning",
    )


def test_a_plan_counts_only_where_the_wrong_picture_fails() -> None:
    right = [score(0, 1), score(1, 1), score(2, 0), score(3, 0)]
    wrong = [score(3, 1), score(2, 0), score(1, 1), score(0, 0)]
    got = needs_picture(right, wrong)
    assert [(s.item, s.value) for s in got] == [("q0", 1), ("q1", 0), ("q2", 0), ("q3", 0)]
    assert [s.notes for s in got] == [(), (BLIND,), (), ()]


def test_a_part_of_an_answer_is_not_a_goal() -> None:
    got = needs_picture([score(0, 0.9), score(1, 1)], [score(0, 0), score(1, 0.9)])
    assert [s.value for s in got] == [0, 1]


def test_what_counts_can_be_compared_like_all_scores() -> None:
    base = needs_picture([score(0, 1), score(1, 0)], [score(0, 1), score(1, 0)])
    tuned = needs_picture([score(0, 1), score(1, 1)], [score(0, 0), score(1, 0)])
    cell = table({"base": base, "tuned": tuned}).cells["tuned"]["mini-plan"]
    assert (cell.score, cell.change) == (1.0, 1.0)


WRONG = ([], [score(1, 0)], [score(0, 0), score(1, 0)], [score(0, 0)] * 2)


@pytest.mark.parametrize("wrong", WRONG)
def test_controls_of_other_items_are_refused(wrong: list[Score]) -> None:
    with pytest.raises(DataError, match="same items"):
        needs_picture([score(0, 1)], wrong)


def test_a_control_that_was_decoded_otherwise_is_refused() -> None:
    held = msgspec.structs.replace(score(0, 0), constrained=True)
    with pytest.raises(DataError, match="decoded alike"):
        needs_picture([score(0, 1)], [held])


def test_the_wrong_picture_is_of_another_home_and_the_same_suite() -> None:
    items = [
        item(0, home=1),
        item(1, home=1),
        item(2, home=2, suite="mini-sat"),
        item(3, home=2),
        item(4, home=2, pictures=2),
        item(5, home=3, suite="mini-sat", pictures=2),
    ]
    lent = {i: donor.id for i, donor in wrong_images(items).items()}
    assert lent == {"q0": "q3", "q1": "q3", "q2": "q0", "q3": "q0", "q4": "q5", "q5": "q4"}
    assert lent == {i: donor.id for i, donor in wrong_images(items).items()}


def test_a_home_alone_has_no_control() -> None:
    with pytest.raises(DataError, match="lend"):
        wrong_images([item(0, home=1), item(1, home=1)])
    nameless = msgspec.structs.replace(item(1, home=2), clusters=())
    with pytest.raises(DataError, match="another home"):
        wrong_images([nameless, item(0, home=1)])
