"""PACO-LVIS on an image made up to its documented shape (no real file can be had here).

20 x 10 pixels: one red mug with a handle, two knives, a bowl of a colour nobody could tell.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from seestep.geometry.frames import same_size
from seestep.geometry.masks import contains, encode
from seestep.records import Choice, Points, Provenance, Record, Verdict, YesNo
from seestep.sources import catalog

SIZE = (20, 10)
GRID = np.zeros((10, 20))
GRID[2:7, 12:17] = 1  # the handle; its deepest pixel is the middle, column 14, row 4


def ann(id: int, category: int, **more: object) -> dict:
    base = {
        "id": id, "image_id": 7, "category_id": category, "bbox": [2, 2, 8, 8], "area": 64,
        "obj_ann_id": id, "attribute_ids": [], "dom_color_ids": [], "segmentation": [],
        "unknown_color": 1, "unknown_pattern_marking": 1, "unknown_material": 1,
        "unknown_transparency": 1,
    }  # fmt: skip
    return base | more


def rle(grid: np.ndarray = GRID, *, compressed: bool = True) -> dict:
    if compressed:
        text, size = encode(grid)
        return {"size": list(size), "counts": text}
    flat = grid.T.ravel().astype(int)  # column by column, runs of nothing first
    edges = np.flatnonzero(np.diff(flat, prepend=0))
    runs = np.diff(np.concatenate(([0], edges, [flat.size])))
    return {"size": list(grid.shape), "counts": runs.tolist()}


MUG = ann(1, 1, attribute_ids=[0, 6], dom_color_ids=[0, 1], unknown_color=0, unknown_material=0)
HANDLE = ann(2, 4, obj_ann_id=1, segmentation=rle())
KNIVES = [ann(3, 2), ann(4, 2)]
BOWL = ann(5, 3, attribute_ids=[2])  # with unknown_color 1: nobody could tell
WORDS = ["red", "pink", "blue", "green", "black", "other(color)", "metal", "wood", "glass"]


def file(folder: Path, *annotations: dict, name: str = "paco_lvis_v1_train.json") -> Path:
    data = {
        "images": [
            {
                "id": 7, "width": 20, "height": 10, "file_name": "train2017/000000000007.jpg",
                "neg_category_ids": [9], "not_exhaustive_category_ids": [], "license": 1,
                "coco_url": "http://images.cocodataset.org/train2017/000000000007.jpg",
            }
        ],
        "annotations": list(annotations) or [MUG, HANDLE, *KNIVES, BOWL],
        "categories": [
            {"id": k, "name": n}
            for k, n in {1: "mug", 2: "knife", 3: "bowl", 4: "mug:handle", 9: "dog"}.items()
        ],
        "attributes": [{"id": k, "name": n} for k, n in enumerate(WORDS)],
        "attr_type_to_attr_idxs": {"color": [0, 1, 2, 3, 4, 5], "material": [6, 7, 8]},
    }  # fmt: skip
    (folder / name).write_text(json.dumps(data))
    return folder


def read(folder: Path) -> dict[str, Record | Verdict]:
    found = catalog.get("paco").read(folder, lambda p: Provenance(file=p.name))
    rows = [row[0] if isinstance(row, tuple) else row for row in found]
    assert len({r.id for r in rows}) == len(rows)
    return {r.id.split(":", 1)[1]: r for r in rows}


def test_things_are_asked_as_lvis_allows(tmp_path: Path) -> None:
    got = read(file(tmp_path))
    assert got["7-c9-absent"].answer == YesNo(yes=False)  # a category known to be absent
    assert got["7-c2-count"].answer.value == 2
    assert got["7-c1-exists"].media[0].path == "train2017/000000000007.jpg"
    assert got["7-c1-exists"].clusters == ("coco:7",)
    assert not any("handle" in str(row.turns) for key, row in got.items() if "-c4" in key)
    assert {row.source for row in got.values() if isinstance(row, Record)} == {"paco"}


@pytest.mark.parametrize("compressed", [True, False])
def test_a_part_is_pointed_at_where_it_is_deepest(tmp_path: Path, compressed: bool) -> None:
    handle = HANDLE | {"segmentation": rle(compressed=compressed)}
    part = read(file(tmp_path, MUG, handle))["7-1-part-handle"]
    assert isinstance(part, Record) and part.answer == Points(geometry="point", region="part")
    assert part.find_geometry("point").values == (14.5, 4.5)
    assert contains(part.find_geometry("part"), 14.5, 4.5, same_size(SIZE))
    assert "handle of the mug" in str(part.turns)


def test_attributes_are_asked_where_somebody_could_tell(tmp_path: Path) -> None:
    got = read(file(tmp_path))
    colour = got["7-1-color"].answer
    assert isinstance(colour, Choice) and colour.options[colour.index] == "red"
    assert set(colour.options) == {"red", "blue", "green", "black"}  # pink is a colour of it too
    assert got["7-1-material"].answer.options[got["7-1-material"].answer.index] == "metal"
    assert not any(key.startswith("7-5-") for key in got)  # unknown_color
    assert not any(key.startswith(("7-3-", "7-4-")) for key in got)  # one of two knives


@pytest.mark.parametrize(
    ("rows", "key", "rule"),
    [
        ([MUG | {"attribute_ids": [0, 2]}], "7-1-color", "several"),
        ([MUG | {"attribute_ids": [5]}], "7-1-color", "other"),
        ([MUG, HANDLE, HANDLE | {"id": 6}], "7-1-part-handle", "several"),
        ([MUG, HANDLE | {"category_id": 9}], "7-1-part-?", "join"),
        ([MUG, HANDLE | {"segmentation": rle(np.ones((5, 5)))}], "7-1-part-handle", "mask"),
        ([MUG, HANDLE | {"segmentation": rle(np.zeros((10, 20)))}], "7-1-part-handle", "mask"),
        ([MUG, ann(8, 1, image_id=99)], "99-8", "join"),
    ],
)
def test_what_cannot_be_asked_says_why(tmp_path: Path, rows, key, rule) -> None:
    got = read(file(tmp_path, *rows))[key]
    assert isinstance(got, Verdict) and got.check == f"source:{rule}"


def test_held_out_files_stay_held_out(tmp_path: Path) -> None:
    file(tmp_path, name="paco_lvis_v1_val.json")
    assert {r.split for r in read(tmp_path).values() if isinstance(r, Record)} == {"val"}
