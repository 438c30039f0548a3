"""The pretraining recipe makes a checkpoint that anyone can load, and survives being killed."""

from pathlib import Path

import pytest
import torch

from seestep import recipe
from seestep.models import TINY
from seestep.models.load import load
from seestep.models.tiny.build import SMALL
from seestep.models.tiny.config import PretrainConfig
from seestep.models.tiny.learn import learning_rate
from seestep.models.tiny.pretrain import run

RECIPE = Path(__file__).parents[2] / "recipes" / "tiny" / "base.yaml"
SHORT = (
    "threads=1",
    "data.workers=1",
    "data.parts.tables.homes=2",
    "data.parts.tables.shard_homes=1",
    "data.parts.tables.views={close: 1, wide: 0, orbits: 1, turns: 0}",
    "data.parts.rooms.homes=1",
    "data.parts.rooms.views={close: 1, wide: 0, orbits: 0, turns: 0}",
    "data.probe.homes=1",
    "data.probe.views={close: 1, wide: 0, orbits: 0, turns: 0}",
    "vision.steps=3",
    "joint.steps=3",
    "questions=3",
    "save_every=1",
)


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.mark.slow
def test_a_killed_pretraining_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    config = recipe.load(RECIPE, SHORT, PretrainConfig)
    whole = run(config, tmp_path / "whole", shape=SMALL)

    from seestep.models.tiny import pretrain

    steps = 0

    def count(log, bar, every, row):
        nonlocal steps
        steps += 1
        if steps == 5:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(pretrain, "_note", count)
        run(config, tmp_path / "cut", shape=SMALL)
    again = run(config, tmp_path / "cut", shape=SMALL)
    one, two = (load(folder).model.state_dict() for folder in (whole, again))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert "| side |" in (whole / "MODEL_CARD.md").read_text()


def test_homes_cannot_be_learnt_from_and_tested_on():
    from seestep.errors import RecipeError

    with pytest.raises(RecipeError, match="share homes"):
        recipe.load(RECIPE, ("data.probe.first=10",), PretrainConfig)


def test_the_learning_rate_warms_up_and_falls_to_its_lowest():
    stage = recipe.load(RECIPE, ("joint.steps=1000", "joint.warmup=10"), PretrainConfig).joint
    rates = [learning_rate(stage, k) for k in range(1000)]
    assert rates[0] == pytest.approx(stage.lr / 10, rel=1e-3)
    assert max(rates) == pytest.approx(stage.lr, rel=1e-3)
    assert rates[-1] == pytest.approx(stage.lr * stage.lowest, rel=1e-2)


@pytest.mark.skipif(not TINY.is_dir(), reason="the embedded checkpoint is not in this tree")
def test_the_embedded_checkpoint_answers_in_the_wire_form():
    from PIL import Image

    loaded = load(TINY)
    content = [
        {"type": "image"},
        {"type": "text", "text": "Is there a red mug?\nAnswer yes or no."},
    ]
    text = loaded.processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    inputs = loaded.processor(
        text=[text], images=[Image.new("RGB", (96, 96), "gray")], return_tensors="pt"
    )
    out = loaded.model.generate(**inputs, max_new_tokens=12, do_sample=False)
    said = loaded.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :])
    assert said in (
        "<think></think><answer>yes</answer><|im_end|>",
        "<think></think><answer>no</answer><|im_end|>",
    )


@pytest.mark.skipif(not TINY.is_dir(), reason="the embedded checkpoint is not in this tree")
def test_the_embedded_checkpoint_is_small():
    assert sum(file.stat().st_size for file in TINY.iterdir()) < 12 * 2**20
