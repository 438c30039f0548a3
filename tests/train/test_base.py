"""Pretraining goes on where it was killed, is held to its recipe, and leaves no heads behind."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from seestep import recipe
from seestep.errors import DataError, RecipeError, RunError
from seestep.models.load import load, save
from seestep.models.processor import Patches
from seestep.models.tiny.build import SMALL, build
from seestep.progress import Progress
from seestep.train import checkpoint
from seestep.train.base import pretrain as base
from seestep.train.base.asked import COLORS, TYPES
from seestep.train.base.config import PretrainConfig
from seestep.train.base.corpus import (
    BINS,
    HEADS,
    IGNORE,
    STANDS_FOR,
    Corpus,
    Question,
    Shot,
    label_cells,
    mirrored,
    moved,
    relit,
)
from seestep.train.base.lessons import Lessons
from seestep.train.base.pack import Packer
from seestep.train.base.trainer import (
    Named,
    PretrainTrainer,
    cell_losses,
    make_heads,
    name_losses,
)
from seestep.train.optimise import floored_cosine

RECIPE = Path(__file__).parents[2] / "recipes" / "tiny" / "base.yaml"
SHORT = (
    "threads=1",
    "vision={steps: 3, batch: 2}",
    "joint={steps: 3, batch: 2}",
    "settle=null",
    "phases=[{steps: 1, weights: {exists: 1, list: 1}}]",
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
    cells[..., STANDS_FOR] %= 2
    cells[:, ::3, 2:] = IGNORE
    questions = [ask((v,), f"Is there a mug {n}?", "yes") for v in range(4) for n in range(3)]
    questions += [ask((v, v + 1), "Which is it?", "B") for v in range(3)]
    return Corpus.join([Shot(pictures, cells, tuple(questions))])


def short(*more):
    return recipe.load(RECIPE, (*SHORT, *more), PretrainConfig)


def made_lessons(config, corpus, loaded=None):
    loaded = loaded or build("qwen3_vl", shape=SMALL)
    tokenizer = loaded.tokenizer
    packer = Packer(
        lambda text: list(tokenizer(text).input_ids), image_id=loaded.model.config.image_token_id,
        pad_id=tokenizer.pad_token_id, grid=6, form_weight=0.2,
    )  # fmt: skip
    return Lessons(config, corpus, packer, Patches(loaded.processor.image_processor))


FROZEN = ("joint={steps: 3, batch: 2, freeze: [vision]}", "states_mb=8")


SETTLED = ("joint={steps: 1, batch: 2}", "settle={steps: 2, batch: 2}")


@pytest.mark.parametrize("more", [(), FROZEN, SETTLED])
def test_a_killed_pretraining_goes_on_to_the_same_weights(tmp_path, corpus, monkeypatch, more):
    def train(name):
        base.train(short(*more), tmp_path / name, corpus, SMALL, Progress(mode="none"))
        return checkpoint.last_complete(tmp_path / name / "checkpoints")

    whole = train("whole")
    step, usual = 0, PretrainTrainer.training_step

    def die(*args, **kwargs):
        nonlocal step
        step += 1
        if step == 5:  # the second after the vision stage
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


def test_a_stage_leaves_alone_what_it_freezes(tmp_path, corpus):
    base.train(short(*FROZEN), tmp_path, corpus, SMALL, Progress(mode="none"))
    seen, asked = (
        load_file(tmp_path / "checkpoints" / f"checkpoint-{n}" / "model.safetensors")
        for n in (5, 6)
    )
    for name in seen:
        tower = ".visual." in name and "merger" not in name
        assert torch.equal(seen[name], asked[name]) == tower, name


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
    assert lines[-1]["answers"] < 0.3 * lines[20]["answers"]
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


def test_what_settles_asks_with_weights_of_its_own():
    questions = [
        msgspec.structs.replace(ask((0,), f"{name} {n}?", "yes"), ability=name)
        for name in ("exists", "color")
        for n in range(20)
    ]
    pictures = np.zeros((1, 96, 96, 3), dtype=np.uint8)
    cells = np.zeros((1, 36, len(HEADS)), dtype=np.int16)
    corpus = Corpus.join([Shot(pictures, cells, tuple(questions))])
    more = "settle={steps: 2, batch: 3, weights: {color: 1, exists: 0}}", "questions=8", "phases=[]"
    config = short(*more)
    lessons = made_lessons(config, corpus)
    rng = np.random.default_rng(0)
    for stage, names in ((config.joint, {"exists", "color"}), (config.settle, {"color"})):
        drawn = lessons._draw(stage, rng, None)
        assert len(drawn) == stage.batch
        assert {q.ability for group in drawn for q in group} == names
    assert [name for name, _ in config.stages] == ["vision", "joint", "settle"]
    assert [config.place(k) for k in (5, 6, 7, 8)] == [(1, 2), (2, 0), (2, 1), (2, 2)]
    with pytest.raises(RecipeError, match="every stage"):
        short("settle={steps: 0, batch: 1}")


def test_the_learning_rate_warms_up_and_falls_to_its_lowest_in_each_stage():
    config = short("joint.steps=1000", "optim.warmup_steps=10")
    rates = [floored_cosine(config.optim, k, 1000) for k in range(1000)]
    assert rates[0] == pytest.approx(0.1, rel=1e-3)
    assert max(rates) == pytest.approx(1, rel=1e-3)
    assert rates[-1] == pytest.approx(config.optim.lowest, rel=1e-2)
    assert [config.place(k) for k in (0, 2, 3, 1002)] == [(0, 0), (0, 2), (1, 0), (1, 999)]


def test_heads_are_taught_only_where_there_is_something_to_tell():
    loaded = build("qwen3_vl", shape=SMALL)
    heads = make_heads(loaded, seed=0)
    assert torch.equal(heads[2].weight, make_heads(loaded, seed=0)[2].weight)
    heads = heads[: len(HEADS)]
    seen, cells = torch.randn(5, SMALL.hidden), torch.full((5, len(HEADS)), IGNORE)
    cells[1, 0], cells[4, 0] = 2, 0
    losses = cell_losses(heads, seen, cells)
    logp = heads[0](seen).log_softmax(-1)
    assert losses[0].item() == pytest.approx(-(logp[1, 2] + logp[4, 0]).item() / 2, rel=1e-5)
    assert [x.item() for x in losses[1:]] == [0.0] * 10


def test_a_head_of_names_points_along_the_embeddings_of_their_words():
    embed = torch.nn.Embedding(5, 3)
    head = Named(embed, [[], [1], [2, 3]])
    seen, weight = torch.randn(4, 3), embed.weight
    means = (head.nothing, weight[1], (weight[2] + weight[3]) / 2)
    want = torch.stack([seen @ m / m.norm() for m in means], dim=1)
    assert torch.allclose(head(seen), want, atol=1e-6)
    assert {n for n, _ in head.named_parameters()} == {"nothing", "bias"}


def test_names_are_taught_where_their_things_are_and_how_many():
    heads = [torch.nn.Linear(2, 4) for _ in range(4)]
    states = torch.randn(3, 5, 2)
    named = [[2, 4, 1, 3, 1, IGNORE], [0, 0, 2, 2, 1, IGNORE], [1, 1, IGNORE, IGNORE, 3, 2]]
    x, y, count, on = name_losses(heads, states, torch.tensor(named))
    many = states[1, 1] / (states[1, 1] ** 2).mean().sqrt()
    seen = states[[2, 0], [4, 0]]
    seen = seen / (seen**2).mean(-1, keepdim=True).sqrt()  # the scale of a layer says nothing
    said = [head(seen).log_softmax(-1) for head in heads]
    assert x.item() == pytest.approx(-(said[0][0, 1] + said[0][1, 2]).item() / 2)
    assert y.item() == pytest.approx(-(said[1][0, 3] + said[1][1, 2]).item() / 2)
    told = said[2][0, 1] + said[2][1, 1] + heads[2](many).log_softmax(-1)[3]
    assert count.item() == pytest.approx(-told.item() / 3)
    assert on.item() == pytest.approx(-heads[3](many).log_softmax(-1)[2].item())


def test_a_mirrored_picture_is_labelled_as_the_mirrored_scene_would_be():
    picture = np.arange(2 * 12 * 12 * 3, dtype=np.uint8).reshape(2, 12, 12, 3)
    scene = np.zeros((12, 12), dtype=np.int32)
    scene[1:4, 2:5], scene[6:11, 9:12] = 1, 2
    depth = np.linspace(0.5, 5, 144, dtype=np.float32).reshape(12, 12)
    kinds = [(3, 1, 5), (5, 2, 0)]
    cells = np.stack([label_cells(scene, kinds, depth, 4, first=[True, True])] * 2)
    turned, told = mirrored(picture, cells)
    assert np.array_equal(turned, picture[:, :, ::-1])
    want = label_cells(scene[:, ::-1], kinds, depth[:, ::-1], 4, first=[True, True])
    assert np.array_equal(told[0] == IGNORE, want == IGNORE)
    same = [HEADS.index(name) for name in ("type", "color", "y", "top", "bottom", "depth", "on")]
    same.append(STANDS_FOR)
    assert np.array_equal(told[1][:, same], want[:, same])
    # bounds are those of a thing's outermost pixels, so its mirrored ones lie one pixel off
    assert np.abs(told[0] - want).max() <= np.ceil(BINS / 12)
    assert np.array_equal(mirrored(turned, told)[1], cells)


def test_a_moved_picture_tells_the_moved_places():
    side = 3 * BINS  # three pixels a bin
    scene = np.zeros((side, side), dtype=np.int32)
    scene[22:28, 37:43] = 1  # well inside one of 6 x 6 tokens, before and after
    picture = np.repeat(scene[None, ..., None] * 200, 3, axis=3).astype(np.uint8)
    cells = label_cells(scene, [(3, 1, 0)], None, 6)
    after, told = moved(picture, cells[None], 1, -1)
    there = np.roll(scene, (-3, 3), axis=(0, 1))
    assert np.array_equal(after[0, ..., 0] > 0, there > 0)
    assert np.array_equal(told[0], label_cells(there, [(3, 1, 0)], None, 6))
    assert (cells[:, 2] == 13).sum() == 1 and (told[0, :, 2] == 14).sum() == 1
    far = moved(picture, cells[None], BINS, 0)[1]
    assert far.max() <= BINS - 1 and np.array_equal(far == IGNORE, cells[None] == IGNORE)
    ramp = np.tile(np.arange(side, dtype=np.uint8)[None, None, :, None], (1, side, 1, 3))
    edge = moved(ramp, cells[None], 2, 0)[0]
    assert edge[0, 0, :8, 0].tolist() == [0] * 7 + [1]


def test_a_relit_picture_is_a_little_brighter_or_darker():
    picture = np.full((64, 16, 16, 3), 100, dtype=np.uint8)
    made = relit(picture, np.random.default_rng(0), 0.15, 3.0)
    assert made.dtype == np.uint8 and made.shape == picture.shape
    means, within = made.mean(axis=(1, 2, 3)), made.std(axis=(1, 2, 3))
    assert 84 < means.min() < 90 and 110 < means.max() < 116
    assert np.all((within > 2.5) & (within < 3.5))
    white = relit(np.full((64, 4, 4, 3), 255, "u1"), np.random.default_rng(1), 0.15, 3.0)
    assert white.min() > 200 and (white == 255).mean() > 0.3  # full, not wrapped to black


def test_the_vision_stage_may_learn_faster_than_the_tower_does_later():
    steps = ("vision.steps=200", "joint.steps=200")
    config = short("optim.lr=2e-3", "optim.vision_lr=5e-4", "vision.lr=2e-3", *steps)
    trainer = PretrainTrainer.__new__(PretrainTrainer)
    trainer._recipe = config
    rates = [trainer.rate(step, config.steps) for step in range(config.steps)]
    told = config.vision.steps
    assert max(rates[:told]) * config.optim.rate("vision") == pytest.approx(2e-3, rel=0.05)
    assert max(rates[told:]) == pytest.approx(1, rel=0.05)


def test_choices_are_asked_in_words_too_where_the_recipe_says_so(corpus):
    letters = "Where is it?\nA. left\nB. right\nAnswer with the option's letter from the given"
    side = msgspec.structs.replace(
        corpus.groups[0][0],
        suffix=f"{letters} choices directly.<|im_end|>\n<|im_start|>assistant\n",
        completion="<think></think><answer>B</answer><|im_end|>",
        ability="side",
    )
    asked = Corpus(corpus.pictures, corpus.cells, [[side]])
    told = {
        words: [q.ability for q in made_lessons(short(f"words={words}"), asked).pools[0][0]]
        for words in ("[side]", "[nearer]")
    }
    assert "side words" in told["[side]"] and "side words" not in told["[nearer]"]
    found = made_lessons(short("letters=[side]"), asked).pools[0][0]
    (letter,) = [q for q in found if q.ability == "side letter"]
    assert letter.suffix.startswith("The answer is right. Which option is it?\nA. left\nB. right\n")
    assert "Where is it" not in letter.suffix and letter.completion == side.completion


def test_each_phase_asks_what_it_names_then_everything_is_asked(corpus):
    phases = "phases=[{steps: 1, weights: {list: 1}}, {steps: 1, weights: {extreme: 1}}]"
    config = short(phases, "joint.steps=4", "pairs=0")
    cells = corpus.cells.copy()
    cells[..., 0], cells[..., 1] = TYPES.index("Mug"), COLORS.index("red")
    cells[..., 2:4] = 20, 5
    cells[:, 0, 2] = 3
    named = Corpus(corpus.pictures, cells, corpus.groups)
    loaded = build("qwen3_vl", shape=SMALL)
    lessons, tokenizer = made_lessons(config, named, loaded), loaded.tokenizer
    told = [tokenizer.decode(lessons([3 + k])["input_ids"][0]) for k in range(4)]
    assert ["List the things." in text for text in told][:2] == [True, False]
    assert ["most thing?" in text for text in told][:2] == [False, True]
    assert ["Is there a mug" in text for text in told] == [False, False, True, True]
    with pytest.raises(DataError, match="no question of a phase"):
        made_lessons(short("phases=[{steps: 1, weights: {depth: 1}}]"), named, loaded)


@pytest.mark.parametrize("wrong", ["phases=[{steps: 9, weights: {exists: 1}}]",
                                   "phases=[{steps: 0, weights: {exists: 1}}]",
                                   "phases=[{steps: 1, weights: {}}]"])  # fmt: skip
def test_phases_without_steps_or_questions_are_refused(wrong):
    with pytest.raises(RecipeError, match="phase"):
        short(wrong)
