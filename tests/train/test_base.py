"""Pretraining goes on where it was killed, is held to its recipe, and leaves no heads behind."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from seestep import recipe
from seestep.errors import RecipeError, RunError
from seestep.models.load import load, save
from seestep.models.tiny.build import SMALL
from seestep.progress import Progress
from seestep.train import checkpoint
from seestep.train.base import pretrain as base
from seestep.train.base.config import PretrainConfig
from seestep.train.base.corpus import HEADS, IGNORE, Corpus, Question, Shot
from seestep.train.base.trainer import PretrainTrainer, cell_losses, make_heads
from seestep.train.optimise import floored_cosine

RECIPE = Path(__file__).parents[2] / "recipes" / "tiny" / "base.yaml"
SHORT = (
    "threads=1",
    "vision={steps: 3, batch: 2}",
    "joint={steps: 3, batch: 2}",
    "optim.warmup_steps=1",
    "data.vocab=320",
    "questions=2",
    "pairs=0.5",
    "save_every=1",
    "log_every=1",
)
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
TAIL = "<|im_end|>\n<|im_start|>assistant\n"


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def ask(views, text, answer):
    prefix = "<|im_start|>user\n" + PICTURE * len(views)
    said = f"<think></think><answer>{answer}</answer><|im_end|>"
    return Question(views, prefix, text + TAIL, said, "exists", {"text": answer})


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (4, 96, 96, 3), dtype=np.uint8)
    cells = rng.integers(0, 4, (4, 36, len(HEADS)), dtype=np.int16)
    cells[:, ::3, 2:] = IGNORE
    questions = [ask((v,), f"Is there a mug {n}?", "yes") for v in range(4) for n in range(3)]
    questions += [ask((v, v + 1), "Which is it?", "B") for v in range(3)]
    return Corpus.join([Shot(pictures, cells, tuple(questions))])


def short(*more):
    return recipe.load(RECIPE, (*SHORT, *more), PretrainConfig)


def test_a_killed_pretraining_goes_on_to_the_same_weights(tmp_path, corpus, monkeypatch):
    def train(name):
        base.train(short(), tmp_path / name, corpus, SMALL, Progress(mode="none"))
        return checkpoint.last_complete(tmp_path / name / "checkpoints")

    whole = train("whole")
    step, usual = 0, PretrainTrainer.training_step

    def die(*args, **kwargs):
        nonlocal step
        step += 1
        if step == 5:  # the second of the joint stage
            raise Killed
        return usual(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(PretrainTrainer, "training_step", die)
        train("cut")
    again = train("cut")
    assert whole.name == again.name == "checkpoint-6"
    for file in ("model.safetensors", "heads.safetensors"):
        one, two = load_file(whole / file), load_file(again / file)
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one)
    lines = [
        (tmp_path / name / "metrics.jsonl").read_text().count("\n") for name in ("whole", "cut")
    ]
    assert lines == [6, 6]
    assert base.minutes_spent(tmp_path / "whole") > 0
    assert "heads" not in " ".join(load_file(whole / "model.safetensors"))
    assert "seestep_packed" not in (whole / "config.json").read_text()


def test_both_stages_lower_their_loss(tmp_path, corpus):
    """Learnt by heart: the answers of this corpus never change."""
    config = short(
        "vision={steps: 20, batch: 4}",
        "joint={steps: 30, batch: 4}",
        "optim.lr=1e-2",
        "optim.vision_lr=1e-2",
        "save_every=100",
    )
    base.train(config, tmp_path, corpus, SMALL, Progress(mode="none"))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[19]["aux_type"] < 0.9 * lines[0]["aux_type"]
    assert lines[-1]["answers"] < 0.2 * lines[20]["answers"]
    assert {"vision", "projector", "language"} == lines[0]["lr"].keys()


def test_a_folder_of_another_recipe_is_refused_and_a_finished_one_is_left_alone(tmp_path, corpus):
    config, silent = short(), Progress(mode="none")
    base._claim(tmp_path, config, SMALL)
    save(base._start(config, tmp_path / "start", corpus, SMALL), tmp_path / "checkpoint")
    kept = base.pretrain(config, tmp_path, shape=SMALL, progress=silent)
    assert load(kept).model.config.text_config.hidden_size == SMALL.hidden
    base.pretrain(short("threads=2", "log_every=7"), tmp_path, shape=SMALL, progress=silent)
    with pytest.raises(RunError, match="another recipe"):
        base.pretrain(short("optim.lr=1e-3"), tmp_path, shape=SMALL, progress=silent)


def test_homes_cannot_be_learnt_from_and_tested_on():
    with pytest.raises(RecipeError, match="share homes"):
        short("data.probe.first=10")
    with pytest.raises(RecipeError, match="purpose"):
        short("data.probe.purpose=suite")


def test_the_learning_rate_warms_up_and_falls_to_its_lowest_in_each_stage():
    config = short("joint.steps=1000", "optim.warmup_steps=10")
    rates = [floored_cosine(config.optim, k, 1000) for k in range(1000)]
    assert rates[0] == pytest.approx(0.1, rel=1e-3)
    assert max(rates) == pytest.approx(1, rel=1e-3)
    assert rates[-1] == pytest.approx(config.optim.lowest, rel=1e-2)
    assert [config.place(k) for k in (0, 2, 3, 1002)] == [(0, 0), (0, 2), (1, 0), (1, 999)]


def test_heads_are_taught_only_where_there_is_something_to_tell():
    heads = make_heads(8, (3, 4), seed=0)
    assert torch.equal(heads[0].weight, make_heads(8, (3, 4), seed=0)[0].weight)
    seen, cells = torch.randn(5, 8), torch.full((5, len(HEADS)), IGNORE)
    cells[1, 0], cells[4, 0] = 2, 0
    losses = cell_losses(heads, seen, cells)
    logp = heads[0](seen).log_softmax(-1)
    assert losses[0].item() == pytest.approx(-(logp[1, 2] + logp[4, 0]).item() / 2, rel=1e-5)
    assert [x.item() for x in losses[1:]] == [0.0] * 8
