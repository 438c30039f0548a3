"""The small reward model and the pictures of its records."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from seestep.models.load import save
from seestep.models.tiny.build import WORDS, build
from seestep.models.value_head import load_reward_model
from tests.models.rewards import head


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Two shards with an index, as `save_pretrained` of 7B leaves them, and the head beside."""
    folder = tmp_path_factory.mktemp("reward")
    save(build("qwen2_5_vl", texts=(*WORDS, "user assistant")), folder)
    (folder / "seestep.json").unlink()
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    index = {}
    for n, part in enumerate((names[::2], names[1::2]), 1):
        file = f"model-0000{n}-of-00002.safetensors"
        save_file({k: weights[k] for k in part}, folder / file, metadata={"format": "pt"})
        index |= dict.fromkeys(part, file)
    told = {"metadata": {}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(told))
    save_file(head(), folder / "value_head.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, size in (("wide", (200, 90)), ("tall", (70, 150)), ("square", (96, 96))):
        Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).save(
            folder / f"{name}.png"
        )
    return {"here": folder}


@pytest.fixture(scope="module")
def model(published):
    return load_reward_model(published)
