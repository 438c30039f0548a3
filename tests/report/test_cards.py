"""Cards: what a reader is told about an item, an answer and a pair."""

import re
from html import unescape
from pathlib import Path

import msgspec
import pytest

from seestep import families
from seestep.records import Choice, Form, Plan, Step
from seestep.report.cards import item_card, pair_card, said_line
from tests.report.runs import choice, pair, pointing, predicted, scored

FAMILY = families.get("qwen3_vl")


def words(markup: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", markup))).strip()


def said(root: Path, raw: str, value: float, parsed: bool = True) -> str:
    item = choice(root, 0)
    return words(said_line("dpo", predicted(item, raw), scored(item, value, parsed), item))


@pytest.mark.parametrize(
    ("raw", "value", "parsed", "wanted"),
    [
        ("<think></think><answer>A</answer>", 1.0, True, "dpo ✓ A right"),
        ("<think>why</think><answer>B</answer>", 0.0, True, "dpo ✗ B wrong thought: why"),
        ("C or so", 0.0, False, "dpo ✗ C or so could not be read"),
        ("<think>on and on", 0.0, False, "dpo ✗ no answer: its thought did not end could not be"),
        ("", 0.0, False, "dpo ✗ nothing could not be read"),
        ("7", 0.6, True, "dpo ✓ 7 60 of 100"),
    ],
)
def test_an_answer_is_told_with_its_worth(
    tmp_path: Path, raw: str, value: float, parsed: bool, wanted: str
) -> None:
    assert said(tmp_path, raw, value, parsed).startswith(wanted)


def test_long_answers_are_cut_and_control_characters_shown_as_such(tmp_path: Path) -> None:
    assert said(tmp_path, "x" * 500, 0.0).count("x") == 160
    assert "a\ufffd\ufffdb" in said(tmp_path, "a\x00\u202eb", 0.0)


def test_a_pointing_card_shows_both_the_place_and_the_points(tmp_path: Path) -> None:
    item = pointing(tmp_path, 0)
    given = (predicted(item, "[(0.5, 0.375), (0.9, 0.9)]"), scored(item, 0.5))
    card = item_card(item, {"dpo": given}, FAMILY, {"t": tmp_path}, pointing="dpo")
    alt = "what the model sees, what was asked for in green, 2 answered points in red"
    assert f'alt="{alt}"' in card
    assert "wanted: [(0.500, 0.375)]" in words(card)
    none = item_card(item, {"dpo": given}, FAMILY, {"t": tmp_path}, pointing="other")
    assert "in red" not in none


def test_plans_are_told_in_words(tmp_path: Path) -> None:
    base = choice(tmp_path, 0)
    plan = pair(tmp_path).chosen
    item = msgspec.structs.replace(base, answer=plan, form=Form(kind="plan"))
    raw = '<think></think><answer>[["open","fridge"],["put","fridge"]]</answer>'
    card = item_card(
        item,
        {"dpo": (predicted(item, raw), scored(item, 0.0))},
        FAMILY,
        {"t": tmp_path},
        pointing="dpo",
    )
    assert "wanted: pick red mug → put red mug shelf" in words(card)
    assert "✗ open fridge → put fridge wrong" in words(card)


def test_the_bad_step_of_a_pair_is_marked_where_it_fails(tmp_path: Path) -> None:
    made = pair(tmp_path)
    told = words(pair_card(made, FAMILY, {"t": tmp_path}))
    assert "✓ chosen pick red mug put red mug shelf ✗ rejected" in told
    assert "rejected open red mug shelf put red mug shelf ✗ fails here" in told
    assert (
        "Kind of error: drop step. Why it is rejected: the hand does not hold the red mug" in told
    )
    assert isinstance(made.rejected, Plan)
    short = Plan(steps=(Step(do=("pick", "o1")),), entities=made.rejected.entities)
    early = msgspec.structs.replace(made, rejected=short, first_bad_step=1)
    assert "ends before the goal is reached" in words(pair_card(early, FAMILY, {"t": tmp_path}))


def test_a_pair_of_plain_answers_shows_both(tmp_path: Path) -> None:
    made = msgspec.structs.replace(
        pair(tmp_path),
        chosen=Choice(options=("a", "b"), index=0),
        rejected=Choice(options=("a", "b"), index=1),
        mishap="wrong_answer",
        first_bad_step=None,
        verified_by="rule",
    )
    told = words(pair_card(made, FAMILY, {"t": tmp_path}))
    assert "✓ chosen A ✗ rejected B" in told
    assert "known from the scene itself" in told
