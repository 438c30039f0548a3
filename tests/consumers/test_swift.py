"""`--to swift`, read by ms-swift: its loader, its templates, ``rejected_response`` for pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from seestep import families
from tests.consumers import corpus, readers


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "style"), [("qwen2_5_vl", "tags"), ("qwen3_vl", "tags"), ("qwen3_vl", "plain")]
)
@pytest.mark.parametrize("stage", ["sft", "rlhf"])
def test_swift_reads_our_words_and_pictures(name, style, stage, roots, place: Path) -> None:
    python = readers.python_of("SEESTEP_SWIFT_PYTHON")
    family = families.get(name)
    asked = corpus.records() if stage == "sft" else corpus.pairs()
    processor = readers.processor_of(family, place / "processor")
    out = corpus.write(place, asked, to="swift", family=family, style=style)
    rows = readers.read(
        python, "swift_reader.py", place, export=str(out / "data.jsonl"), stage=stage,
        model_type=family.model_types[0],
        min_pixels=family.min_pixels, max_pixels=family.max_pixels,
    )  # fmt: skip
    kept = asked if stage == "sft" else corpus.told_apart(asked, style)
    wanted = corpus.wanted(kept, processor, family, roots, style)
    readers.compare(rows, wanted, processor, family)
