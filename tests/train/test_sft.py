"""SFT: the loss is per answer token of the global batch, and a killed run ends like a whole one."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from seestep import ledger
from seestep.errors import DataError, RecipeError, RunError
from seestep.models import card as cards
from seestep.models.load import load
from seestep.train import checkpoint, stages
from seestep.train.collate import Collator, Pictures
from seestep.train.config import Batch, Data, Lora, Optim
from seestep.train.forward import answer_logp
from seestep.train.optimise import parameter_groups
from seestep.train.trainer import SftTrainer, group_of


def lines(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def losses(out):
    return [(line["step"], line["loss"], line["grad_norm"]) for line in lines(out)]


def weights(out):
    return load_file(out / "final" / "model.safetensors")


def same_weights(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


# --- the loss ---------------------------------------------------------------------------------


def test_the_loss_is_that_of_the_model_itself_with_the_prompt_masked(
    family, checkpoints, roots, make
):
    spoken = stages.speaker(make.sft(checkpoints[family]), roots)
    pictures = Pictures(spoken.encoder, spoken.processor.image_processor)
    samples = [spoken.encoder(r) for r in make.records(6)]
    batch = Collator(spoken.encoder, pictures)(samples)
    model = load(checkpoints[family]).model
    labels = torch.full_like(batch["input_ids"], -100)
    for i, sample in enumerate(samples):
        start = len(sample.prompt)
        end = start + sample.answer_tokens
        labels[i, start:end] = batch["input_ids"][i, start:end]
    names = ("input_ids", "attention_mask", "mm_token_type_ids", "pixel_values", "image_grid_thw")
    inputs = {k: batch[k] for k in names}
    wanted = model(**inputs, labels=labels).loss
    got = -answer_logp(model, batch).sum() / len(batch["targets"])
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("average", "power"), [("sample", -1.0), ("square", -0.5), ("token", 0)])
def test_answers_weigh_as_their_average_says(average, power, checkpoints, roots, make, tmp_path):
    spoken = stages.speaker(make.sft(checkpoints["qwen3_vl"]), roots)
    pictures = Pictures(spoken.encoder, spoken.processor.image_processor)
    model = load(checkpoints["qwen3_vl"]).model
    samples = [spoken.encoder(r) for r in make.records(6)]
    means = torch.stack(
        [-answer_logp(model, Collator(spoken.encoder, pictures)([s])).mean() for s in samples]
    )
    tokens = torch.tensor([float(s.answer_tokens) for s in samples])
    assert len(set(tokens.tolist())) > 1
    share = tokens * tokens**power
    wanted = float((means.detach() * share).sum() / share.sum())
    config = make.sft(
        checkpoints["qwen3_vl"], batch=Batch(effective=6, micro=2), max_steps=1, average=average
    )
    stages.run_sft(config, tmp_path / "out", records=make.records(6), roots=roots)
    assert lines(tmp_path / "out")[0]["loss"] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("micro", [1, 2])
def test_accumulating_small_batches_is_one_large_batch(micro, checkpoints, roots, make, tmp_path):
    ends = []
    for name, size in (("whole", 4), ("parts", micro)):
        config = make.sft(
            checkpoints["qwen3_vl"],
            batch=Batch(effective=4, micro=size),
            optim=Optim(lr=1e-3, warmup_steps=0, schedule="constant"),
            max_steps=2,
        )
        stages.run_sft(config, tmp_path / name, records=make.records(), roots=roots)
        ends.append(lines(tmp_path / name))
    for one, many in zip(*ends, strict=True):
        assert many["loss"] == pytest.approx(one["loss"], rel=1e-5)
        assert many["grad_norm"] == pytest.approx(one["grad_norm"], rel=1e-4)


def test_training_lowers_the_loss_and_the_checkpoint_loads(
    family, checkpoints, roots, make, tmp_path
):
    config = make.sft(
        checkpoints[family], max_steps=12, optim=Optim(lr=2e-2, vision_lr=1e-3, warmup_steps=2)
    )
    final = stages.run_sft(config, tmp_path / "out", records=make.records(), roots=roots)
    found = lines(tmp_path / "out")
    assert found[-1]["loss"] < 0.7 * found[0]["loss"]
    loaded = load(final)
    assert loaded.card == cards.read(final)
    assert loaded.card.frame == loaded.family.frame
    assert loaded.card.source_run == "sft"
    was, now = (
        json.loads((Path(folder) / "config.json").read_bytes())
        for folder in (checkpoints[family], final)
    )
    assert now.get("use_cache") == was.get("use_cache")  # or all who load it generate slowly


# --- what learns ------------------------------------------------------------------------------


def test_frozen_groups_do_not_move_and_the_others_do(family, checkpoints, roots, make, tmp_path):
    config = make.sft(checkpoints[family], freeze=("vision",), max_steps=1)
    stages.run_sft(config, tmp_path / "out", records=make.records(), roots=roots)
    before, after = load_file(checkpoints[family] / "model.safetensors"), weights(tmp_path / "out")
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert not {k for k in moved if "visual" in k and "merger" not in k}
    assert {k for k in moved if "merger" in k} and {k for k in moved if "visual" not in k}


def test_each_part_has_its_own_learning_rate_and_norms_do_not_decay(checkpoints, make):
    config = make.sft(
        checkpoints["qwen3_vl"],
        optim=Optim(lr=1e-3, vision_lr=1e-5, projector_lr=1e-4, weight_decay=0.1, warmup_steps=0),
    )
    model = load(config.model).model
    named = [(n, group_of(n), p) for n, p in model.named_parameters()]
    groups = parameter_groups(named, config.optim)
    assert {(g["name"], g["lr"]) for g in groups} == {
        ("vision", 1e-5),
        ("projector", 1e-4),
        ("language", 1e-3),
    }
    for group in groups:
        decays = group["weight_decay"] > 0
        assert all((p.dim() > 1) == decays for p in group["params"])
    assert sum(p.numel() for g in groups for p in g["params"]) == sum(
        p.numel() for p in model.parameters()
    )


def test_adapters_are_merged_into_a_plain_checkpoint(family, checkpoints, roots, make, tmp_path):
    config = make.sft(checkpoints[family], lora=Lora(rank=4), freeze=("vision",), max_steps=2)
    final = stages.run_sft(config, tmp_path / "out", records=make.records(), roots=roots)
    before, after = load_file(checkpoints[family] / "model.safetensors"), weights(tmp_path / "out")
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert moved and all("layers" in k and "visual" not in k for k in moved)
    assert (final / "adapter" / "adapter_model.safetensors").is_file()
    load(final)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_share_of_the_start_is_kept_in_every_weight(
    precision, family, checkpoints, roots, make, tmp_path
):
    rate = Optim(lr=2e-2, warmup_steps=0)
    config = make.sft(checkpoints[family], max_steps=3, optim=rate, precision=precision)
    for name, keep in (("all", 0.0), ("less", 0.25)):
        some = msgspec.structs.replace(config, keep=keep)
        stages.run_sft(some, tmp_path / name, records=make.records(), roots=roots)
    before = load_file(checkpoints[family] / "model.safetensors")
    trained, kept = weights(tmp_path / "all"), weights(tmp_path / "less")
    assert kept.keys() == trained.keys()
    moved = 0.0
    for name, weight in kept.items():
        want = 0.25 * before[name].double() + 0.75 * trained[name].double()
        assert weight.dtype == trained[name].dtype
        torch.testing.assert_close(weight.double(), want, atol=1e-6, rtol=1e-5)
        moved = max(moved, float((weight - trained[name]).abs().max()))
    assert moved > 1e-3
    assert load(tmp_path / "less" / "final").card == cards.read(tmp_path / "all" / "final")


def test_recomputing_activations_changes_no_step(family, checkpoints, roots, make, tmp_path):
    found = []
    for flag in (False, True):
        config = make.sft(checkpoints[family], gradient_checkpointing=flag, max_steps=2)
        stages.run_sft(config, tmp_path / str(flag), records=make.records(), roots=roots)
        found.append(losses(tmp_path / str(flag)))
    for one, other in zip(*found, strict=True):
        assert one == pytest.approx(other, rel=1e-5)


def test_bf16_runs_and_stays_near_fp32(checkpoints, roots, make, tmp_path):
    found = []
    for precision in ("fp32", "bf16"):
        config = make.sft(checkpoints["qwen3_vl"], precision=precision, max_steps=2)
        stages.run_sft(config, tmp_path / precision, records=make.records(), roots=roots)
        found.append([line["loss"] for line in lines(tmp_path / precision)])
    assert found[1] == pytest.approx(found[0], rel=2e-2)


# --- killed and run again ---------------------------------------------------------------------


def killed(monkeypatch, step):
    """Make the run die while it computes the given optimiser step."""
    real = SftTrainer.step_loss

    def dying(self, model, batch, total):
        if self.state.global_step == step:
            raise KeyboardInterrupt
        return real(self, model, batch, total)

    monkeypatch.setattr(SftTrainer, "step_loss", dying)


@pytest.mark.parametrize("dies_at", [1, 3, 5])
def test_a_killed_run_ends_bit_equal_to_a_whole_one(
    dies_at, family, checkpoints, roots, make, tmp_path, monkeypatch
):
    config = make.sft(checkpoints[family], save_steps=2, epochs=2.0, lora=None)
    args = {"records": make.records(), "roots": roots}
    stages.run_sft(config, tmp_path / "whole", **args)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        killed(patch, dies_at)
        stages.run_sft(config, tmp_path / "cut", **args)
    stages.run_sft(config, tmp_path / "cut", **args)
    assert same_weights(weights(tmp_path / "whole"), weights(tmp_path / "cut"))
    assert losses(tmp_path / "whole") == losses(tmp_path / "cut")
    whole, cut = (stages.read_result(tmp_path / n) for n in ("whole", "cut"))
    assert whole == cut


def test_adapters_resume_bit_equal_too(checkpoints, roots, make, tmp_path, monkeypatch):
    config = make.sft(
        checkpoints["qwen3_vl"], save_steps=2, lora=Lora(rank=2, dropout=0.2), freeze=()
    )
    args = {"records": make.records(), "roots": roots}
    stages.run_sft(config, tmp_path / "whole", **args)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        killed(patch, 2)
        stages.run_sft(config, tmp_path / "cut", **args)
    stages.run_sft(config, tmp_path / "cut", **args)
    assert same_weights(weights(tmp_path / "whole"), weights(tmp_path / "cut"))


def test_a_half_written_checkpoint_is_never_resumed(
    checkpoints, roots, make, tmp_path, monkeypatch
):
    config = make.sft(checkpoints["qwen3_vl"], save_steps=1)
    args = {"records": make.records(), "roots": roots}
    stages.run_sft(config, tmp_path / "whole", **args)
    real = checkpoint.seal

    def dying(folder):
        if folder.name == "checkpoint-2":
            (folder / "optimizer.pt").write_bytes(b"torn")
            raise KeyboardInterrupt
        real(folder)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "seal", dying)
        stages.run_sft(config, tmp_path / "cut", **args)
    last = checkpoint.last_complete(tmp_path / "cut" / "checkpoints")
    assert last.name == "checkpoint-1"
    stages.run_sft(config, tmp_path / "cut", **args)
    assert same_weights(weights(tmp_path / "whole"), weights(tmp_path / "cut"))


def test_a_changed_checkpoint_is_named(checkpoints, roots, make, tmp_path, monkeypatch):
    config = make.sft(checkpoints["qwen3_vl"], save_steps=1)
    args = {"records": make.records(), "roots": roots}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        killed(patch, 2)
        stages.run_sft(config, tmp_path / "out", **args)
    file = tmp_path / "out" / "checkpoints" / "checkpoint-2" / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(RunError, match=r"model\.safetensors.*changed after it was written"):
        stages.run_sft(config, tmp_path / "out", **args)


def test_a_finished_folder_is_returned_and_another_recipe_is_refused(
    checkpoints, roots, make, tmp_path
):
    config = make.sft(checkpoints["qwen3_vl"], max_steps=1)
    args = {"records": make.records(), "roots": roots}
    final = stages.run_sft(config, tmp_path / "out", **args)
    stamp = (final / "model.safetensors").stat().st_mtime_ns
    assert stages.run_sft(config, tmp_path / "out", **args) == final
    assert (final / "model.safetensors").stat().st_mtime_ns == stamp
    other = make.sft(checkpoints["qwen3_vl"], max_steps=1, seed=7)
    with pytest.raises(RunError, match="another recipe"):
        stages.run_sft(other, tmp_path / "out", **args)
    with pytest.raises(RunError, match="other data"):
        stages.run_sft(config, tmp_path / "out", records=make.records(8), roots=roots)


# --- bad situations ---------------------------------------------------------------------------


def test_a_step_that_is_not_finite_is_skipped_and_told_then_the_run_stops(
    checkpoints, roots, make, tmp_path, monkeypatch
):
    real = SftTrainer.step_loss

    def poisoned(self, model, batch, total):
        loss = real(self, model, batch, total)
        return loss * float("nan") if "t:3" in batch["ids"] else loss

    monkeypatch.setattr(SftTrainer, "step_loss", poisoned)
    once = make.sft(checkpoints["qwen3_vl"], most_bad_steps=2)
    stages.run_sft(once, tmp_path / "once", records=make.records(), roots=roots)
    assert all(torch.isfinite(w).all() for w in weights(tmp_path / "once").values())
    (bad,) = [line for line in lines(tmp_path / "once") if "bad_batch" in line]
    assert "t:3" in bad["bad_batch"] and len(bad["bad_batch"]) == 4
    assert stages.read_result(tmp_path / "once").bad_steps == 1
    often = make.sft(checkpoints["qwen3_vl"], most_bad_steps=2, epochs=3.0)
    with pytest.raises(RunError, match=r"not finite in 2 steps"):
        stages.run_sft(often, tmp_path / "often", records=make.records(), roots=roots)
    assert not (tmp_path / "often" / "final").exists()


def test_dropped_records_leave_verdicts_and_too_many_stop_the_stage(
    checkpoints, roots, make, tmp_path
):
    gone = make.asked(50, text="mug?", media=make.picture("missing", (None, None)))
    long = make.asked(51, text="mug " * 600)
    rows = make.records(10)
    bad = [type(rows[0])(**base, answer=rows[4].answer) for base in (gone, long)]
    strict = make.sft(checkpoints["qwen3_vl"], max_steps=1)
    with pytest.raises(DataError, match="2 of 12 records cannot be trained on"):
        stages.run_sft(strict, tmp_path / "strict", records=[*rows, *bad], roots=roots)
    config = make.sft(checkpoints["qwen3_vl"], max_steps=1, data=Data(most_dropped=0.2))
    stages.run_sft(config, tmp_path / "out", records=[*rows, *bad], roots=roots)
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert plan["dropped"] == {"media": 1, "too long": 1}
    verdicts = {v.id: v for _, v in ledger.read(tmp_path / "out" / "ledger.parquet") if v.check}
    assert len(verdicts) == 12
    assert verdicts["t:51"].reason == "too long" and not verdicts["t:51"].keep
    assert "missing.png" in verdicts["t:50"].evidence


def test_what_is_held_out_for_measuring_is_never_trained_on(checkpoints, roots, make, tmp_path):
    rows = make.records(10)
    rows[3] = msgspec.structs.replace(rows[3], split="test")
    config = make.sft(checkpoints["qwen3_vl"], max_steps=1, data=Data(most_dropped=0.2))
    found = stages.plan_only(config, rows, roots=roots)
    assert found.plan.dropped == {"held out: split test": 1}
    assert rows[3].id not in {s.id for s in found.samples}


def test_other_pictures_under_the_same_questions_are_other_data(checkpoints, roots, make, tmp_path):
    config = make.sft(checkpoints["qwen3_vl"], max_steps=1)
    rows = make.records(5)
    stages.run_sft(config, tmp_path, records=rows, roots=roots)
    other = [
        msgspec.structs.replace(
            r, media=tuple(msgspec.structs.replace(m, path="3.png") for m in r.media)
        )
        for r in rows
    ]
    with pytest.raises(RunError, match="other data"):
        stages.run_sft(config, tmp_path, records=other, roots=roots)


def test_a_torn_last_line_of_metrics_is_passed_over(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lr": {"vision": 1.0}')
    stages.trim(file, 2)
    assert file.read_text() == '{"step": 1, "loss": 2.0}\n'


def test_a_warm_up_longer_than_the_run_is_refused(checkpoints, roots, make, tmp_path):
    config = make.sft(checkpoints["qwen3_vl"], optim=Optim(warmup_steps=80))
    with pytest.raises(RecipeError, match=r"optim\.warmup_steps below 3"):
        stages.run_sft(config, tmp_path, records=make.records(), roots=roots)


def test_pixel_caps_of_the_recipe_end_up_in_the_checkpoint(checkpoints, roots, make, tmp_path):
    config = make.sft(
        checkpoints["qwen2_5_vl"], min_pixels=32 * 32, max_pixels=64 * 64, max_steps=1
    )
    final = stages.run_sft(config, tmp_path / "out", records=make.records(), roots=roots)
    loaded = load(final)
    assert (loaded.card.min_pixels, loaded.card.max_pixels) == (1024, 4096)
    assert loaded.family.resize((96, 96)).resized_width == 64


def test_replay_is_mixed_in_and_counted(checkpoints, roots, make, tmp_path):
    rows = make.records(12)
    config = make.sft(
        checkpoints["qwen3_vl"], data=Data(replay=("given",), replay_share=0.25, most_dropped=0.0)
    )
    stages.run_sft(config, tmp_path / "out", records=rows[:9], replay=rows[9:], roots=roots)
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert plan["samples"] == 12 and plan["replay"] == 3


def test_moving_a_folder_does_not_make_it_another_run(checkpoints, roots, make, tmp_path):
    shutil.copytree(checkpoints["qwen3_vl"], tmp_path / "elsewhere")
    args = {"records": make.records(), "roots": roots}
    config = make.sft(checkpoints["qwen3_vl"], max_steps=1)
    stages.run_sft(config, tmp_path / "out", **args)
    moved = make.sft(tmp_path / "elsewhere", max_steps=1)
    stages.run_sft(moved, tmp_path / "out", **args)
