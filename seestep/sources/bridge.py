"""BridgeData V2: instructions, movements and plans of demonstrations, with their pictures.

An ``Episode`` is what all official forms have in common; ``bridge_raw``, ``bridge_numpy`` and
``episode`` (RLDS / TFDS TFRecord) make it, ``convert`` asks about it. state[6] is the gripper
(1 open, 0 closed), action[6] its absolute command. In RLDS all steps of a feature lie flat in one
Example: reshaped by the number of steps; its has_image_* flags are not to be trusted: a camera
counts when its pictures are not one constant colour.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep.errors import DataError, MediaError
from seestep.media import open_bytes, open_image, resolve
from seestep.records import (
    Choice,
    Form,
    Freeform,
    Media,
    Plan,
    Provenance,
    Record,
    Verdict,
    YesNo,
)
from seestep.sources import bridge_motion, make
from seestep.sources.read import Feature

LICENCE = "CC BY 4.0"
VERSION = "1"
CAMERAS = ("image_0", "image_1", "image_2", "image_3")
ROOT = "bridge"  # media root of pictures that lie inside the files
BESIDE = "bridge_raw"  # media root of pictures that lie beside them
OPTIONS = 4
CLOSED_BELOW = bridge_motion.CLOSED_BELOW
UNSAID = "the episode has no instruction"
REPEAT = "the same motion was read before"
Rows: TypeAlias = Iterator[Record | tuple[Record, dict[str, bytes]] | Verdict]


@dataclass(frozen=True)
class Files:
    """Pictures of one camera on disk, by step: ``paths`` below ``root``."""

    root: Path
    paths: Sequence[str]


@dataclass(frozen=True)
class Episode:
    """One demonstration. ``state`` is (T, 7): x, y, z in metres, roll, pitch, yaw in radians, the
    gripper; ``action`` (T, 7): the change of the six, and the gripper's command. ``frames`` has T
    pictures a camera: bytes of a JPEG or PNG, or files."""

    key: str
    instruction: str
    state: NDArray[np.float32]
    action: NDArray[np.float32]
    frames: Mapping[str, Sequence[bytes] | Files]
    split: str  # "" where its form has none
    said: tuple[str, ...] = ()  # other words for the same instruction
    unsaid: str = UNSAID  # why there is no instruction


def motion(state: NDArray[np.float32], action: NDArray[np.float32]) -> str:
    """A name of an episode by what the robot did, alike in every form that holds all its steps.

    A folder's place is lost in the owners' conversions and the order of its trajectories is drawn
    anew by each, so that neither path nor number tells that two forms hold the same episode; the
    float32 numbers do. Commands of zeros at the end are left out: one builder of RLDS adds one.
    """
    moved = np.flatnonzero(np.any(action != 0, axis=1))
    steps = int(moved[-1]) + 1 if len(moved) else len(action)
    digest = hashlib.sha256(f"{steps}".encode())
    for numbers in (state, action):
        digest.update(np.ascontiguousarray(numbers[:steps], "<f4").tobytes())
    return digest.hexdigest()[:12]


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


def lines(text: str) -> tuple[str, ...]:
    """The instructions in ``text``, one a line and each once.

    Lines with "confidence" tell how sure an annotator was; the owners' scripts drop them too.
    """
    every = (" ".join(line.split()) for line in text.split("\n"))
    return tuple(dict.fromkeys(line for line in every if line and "confidence" not in line))


def instruction_of(features: Mapping[str, Feature]) -> str:
    """The instruction of one tf.train.Example, "" if it has none."""
    return _text(features["steps/language_instruction"])


def convert(
    episodes: Iterable[Episode],
    where: Provenance,
    instructions: Collection[str] | None = None,
) -> Rows:
    """Records; where pictures lie inside their file, with these (relative path -> bytes, as they
    are). Wrong options come from ``instructions``, by default those of all ``episodes``."""
    if instructions is None:
        episodes = list(episodes)
        instructions = {e.instruction for e in episodes if e.instruction}
    known = sorted(instructions)
    for index, ep in enumerate(episodes):
        yield from records(ep, msgspec.structs.replace(where, row=str(index)), known)


def records(ep: Episode, where: Provenance, instructions: Sequence[str]) -> Rows:
    """The records of one episode; wrong options come from ``instructions``, which are sorted."""
    try:
        yield from _asked(ep, where, instructions)
    except MediaError as error:
        yield make.dropped(f"bridge:{ep.key}", "media", error.what, _below(ep, error.file))


def _asked(ep: Episode, where: Provenance, instructions: Sequence[str]) -> Rows:
    id = f"bridge:{ep.key}"
    camera = next((c for c in CAMERAS if c in ep.frames and not _blank(ep, c)), None)
    if camera is None:
        yield make.dropped(id, "blank", "every camera shows one constant colour")
        return
    first, media_first = _picture(ep, camera, 0)
    last, media_last = _picture(ep, camera, len(ep.state) - 1, key="last")
    files = {m.path: data for m, data in ((media_first, first), (media_last, last)) if data}
    at = Provenance(
        file=where.file, sha256=where.sha256, row=where.row, reader="bridge", version=VERSION
    )

    def made(task: str, question: str, answer: Choice | YesNo, form: Form) -> Record:
        record = make.record(
            f"{id}-{task}",
            task,
            [media_first, media_last],
            question,
            answer,
            form=form,
            provenance=at,
            tags=(ep.split,) if ep.split else (),
        )
        return msgspec.structs.replace(record, split="val" if ep.split == "val" else "train")

    others = [i for i in instructions if i != ep.instruction and i not in ep.said]
    if not ep.instruction:
        yield make.dropped(f"{id}-instruction", "language", ep.unsaid)
    elif len(others) < OPTIONS - 1:
        yield make.dropped(f"{id}-instruction", "options", "too few other instructions")
    else:
        offset = int(ep.key, 16) % len(others)
        wrong = [others[(offset + i) % len(others)] for i in range(OPTIONS - 1)]
        record = made(
            "instruction",
            "The robot starts as in the first picture and ends as in the second. "
            "What was it told to do?",
            make.shuffled_choice(ep.instruction, wrong, id),
            Form(kind="choice"),
        )
        yield (record, files) if files else record
    yield from _done(ep, camera, at)
    closed = bool(ep.state[-1, 6] < CLOSED_BELOW)
    commanded = bool(ep.action[:, 6].min() < CLOSED_BELOW)
    if closed != commanded:
        yield make.dropped(f"{id}-gripper", "gripper", "state and command disagree at the end")
        return
    record = made(
        "gripper",
        "Has the robot closed its gripper by the second picture?",
        YesNo(yes=closed),
        Form(kind="yes_no"),
    )
    yield (record, files) if files else record


def _done(ep: Episode, camera: str, at: Provenance) -> Rows:
    """What the robot does in the episode, what comes next at each of its deeds, and the plan."""
    id, said = f"bridge:{ep.key}", f' It was told: "{ep.instruction}".' if ep.instruction else ""
    told = bridge_motion.deeds(ep.state, ep.action)

    def made(part: str, task: str, steps: dict[str, int], asked: str, answer: Any) -> Any:
        shown = [_picture(ep, camera, step, key=key) for key, step in steps.items()]
        files = {m.path: data for data, m in shown if data}
        kind = "plan" if isinstance(answer, Plan) else "text"
        record = make.record(
            f"{id}-{part}",
            task,
            [m for _, m in shown],
            asked,
            answer,
            form=Form(kind=kind),  # type: ignore[arg-type]
            provenance=at,
            tags=(ep.split,) if ep.split else (),
        )
        record = make.marked(record, split="val" if ep.split == "val" else "train")
        return (record, files) if files else record

    if told:
        whole = {"first": 0, "last": len(ep.state) - 1}
        question = (
            f"The robot starts as in the first picture and ends as in the second.{said} "
            f"What did its gripper do, in order? {bridge_motion.BASE}"
        )
        words = "; ".join(deed.words for deed in told)
        yield made("movement", "movement", whole, question, Freeform(text=words))
    else:
        yield make.dropped(f"{id}-movement", "still", "it neither moves nor grasps")
    for i, deed in enumerate(told[1:], 1):
        before = ", then ".join(d.words for d in told[max(0, i - 3) : i])
        question = (
            f"This is a robot at work.{said} Done last: {before}. "
            f"What does its gripper do next? {bridge_motion.BASE}"
        )
        answer = Freeform(text=deed.words)
        yield made(f"next{i}", "next_action", {"im": deed.step}, question, answer)
    plan = bridge_motion.plan(ep.instruction, told)
    if isinstance(plan, str):
        yield make.dropped(f"{id}-plan", "plan", plan)
    else:
        question = f"Task: {make.sentence(ep.instruction)} What are the steps?"
        yield made("plan", "plan", {"im": 0}, question, plan)


def _picture(
    ep: Episode, camera: str, step: int, *, key: str = "first"
) -> tuple[bytes | None, Media]:
    """The bytes of a picture that lies inside its file (None of one on disk), and its media."""
    frames = ep.frames[camera]
    origins = tuple(dict.fromkeys(f"bridge:{k}" for k in (ep.key, motion(ep.state, ep.action))))
    if isinstance(frames, Files):
        path = frames.paths[step]
        return None, Media(key=key, path=path, root=BESIDE, origins=origins, licence=LICENCE)
    data = frames[step]
    kind = "png" if data.startswith(b"\x89PNG") else "jpg"
    width, height = _size(data)
    return data, Media(
        key=key,
        path=f"{ep.key}/{camera}_{step:04d}.{kind}",
        root=ROOT,
        width=width,
        height=height,
        sha256=hashlib.sha256(data).hexdigest(),
        origins=origins,
        licence=LICENCE,
    )


def _below(ep: Episode, file: str | None) -> str:
    """A picture's place below the root of its episode's pictures."""
    roots = [frames.root for frames in ep.frames.values() if isinstance(frames, Files)]
    return Path(file).relative_to(roots[0]).as_posix() if file and roots else ""


def _size(data: bytes) -> tuple[int, int]:
    """(width, height) from the header alone; ``MediaError`` if there is none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MediaError(f"this picture is damaged: {error}") from error


def _blank(ep: Episode, camera: str) -> bool:
    frames = ep.frames[camera]
    if isinstance(frames, Files):
        shown = resolve(
            Media(key="first", path=frames.paths[0], root=BESIDE), {BESIDE: frames.root}
        )
        image = open_image(shown)
    else:
        image = open_bytes(frames[0])
    return all(high - low <= 2 for low, high in image.getextrema())  # type: ignore[misc]


def _text(feature: Feature) -> str:
    values = list(feature)
    return bytes(values[0]).decode("utf-8").strip() if values else ""
