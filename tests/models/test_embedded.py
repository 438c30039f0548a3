"""The checkpoint that ships with seestep."""

from seestep.models import TINY
from seestep.models.load import load


def test_the_embedded_checkpoint_answers_in_the_wire_form():
    from PIL import Image

    loaded = load(TINY)
    content = [
        {"type": "image"},
        {"type": "text", "text": "Is there a red mug?\nAnswer yes or no."},
    ]
    text = loaded.processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    inputs = loaded.processor(
        text=[text], images=[Image.new("RGB", (96, 96), "gray")], return_tensors="pt"
    )
    out = loaded.model.generate(**inputs, max_new_tokens=12, do_sample=False)
    said = loaded.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :])
    assert said in (
        "<think></think><answer>yes</answer><|im_end|>",
        "<think></think><answer>no</answer><|im_end|>",
    )


def test_the_embedded_checkpoint_is_small():
    assert sum(file.stat().st_size for file in TINY.iterdir()) < 12 * 2**20
