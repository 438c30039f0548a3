"""What of a model matters to a training file: frame, picture limits, tokenizer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seestep import families
from seestep.errors import DataError
from seestep.families import Family
from seestep.models import card as cards

CHARS_A_TOKEN = 3.8  # of English in the Qwen tokenizers, about; a CJK sign counts as 0.7
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Model:
    """``count`` is exact where the checkpoint's tokenizer was there, else an estimate."""

    name: str
    family: Family
    count: Callable[[str], int]
    exact: bool


def find(name: str, *, family: str | None = None) -> Model:
    """A model by family name ("qwen2.5-vl") or checkpoint folder.

    ``family`` overrides what a folder says: RoboBrain 2 has the model type of Qwen2.5-VL.
    """
    folder = Path(name)
    if not folder.is_dir():
        return Model(name, by_name(family or name), estimate, exact=False)
    config = _load(folder / "config.json")
    card = cards.read(folder)
    spoken = by_name(family) if family else None
    if spoken is None:
        kind = str(config.get("model_type", ""))
        spoken = families.get(card.family) if card else families.for_model_type(kind)
    if card is not None:
        spoken = spoken.with_frame(card.frame, "its seestep.json")
    limits = _limits(_load(folder / "preprocessor_config.json"))
    count = _tokenizer(folder / "tokenizer.json")
    return Model(name, spoken.with_processor(**limits), count or estimate, exact=count is not None)


def by_name(name: str) -> Family:
    """A family by its name, however it is written; ``DataError`` if there is none."""
    found = families.like(name)
    if found is None:
        raise DataError(
            f"neither a checkpoint folder nor a model family: {name}",
            wanted=" | ".join(families.known()),
            hint="give the folder that holds config.json, or a family",
        )
    return found


def estimate(text: str) -> int:
    """Tokens of ``text``, about."""
    cjk = len(_CJK.findall(text))
    return round((len(text) - cjk) / CHARS_A_TOKEN + 0.7 * cjk)


def _load(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise DataError(
            "this checkpoint lacks a file", file=file, hint="download the whole checkpoint"
        ) from None
    except ValueError as error:
        raise DataError(f"not valid JSON: {error}", file=file) from error
    if not isinstance(value, dict):
        raise DataError("not a JSON object", file=file)
    return value


def _limits(told: dict[str, Any]) -> dict[str, int]:
    size = told.get("size") or {}
    names = {
        "patch": told.get("patch_size"),
        "merge": told.get("merge_size"),
        "min_pixels": told.get("min_pixels") or size.get("shortest_edge"),
        "max_pixels": told.get("max_pixels") or size.get("longest_edge"),
    }
    return {name: int(value) for name, value in names.items() if value}


def _tokenizer(file: Path) -> Callable[[str], int] | None:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    if not file.is_file():
        return None
    tokenizer = Tokenizer.from_file(str(file))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
