"""BridgeData V2 (RLDS / TFDS TFRecord): instructions and gripper events with their pictures.

All steps of a feature lie flat in one Example: reshaped by the number of steps. state[6] is the
gripper (1 open, 0 closed), action[6] its absolute command. The has_image_* flags are not to be
trusted: a camera counts when its pictures are not one constant colour.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seestep.errors import DataError
from seestep.records import Form, Media, Provenance, Record, Verdict, YesNo
from seestep.sources import make
from seestep.sources.read import Feature

LICENCE = "CC BY 4.0"
VERSION = "1"
CAMERAS = ("image_0", "image_1", "image_2", "image_3")
OPTIONS = 4
CLOSED_BELOW = 0.5


@dataclass(frozen=True)
class Episode:
    """One demonstration. ``state`` is (T, 7), ``action`` (T, 7); ``frames`` are JPEG bytes."""

    key: str
    instruction: str
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    frames: Mapping[str, Sequence[bytes]]
    split: str


def episode(features: Mapping[str, Feature]) -> Episode:
    """Reshape one tf.train.Example; a feature of another length is a ``DataError``."""
    steps = len(features["steps/is_first"])
    path = _text(features["episode_metadata/file_path"])
    number = int(np.asarray(features["episode_metadata/episode_id"])[0])
    key = hashlib.sha256(f"{path}#{number}".encode()).hexdigest()[:12]
    cameras = {
        name: [bytes(b) for b in features[f"steps/observation/{name}"]]
        for name in CAMERAS
        if f"steps/observation/{name}" in features
    }
    for name, pictures in cameras.items():
        if len(pictures) != steps:
            raise DataError(
                f"{name} has another length than the episode",
                record=key,
                wanted=str(steps),
                got=str(len(pictures)),
            )
    return Episode(
        key=key,
        instruction=_text(features["steps/language_instruction"]),
        state=np.asarray(features["steps/observation/state"], np.float32).reshape(steps, 7),
        action=np.asarray(features["steps/action"], np.float32).reshape(steps, 7),
        frames=cameras,
        split="val" if "/val/" in path else "train",
    )


def convert(
    episodes: Sequence[Episode], where: Provenance
) -> Iterator[tuple[Record, dict[str, bytes]] | Verdict]:
    """Records with the picture files they show (relative path -> JPEG bytes, not re-encoded)."""
    instructions = sorted({e.instruction for e in episodes if e.instruction})
    for index, ep in enumerate(episodes):
        id = f"bridge:{ep.key}"
        camera = next((c for c in CAMERAS if c in ep.frames and not _blank(ep.frames[c][0])), None)
        if camera is None:
            yield make.dropped(id, "blank", "every camera shows one constant colour")
            continue
        first, media_first = _picture(ep, camera, 0)
        last, media_last = _picture(ep, camera, len(ep.state) - 1, key="last")
        files = {media_first.path: first, media_last.path: last}
        at = Provenance(
            file=where.file, sha256=where.sha256, row=str(index), reader="bridge", version=VERSION
        )
        if not ep.instruction:
            yield make.dropped(f"{id}-instruction", "language", "the episode has no instruction")
        elif len(instructions) < OPTIONS:
            yield make.dropped(f"{id}-instruction", "options", "too few other instructions")
        else:
            others = [i for i in instructions if i != ep.instruction]
            offset = int(ep.key, 16) % len(others)
            wrong = [others[(offset + i) % len(others)] for i in range(OPTIONS - 1)]
            yield (
                make.record(
                    f"{id}-instruction",
                    "instruction",
                    [media_first, media_last],
                    "The robot starts as in the first picture and ends as in the second. "
                    "What was it told to do?",
                    make.shuffled_choice(ep.instruction, wrong, id),
                    form=Form(kind="choice"),
                    provenance=at,
                    tags=(ep.split,),
                ),
                files,
            )
        closed = bool(ep.state[-1, 6] < CLOSED_BELOW)
        commanded = bool(ep.action[:, 6].min() < CLOSED_BELOW)
        if closed != commanded:
            yield make.dropped(f"{id}-gripper", "gripper", "state and command disagree at the end")
            continue
        yield (
            make.record(
                f"{id}-gripper",
                "gripper",
                [media_first, media_last],
                "Has the robot closed its gripper by the second picture?",
                YesNo(yes=closed),
                form=Form(kind="yes_no"),
                provenance=at,
                tags=(ep.split,),
            ),
            files,
        )


def _picture(ep: Episode, camera: str, step: int, *, key: str = "first") -> tuple[bytes, Media]:
    from PIL import Image

    data = ep.frames[camera][step]
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    media = Media(
        key=key,
        path=f"{ep.key}/{camera}_{step:04d}.jpg",
        root="bridge",
        width=width,
        height=height,
        sha256=hashlib.sha256(data).hexdigest(),
        origins=(f"bridge:{ep.key}",),
        licence=LICENCE,
    )
    return data, media


def _blank(data: bytes) -> bool:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        extrema = image.convert("RGB").getextrema()
    return all(high - low <= 2 for low, high in extrema)  # type: ignore[misc]


def _text(feature: Feature) -> str:
    values = list(feature)
    return bytes(values[0]).decode("utf-8").strip() if values else ""
