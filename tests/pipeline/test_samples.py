from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TypeAlias

import pytest
from PIL import Image

from seestep import families
from seestep.pipeline import samples
from seestep.pipeline.samples import Said, Window
from seestep.records import Item
from seestep.terminal import Look, shown_width
from tests.report.runs import choice, pointing, stage

RIGHT = "<think></think><answer>Answer: A</answer>"
WRONG = "<think></think><answer>Answer: B</answer>"
Items: TypeAlias = dict[str, Item]


@pytest.fixture
def window(tmp_path: Path) -> Window:
    return Window(families.get("qwen3_vl"), {"t": tmp_path}, Look(width=80), tmp_path / "samples")


@pytest.fixture
def items(tmp_path: Path) -> Items:
    return {"pointing": pointing(tmp_path, 0), "counting": choice(tmp_path, 0)}


def said(items: Items, point: str, letter: str) -> samples.Answers:
    return {
        items["pointing"].id: Said(point, 1.0 if "0.5" in point else 0.0),
        items["counting"].id: Said(letter, 1.0 if letter == RIGHT else 0.0),
    }


def test_samples_are_the_first_of_their_kind(tmp_path: Path) -> None:
    folder = stage(tmp_path / "items", [pointing(tmp_path, i) for i in range(2)])
    assert samples.choose([folder])["pointing"].id == "mini-where2place-0"
    assert "planning" not in samples.choose([folder])


def test_without_pictures_paths_of_marked_ones_are_told(window: Window, items: Items) -> None:
    lines = list(window.introduce(items, "base", said(items, "[(0.5, 0.375)]", WRONG)))
    text = "\n".join(lines)
    file = window.folder / "base-pointing.png"
    assert str(file) in text and "\x1b" not in text
    with Image.open(file) as image:
        assert (214, 54, 44) in {
            c for _, c in image.convert("RGB").getcolors(1 << 20) or []
        }  # the red dot
    assert "right answer: anywhere on the green" in text
    assert "right answer: A, red mug" in text
    assert "base: (wrong) B, red mug 2" in text


def test_pictures_fit_the_width_of_the_terminal(window: Window, items: Items) -> None:
    for width in (60, 80, 100, 120):
        wide = dataclasses.replace(window, look=Look(width, colour=True, pictures=True))
        lines = list(wide.introduce(items, "base", said(items, "[(0.5, 0.375)]", WRONG)))
        assert any("▀" in line for line in lines)
        assert max(map(shown_width, lines)) <= width
    assert not window.folder.exists()


def test_a_stage_is_shown_beside_the_one_before(window: Window, items: Items) -> None:
    before = ("base", said(items, "[(0.9, 0.9)]", WRONG))
    after = ("align", said(items, "[(0.5, 0.375)]", RIGHT))
    text = "\n".join(window.compare(items, before, after))
    assert "base (wrong) B, red mug 2" in text and "align (right) A, red mug" in text
    assert "right answer" not in text  # all of it is right now
    wide = dataclasses.replace(window, look=Look(80, colour=True, pictures=True))
    lines = list(wide.compare(items, before, after))
    assert any("▀" in line for line in lines) and max(map(shown_width, lines)) <= 80
