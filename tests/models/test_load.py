"""Checkpoints of both families build, save, reload, and refuse to be loaded as something else."""

import json
import shutil

import msgspec
import pytest
import torch
from transformers import AutoModelForImageTextToText

from seestep.errors import DataError
from seestep.models import card as cards
from seestep.models.load import load, save
from seestep.models.tiny.build import build

torch.set_num_threads(1)
FAMILIES = ("qwen3_vl", "qwen2_5_vl")


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("named-like-qwen2.5-and-qwen3")
    save(build(request.param), path, source_run="test")
    return path


def inputs(loaded):
    picture = torch.arange(96 * 96 * 3, dtype=torch.uint8).reshape(96, 96, 3).numpy()
    content = [{"type": "image"}, {"type": "text", "text": "Is there a red mug?"}]
    text = loaded.processor.apply_chat_template(
        [{"role": "user", "content": content}],
        tokenize=False,
        add_generation_prompt=True,
    )
    return loaded.processor(text=[text], images=[picture], return_tensors="pt")


def test_a_saved_model_comes_back_the_same(folder):
    loaded = load(folder)
    again = build(loaded.family.name)
    batch = inputs(again)
    with torch.no_grad():
        assert torch.equal(loaded.model(**batch).logits, again.model(**batch).logits)


def test_every_parameter_gets_a_gradient(folder):
    loaded = load(folder)
    batch = inputs(loaded)
    loaded.model(**batch, labels=batch["input_ids"]).loss.backward()
    idle = [n for n, p in loaded.model.named_parameters() if p.grad is None]
    assert idle == []


def test_plain_transformers_loads_the_folder_without_us(folder):
    plain = AutoModelForImageTextToText.from_pretrained(str(folder))
    assert plain.config.model_type == load(folder).model.config.model_type


def test_the_family_carries_the_checkpoints_own_image_limits(folder):
    family = load(folder).family
    assert (family.patch, family.merge, family.min_pixels, family.max_pixels) == (
        8,
        2,
        9216,
        9216,
    )


def test_a_folder_without_a_card_is_a_plain_checkpoint(folder, tmp_path):
    plain = shutil.copytree(folder, tmp_path / "plain")
    (plain / cards.NAME).unlink()
    loaded = load(plain)
    assert loaded.card.family == loaded.family.name == loaded.model.config.model_type


def test_robobrain2_must_be_declared_and_be_a_qwen2_5_vl(folder, tmp_path):
    plain = shutil.copytree(folder, tmp_path / "plain")
    (plain / cards.NAME).unlink()
    if load(plain).model.config.model_type == "qwen2_5_vl":
        assert load(plain, family="robobrain2").family.name == "robobrain2"
    else:
        with pytest.raises(DataError, match="not spoken by this model"):
            load(plain, family="robobrain2")


def test_a_card_that_contradicts_the_pixel_caps_is_refused(folder, tmp_path):
    changed = shutil.copytree(folder, tmp_path / "changed")
    file = changed / "preprocessor_config.json"
    config = json.loads(file.read_text())
    config["size"]["longest_edge"] = 4 * 9216
    file.write_text(json.dumps(config))
    with pytest.raises(DataError, match="max_pixels differs"):
        load(changed)


def test_a_changed_chat_template_is_refused(folder, tmp_path):
    changed = shutil.copytree(folder, tmp_path / "changed")
    file = changed / "chat_template.jinja"
    file.write_text("You are a helpful assistant." + file.read_text())
    with pytest.raises(DataError, match="template_sha256 differs"):
        load(changed)


def test_pickled_weights_are_refused(folder, tmp_path):
    pickled = shutil.copytree(folder, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(DataError, match="no safetensors"):
        load(pickled)


def test_weights_of_another_size_are_refused(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    file = other / "config.json"
    config = json.loads(file.read_text())
    config["text_config"]["intermediate_size"] = 48
    file.write_text(json.dumps(config))
    with pytest.raises(DataError, match="do not fit"):
        load(other)


def test_an_unknown_model_type_is_named(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(DataError, match="llava"):
        load(other)


def test_half_precision_on_disk_loads_in_single(tmp_path):
    model = build("qwen3_vl")
    save(model, tmp_path, dtype="float16")
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"
    loaded = load(tmp_path)
    assert loaded.model.dtype == torch.float32
    for name, weight in model.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], weight.half().float()), name


def test_a_card_comes_back_as_written(tmp_path):
    card = build("qwen3_vl").card
    changed = msgspec.structs.replace(card, wire="plain", source_run="runs/align")
    cards.write(tmp_path, changed)
    assert cards.read(tmp_path) == changed


def test_a_card_with_a_misspelt_field_names_the_file(tmp_path):
    (tmp_path / cards.NAME).write_text('{"famly": "qwen3_vl"}')
    with pytest.raises(DataError, match=r"seestep\.json"):
        cards.read(tmp_path)
