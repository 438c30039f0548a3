"""Our processors give the very numbers of transformers' PIL image processor."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import Qwen2VLImageProcessorPil

from seestep.errors import DataError
from seestep.models.processor import Patches, load_processor, make_image_processor
from seestep.models.tiny.build import build

torch.set_num_threads(1)
FAMILIES = ("qwen3_vl", "qwen2_5_vl")
ODD_SIZES = ((31, 57), (96, 96), (640, 480), (33, 500), (200, 1))


def picture(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("size", ODD_SIZES)
def test_images_equal_the_pil_processor_bit_for_bit(name, size, tmp_path):
    built = build(name).processor
    built.image_processor.size = {"shortest_edge": 56 * 56, "longest_edge": 200_000}
    built.save_pretrained(tmp_path)
    processor = load_processor(tmp_path, name)
    wanted = Qwen2VLImageProcessorPil.from_pretrained(tmp_path)([picture(*size)])
    text = "<|vision_start|><|image_pad|><|vision_end|>"
    got = processor(text=[text], images=[picture(*size)], return_tensors="pt")
    assert np.array_equal(got["pixel_values"].numpy(), np.asarray(wanted["pixel_values"]))
    assert got["image_grid_thw"].tolist() == np.asarray(wanted["image_grid_thw"]).tolist()
    pad = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert int((got["input_ids"] == pad).sum()) == int(got["image_grid_thw"].prod()) // 4


@pytest.mark.parametrize("patch", (8, 14, 16))
def test_the_uint8_path_equals_the_pil_processor_bit_for_bit(patch):
    side = patch * 2
    image = make_image_processor(patch, 2, side * side, 10**6, mean=0.48145466, std=0.26862954)
    pictures = np.stack([np.asarray(picture(3 * side, 5 * side, seed)) for seed in range(3)])
    wanted = image([Image.fromarray(p) for p in pictures])
    pixels, grid = Patches(image)(pictures)
    assert np.array_equal(pixels.numpy(), np.asarray(wanted["pixel_values"]))
    assert grid.tolist() == np.asarray(wanted["image_grid_thw"]).tolist()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_video_is_given_as_its_frames(name):
    processor = build(name).processor
    content = [{"type": "image"}] * 3 + [{"type": "text", "text": "What moved?"}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], tokenize=False)
    batch = processor(text=[text], images=[picture(96, 96, s) for s in range(3)])
    assert len(batch["image_grid_thw"]) == 3


@pytest.mark.parametrize("name", FAMILIES)
def test_a_saved_processor_comes_back_the_same(name, tmp_path):
    first = build(name).processor
    first.save_pretrained(tmp_path)
    again = load_processor(tmp_path, name)
    assert again.chat_template == first.chat_template
    assert again.image_processor.to_dict() == first.image_processor.to_dict()
    text = "Point to the red mug. <think></think><answer>[(12, 340)]</answer>"
    assert again.tokenizer(text).input_ids == first.tokenizer(text).input_ids


def test_a_checkpoint_that_does_not_say_its_image_size_is_refused(tmp_path):
    build("qwen3_vl").processor.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(DataError, match="how its images are prepared"):
        load_processor(tmp_path, "qwen3_vl")


def test_digits_and_tags_are_single_tokens_and_text_survives():
    tokenizer = build("qwen3_vl").tokenizer
    text = "<think></think><answer>(120, 7)</answer>"
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(text).input_ids)
    assert tokens[:3] == ["<think>", "</think>", "<answer>"] and tokens[-1] == "</answer>"
    assert [t for t in tokens if t.strip("Ġ").isdigit()] == ["1", "2", "0", "7"]
    assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert tokenizer.decode(tokenizer("把红色的杯子放进碗里 \U0001f642").input_ids).startswith(
        "把红"
    )


def test_the_template_adds_no_system_message():
    processor = build("qwen3_vl").processor
    messages = [
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "text", "text": "Hi"}],
        },
        {"role": "assistant", "content": "<think></think><answer>yes</answer>"},
    ]
    assert processor.apply_chat_template(messages, tokenize=False) == (
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Hi<|im_end|>\n"
        "<|im_start|>assistant\n<think></think><answer>yes</answer><|im_end|>\n"
    )
