"""Entries that stand twice, contradict each other, or hold one odd part among good ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec import convert
from PIL import Image

from seestep.cli import main
from seestep.ledger import read as ledger_of
from seestep.records import Provenance, Record, Verdict
from seestep.run import read_rows
from seestep.sources import alfred, catalog, epic_kitchens, lvis, paco
from seestep.sources.bad import with_bad
from seestep.sources.convert import ConvertConfig
from seestep.sources.convert import convert as stage

AT = Provenance(file="x.json")
LVIS_IMAGE = {"id": 7, "width": 100, "height": 80, "coco_url": "http://x/val2017/7.jpg"}
CUP = {"id": 1, "image_id": 7, "category_id": 2, "bbox": [10, 10, 30, 30], "area": 900}


def lvis_of(annotations, images=(LVIS_IMAGE,), **more) -> list[Record | Verdict]:
    return list(
        lvis.convert(
            [convert(i | more, lvis.Image) for i in images],
            [convert(a, lvis.Annotation) for a in annotations],
            [lvis.Category(id=2, name="cup"), lvis.Category(id=3, name="fork")],
            AT,
        )
    )


def told(found) -> dict[str, str]:
    return {x.id: x.task if isinstance(x, Record) else x.check.split(":")[1] for x in found}


def test_lvis_annotation_that_stands_twice_counts_once():
    found = lvis_of([CUP, CUP])
    assert told(found)["lvis:7-1@1"] == "repeat"
    (count,) = [x for x in found if isinstance(x, Record) and x.task == "count"]
    assert count.answer.value == 1


def test_lvis_category_that_is_annotated_and_absent_is_asked_neither_way():
    found = lvis_of([CUP], neg_category_ids=[2, 3])
    assert told(found) == {"lvis:7-c2": "contradiction", "lvis:7-c3-absent": "exists"}


@pytest.mark.parametrize("box", ([10, 10, -5, 20], [10, 10, 0, 20], [200, 10, 20, 20]))
def test_lvis_instance_without_a_box_spoils_the_count_and_is_told(box):
    found = told(lvis_of([CUP, CUP | {"id": 2, "bbox": box}]))
    assert found == {"lvis:7-2": "box", "lvis:7-c2-exists": "exists", "lvis:7-c2-count": "box"}
    assert told(lvis_of([CUP | {"bbox": box}])) == {"lvis:7-1": "box"}


def test_lvis_image_that_stands_twice_is_told():
    found = lvis_of([CUP], images=[LVIS_IMAGE, LVIS_IMAGE], neg_category_ids=[3])
    assert [x.id for x in found if isinstance(x, Verdict)] == ["lvis:7@x.json-1"]
    assert len({x.id for x in found}) == len(found)


def test_paco_part_of_no_thing_is_told():
    part = CUP | {"id": 9, "obj_ann_id": 8, "category_id": 4}
    thing = CUP | {"obj_ann_id": 1}
    categories = [lvis.Category(id=2, name="cup"), lvis.Category(id=4, name="cup:handle")]
    found = paco.convert(
        [convert(LVIS_IMAGE, lvis.Image)],
        [convert(a, paco.Annotation) for a in (thing, part)],
        categories, [], {}, AT,
    )  # fmt: skip
    assert told(found)["paco:7-9"] == "join"


EPIC = ("narration_id", "video_id", "start_timestamp", "stop_timestamp", "start_frame", "narration")


def epic(*rows: tuple) -> tuple[dict, list[Verdict]]:
    kept: list = []

    def read():
        made = [dict(zip(EPIC, row, strict=True)) for row in rows]
        kept.append(epic_kitchens.segments(made, AT))
        yield from kept[0][1]
        yield "the rest"

    verdicts = [v for v in with_bad(read(), "epic_kitchens") if isinstance(v, Verdict)]
    return kept[0][0], verdicts


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({2: "00:00:nan"}, "unreadable"),
        ({3: "00:00:inf"}, "unreadable"),
        ({3: "00:00:10.0"}, "time"),
        ({4: "600"}, "frames"),  # at 30 a second
        ({0: "P01_01_0"}, "repeat"),
    ],
)
def test_epic_numbers_that_cannot_be_are_told(change, check):
    good = ("P01_01_0", "P01_01", "00:00:20.00", "00:00:22.0", "1200", "open drawer")
    other = ["P01_01_1", *good[1:]]
    for place, value in change.items():
        other[place] = value
    videos, (verdict,) = epic(good, tuple(other))
    assert verdict.check == f"source:{check}"
    assert [s.id for s in videos["P01_01"]] == ["P01_01_0"]


def test_epic_frames_of_both_rates_are_fine():
    rows = [
        ("P01_01_0", "P01_01", "00:10:00.00", "00:10:02.0", "35964", "open drawer"),  # 59.94
        ("P01_101_0", "P01_101", "00:10:00.00", "00:10:02.0", "30000", "open drawer"),
    ]
    assert epic(*rows)[1] == []


def test_alfred_trajectory_of_the_tests_is_told_and_not_unreadable():
    (found,) = alfred.convert({"task_id": "t1", "turk_annotations": {"anns": []}}, "f", AT)
    assert isinstance(found, Verdict) and found.check == "source:plan"


def test_the_folder_above_is_named_where_one_of_the_layout_is_given(tmp_path):
    file = tmp_path / "full_2.1.0/train/task/trial/traj_data.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    source = catalog.get("alfred")
    assert source.files(tmp_path) == [file]
    with pytest.raises(Exception, match="name the folder that has them") as error:
        source.files(tmp_path / "full_2.1.0")
    assert str(tmp_path) in str(error.value)


def vg(folder: Path, regions: list, images: int = 2) -> Path:
    size = {"width": 100, "height": 80}
    told = [{"image_id": n, "url": f"http://x/VG_100K/{n}.jpg"} | size for n in range(images)]
    (folder / "image_data.json").write_text(json.dumps([*told, told[0] | {"width": 50}]))
    (folder / "region_descriptions.json").write_text(json.dumps(regions))
    return folder


def region(n: int, **more) -> dict:
    return {
        "region_id": n,
        "phrase": f"thing {n}",
        "x": 1,
        "y": 1,
        "width": 20,
        "height": 20,
    } | more


def test_one_odd_region_leaves_the_others_of_its_picture(tmp_path):
    root = tmp_path / "vg"
    root.mkdir()
    rows = [
        {"id": 0, "regions": [region(1), region(2, x=None), region(3)]},
        {"id": 1, "regions": [region(4)]},
        {"id": 1, "regions": [region(5)]},
    ]
    manifest = stage(ConvertConfig(source="visual_genome"), vg(root, rows), tmp_path / "out")
    assert manifest.counts["out"] == 3
    assert manifest.drops == {
        "source:repeat:the image stands in the file before; the first entry counts": 1,
        "source:unreadable:not as documented: Expected `float`, got `null`": 1,
        "source:unreadable:the image stands twice, told otherwise; the first entry counts": 1,
    }
    odd = [v for f in (tmp_path / "out").glob("ledger*") for _, v in ledger_of(f) if not v.keep]
    assert any("regions 1" in v.evidence for v in odd)


def test_where_unreadable_rows_are_is_printed(tmp_path, capsys):
    root = tmp_path / "vg"
    root.mkdir()
    vg(root, [{"id": 0, "regions": [region(1), region(2, x=None)]}])
    assert main(["convert", "visual_genome", str(root), "--out", str(tmp_path / "o")]) == 0
    said = capsys.readouterr().out
    assert "where: visual_genome:region_descriptions.json byte 1, regions 1" in said


def test_many_pictures_lost_are_no_data_set(tmp_path):
    root = tmp_path / "vg"
    root.mkdir()
    rows = [{"id": n, "regions": [region(k) for k in range(50)]} for n in range(60)]
    rows += [{"id": 60 + n, "regions": "none"} for n in range(21)]  # a quarter of all pictures
    vg(root, rows, images=81)
    line = ["convert", "visual_genome", str(root), "--out", str(tmp_path / "o")]
    assert main(line) == 2


@pytest.mark.parametrize(("size", "kept"), [((50, 40), True), ((40, 50), False)])
def test_sharerobot_places_are_scaled_with_their_picture(tmp_path, size, kept):
    root = tmp_path / "share"
    meta = {"original_dataset": "x", "original_width": 100, "original_height": 80}
    row = {"id": "1.png", "meta_data": meta, "instruction": "take it"}
    row["affordance"] = {"x": 10, "y": 20, "width": 30, "height": 40}
    (root / "affordance/images").mkdir(parents=True)
    (root / "affordance/a.json").write_text(json.dumps([row]))
    Image.new("RGB", size).save(root / "affordance/images/1.png")
    manifest = stage(ConvertConfig(source="sharerobot"), root, tmp_path / "out")
    assert manifest.counts["out"] == kept
    for record in read_rows(tmp_path / "out", Record):
        assert record.geometry[0].values == (5, 10, 20, 30)
        assert record.media[0].size == size
        assert record.provenance.transforms == ("scaled 0.5 x 0.5",)


def test_sharerobot_row_that_stands_twice_is_told_and_another_of_its_name_kept(tmp_path):
    root = tmp_path / "share"
    meta = {"original_dataset": "x", "original_width": 100, "original_height": 80}
    row = {"id": "1.png", "meta_data": meta, "instruction": "take it"}
    row["affordance"] = {"x": 10, "y": 20, "width": 30, "height": 40}
    (root / "affordance").mkdir(parents=True)
    rows = [row, row, row | {"instruction": "push it"}]
    (root / "affordance/a.json").write_text(json.dumps(rows))
    manifest = stage(ConvertConfig(source="sharerobot"), root, tmp_path / "out")
    ids = [record.id for record in read_rows(tmp_path / "out", Record)]
    assert ids == ["sharerobot:affordance-1.png", "sharerobot:affordance-1.png-r2"]
    assert sum(manifest.drops.values()) == 1
