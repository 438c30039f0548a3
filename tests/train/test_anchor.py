"""Replayed samples are held to what the model said before the stage."""

import json
import math
import shutil

import msgspec
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from seestep.errors import RecipeError, RunError
from seestep.models import load as models
from seestep.models.load import load
from seestep.models.tiny.build import SMALL, build
from seestep.models.tiny.tokenizer import train_tokenizer
from seestep.train import stages
from seestep.train.collate import Collator, Pictures
from seestep.train.config import Anchor, Batch, Data, Lora, Optim
from seestep.train.forward import answer_logits
from seestep.train.losses import anchored, token_nll
from seestep.train.trainer import SftTrainer

HELD = Anchor(share=0.75)
AGAIN = Data(replay=("given",), replay_share=0.5, most_dropped=0.0)


@pytest.fixture
def held(checkpoints, make):
    """A recipe whose every step shows three records of its own and three replayed."""

    def recipe(family, **changes):
        base = {"batch": Batch(effective=6, micro=2), "data": AGAIN, "anchor": HELD, "max_steps": 2}
        return make.sft(checkpoints[family], **(base | changes))

    return recipe


@pytest.fixture
def rows(make):
    """Records of the stage, and those that are replayed; one of these has no picture."""
    made = make.records(6)
    return {"records": made[:3], "replay": made[3:]}


def lines(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def weights(out):
    return load_file(out / "final" / "model.safetensors")


def by_hand(config, model, rows, roots):
    """Loss of a step, and the mean KL(start || model) of replayed tokens, in plain torch."""
    spoken = stages.speaker(config, roots)
    collate = Collator(spoken.encoder, Pictures(spoken.encoder, spoken.processor.image_processor))
    own, again = (collate([spoken.encoder(r) for r in rows[k]]) for k in ("records", "replay"))
    start = load(config.anchor.to or config.model).model
    taught = token_nll(answer_logits(model, own), own["targets"])
    said = answer_logits(model, again).log_softmax(-1)
    with torch.no_grad():
        before = answer_logits(start, again).log_softmax(-1)
    drift = F.kl_div(said, before, log_target=True, reduction="none").sum(-1)
    entropy = torch.distributions.Categorical(logits=before).entropy()
    told = F.nll_loss(said, again["targets"], reduction="none")
    kept = (1 - config.anchor.share) * told + config.anchor.share * (drift + entropy)
    power = {"token": 0.0, "square": -0.5, "sample": -1.0}[config.average]
    weights = torch.cat([torch.bincount(b["rows"])[b["rows"]] for b in (own, again)]) ** power
    loss = (weights * torch.cat([taught, kept])).sum() / weights.sum()
    return loss, drift.mean().item()


def test_the_cost_is_that_of_a_hand_sum():
    start = torch.tensor([[0.75, 0.25], [0.5, 0.5]]).log()
    logits = torch.zeros(2, 2, requires_grad=True)
    found = anchored(logits, start)
    torch.testing.assert_close(found.loss, torch.full((2,), math.log(2)))
    entropy = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    torch.testing.assert_close(found.drift, torch.tensor([math.log(2) - entropy, 0.0]))
    found.loss.sum().backward()
    torch.testing.assert_close(logits.grad, torch.tensor([[-0.25, 0.25], [0.0, 0.0]]))


def test_a_certain_start_costs_what_its_token_costs_and_no_nan():
    start = torch.tensor([[200.0, 0.0, -200.0]])
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    found = anchored(logits, start)
    torch.testing.assert_close(found.loss, token_nll(logits, torch.tensor([0])))
    torch.testing.assert_close(found.drift, found.loss)


def test_a_step_is_the_one_of_plain_torch(family, held, rows, roots, tmp_path):
    config = held(family, save_steps=1, optim=Optim(lr=1e-2, warmup_steps=0, schedule="constant"))
    stages.run_sft(config, tmp_path / "out", roots=roots, **rows)
    first, second = lines(tmp_path / "out")
    model = load(config.model).model
    loss, drift = by_hand(config, model, rows, roots)
    loss.backward()
    norm = torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm()
    assert first["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert first["grad_norm"] == pytest.approx(norm.item(), rel=1e-4)
    assert abs(drift) < 1e-6 and abs(first["drift"]) < 1e-6
    moved = load(tmp_path / "out" / "checkpoints" / "checkpoint-1").model
    loss, drift = by_hand(config, moved, rows, roots)
    assert second["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert second["drift"] == pytest.approx(drift, rel=1e-3) and drift > 0.01


def test_a_held_model_says_what_it_said(held, rows, roots, tmp_path):
    drifts = {}
    for name, anchor in (("free", None), ("held", Anchor(share=1.0))):
        config = held("qwen3_vl", anchor=anchor, max_steps=12)
        stages.run_sft(config, tmp_path / name, roots=roots, **rows)
        told = load(tmp_path / name / "final").model
        drifts[name] = by_hand(held("qwen3_vl"), told, rows, roots)[1]
        assert ("drift" in lines(tmp_path / name)[0]) == (anchor is not None)
    assert 0 < drifts["held"] < 0.7 * drifts["free"]


@pytest.mark.parametrize("lora", [None, Lora(rank=4)])
def test_a_stage_can_hold_to_what_an_earlier_one_started_from(
    lora, held, rows, roots, tmp_path, watched
):
    first = held("qwen3_vl", freeze=("vision",), optim=Optim(lr=1e-2, warmup_steps=0))
    stages.run_sft(first, tmp_path / "first", roots=roots, **rows)
    config = msgspec.structs.replace(
        first,
        model=str(tmp_path / "first" / "final"),
        anchor=Anchor(share=0.75, to=first.model),
        lora=lora,
        states_mb=8,
    )
    stages.run_sft(config, tmp_path / "second", roots=roots, **rows)
    loss, drift = by_hand(config, load(config.model).model, rows, roots)
    told = lines(tmp_path / "second")[0]
    assert told["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert told["drift"] == pytest.approx(drift, rel=1e-3) and drift > 0.01
    assert [(s.made, s.ahead, s.alone) for s in watched] == [(4, 4, 0)]  # the tower is the same
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(first.model, elsewhere)
    moved = msgspec.structs.replace(config, anchor=Anchor(share=0.75, to=str(elsewhere)))
    stages.run_sft(moved, tmp_path / "second", roots=roots, **rows)  # done: the same weights
    other = msgspec.structs.replace(config, anchor=HELD)
    with pytest.raises(RunError, match="another recipe"):
        stages.run_sft(other, tmp_path / "second", roots=roots, **rows)


def test_another_tower_looks_for_itself(held, rows, roots, tmp_path, watched):
    first = held("qwen3_vl", optim=Optim(lr=1e-2, warmup_steps=0))
    stages.run_sft(first, tmp_path / "first", roots=roots, **rows)
    config = msgspec.structs.replace(
        first,
        model=str(tmp_path / "first" / "final"),
        anchor=Anchor(share=0.75, to=first.model),
        freeze=("vision",),
        states_mb=8,
    )
    stages.run_sft(config, tmp_path / "second", roots=roots, **rows)
    _, drift = by_hand(config, load(config.model).model, rows, roots)
    assert lines(tmp_path / "second")[0]["drift"] == pytest.approx(drift, rel=1e-3)
    assert watched[0].made == 4


def test_a_model_of_other_tokens_is_refused(held, rows, roots, tmp_path):
    other = tmp_path / "other"
    tokens = train_tokenizer(["another home"], vocab=290)
    models.save(build("qwen3_vl", shape=SMALL, tokenizer=tokens), other)
    config = held("qwen3_vl", anchor=Anchor(share=0.5, to=str(other)))
    with pytest.raises(RunError, match="other tokens"):
        stages.run_sft(config, tmp_path / "out", roots=roots, **rows)


def test_under_adapters_the_start_is_the_model_without_them(held, rows, roots, tmp_path):
    config = held("qwen3_vl", lora=Lora(rank=4), freeze=("vision",))
    stages.run_sft(config, tmp_path / "out", roots=roots, **rows)
    first, second = lines(tmp_path / "out")
    loss, _ = by_hand(config, load(config.model).model, rows, roots)
    assert first["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert abs(first["drift"]) < 1e-6 < second["drift"]


@pytest.mark.parametrize("lora", [None, Lora(rank=2)])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_start_and_model_share_what_a_frozen_tower_saw(
    precision, lora, held, rows, roots, tmp_path, watched
):
    found = []
    for mb in (0, 8):
        config = held("qwen3_vl", freeze=("vision",), states_mb=mb, precision=precision, lora=lora)
        stages.run_sft(config, tmp_path / str(mb), roots=roots, **rows)
        found.append([(line["loss"], line["drift"]) for line in lines(tmp_path / str(mb))])
    rel = 1e-5 if precision == "fp32" else 2e-2
    for (loss, drift), (wanted, far) in zip(*found, strict=True):
        assert loss == pytest.approx(wanted, rel=rel) and drift == pytest.approx(far, abs=2e-3)
    (seen,) = watched
    assert (seen.made, seen.ahead, seen.alone) == (4, 4, 0)


def test_a_start_whose_tower_would_learn_looks_for_itself(held, rows, roots, tmp_path, watched):
    config = held("qwen3_vl", states_mb=8)
    stages.run_sft(config, tmp_path / "out", roots=roots, **rows)
    assert [(s.made, s.found) for s in watched] == [(0, 0)]
    assert abs(lines(tmp_path / "out")[0]["drift"]) < 1e-6


@pytest.mark.parametrize("lora", [None, Lora(rank=2, dropout=0.2)])
def test_a_killed_run_holds_to_the_same_start(lora, held, rows, roots, tmp_path, monkeypatch):
    config = held("qwen3_vl", save_steps=2, max_steps=4, freeze=("vision",), states_mb=8, lora=lora)
    stages.run_sft(config, tmp_path / "whole", roots=roots, **rows)
    real = SftTrainer.training_step

    def die(self, *args, **kwargs):
        if self.state.global_step == 3:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SftTrainer, "training_step", die)
        stages.run_sft(config, tmp_path / "cut", roots=roots, **rows)
    stages.run_sft(config, tmp_path / "cut", roots=roots, **rows)
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(whole[k], cut[k]) for k in whole)


@pytest.mark.parametrize(
    ("average", "recompute"), [("square", False), ("sample", True), ("token", True)]
)
def test_what_is_held_weighs_and_is_recomputed_as_all_else(
    average, recompute, held, rows, roots, tmp_path
):
    config = held("qwen3_vl", average=average, gradient_checkpointing=recompute)
    stages.run_sft(config, tmp_path / "out", roots=roots, **rows)
    plain = msgspec.structs.replace(config, anchor=None, gradient_checkpointing=False)
    stages.run_sft(plain, tmp_path / "plain", roots=roots, **rows)
    loss, _ = by_hand(config, load(config.model).model, rows, roots)
    assert lines(tmp_path / "out")[0]["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert lines(tmp_path / "out")[0]["loss"] != lines(tmp_path / "plain")[0]["loss"]


def test_an_anchor_without_replay_is_refused(held, rows, roots, tmp_path):
    config = msgspec.structs.replace(held("qwen3_vl"), data=Data())
    with pytest.raises(RecipeError, match="nothing is replayed"):
        stages.run_sft(config, tmp_path / "out", records=rows["records"], roots=roots)
