"""Recipes that cannot work are refused while they load."""

import pytest

from seestep.errors import RecipeError
from seestep.recipe import decode
from seestep.train.config import DpoConfig, SftConfig
from seestep.train.engine import deepspeed_json

GOOD = {"model": "m"}


def test_the_defaults_are_the_reference_settings_with_a_frozen_vision_tower():
    config = decode(GOOD, SftConfig, file="r.yaml")
    assert (config.epochs, config.batch.effective, config.optim.lr) == (3, 32, 2e-5)
    assert (config.optim.schedule, config.optim.warmup_steps) == ("cosine", 80)
    assert config.precision == "bf16" and config.freeze == ("vision",)
    assert config.optim.rate("vision") == pytest.approx(2e-6)


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        (SftConfig, {"batch": {"effective": 32, "micro": 3}}, "multiple of batch.micro"),
        (SftConfig, {"ranks": 5}, "x 5 ranks"),
        (SftConfig, {"optim": {"vision_lr": 1e-6}}, "freeze names vision"),
        (SftConfig, {"freeze": ["vision", "projector", "language"]}, "nothing would train"),
        (SftConfig, {"lora": {"groups": ["vision"]}}, "both name vision"),
        (SftConfig, {"keep": 1.0}, "keep must be"),
        (SftConfig, {"keep": 0.2, "lora": {}}, "a smaller lora.alpha"),
        (SftConfig, {"attention": "flash_attention_2", "precision": "fp32"}, "needs precision"),
        (SftConfig, {"device": "cpu", "sharding": "zero2"}, "needs GPUs"),
        (SftConfig, {"data": {"replay_share": 0.2}}, "names no folder"),
        (SftConfig, {"anchor": {"share": 1.5}}, r"anchor.share must be in \(0, 1\]"),
        (SftConfig, {"anchor": {"share": 0.5}, "sharding": "zero2"}, "anchor needs whole weights"),
        (SftConfig, {"data": {"replay_share": 1.0, "replay": ["x"]}}, r"\[0, 1\)"),
        (SftConfig, {"optim": {"lr": 0}}, "must be positive"),
        (SftConfig, {"min_pixels": 9, "max_pixels": 4}, "over max_pixels"),
        (DpoConfig, {"beta": 0}, "beta must be positive"),
        (DpoConfig, {"attention": "flash_attention_2"}, "layout: split"),
        (DpoConfig, {"data": {"replay": ["x"], "replay_share": 0.1}}, "no replay"),
    ],
)
def test_impossible_combinations_name_themselves(kind, change, says):
    with pytest.raises(RecipeError, match=says):
        decode({**GOOD, **change}, kind, file="r.yaml")


def test_a_misspelt_key_is_named():
    with pytest.raises(RecipeError, match="warmup_step"):
        decode({**GOOD, "optim": {"warmup_step": 3}}, SftConfig, file="r.yaml")


@pytest.mark.parametrize(("sharding", "stage"), [("zero2", 2), ("zero3", 3)])
def test_the_deepspeed_file_agrees_with_the_recipe(sharding, stage):
    config = decode({**GOOD, "sharding": sharding, "ranks": 8}, SftConfig, file="r.yaml")
    made = deepspeed_json(config, 8)
    assert made["zero_optimization"]["stage"] == stage
    assert (
        made["train_micro_batch_size_per_gpu"] * made["gradient_accumulation_steps"] * 8
        == made["train_batch_size"]
        == 32
    )
