"""Questions packed on one look are computed as if each had been asked alone."""

import numpy as np
import pytest
import torch
from PIL import Image

from seestep.models.processor import Patches
from seestep.models.tiny.build import SMALL, build
from seestep.train.base.attention import Turned, packed_attention
from seestep.train.base.corpus import IGNORE, Question
from seestep.train.base.lessons import inputs
from seestep.train.base.pack import Packer, block_mask, prefix_positions
from seestep.train.forward import answer_logp

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
TAIL = "<|im_end|>\n<|im_start|>assistant\n"


def ask(views, text, answer):
    prefix = "<|im_start|>user\n" + PICTURE * len(views)
    said = f"<think></think><answer>{answer}</answer><|im_end|>"
    return Question(views, prefix, text + TAIL, said, "exists", {"text": answer})


ONE = [ask((0,), "Is there a mug?", "yes"), ask((0,), "How many apples are there now?", "12")]
TWO = [ask((1, 2), "Point to it in image 2.", "[(0.25, 0.5)]"), ask((1, 2), "Hm?", "A")]


@pytest.fixture(scope="module")
def loaded():
    return build("qwen3_vl", shape=SMALL)


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)


def pack(loaded, groups):
    tokenizer = loaded.tokenizer
    packer = Packer(
        lambda text: tokenizer(text).input_ids,
        image_id=loaded.model.config.image_token_id,
        pad_id=tokenizer.pad_token_id,
        grid=6,
        form_weight=0.2,
    )
    return packer(groups)


def alone(loaded, pictures, question):
    """Log-probabilities of one answer asked for in the ordinary way, through the processor."""
    text = question.prefix + question.suffix + question.completion
    shown = [Image.fromarray(pictures[v]) for v in question.views]
    asked = loaded.processor(text=[text], images=shown, return_tensors="pt")
    said = loaded.tokenizer(question.completion).input_ids
    logp = loaded.model(**asked).logits[0, -len(said) - 1 : -1].log_softmax(-1)
    return logp[torch.arange(len(said)), torch.tensor(said)]


def packed_batch(loaded, pictures, groups):
    packed = pack(loaded, groups)
    pixels, grid = Patches(loaded.processor.image_processor)(pictures[packed.views])
    return inputs(packed) | {"pixel_values": pixels, "image_grid_thw": grid}


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("fast", (True, False), ids=("packed", "mask"))
def test_packed_questions_have_the_loss_and_gradients_of_single_ones(loaded, pictures, fast):
    batch = packed_batch(loaded, pictures, [ONE, TWO])
    if fast:
        with packed_attention(loaded.model):
            logp = answer_logp(loaded.model, batch)
            found = gradients(loaded.model, -(logp * batch["weights"]).sum())
    else:  # the 4-D mask alone, through the model's own attention
        usual = {k: v for k, v in batch.items() if k not in ("slots", "in_prefix")}
        logp = answer_logp(loaded.model, usual)
        found = gradients(loaded.model, -(logp * batch["weights"]).sum())
    single = torch.cat([alone(loaded, pictures, q) for q in [*ONE, *TWO]])
    assert torch.allclose(logp, single, atol=2e-5)
    wanted = gradients(loaded.model, -(single * batch["weights"]).sum())
    assert found.keys() == wanted.keys()
    for name, gradient in found.items():
        assert torch.allclose(gradient, wanted[name], atol=2e-5), name


@pytest.mark.parametrize("bf16", (False, True), ids=("fp32", "bf16"))
def test_the_tower_sees_what_that_of_transformers_sees(loaded, pictures, bf16):
    visual = loaded.model.model.visual
    pixels, grid = Patches(loaded.processor.image_processor)(pictures)
    wanted = visual(pixels, grid_thw=grid).pooler_output
    with packed_attention(loaded.model), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        got = visual(pixels, grid_thw=grid).pooler_output.float()
    # In bfloat16 transformers' own tower is as far off: two of 256 steps.
    assert (got - wanted).norm() <= (0.02 if bf16 else 1e-6) * wanted.norm()
    assert "forward" not in vars(visual.patch_embed)


def test_the_gradient_of_a_turn_is_that_of_its_sums():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 5, 8, generator=rng, dtype=torch.float64, requires_grad=True)
    angle = torch.randn(5, 4, generator=rng, dtype=torch.float64)
    assert torch.autograd.gradcheck(Turned.apply, (x, angle.cos(), angle.sin()))
    turned = Turned.apply(x, angle.cos(), angle.sin()).detach()
    a, b = turned.chunk(2, -1)
    whole = torch.complex(*x.detach().chunk(2, -1)) * torch.polar(torch.ones_like(angle), angle)
    assert torch.allclose(torch.complex(a, b), whole)


@pytest.mark.parametrize("family", ("qwen3_vl", "qwen2_5_vl"))
def test_prefix_positions_are_those_of_the_model(family):
    loaded = build(family)
    text = ONE[0].prefix + "And " + PICTURE + TAIL
    blank = [Image.new("RGB", (96, 96))] * 2
    inputs = loaded.processor(text=[text], images=blank, return_tensors="pt")
    wanted, _ = loaded.model.model.get_rope_index(
        inputs["input_ids"],
        mm_token_type_ids=inputs["mm_token_type_ids"],
        image_grid_thw=inputs["image_grid_thw"],
    )
    tokens = inputs["input_ids"][0].tolist()
    got = prefix_positions(tokens, loaded.model.config.image_token_id, 6)
    assert torch.equal(got, wanted[:, 0])


def test_a_question_looks_at_the_pictures_and_itself_and_nobody_at_padding():
    owner = torch.tensor([[0, 0, 1, 1, 2, -1]])
    wanted = [
        "1.....",
        "11....",
        "111...",
        "1111..",
        "11..1.",
        "11...1",
    ]
    mask = block_mask(owner)[0, 0]
    assert ["".join("1" if m else "." for m in row) for row in mask] == wanted


def test_only_answers_are_taught_and_their_content_counts_most(loaded):
    batch = pack(loaded, [ONE])
    taught = batch.labels[0] != IGNORE
    text = loaded.tokenizer.decode(batch.labels[0][taught])
    assert text == ONE[0].completion + ONE[1].completion
    weights = [round(float(w), 3) for w in batch.weights[0][taught]]
    form = [0.2] * 3
    assert weights[:3] == form and weights[-2:] == form[:2]
    assert weights[-4:-2] == [0.707, 0.707]  # "12" is two tokens: one over the root of two
    assert all(w == 0 for w in batch.weights[0][~taught])


def test_questions_about_other_pictures_cannot_share_a_look(loaded):
    with pytest.raises(ValueError, match="must share"):
        pack(loaded, [[ONE[0], TWO[0]]])
