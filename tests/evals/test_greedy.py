"""The engine's own decoding says what transformers' ``generate`` says, for every family."""

from typing import Any

import pytest
import torch
from PIL import Image

from seestep.evals.engines.base import Ask, Reply
from seestep.evals.engines.greedy import Pictures, obstacle, together
from seestep.evals.engines.local import LocalEngine
from seestep.models import TINY
from seestep.models.load import load
from seestep.models.tiny import build
from seestep.world.room import RoomSimulator

FAMILIES = ("qwen3_vl", "qwen2_5_vl")


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request: pytest.FixtureRequest) -> Any:
    return build.build(request.param)


@pytest.fixture(scope="module")
def noise() -> list[Image.Image]:
    return [Image.effect_noise((96, 96), 30 + 20 * i).convert("RGB") for i in range(3)]


def ask(words: str, *images: Image.Image, grammar: str = "") -> Ask:
    shown = [{"type": "image", "media": str(i)} for i in range(len(images))]
    content = [*shown, {"type": "text", "text": words}]
    return Ask([{"role": "user", "content": content}], images, grammar=grammar)


def both(loaded: Any, asks: list[Ask], tokens: int, batch: int) -> tuple[list[Reply], list[Reply]]:
    ours = LocalEngine(loaded, batch_size=batch)
    assert ours.obstacle == ""
    plain = LocalEngine(loaded, batch_size=batch)
    plain.obstacle = "to compare with"
    return tuple(e.generate(asks, max_new_tokens=tokens) for e in (ours, plain))  # type: ignore[return-value]


def test_mixed_batches_say_the_same_as_generate(loaded: Any, noise: list[Image.Image]) -> None:
    asks = [
        ask("How many?", noise[0]),
        ask("Which of the two is nearer, and by how much?", noise[1], noise[2]),
        ask("Nothing is shown here."),
        ask("How many mugs are on the table?", noise[0]),
    ]
    ours, plain = both(loaded, asks, 12, 4)
    assert ours == plain
    ours, plain = both(loaded, asks[2:3], 12, 4)  # a batch without any picture
    assert ours == plain


def test_rows_that_end_at_different_times_say_the_same(
    loaded: Any, noise: list[Image.Image]
) -> None:
    pytest.importorskip("llguidance")
    forms = [f"start: /[a-z]{{{n},{n}}}/" for n in (1, 2, 3, 9)]
    asks = [ask(f"Say something {n}.", noise[n % 3], grammar=g) for n, g in enumerate(forms)]
    asks.append(ask("Say more.", noise[0]))
    ours, plain = both(loaded, asks, 14, 8)
    assert ours == plain
    lengths = [len(r.text) for r in ours[:4]]
    assert lengths == [1, 2, 3, 9] and {r.finish for r in ours[:4]} == {"stop"}


def test_the_embedded_base_answers_real_asks_the_same() -> None:
    base = load(TINY)
    simulator = RoomSimulator(96, 96)
    views = [simulator.reset(7)] + [simulator.step("RotateRight", degrees=90) for _ in range(2)]
    pictures = [Image.fromarray(v.frame) for v in views]
    words = (
        "How many mugs are in the picture? Answer with a number.",
        "Is there a sofa in the picture? Answer with yes or no.",
        "Point to the fridge.",
        'Locate the table. Answer with a box as "bbox_2d".',
    )
    asks = [ask(w, p) for w in words for p in pictures]
    ours, plain = both(base, asks, 48, 12)
    assert ours == plain


def test_pictures_of_one_size_seen_together_look_the_same(
    loaded: Any, noise: list[Image.Image]
) -> None:
    seen = loaded.processor.image_processor(images=noise, return_tensors="pt")
    visual = loaded.model.model.visual
    with torch.inference_mode():
        one_by_one = visual(seen["pixel_values"], grid_thw=seen["image_grid_thw"]).pooler_output
        with together(visual):
            at_once = visual(seen["pixel_values"], grid_thw=seen["image_grid_thw"]).pooler_output
    torch.testing.assert_close(at_once, one_by_one)
    assert "forward" not in vars(visual.blocks[0].attn)


def test_a_picture_is_looked_at_once_a_call(loaded: Any, noise: list[Image.Image]) -> None:
    seen = loaded.processor.image_processor(images=[*noise, noise[0]], return_tensors="pt")
    looked: list[int] = []
    tower = loaded.model.model.visual
    handle = tower.register_forward_pre_hook(
        lambda _, args, kwargs: looked.append(len(kwargs["grid_thw"])), with_kwargs=True
    )
    try:
        pictures = Pictures(loaded.model)
        told = (seen["pixel_values"], seen["image_grid_thw"])
        with torch.inference_mode():
            first = pictures.look([*noise, noise[0]], *told).pooler_output
            again = pictures.look([*noise, noise[0]], *told).pooler_output
            small = Pictures(loaded.model, budget=0)
            small.look([*noise, noise[0]], *told)
            small.look([*noise, noise[0]], *told)
    finally:
        handle.remove()
    assert looked == [3, 3, 3]
    assert torch.equal(first[0], first[3]) and not torch.equal(first[0], first[1])
    assert all(map(torch.equal, first, again))


def test_a_checkpoint_that_asks_for_more_than_greedy_keeps_its_own_generate(loaded: Any) -> None:
    told = loaded.model.generation_config
    told.repetition_penalty = 1.05  # as Qwen2.5-VL's own checkpoints do
    try:
        assert "repetition_penalty" in obstacle(loaded.model)
        told.repetition_penalty = 1.0
        assert obstacle(loaded.model) == ""
    finally:
        told.repetition_penalty = None
    assert obstacle(loaded.model) == ""
