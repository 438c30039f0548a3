"""`--to qwen` and `--to llava`, by the rules that Qwen's fine-tuning code and README document.

The code is in no package index, so its rules are followed here: a tag stands for the next of the
pictures, words between tags lose the white space around them, whoever is not "human" is the
assistant, and no picture and no tag may be left over.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from seestep import families
from tests.consumers import corpus, readers


def chat_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    named = row.get("image", [])
    pool = [named] if isinstance(named, str) else list(named)
    chat: list[dict[str, Any]] = []
    for turn in row["conversations"]:
        role, parts = "assistant", [{"type": "text", "text": turn["value"]}]
        if turn["from"] == "human":
            pieces = re.split("(<image>|<video>)", turn["value"])
            said = [piece.strip() for piece in pieces if piece.strip()]
            role, parts = "user", [
                {"type": "image", "image": pool.pop(0)}
                if piece == "<image>"
                else {"type": "text", "text": piece}
                for piece in said
            ]  # fmt: skip
        chat.append({"role": role, "content": parts})
    assert not pool
    return chat


@pytest.mark.parametrize("to", ["llava", "qwen"])
@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen3_vl"])
def test_qwens_rules_make_our_prompt_and_answer(name: str, to: str, roots, place: Path) -> None:
    family = families.get(name)
    processor = readers.processor_of(family, place / "processor")
    asked = corpus.records()
    out = corpus.write(place, asked, to=to, family=family)
    rows = json.loads((out / "data.json").read_bytes())
    kept = [a for a in asked if a.turns[0].role != "system"]  # which this format has no form for
    wanted = corpus.wanted(kept, processor, family, roots)
    assert [row["id"] for row in rows] == [a.id for a in kept]
    for row, want in zip(rows, wanted, strict=True):
        chat = chat_of(row)
        shown = [p["image"] for turn in chat for p in turn["content"] if p["type"] == "image"]
        assert tuple(shown) == want.images
        seen = processor.apply_chat_template(chat, tokenize=True, return_dict=True)
        assert processor.tokenizer.decode(seen["input_ids"][0]) == want.prompt + want.said[0] + "\n"


def test_what_names_pictures_is_what_each_reader_opens(roots, place: Path) -> None:
    """LLaVA's own code opens one path; Qwen's takes lists; neither a list of none."""
    family = families.get("qwen3_vl")
    kinds = {}
    for to in ("llava", "qwen"):
        out = corpus.write(place / to, corpus.records(), to=to, family=family)
        rows = json.loads((out / "data.json").read_bytes())
        kinds[to] = [type(row["image"]).__name__ if "image" in row else "none" for row in rows]
    assert kinds["llava"] == ["str", "str", "str", "list", "list", "none", "str", "str"]
    assert kinds["qwen"] == ["list"] * 5 + ["none"] + ["list"] * 2
