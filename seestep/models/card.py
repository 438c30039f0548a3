"""``seestep.json``: what a checkpoint was trained to see and say, kept beside its weights.

Serving and evaluation compare it with the files around it, so that a changed pixel cap, chat
template or coordinate frame is an error and not a silently lower score.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from seestep import __version__
from seestep.errors import DataError
from seestep.families import Family, get
from seestep.records import Frame

NAME = "seestep.json"

# Families that no config.model_type stands for, and the architecture they are checkpoints of.
DECLARED = {"robobrain2": ("qwen2_5_vl",)}


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a checkpoint was trained with."""

    family: str
    frame: Frame
    notations: dict[str, str]  # geometry kind -> notation of ``geometry.render``
    patch: int  # pixels
    merge: int  # patches along one side of a visual token
    min_pixels: int
    max_pixels: int
    template_sha256: str
    wire: Literal["tags", "plain"] = "tags"
    source_run: str = ""  # what made it: a run folder's name or a recipe
    version: str = __version__


def describe(
    family: Family,
    processor: Any,
    *,
    wire: Literal["tags", "plain"] = "tags",
    source_run: str = "",
) -> Card:
    """The card of a model that speaks ``family`` through ``processor``."""
    limits = image_limits(processor)
    return Card(
        family=family.name,
        frame=cast(Frame, family.frame),
        notations=dict(family.notations),
        patch=limits["patch"],
        merge=limits["merge"],
        min_pixels=limits["min_pixels"],
        max_pixels=limits["max_pixels"],
        template_sha256=template_sha256(processor),
        wire=wire,
        source_run=source_run,
    )


def read(folder: str | Path) -> Card | None:
    """The card of a checkpoint folder, None for a plain one that has none."""
    file = Path(folder) / NAME
    if not file.is_file():
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Card)
    except msgspec.DecodeError as error:
        raise DataError(
            f"not a valid model card: {error}",
            file=file,
            hint="restore the file, or delete it to load the folder as a plain checkpoint",
        ) from error


def write(folder: str | Path, card: Card) -> Path:
    """Write ``card`` into a checkpoint folder."""
    file = Path(folder) / NAME
    data = msgspec.json.format(msgspec.json.encode(card, order="deterministic"), indent=2)
    file.write_bytes(data + b"\n")
    return file


def check(card: Card, processor: Any, model_type: str, *, file: Path) -> None:
    """Raise ``DataError`` when the files beside ``card`` are not those it was written for."""
    spoken_by = architectures(get(card.family))
    if model_type not in spoken_by:
        raise _mismatch(file, "family", f"{card.family} on {' or '.join(spoken_by)}", model_type)
    found = {**image_limits(processor), "template_sha256": template_sha256(processor)}
    for name, value in found.items():
        if getattr(card, name) != value:
            raise _mismatch(file, name, str(getattr(card, name)), str(value))


def architectures(family: Family) -> tuple[str, ...]:
    """Values of ``config.model_type`` that a checkpoint of ``family`` may have."""
    return family.model_types or DECLARED.get(family.name, ())


def image_limits(processor: Any) -> dict[str, int]:
    """patch, merge, min_pixels and max_pixels of a processor."""
    image = processor.image_processor
    return {
        "patch": int(image.patch_size),
        "merge": int(image.merge_size),
        "min_pixels": int(image.size["shortest_edge"]),
        "max_pixels": int(image.size["longest_edge"]),
    }


def template_sha256(processor: Any) -> str:
    """Hash of the chat template."""
    return hashlib.sha256(str(processor.chat_template).encode()).hexdigest()


def _mismatch(file: Path, what: str, wanted: str, got: str) -> DataError:
    return DataError(
        f"the checkpoint was changed after training: its {what} differs",
        file=file,
        wanted=wanted,
        got=got,
        hint="restore the processor files it was saved with",
    )
