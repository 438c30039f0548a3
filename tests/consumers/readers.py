"""Calls a reader in the Python that has its trainer, and compares what came with what is wanted."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from seestep.families import Family
from seestep.models import TINY
from seestep.models.processor import make_image_processor, make_processor
from seestep.models.tiny.tokenizer import TEMPLATE
from tests.consumers.corpus import Wanted

ROOT = Path(__file__).parents[2]
SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
"""What templates of Qwen2.5-VL, its own too, put before a chat that has no system turn."""


def python_of(name: str) -> str:
    """The Python named by the environment variable ``name``; the test is skipped without one."""
    found = os.environ.get(name)
    if not found:
        pytest.skip(f"{name} names no Python that has it: make consumers")
    return found


def processor_of(family: Family, folder: Path) -> Any:
    """A processor that sees pictures as the real model does, with the embedded tokenizer; saved."""
    image = make_image_processor(
        family.patch, family.merge, family.min_pixels, family.max_pixels, mean=0.5, std=0.5
    )
    tokenizer = AutoTokenizer.from_pretrained(str(TINY), local_files_only=True)
    made = make_processor(family.model_types[0], image, tokenizer, TEMPLATE)
    made.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": family.model_types[0]}))
    return made


def read(python: str, script: str, place: Path, **told: Any) -> list[dict[str, Any]]:
    """Run a reader of this folder; the rows it wrote."""
    told |= {"work": str(place), "processor": str(place / "processor")}
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(place / "home"),
        "MODELSCOPE_CACHE": str(place / "home"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [python, str(Path(__file__).parent / script), json.dumps(told)],
        env=env, cwd=place, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in (place / "read.jsonl").read_text().splitlines()]


def compare(
    rows: list[dict[str, Any]], wanted: list[Wanted], processor: Any, family: Family
) -> None:
    """Every row says, asks and shows what our own encoder does."""
    decode = processor.tokenizer.decode
    assert len(rows) == len(wanted)
    for row, want in zip(rows, wanted, strict=True):
        prompt = want.prompt
        if family.name != "qwen3_vl" and not prompt.startswith("<|im_start|>system"):
            prompt = SYSTEM + prompt
        assert tuple(row["images"]) == want.images
        for seen, said in zip(row["read"], want.said, strict=True):
            ids, labels = seen["input_ids"], seen["labels"]
            learned = [i for i in labels if i != -100]
            asked = [i for i, label in zip(ids, labels, strict=True) if label == -100]
            assert decode(learned).removesuffix("\n") == said
            assert decode(asked) == prompt
            assert ids.count(processor.image_token_id) == want.image_tokens
