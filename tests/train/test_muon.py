"""Muon in batches is Muon: against singular values, and against torch's in bfloat16."""

import copy

import pytest
import torch
from torch import nn

from seestep.train.config import Optim
from seestep.train.muon import BatchedMuon, orthogonal
from seestep.train.optimise import make_optimiser

COEFFICIENTS, STEPS, EPS = (3.4445, -4.7750, 2.0315), 5, 1e-7


def polynomial(matrix):
    """The same by singular values, in float64."""
    u, s, vt = torch.linalg.svd(matrix.double(), full_matrices=False)
    s = s / s.norm()
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        s = a * s + b * s**3 + c * s**5
    return u @ torch.diag(s) @ vt


def test_singular_values_go_through_the_polynomial_and_vectors_stay():
    torch.manual_seed(0)
    shapes = [(6, 6), (12, 5), (5, 12), (1, 7), (5, 12), (7, 1)]  # lying, standing and alike
    matrices = [10.0**k * torch.randn(shape) for k, shape in enumerate(shapes)]
    for matrix, made in zip(matrices, orthogonal(matrices, COEFFICIENTS, STEPS, EPS), strict=True):
        assert made.shape == matrix.shape and made.dtype == torch.float32
        torch.testing.assert_close(made.double(), polynomial(matrix), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_steps_are_those_of_torch_but_for_the_rounding_of_bfloat16(dtype):
    torch.manual_seed(0)
    wide = nn.Linear(24, 40, bias=False)
    narrow, start = copy.deepcopy(wide), wide.weight.detach().clone()
    told = {"lr": 1e-2, "weight_decay": 0.1, "momentum": 0.9, "adjust_lr_fn": "match_rms_adamw"}
    both = (
        BatchedMuon(wide.parameters(), **told, dtype=dtype),
        torch.optim.Muon(narrow.parameters(), **told),
    )
    for k in range(4):
        torch.manual_seed(k)
        grad = torch.randn(40, 24)
        for model, optimiser in zip((wide, narrow), both, strict=True):
            model.weight.grad = grad.clone()
            optimiser.step()
    moved = (wide.weight - start).norm()
    assert (wide.weight - narrow.weight).norm() < 0.02 * moved
    for one, other in zip(*(o.state[m.weight].values() for o, m in
                            zip(both, (wide, narrow), strict=True)), strict=True):  # fmt: skip
        assert torch.equal(one, other)  # the momentum is float32 in both


def test_a_matrix_without_a_gradient_stays_as_it_is():
    frozen = nn.Linear(3, 4, bias=False)
    before = frozen.weight.detach().clone()
    BatchedMuon(frozen.parameters(), lr=1.0, weight_decay=0.5).step()
    assert torch.equal(frozen.weight, before)
    frozen.weight.grad = torch.zeros(4, 3)
    BatchedMuon(frozen.parameters(), lr=1.0, weight_decay=0.5).step()
    assert torch.equal(frozen.weight, before * 0.5)  # decay alone: a zero gradient is no NaN


def test_batches_are_bounded_and_change_nothing(monkeypatch):
    torch.manual_seed(0)
    matrices = [torch.randn(shape) for shape in [(8, 6), (6, 8), (8, 6), (40, 30)]]
    whole = orthogonal(matrices, COEFFICIENTS, STEPS, EPS)
    monkeypatch.setattr("seestep.train.muon.BATCH", 100)  # two of 48 entries, one of 1200
    for one, other in zip(whole, orthogonal(matrices, COEFFICIENTS, STEPS, EPS), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("slow", [True, False])
def test_the_sums_are_in_float32_where_bfloat16_is_slow(monkeypatch, slow):
    monkeypatch.setattr("seestep.train.optimise.bf16_is_slow", lambda: slow)
    layer = nn.Linear(4, 4)
    named = [(n, "language", p) for n, p in layer.named_parameters()]
    optim = Optim(kind="muon_adamw")
    made = make_optimiser(named, optim, torch.optim.AdamW, {"lr": 1e-3})
    assert made.parts[0].dtype == (torch.float32 if slow else torch.bfloat16)
