"""An arm of an ablation differs from its reference in one thing."""

import pytest

from seestep.errors import RecipeError
from seestep.study.ablate import Setting, changed, differences, settings_rows
from seestep.train.config import Anchor, Batch, Optim, SftConfig

REFERENCE = SftConfig(model="m", optim=Optim(lr=2e-5), batch=Batch(effective=32), freeze=())


def test_a_change_touches_one_key() -> None:
    (arm,) = changed([REFERENCE], Setting(name="abl1", change={"optim.lr": 5e-5}))
    assert arm.optim.lr == 5e-5
    assert differences(REFERENCE, arm) == ["optim.lr"]


def test_numbers_can_be_multiplied() -> None:
    (arm,) = changed([REFERENCE], Setting(name="abl3", times={"batch.effective": 0.5}))
    assert arm.batch.effective == 16


def test_a_key_must_change_in_one_stage_and_need_not_in_all() -> None:
    held = SftConfig(model="m", anchor=Anchor(share=0.9))
    setting = Setting(name="loose", change={"anchor": None})
    assert changed([REFERENCE, held], setting) == [REFERENCE, SftConfig(model="m")]
    with pytest.raises(RecipeError, match=r"changes nothing: anchor is None"):
        changed([REFERENCE], setting)


def test_two_changes_are_no_ablation() -> None:
    with pytest.raises(ValueError, match="exactly one key"):
        Setting(name="x", change={"optim.lr": 1e-5, "seed": 3})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optim.learning": 1}, "no training option"),
        ({"optim.lr": 2e-5}, "changes nothing"),
        ({"optim.lr": -1.0}, "must be positive"),
    ],
)
def test_impossible_arms_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        changed([REFERENCE], Setting(name="x", change=change))


def test_the_settings_table_shows_options_and_the_computed_mean() -> None:
    (arm,) = changed([REFERENCE], Setting(name="abl6", change={"freeze": ["vision"]}))
    rows = settings_rows(
        {"ref": REFERENCE, "abl6": arm}, ["optim.lr", "freeze"], {"ref": 0.4, "abl6": 0.5}
    )
    assert rows[1] == {"run": "abl6", "optim.lr": 2e-5, "freeze": ("vision",), "mean": 0.5}
