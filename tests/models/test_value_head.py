"""A value head is found in every layout that trl leaves, or the folder is no reward model."""

from __future__ import annotations

import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from seestep.errors import DataError
from seestep.models.load import load
from seestep.models.value_head import load_reward_model
from tests.models.rewards import WIDTH, head, records, relaid, scores

torch.set_num_threads(1)


def new(name):
    """As transformers 4.52 and later call it."""
    return name.replace("model.", "model.language_model.") if "model." in name else f"model.{name}"


def wrapped(name):
    return f"pretrained_model.{name}"


@pytest.mark.parametrize(
    ("rename", "extra"),
    [
        (str, head()),
        (wrapped, head()),
        (wrapped, {wrapped(k): v for k, v in head().items()}),
        (new, head()),
        (lambda name: wrapped(new(name)), head()),
    ],
    ids=["old", "old, wrapped", "all wrapped", "new", "new, wrapped"],
)
def test_the_head_may_stand_in_the_shards_and_names_may_be_old_or_new(
    model, published, roots, tmp_path, rename, extra
):
    other = load_reward_model(relaid(published, tmp_path / "other", rename, **extra))
    rows = records()[:3]
    assert scores(other, rows, roots) == pytest.approx(scores(model, rows, roots), abs=2e-6)


def test_files_as_transformers_4_wrote_them_are_read(model, published, roots, tmp_path):
    folder = relaid(published, tmp_path / "flat", **head())
    told = json.loads((folder / "config.json").read_text())
    text, vision = told.pop("text_config"), told["vision_config"]
    rope = text.pop("rope_parameters")
    flat = {k: v for k, v in text.items() if k not in ("layer_types", "dtype", "model_type")} | told
    flat |= {"torch_dtype": flat.pop("dtype"), "transformers_version": "4.49.0"}
    flat["rope_theta"] = rope["rope_theta"]
    flat["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    flat["vision_config"] = vision | {"in_chans": 3, "spatial_patch_size": vision["patch_size"]}
    (folder / "config.json").write_text(json.dumps(flat))
    caps = json.loads((folder / "preprocessor_config.json").read_text())
    size = caps.pop("size")
    caps |= {"min_pixels": size["shortest_edge"], "max_pixels": size["longest_edge"]}
    (folder / "preprocessor_config.json").write_text(json.dumps(caps))
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    (folder / "chat_template.jinja").unlink()
    rows = records()
    found = scores(load_reward_model(folder), rows, roots)
    assert found == pytest.approx(scores(model, rows, roots), abs=2e-6)


def test_a_model_without_its_language_head_is_a_reward_model(model, published, roots, tmp_path):
    folder = relaid(published, tmp_path / "headless", **head())
    told = json.loads((folder / "config.json").read_text())
    told["tie_word_embeddings"] = told["text_config"]["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match=r"1 missing keys.*lm_head\.weight"):
        load(folder, beside=lambda name: "v_head" in name)
    rows = records()
    found = scores(load_reward_model(folder), rows, roots)
    assert found == pytest.approx(scores(model, rows, roots), abs=2e-6)


def test_a_head_pickled_as_tensors_is_read_and_one_with_code_is_not(model, published, tmp_path):
    folder = relaid(published, tmp_path / "pickled")
    torch.save(head(), folder / "value_head.bin")
    assert torch.equal(load_reward_model(folder).weight, model.weight)
    (folder / "value_head.bin").write_bytes(pickle.dumps({"v_head.summary.weight": print}, 2))
    with pytest.raises(DataError, match=r"value_head\.bin.*more than tensors"):
        load_reward_model(folder)


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({}, "no value head here.*got no name with v_head"),
        (head(width=16), r"does not fit the model.*\(1, 32\).*got.*weight \(1, 16\)"),
        ({"v_head.summary.weight": torch.ones(1, WIDTH)}, "not one linear layer"),
        (head() | {"v_head.0.weight": torch.ones(1)}, r"not one linear layer.*v_head\.0\.weight"),
        (head() | {"model.layers.9.x": torch.ones(1)}, "1 unexpected keys"),
    ],
    ids=["none", "narrow", "no bias", "two layers", "strange weight"],
)
def test_a_missing_or_wrong_head_is_one_clear_error(published, tmp_path, extra, told):
    with pytest.raises(DataError, match=told):
        load_reward_model(relaid(published, tmp_path / "wrong", **extra))


def test_a_missing_weight_of_the_model_is_an_error(published, tmp_path):
    folder = relaid(published, tmp_path / "cut", **head())
    weights = load_file(folder / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"1 missing keys.*norm\.weight"):
        load_reward_model(folder)
