"""Made-up (synthetic) BridgeData V2 in all its forms: recorded, then converted as its owners do.

``convert_numpy`` and ``convert_tfrecord`` follow data_processing/bridgedata_raw_to_numpy.py and
bridgedata_numpy_to_tfrecord.py of github.com/rail-berkeley/bridge_data_v2 step by step, with
Python's own pickle and numpy.save; the protobuf messages are written by hand.
"""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import google_crc32c
import numpy as np
from PIL import Image

TASKS = ("put carrot on plate", "flip pot", "turn lever", "fold the cloth", "open the drawer")
NEW, OLD = "2022-03-04_10-20-30", "2021-07-22_23-59-59"


def record(
    root: Path,
    number: int,
    *,
    date: str = NEW,
    steps: int = 4,
    words: str | None = "",
    cameras: int = 2,
    protocol: int | None = None,
    closes: bool | None = None,
) -> Path:
    """A trajectory as the robot writes it: ``steps`` + 1 states and pictures, ``steps`` actions."""
    task = TASKS[number % len(TASKS)]
    lab = root / "berkeley" / "toykitchen1" / task.replace(" ", "_") / f"{number:02d}"
    folder = lab / date / "raw" / "traj_group0" / f"traj{number}"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(number)
    closes = number % 2 == 1 if closes is None else closes
    states = rng.normal(size=(steps + 1, 7))
    states[:, 6] = 1.0
    actions = rng.normal(size=(steps, 7)) * 0.01
    actions[:, 6] = 1.0
    if closes:
        states[steps // 2 :, 6] = 0.1
        actions[steps // 2 - 1 :, 6] = 0.0
    for camera in range(cameras):
        (folder / f"images{camera}").mkdir()
        for t in range(steps + 1):
            pixels = rng.integers(0, 255, (48, 64, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"images{camera}" / f"im_{t}.jpg")
    (folder / "depth_images0").mkdir()
    obs = {
        "full_state": states,
        "state": states,
        "time_stamp": [1646389230.0 + t for t in range(steps + 1)],
        "env_done": np.zeros(steps + 1, dtype=bool),
        "task_stage": np.arange(steps + 1),
        "qpos": states.astype(np.float32)[:, ::2],
    }
    out = [
        {
            "actions": a,
            "new_robot_transform": np.eye(4),
            "delta_robot_transform": np.asfortranarray(np.eye(4)),
            "policy_type": "VRTeleopPolicy",
        }
        for a in actions
    ]
    (folder / "obs_dict.pkl").write_bytes(pickle.dumps(obs, protocol))
    (folder / "policy_out.pkl").write_bytes(pickle.dumps(out, protocol))
    (folder / "agent_data.pkl").write_bytes(b"not looked at")
    if words is not None:
        (folder / "lang.txt").write_text(words or f"{task}\nplease {task}\nconfidence: 1\n")
    (folder.parents[2] / "collection_metadata.json").write_text("{}")
    return folder


def trajectory(folder: Path, *, language: bool = True) -> dict:
    """What the owners' script makes of a recorded trajectory."""
    late = folder.parents[2].name < "2021-07-23"
    obs = pickle.loads((folder / "obs_dict.pkl").read_bytes())
    acts = [x["actions"] for x in pickle.loads((folder / "policy_out.pkl").read_bytes())]
    count = len(list((folder / "images0").iterdir()))
    observed = {}
    for name in sorted(p.name for p in folder.glob("images*")):
        pictures = [Image.open(folder / name / f"im_{t}.jpg") for t in range(count)]
        arrays = [np.asarray(p.resize((16, 16))).astype(np.uint8) for p in pictures]
        observed[name] = (arrays[:-1], arrays[1:])
    for name in ("full_state", "time_stamp"):
        observed[name.removeprefix("full_")] = (obs[name][:-1], obs[name][1:])
    both = [
        [dict(zip(observed, t, strict=True)) for t in zip(*now, strict=False)]
        for now in zip(*observed.values(), strict=True)
    ]
    out = {"observations": both[0], "next_observations": both[1], "actions": acts}
    out["terminals"] = [0] * len(acts)
    if language:
        out["language"] = [""]
        if (folder / "lang.txt").exists():
            said = (folder / "lang.txt").read_text().splitlines()
            out["language"] = [line.strip() for line in said if "confidence" not in line]
    if late:
        out["observations"] = out["observations"][1:]
        out["next_observations"] = out["next_observations"][1:]
        out["actions"], out["terminals"] = out["actions"][:-1], out["terminals"][:-1]
    return out


def convert_numpy(root: Path, folders: list[Path], *, split: str = "train", **kind: bool) -> Path:
    path = root / "berkeley" / "toykitchen1" / "mixed" / "00" / split / "out.npy"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        np.save(file, [trajectory(f, **kind) for f in folders])
    return path


def convert_tfrecord(root: Path, source: Path) -> Path:
    path = root / source.parent.relative_to(source.parents[5]) / "out.tfrecord"
    path.parent.mkdir(parents=True)
    rows = []
    for traj in np.load(source, allow_pickle=True):
        parts = {}
        for side in ("observations", "next_observations"):
            images = [o["images0"] for o in traj[side]]
            parts[f"{side}/images0"] = np.array(images, dtype=np.uint8)
            states = [o["state"] for o in traj[side]]
            parts[f"{side}/state"] = np.array(states, dtype=np.float32)
        if "language" in traj:
            parts["language"] = [line.encode() for line in traj["language"]]
        parts["actions"] = np.array(traj["actions"], dtype=np.float32)
        parts["terminals"] = np.zeros(len(traj["actions"]), dtype=np.bool_)
        parts["truncates"] = np.arange(len(traj["actions"])) == len(traj["actions"]) - 1
        rows.append(example({k: [tensor_proto(v)] for k, v in parts.items()}))
    path.write_bytes(tfrecord(rows))
    return path


def convert_rlds(root: Path, source: Path) -> Path:
    """The owners' data set builder: all steps of a feature flat, pictures as JPEG."""
    import io

    path = root / "bridge_dataset" / "1.0.0" / "bridge_dataset-train.tfrecord-00000-of-00001"
    path.parent.mkdir(parents=True)
    rows = []
    for number, traj in enumerate(np.load(source, allow_pickle=True)):
        jpegs = []
        for o in traj["observations"]:
            file = io.BytesIO()
            Image.fromarray(o["images0"]).save(file, "JPEG")
            jpegs.append(file.getvalue())
        steps = len(jpegs)
        rows.append(
            example(
                {
                    "steps/is_first": np.arange(steps) == 0,
                    "steps/observation/image_0": jpegs,
                    "steps/observation/state": np.array(
                        [o["state"] for o in traj["observations"]], np.float32
                    ),
                    "steps/action": np.array(traj["actions"], np.float32),
                    "steps/language_instruction": [traj["language"][0].encode()] * steps,
                    "episode_metadata/file_path": [b"/nfs/numpy_256/train/out.npy"],
                    "episode_metadata/episode_id": np.array([number]),
                }
            )
        )
    path.write_bytes(tfrecord(rows))
    return path


# --- the wire formats ---------------------------------------------------------------------------


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(*fields: tuple[int, bytes | int]) -> bytes:
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def shape_proto(*shape: int) -> bytes:
    return message(*((2, message((1, size))) for size in shape))


def tensor_proto(value: np.ndarray | list[bytes]) -> bytes:
    """As tf.io.serialize_tensor writes it: texts one by one, numbers as ``tensor_content``."""
    if isinstance(value, list):
        return message((1, 7), (2, shape_proto(len(value))), *((8, text) for text in value))
    kinds = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int64": 9, "bool": 10}
    shape = shape_proto(*value.shape)
    return message((1, kinds[str(value.dtype)]), (2, shape), (4, value.tobytes()))


def example(features: dict[str, list[bytes] | np.ndarray]) -> bytes:
    entries = []
    for name, value in features.items():
        if isinstance(value, list):
            feature = message((1, message(*((1, v) for v in value))))
        elif value.dtype == np.float32:
            feature = message((2, message((1, value.ravel().tobytes()))))
        else:
            packed = b"".join(varint(int(v)) for v in value.ravel())
            feature = message((3, message((1, packed))))
        entries.append((1, message((1, name.encode()), (2, feature))))
    return message((1, message(*entries)))


def tfrecord(payloads: list[bytes]) -> bytes:
    out = b""
    for payload in payloads:
        length = struct.pack("<Q", len(payload))
        out += length + masked(length) + payload + masked(payload)
    return out


def masked(data: bytes) -> bytes:
    crc = int(google_crc32c.value(data))
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
