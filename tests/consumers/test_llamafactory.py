"""`--to sharegpt`, read by LLaMA-Factory: its dataset_info.json, its loader, its templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from seestep import families
from tests.consumers import corpus, readers

TEMPLATES = {
    ("qwen2_5_vl", "tags"): "qwen2_vl",
    ("robobrain2", "plain"): "qwen2_vl",
    ("qwen3_vl", "tags"): "qwen3_vl",
    ("qwen3_vl", "plain"): "qwen3_vl_nothink",  # the other writes an empty thought itself
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "style"), TEMPLATES)
@pytest.mark.parametrize("stage", ["sft", "rm"])
def test_llamafactory_reads_our_words_and_pictures(name, style, stage, roots, place: Path) -> None:
    python = readers.python_of("SEESTEP_LLAMAFACTORY_PYTHON")
    family = families.get(name)
    asked = corpus.records() if stage == "sft" else corpus.pairs()
    processor = readers.processor_of(family, place / "processor")
    out = corpus.write(place, asked, to="sharegpt", family=family, style=style)
    rows = readers.read(
        python, "llamafactory_reader.py", place, export=str(out), stage=stage,
        template=TEMPLATES[name, style], model_type=family.model_types[0],
        max_pixels=family.max_pixels, min_pixels=family.min_pixels,
    )  # fmt: skip
    kept = asked if stage == "sft" else corpus.told_apart(asked, style)
    wanted = corpus.wanted(kept, processor, family, roots, style)
    readers.compare(rows, wanted, processor, family)
