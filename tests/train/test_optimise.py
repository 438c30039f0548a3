"""The optimisers of a recipe do what their parts do alone."""

import copy

import pytest
import torch
from torch import nn

from seestep.models.tiny.build import SMALL, build
from seestep.train.config import Optim
from seestep.train.optimise import MuonAdamW, make_optimiser
from seestep.train.trainer import group_of

OPTIM = Optim(kind="muon_adamw", lr=1e-2, vision_lr=1e-3, weight_decay=0.1, warmup_steps=0)


def named(model):
    return [(n, group_of(n), p) for n, p in model.named_parameters()]


def made(model):
    return make_optimiser(named(model), OPTIM, torch.optim.AdamW, {"lr": 1e-2, "eps": 1e-8})


def test_muon_takes_the_matrices_of_the_blocks_and_adamw_the_rest():
    model = build("qwen3_vl", shape=SMALL).model
    names = {id(p): n for n, p in model.named_parameters()}
    muon, adamw = ({names[id(p)] for g in part.param_groups for p in g["params"]}
                   for part in made(model).parts)  # fmt: skip
    assert muon | adamw == set(names.values()) and not muon & adamw
    assert "model.language_model.layers.0.mlp.up_proj.weight" in muon
    assert "model.visual.blocks.0.attn.qkv.weight" in muon
    tables = {n for n in adamw if "embed_tokens" in n or "pos_embed" in n or "patch_embed" in n}
    assert len(tables) == 4  # patch_embed has a bias
    assert all(dict(model.named_parameters())[n].dim() == 1 for n in adamw - tables)


class Two(nn.Module):
    """A matrix and its bias, under names that a Qwen-VL could have."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 6)

    def step(self, optimiser, k):
        torch.manual_seed(k)
        self.layer(torch.randn(3, 4)).square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()


def test_one_step_is_a_step_of_each_part():
    torch.manual_seed(0)
    together = Two()
    apart = copy.deepcopy(together)
    both = made(together)
    muon = type(both.parts[0])(
        [apart.layer.weight], lr=1e-2, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    adamw = torch.optim.AdamW([apart.layer.bias], lr=1e-2, weight_decay=0.0)
    for k in range(3):
        together.step(both, k)
        torch.manual_seed(k)
        apart.layer(torch.randn(3, 4)).square().sum().backward()
        for one in (muon, adamw):
            one.step()
            one.zero_grad()
    assert torch.equal(together.layer.weight, apart.layer.weight)
    assert torch.equal(together.layer.bias, apart.layer.bias)


def test_its_state_comes_back_and_schedulers_reach_both_parts():
    torch.manual_seed(0)
    first = Two()
    optimiser = made(first)
    first.step(optimiser, 0)
    second = copy.deepcopy(first)
    again = made(second)
    again.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    for one, model in ((optimiser, first), (again, second)):
        for group in one.param_groups:
            group["lr"] *= 0.5
        assert {g["lr"] for part in one.parts for g in part.param_groups} == {5e-3}
        model.step(one, 1)
    assert torch.equal(first.layer.weight, second.layer.weight)
    assert torch.equal(first.layer.bias, second.layer.bias)
    assert isinstance(again, MuonAdamW)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="floored_cosine"):
        Optim(lowest=0.1)
    with pytest.raises(ValueError, match="lowest"):
        Optim(lowest=1.0, schedule="floored_cosine")
