"""Parameter counts equal those of the real models, so the memory estimate starts from truth."""

import pytest

from seestep.models.load import load
from seestep.train import memory
from seestep.train.adapt import prepare_model
from seestep.train.config import Anchor, DpoConfig, Lora, SftConfig
from seestep.train.trainer import group_of


def test_counts_by_group_are_those_of_a_built_model(family, checkpoints):
    shape = memory.read_shape(str(checkpoints[family]))
    sizes = {"language": 0, "vision": 0, "projector": 0}
    for name, parameter in load(checkpoints[family]).model.named_parameters():
        sizes[group_of(name)] += parameter.numel()
    assert sizes == {
        "language": shape.language,
        "vision": shape.vision,
        "projector": shape.projector,
    }


@pytest.mark.parametrize(
    ("model", "published"),
    [("Qwen2.5-VL-7B-Instruct", 8_292_166_656), ("Qwen3-VL-8B-Instruct", 8_767_123_696)],
)
def test_built_in_shapes_have_the_published_number_of_parameters(model, published):
    assert memory.read_shape(f"models/{model}").total == published


def test_an_unknown_model_has_no_estimate():
    assert memory.read_shape("models/some-other-4b") is None


@pytest.mark.parametrize("groups", [("language",), ("vision", "projector")])
def test_adapters_are_counted_as_peft_makes_them(groups, family, checkpoints, make):
    config = make.sft(checkpoints[family], lora=Lora(rank=4, groups=groups))
    model = prepare_model(load(checkpoints[family]), config)
    made = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert memory.trainable(memory.read_shape(config.model), config) == made


def test_zero_2_on_eight_ranks_holds_what_the_hand_sum_says():
    shape = memory.read_shape("RoboBrain2.0-7B")
    config = SftConfig(model="RoboBrain2.0-7B", sharding="zero2", ranks=8, freeze=())
    found = memory.estimate(shape, config, longest=1000, visual=400, answer=100)
    billions = 8.292166656
    assert found.weights / 1e9 == pytest.approx(2 * billions)
    assert found.gradients / 1e9 == pytest.approx(2 * billions / 8)
    assert found.optimizer / 1e9 == pytest.approx(12 * billions / 8)
    assert found.logits == 100 * 152064 * 10


def test_an_anchor_holds_the_weights_once_more_unless_they_lie_below_adapters():
    shape = memory.read_shape("qwen3-vl-8b")
    sizes = {"longest": 1000, "visual": 400, "answer": 100}
    here, base = Anchor(share=0.5), Anchor(share=0.5, to="base")
    count = 8_767_123_696
    for lora, anchor, more in (
        (None, here, 4 * count), (Lora(), here, 0), (Lora(), base, 2 * count)
    ):  # fmt: skip
        plain, held = (
            memory.estimate(shape, SftConfig(model="m", anchor=a, lora=lora), **sizes)
            for a in (None, anchor)
        )
        assert held.weights - plain.weights == more
        assert held.logits == 2 * plain.logits


def test_splitting_pairs_costs_twice_the_rows():
    shape = memory.read_shape("qwen3-vl-8b")
    sizes = {"longest": 1000, "visual": 400, "answer": 100}
    one = memory.estimate(shape, DpoConfig(model="m"), **sizes)
    two = memory.estimate(shape, DpoConfig(model="m", layout="split"), **sizes)
    assert two.activations == 2 * one.activations
