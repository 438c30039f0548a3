"""DPO: the loss of the paper and of TRL, a reference computed once, and the chosen held up."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file

from seestep.errors import RunError
from seestep.models.load import load
from seestep.records import Freeform
from seestep.train import dpo as dpo_module
from seestep.train import stages
from seestep.train.collate import Collator, Pictures
from seestep.train.config import Batch, Optim
from seestep.train.dpo import DpoTrainer
from seestep.train.losses import sigmoid_preference, sum_by_row


def lines(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_the_preference_loss_is_the_hand_sum():
    found = sigmoid_preference(
        torch.tensor([-1.0]),
        torch.tensor([-4.0]),
        torch.tensor([-2.0]),
        torch.tensor([-3.0]),
        beta=0.5,
        label_smoothing=0.1,
    )
    margin = 0.5 * ((-1 + 2) - (-4 + 3))
    loss = 0.9 * math.log(1 + math.exp(-margin)) + 0.1 * math.log(1 + math.exp(margin))
    assert found.loss.item() == pytest.approx(loss)
    assert (found.chosen_reward.item(), found.rejected_reward.item()) == (0.5, -0.5)


def test_sums_go_to_their_row():
    found = sum_by_row(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 0]), 3)
    assert found.tolist() == [5.0, 0.0, 2.0]


def test_the_first_step_has_no_margin_and_the_sft_term_of_the_chosen(
    family, checkpoints, roots, make, tmp_path
):
    config = make.dpo(checkpoints[family], max_steps=1, batch=Batch(effective=6, micro=3))
    stages.run_dpo(config, tmp_path, pairs=make.pairs(6), roots=roots)
    spoken = stages.speaker(config, roots)
    pictures = Pictures(spoken.encoder, spoken.processor.image_processor)
    samples = [spoken.encoder(p) for p in make.pairs(6)]
    batch = Collator(spoken.encoder, pictures, layout="split")(samples)
    with torch.no_grad():
        model = load(checkpoints[family]).model
        logp = dpo_module.answer_logp(model, batch)
    chosen = batch["rows"] % 2 == 0
    wanted = math.log(2) - logp[chosen].mean().item()
    (line,) = lines(tmp_path)
    assert line["loss"] == pytest.approx(wanted, rel=1e-5)
    assert line["margin"] == pytest.approx(0, abs=1e-5)
    assert line["chosen_per_token"] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("change", [{"layout": "split"}, {"batch": Batch(effective=4, micro=1)}])
def test_layout_and_accumulation_change_no_step(change, checkpoints, roots, make, tmp_path):
    ends = []
    constant = Optim(lr=1e-3, warmup_steps=0, schedule="constant")
    base = {"batch": Batch(effective=4, micro=2), "max_steps": 2, "optim": constant}
    for name, options in (("base", base), ("changed", {**base, **change})):
        config = make.dpo(checkpoints["qwen3_vl"], **options)
        stages.run_dpo(config, tmp_path / name, pairs=make.pairs(6), roots=roots)
        ends.append(lines(tmp_path / name))
    for one, other in zip(*ends, strict=True):
        for name in ("loss", "grad_norm", "preference_loss", "accuracy", "chosen_per_token"):
            assert other[name] == pytest.approx(one[name], rel=1e-4, abs=1e-5)


def test_preference_grows_and_the_chosen_is_held_up(checkpoints, roots, make, tmp_path):
    config = make.dpo(checkpoints["qwen3_vl"], epochs=6.0, optim=Optim(lr=5e-3, warmup_steps=1))
    stages.run_dpo(config, tmp_path, pairs=make.pairs(6), roots=roots)
    last = lines(tmp_path)[-1]
    assert last["accuracy"] == 1.0 and last["margin"] > 0.5
    assert last["chosen_per_token"] > 0 > last["rejected_per_token"] - last["chosen_per_token"]


def test_without_the_sft_term_displacement_is_seen_and_stops_the_run(
    checkpoints, roots, make, tmp_path
):
    # The rejected answer is the chosen one but for its end, so both are pushed down together.
    twins = [
        type(p)(**{**_fields(p), "rejected": Freeform(text=p.chosen.text + " now")})
        for p in make.pairs(6)
    ]
    config = make.dpo(
        checkpoints["qwen3_vl"],
        epochs=20.0,
        sft_weight=0.0,
        beta=0.05,
        optim=Optim(lr=1e-2, warmup_steps=0, schedule="constant"),
        displacement_window=3,
        displacement_stop=0.02,
    )
    stages.run_dpo(config, tmp_path, pairs=twins, roots=roots)
    result = stages.read_result(tmp_path)
    assert result.stopped.startswith("displacement") and result.steps < 60
    assert lines(tmp_path)[-1]["chosen_per_token"] < 0
    assert lines(tmp_path)[-1]["accuracy"] > 0.5  # which shows nothing of it


def _fields(noun):
    return {name: getattr(noun, name) for name in noun.__struct_fields__}


def test_the_reference_is_computed_once_and_a_killed_run_ends_bit_equal(
    family, checkpoints, roots, make, tmp_path, monkeypatch
):
    config = make.dpo(checkpoints[family], save_steps=1)
    args = {"pairs": make.pairs(6), "roots": roots}
    stages.run_dpo(config, tmp_path / "whole", **args)
    real = DpoTrainer.step_loss

    def dying(self, model, batch, total):
        if self.state.global_step == 2:
            raise KeyboardInterrupt
        return real(self, model, batch, total)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(DpoTrainer, "step_loss", dying)
        stages.run_dpo(config, tmp_path / "cut", **args)
    with monkeypatch.context() as patch:
        patch.setattr(dpo_module, "completion_logp", None)  # would fail if called again
        stages.run_dpo(config, tmp_path / "cut", **args)
    files = [tmp_path / n / "final" / "model.safetensors" for n in ("whole", "cut")]
    one, other = map(load_file, files)
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_a_resumed_run_stops_for_displacement_where_a_whole_one_does(
    checkpoints, roots, make, tmp_path, monkeypatch
):
    pairs = make.pairs(4)
    config = make.dpo(
        checkpoints["qwen3_vl"],
        save_steps=1,
        max_steps=6,
        layout="split",
        displacement_window=3,
        displacement_stop=-1e9,  # any mean is below it: the window alone decides
    )
    args = {"pairs": pairs, "roots": roots}
    real = DpoTrainer.step_loss

    def dying(self, model, batch, total):
        if self.state.global_step == 2:
            raise KeyboardInterrupt
        return real(self, model, batch, total)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(DpoTrainer, "step_loss", dying)
        stages.run_dpo(config, tmp_path, **args)
    stages.run_dpo(config, tmp_path, **args)
    assert stages.read_result(tmp_path).steps == 3


def test_a_reference_of_another_model_is_refused(checkpoints, roots, make, tmp_path):
    config = make.dpo(checkpoints["qwen3_vl"])
    (tmp_path / "reference.json").write_text('{"fingerprint": "other", "pairs": {}}')
    with pytest.raises(RunError, match="another model or other pairs"):
        stages.run_dpo(config, tmp_path, pairs=make.pairs(6), roots=roots)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")  # TRL is behind
def test_the_loss_is_that_of_trl(checkpoints, roots, make, tmp_path):
    import datasets
    import trl

    rows = []
    spoken = stages.speaker(make.dpo(checkpoints["qwen3_vl"]), roots)
    tokenizer = spoken.processor.tokenizer
    texts = [
        type(p)(**{**_fields(p), "media": (), "turns": (_text_only(p.turns[0]),)})
        for p in make.pairs(4)
    ]
    for pair in texts:
        sample = spoken.encoder(pair)
        say = {
            "prompt": tokenizer.decode(sample.prompt),
            "chosen": tokenizer.decode(sample.completions[0][:-1]),
            "rejected": tokenizer.decode(sample.completions[1][:-1]),
        }
        rows.append(say)
    policy = make.sft(checkpoints["qwen3_vl"], max_steps=3, optim=Optim(lr=5e-3, warmup_steps=0))
    moved = stages.run_sft(policy, tmp_path / "policy", records=make.records(), roots=roots)
    args = trl.DPOConfig(
        output_dir=str(tmp_path / "trl"),
        per_device_train_batch_size=4,
        max_steps=1,
        learning_rate=0.0,
        beta=0.1,
        loss_type=["sigmoid", "sft"],
        loss_weights=[1.0, 1.0],
        max_length=None,
        bf16=False,
        use_cpu=True,
        activation_checkpointing=False,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = trl.DPOTrainer(
        model=load(moved).model,
        ref_model=load(checkpoints["qwen3_vl"]).model,
        args=args,
        processing_class=tokenizer,
        train_dataset=datasets.Dataset.from_list(rows),
    )
    trainer.train()
    wanted = trainer.state.log_history[0]

    pictures = Pictures(spoken.encoder, spoken.processor.image_processor)
    samples = [spoken.encoder(p) for p in texts]
    batch = Collator(spoken.encoder, pictures, layout="shared")(samples)
    with torch.no_grad():
        sums = []
        for model in (load(moved).model, load(checkpoints["qwen3_vl"]).model):
            logp = dpo_module.answer_logp(model, batch)
            sums.append(sum_by_row(logp, batch["rows"], 8).view(-1, 2))
            if len(sums) == 1:
                sft = -logp[batch["rows"] % 2 == 0].mean()
        (now, before) = sums
        found = sigmoid_preference(now[:, 0], now[:, 1], before[:, 0], before[:, 1], beta=0.1)
    margins = (found.chosen_reward - found.rejected_reward).mean().item()
    assert margins == pytest.approx(wanted["rewards/margins"], abs=1e-4)
    assert (found.loss.mean() + sft).item() == pytest.approx(wanted["loss"], abs=1e-4)


def _text_only(turn):
    return type(turn)(role=turn.role, parts=turn.parts[1:])
