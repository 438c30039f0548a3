"""The frame of a file's coordinates is told from its numbers and pictures, or not told."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from seestep import families
from seestep.check.model import find
from seestep.check.run import check
from seestep.families import Family
from seestep.geometry.convert import to_frame
from seestep.geometry.render import render
from tests.check.files import llava, looked, named, picture, write

QWEN = families.get("qwen2_5_vl")
SIZES = [(640, 480), (900, 600), (500, 375), (240, 320), (333, 500)]


def grounded(
    folder: Path, frame: str, count: int = 200, *, seed: int = 0, family: Family = QWEN
) -> Path:
    """Boxes and points all over pictures of several sizes, written in ``frame``."""
    rng = random.Random(seed)
    names = [picture(folder, f"{i}.png", size) for i, size in enumerate(SIZES)]
    rows = []
    for n in range(count):
        which = rng.randrange(len(SIZES))
        width, height = SIZES[which]
        x0, y0 = rng.random() * 0.8, rng.random() * 0.8
        x1, y1 = rng.uniform(x0 + 0.1, 1), rng.uniform(y0 + 0.1, 1)
        kind = "box" if n % 2 else "point"
        values = (x0, y0, x1, y1) if kind == "box" else (x1, y1)
        resize = family.resize((width, height))
        told = to_frame(values, kind, "unit", frame, resize)
        notation = "json_bbox_2d" if kind == "box" else "tuples"
        said = render(kind, told, frame, notation, label="mug")
        rows.append(llava(f"<image>\nLocate thing {n}.", said, names[which]))
    return write(folder, rows)


@pytest.mark.parametrize("frame", ["pixel", "permille", "unit", "percent"])
@pytest.mark.parametrize("model", ["qwen2.5-vl", "qwen3-vl"])
def test_the_frame_is_told_from_numbers_and_sizes(tmp_path: Path, frame: str, model: str) -> None:
    report = looked(grounded(tmp_path, frame), model)
    found = next(f for f in report.findings if f.name == "frame")
    spoken = families.get(report.family).frame
    near = (frame, spoken) == ("pixel", "pixel_resized")  # 375 becomes 364: 3 % apart
    assert found.mark == ("ok" if frame == spoken else "warning" if near else "fault")
    words = {"permille": "0 to 1000", "unit": "fractions", "percent": "0 to 100;"}
    assert words.get(frame, "pixels") in found.what
    assert set(named(report, "fault")) <= {"frame"}


@pytest.mark.parametrize("frame", ["pixel", "pixel_resized"])
def test_pixels_before_and_after_a_real_resize_are_told_apart(tmp_path: Path, frame: str) -> None:
    model = find("qwen2.5-vl")
    small = replace(model, family=model.family.with_processor(max_pixels=128 * 28 * 28))
    file = grounded(tmp_path, frame, family=small.family)
    (found,) = [f for f in check(file, small).findings if f.name == "frame"]
    assert found.mark == ("ok" if frame == "pixel_resized" else "fault")
    assert ("resized" in found.what.split(", as")[0].split(";")[0]) == (frame == "pixel_resized")


def test_without_sizes_what_the_numbers_cannot_tell_is_not_told(tmp_path: Path) -> None:
    file = grounded(tmp_path, "permille")
    for name in tmp_path.glob("*.png"):
        name.unlink()
    found = {f.name: f for f in looked(file, "qwen2.5-vl").findings}
    assert found["frame"].mark == "not checked" and "--images" in found["frame"].what
    assert found["missing"].mark == "fault"
    found = {f.name: f for f in looked(file, "qwen3-vl").findings}
    assert found["frame"].mark == "not checked"


def test_half_of_each_frame_is_no_frame(tmp_path: Path) -> None:
    rows = json.loads(grounded(tmp_path, "permille").read_text())
    rows += json.loads(grounded(tmp_path, "pixel", seed=1).read_text())
    found = next(f for f in looked(write(tmp_path, rows)).findings if f.name == "frame")
    assert found.mark == "fault" and "some are pixels" in found.what


def test_fractions_need_no_sizes(tmp_path: Path) -> None:
    file = grounded(tmp_path, "unit")
    for name in tmp_path.glob("*.png"):
        name.unlink()
    assert named(looked(file), "fault").keys() == {"frame", "missing"}


def test_fractions_that_a_question_asks_for_are_told_apart(tmp_path: Path) -> None:
    rows = json.loads(grounded(tmp_path, "permille").read_text())
    form = "<image>\nPoint at {}. Answer with a tuple between 0 and 1."
    rows += [llava(form.format(n), f"[(0.{n:02}, 0.55)]", "0.png") for n in range(1, 31)]
    found = {f.name: f for f in looked(write(tmp_path, rows)).findings}
    assert found["frame"].mark == "ok" and found["frame-asked"].mark == "warning"
    rows += [llava(form.format(f"more {n}"), f"[({n}, 500)]", "0.png") for n in range(300, 360)]
    found = {f.name: f for f in looked(write(tmp_path, rows)).findings}
    assert found["frame-asked"].mark == "fault"


def test_numbers_beyond_the_edge_and_boxes_inside_out_are_counted(tmp_path: Path) -> None:
    rows = json.loads(grounded(tmp_path, "permille", 400).read_text())
    rows[7]["conversations"][1]["value"] = "[(1200, 300)]"
    rows[9]["conversations"][1]["value"] = '{"bbox_2d": [500, 300, 120, 400]}'
    warned = named(looked(write(tmp_path, rows)), "warning")
    assert warned == {"outside": 1, "reversed": 1}
