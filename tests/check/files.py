"""Training files made up for the tests of the check, and what it says of them."""

from __future__ import annotations

import json
from pathlib import Path
from zlib import crc32

from PIL import Image

from seestep.check.model import find
from seestep.check.run import Report, check


def write(folder: Path, rows: list, name: str = "data.json") -> Path:
    file = folder / name
    if name.endswith("l"):
        file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    else:
        file.write_text(json.dumps(rows))
    return file


def picture(folder: Path, name: str, size: tuple[int, int] = (64, 48)) -> str:
    Image.new("RGB", size, (crc32(name.encode()) % 255, 80, 90)).save(folder / name)
    return name


def llava(asked: str, said: str, *images: str, **more: object) -> dict:
    turns = [{"from": "human", "value": asked}, {"from": "gpt", "value": said}]
    return {"id": "x", "image": list(images), "conversations": turns} | more


def looked(file: Path, model: str = "qwen3-vl", **more: object) -> Report:
    return check(file, find(model), **more)  # type: ignore[arg-type]


def named(report: Report, mark: str) -> dict[str, int]:
    return {f.name: f.count for f in report.findings if f.mark == mark}
