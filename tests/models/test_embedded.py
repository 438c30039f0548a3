"""The checkpoint that ships with seestep."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch

from seestep import recipe
from seestep.models import TINY
from seestep.models.load import load
from seestep.models.tiny.build import Shape
from seestep.pipeline.abilities import Ability, by_group
from seestep.progress import Progress
from seestep.train.base.config import PretrainConfig
from seestep.train.base.corpus import Shot
from seestep.train.base.probe import probe
from seestep.train.base.views import views
from seestep.train.checkpoint import weights_sha256

RECIPE = Path(__file__).parents[2] / "recipes" / "tiny" / "base.yaml"
HOMES = 8
FAMILIES = ("point", "locate", "color", "name_at", "side")


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


def test_the_card_is_of_these_weights():
    assert weights_sha256(TINY) in (TINY / "MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Shot]]:
    """Homes that no training and no test of the card has."""
    told = recipe.load(RECIPE, [], PretrainConfig)
    ask = msgspec.structs.replace(told.data.probe.ask, families=FAMILIES)
    few = msgspec.structs.replace(
        told.data.probe, first=990_000, homes=HOMES, shard_homes=HOMES, ask=ask
    )
    folder = tmp_path_factory.mktemp("embedded") / "probe"
    return list(views(folder, few, told, Shape(), gold=True, progress=Progress()))


def asked(homes: list[tuple[str, Shot]], *, blind: bool) -> dict[str, Ability]:
    loaded = load(TINY)
    if blind:
        with torch.no_grad():
            for weight in loaded.model.model.visual.parameters():
                weight.zero_()
    return {a.name: a for a in by_group(probe(loaded, homes, most=30))}


def test_the_embedded_checkpoint_sees_and_a_blind_one_does_not(homes: list[tuple[str, Shot]]):
    seen, blind = asked(homes, blind=False), asked(homes, blind=True)
    # a good way below the card, for so few questions
    for name, least in {"pointing": 0.8, "box, IoU 0.5": 0.7, "colour and name": 0.75}.items():
        assert seen[name].score >= least, name
        assert seen[name].control <= 0.5 and blind[name].score <= 0.5, name
    assert seen["relation"].score >= 0.8 > 0.7 >= blind["relation"].score
