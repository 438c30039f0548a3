"""A frozen tower looks at a picture once, and learns nothing and changes nothing by it."""

import copy
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from seestep.errors import RecipeError
from seestep.geometry.frames import Resize
from seestep.models.load import load
from seestep.train import ahead, seen, stages
from seestep.train.collate import Collator, Pictures
from seestep.train.config import Batch
from seestep.train.forward import answer_logp
from seestep.train.seen import Looks, looking_once
from seestep.train.trainer import group_of


@pytest.fixture
def frozen(checkpoints):
    model = load(checkpoints["qwen3_vl"]).model
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(group_of(name) != "vision")
    return model


@pytest.fixture
def batches(checkpoints, roots, make):
    """Four batches of two records; pictures come again."""
    spoken = stages.speaker(make.sft(checkpoints["qwen3_vl"]), roots)
    pictures = Pictures(spoken.encoder, spoken.processor.image_processor)
    collate = Collator(spoken.encoder, pictures)
    samples = [spoken.encoder(r) for r in make.records(8)]
    return [collate(samples[i : i + 2]) for i in range(0, 8, 2)]


def learnt(model, batch):
    """Log-probabilities of the answers, and what the mergers would learn from them."""
    model.zero_grad()
    logp = answer_logp(model, batch)
    logp.sum().backward()
    merger = [p.grad for n, p in model.named_parameters() if "merger" in n]
    return logp.detach(), torch.cat([g.flatten() for g in merger])


def test_remembered_pictures_give_the_answers_and_gradients_of_pictures_looked_at(frozen, batches):
    wanted = [learnt(frozen, b) for b in batches]
    with looking_once(frozen, 64):
        for _ in range(2):
            for batch, (logp, gradient) in zip(batches, wanted, strict=True):
                got = learnt(frozen, batch)
                torch.testing.assert_close(got[0], logp, atol=2e-5, rtol=1e-5)
                torch.testing.assert_close(got[1], gradient, atol=2e-5, rtol=1e-4)
        looks = frozen.model.visual.forward
        shown = 2 * sum(len(b["image_grid_thw"]) for b in batches)
        assert isinstance(looks, Looks) and looks.made + looks.found == shown
        assert looks.made <= 5 < looks.found
    assert "forward" not in vars(frozen.model.visual)


def test_deepstack_states_are_remembered_too(batches):
    from transformers import Qwen3VLVisionConfig
    from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLVisionModel

    torch.manual_seed(0)
    config = Qwen3VLVisionConfig(
        depth=3, hidden_size=32, intermediate_size=48, num_heads=2, patch_size=8,
        spatial_merge_size=2, temporal_patch_size=2, out_hidden_size=24,
        num_position_embeddings=16, deepstack_visual_indexes=[0, 1],
    )  # fmt: skip
    tower = Qwen3VLVisionModel(config).eval()
    tower.requires_grad_(False)
    grids = torch.tensor([[1, 4, 4], [1, 2, 6], [1, 4, 4]])
    patches = torch.randn(16 + 12 + 16, 3 * 2 * 8 * 8)
    wanted = tower(patches, grid_thw=grids)
    looks = Looks(tower, 8)
    for _ in range(2):
        got = looks(patches, grid_thw=grids)
        torch.testing.assert_close(got.pooler_output, wanted.pooler_output, atol=1e-5, rtol=1e-5)
        assert len(got.deepstack_features) == 2
        for a, b in zip(got.deepstack_features, wanted.deepstack_features, strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
    assert (looks.made, looks.found) == (3, 3)


def test_a_tower_that_learns_looks_every_time(frozen, batches):
    frozen.requires_grad_(True)
    with looking_once(frozen, 64):
        answer_logp(frozen, batches[0]).sum().backward()
        assert frozen.model.visual.forward.made == 0
        assert frozen.model.visual.patch_embed.proj.weight.grad is not None


def test_memory_is_bounded_and_forgets_the_picture_seen_longest_ago(frozen):
    visual = frozen.model.visual
    looks = Looks(visual, 0)  # no room at all: one picture is kept
    side, grid = 8, torch.tensor([[1, 8, 8]])
    width = visual.patch_embed.proj.weight[0].numel()
    one, other = torch.randn(2, side * side, width)
    for picture in (one, one, other, one):
        looks(picture, grid_thw=grid)
    assert (looks.made, looks.found) == (3, 1)
    kept = looks._look(one, grid, {})
    assert torch.equal(looks._look(one, grid, {})[-1], kept[-1]) and not kept[-1].requires_grad


def test_a_killed_run_that_remembers_ends_with_the_same_weights(
    checkpoints, roots, make, tmp_path, monkeypatch
):
    config = make.sft(
        checkpoints["qwen3_vl"],
        batch=Batch(effective=2, micro=2),
        freeze=("vision",),
        states_mb=8,
        max_steps=4,
        save_steps=2,
    )
    stages.run_sft(config, tmp_path / "whole", records=make.records(), roots=roots)
    real = stages.SftTrainer.training_step

    def die(self, *args, **kwargs):
        if self.state.global_step == 3:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(stages.SftTrainer, "training_step", die)
        with pytest.raises(KeyboardInterrupt):
            stages.run_sft(config, tmp_path / "killed", records=make.records(), roots=roots)
    stages.run_sft(config, tmp_path / "killed", records=make.records(), roots=roots)
    whole, killed = (
        load_file(tmp_path / name / "final" / "model.safetensors") for name in ("whole", "killed")
    )
    assert all(torch.equal(whole[k], killed[k]) for k in whole)


def test_other_families_say_that_they_cannot_remember(checkpoints):
    model = load(checkpoints["qwen2_5_vl"]).model
    with pytest.raises(RecipeError, match="Qwen3-VL"), looking_once(model, 8):
        pass


def test_ranks_with_parts_of_the_weights_cannot_look_alone(make, checkpoints):
    with pytest.raises(ValueError, match="sharding"):
        make.sft(checkpoints["qwen3_vl"], states_mb=8, sharding="zero3", precision="bf16")


def test_pictures_looked_at_ahead_are_not_looked_at_again(frozen):
    visual = frozen.model.visual
    torch.manual_seed(0)
    grids = torch.tensor([[1, 8, 8], [1, 4, 8], [1, 8, 8]])
    patches = torch.randn(64 + 32 + 64, visual.patch_embed.proj.weight[0].numel())
    wanted = visual(patches, grid_thw=grids)
    looks = Looks(visual, 1)
    assert looks.ahead(patches, grids) and (looks.made, looks.found) == (3, 0)
    got = looks(patches[64:], grid_thw=grids[1:])
    assert (looks.made, looks.found) == (3, 2)
    torch.testing.assert_close(got.pooler_output, wanted.pooler_output[16:], atol=1e-5, rtol=1e-5)
    assert looks._ahead and not looks._states
    looks._room = 0  # another picture takes the place of none of these
    looks(torch.randn(64, patches.shape[1]), grid_thw=grids[:1])
    looks(patches, grid_thw=grids)
    assert (looks.made, looks.found) == (4, 5)
    full = Looks(visual, 0)
    assert not full.ahead(patches, grids) and (full.made, full.found) == (0, 0)


@pytest.mark.parametrize("room", [2**20, 60_000])
def test_a_stage_looks_ahead_before_all_else_and_so_does_one_that_goes_on(
    room, checkpoints, roots, make, tmp_path, monkeypatch, watched
):
    """Also before a reference is asked, which is asked only once, and where not all have room."""
    monkeypatch.setattr(seen, "MIB", room)
    monkeypatch.setattr(ahead, "TOGETHER", 2)
    config = make.dpo(
        checkpoints["qwen3_vl"], freeze=("vision",), max_steps=3, save_steps=2, states_mb=1
    )
    real = stages.DpoTrainer.training_step

    def die(self, *args, **kwargs):
        if self.state.global_step == 2:
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    args = {"pairs": make.pairs(6), "roots": roots}
    stages.run_dpo(config, tmp_path / "whole", **args)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stages.DpoTrainer, "training_step", die)
        stages.run_dpo(config, tmp_path / "cut", **args)
    stages.run_dpo(config, tmp_path / "cut", **args)
    whole, resumed = watched
    assert whole.ahead == resumed.ahead == (4 if room == 2**20 else 2)
    if room == 2**20:
        assert (whole.made, whole.alone) == (resumed.made, resumed.alone) == (4, 0)
    ends = [load_file(tmp_path / n / "final" / "model.safetensors") for n in ("whole", "cut")]
    assert all(torch.equal(ends[0][k], ends[1][k]) for k in ends[0])


def test_what_was_looked_at_is_let_go_in_the_end(frozen, batches):
    other = copy.deepcopy(frozen)
    with looking_once(frozen, 64) as looks:
        looks.share(other.model.visual)
        answer_logp(frozen, batches[0])
        answer_logp(other, batches[0])
        assert looks.made == len(looks._states) > 0 and looks.found >= looks.made
    assert not looks._states and not looks._ahead
    assert all("forward" not in vars(m.model.visual) for m in (frozen, other))


def test_pictures_looked_at_together_are_few_or_small():
    def picture(side):
        return SimpleNamespace(resize=Resize(side, side, side, side))

    small, large = [picture(32) for _ in range(70)], [picture(16 * 128) for _ in range(3)]
    assert [len(b) for b in ahead.together(small, 16)] == [32, 32, 6]
    assert [len(b) for b in ahead.together([*small[:2], *large], 16)] == [2, 1, 1, 1]
