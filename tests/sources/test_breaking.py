"""Files of the official layouts with something odd in them: what is odd is told, all else kept.

The rows are made up here; those of PixMo-Points are synthetic throughout.
"""

import json
import os
from pathlib import Path

import pytest

from seestep.records import Box, Freeform, Points, Provenance, Record, Verdict
from seestep.run import read_rows, read_verdicts
from seestep.sources import (
    alfred,
    epic_kitchens,
    lrv_instruction,
    make,
    pixmo_points,
    robopoint,
    sharerobot,
)
from seestep.sources.convert import ConvertConfig, convert

AT = Provenance(file="rows.json", sha256="0" * 64)
RING = [10, 10, 50, 10, 50, 70, 10, 70]
COCO = "http://images.cocodataset.org/train2017/000000000009.jpg"


def run(source: str, root: Path, out: Path) -> tuple[dict[str, Record], dict[str, str]]:
    """Records by id, and reasons of what was left out."""
    convert(ConvertConfig(source=source), root, out)
    records = list(read_rows(out, Record))
    assert len({r.id for r in records}) == len(records)
    return {r.id: r for r in records}, {v.id: v.reason for v in read_verdicts(out) if not v.keep}


def lvis_file(*more: dict, **image: object) -> str:
    shown = {"id": 9, "width": 60, "height": 90, "coco_url": COCO} | image
    found = {"id": 5, "image_id": 9, "category_id": 1, "bbox": [10, 10, 40, 60], "area": 2400}
    return json.dumps(
        {
            "images": [shown],
            "annotations": [found | {"segmentation": [RING]}, *(found | m for m in more)],
            "categories": [{"id": 1, "name": "cup"}, {"id": 2, "name": "dog"}],
        }
    )


def test_lvis_image_with_swapped_sides_is_left_out_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "lvis_v1_train.json").write_text(lvis_file(width=90, height=60))
    records, reasons = run("lvis", tmp_path, tmp_path / "out")
    assert not records and reasons == {"lvis:9": make.SWAPPED}


def test_sides_count_as_swapped_only_where_every_box_would_fit() -> None:
    tall = (10, 10, 40, 60)
    assert make.swapped([tall], (90, 60)) and not make.swapped([tall], (60, 90))
    assert not make.swapped([tall, (0, 0, 95, 10)], (90, 60))  # outside either way
    assert not make.swapped([(10, 10, 40, 51)], (90, 60))  # one pixel is not swapped sides
    assert not make.swapped([], (90, 60))


def test_lvis_lists_that_are_null_are_empty_lists(tmp_path: Path) -> None:
    lists = {"neg_category_ids": None, "not_exhaustive_category_ids": None}
    (tmp_path / "lvis_v1_train.json").write_text(lvis_file(**lists))
    records, reasons = run("lvis", tmp_path, tmp_path / "out")
    assert {i.rsplit("-", 1)[1] for i in records} == {"exists", "count", "locate", "point"}
    assert not reasons


def test_lvis_instance_without_a_box_or_area_is_still_one_of_its_category(tmp_path: Path) -> None:
    (tmp_path / "lvis_v1_train.json").write_text(lvis_file({"id": 6, "bbox": None}))
    records, reasons = run("lvis", tmp_path, tmp_path / "out")
    assert set(records) == {"lvis:9-c1-exists"}  # two cups, of which one is nowhere: no count
    assert set(reasons) == {"lvis:9-6", "lvis:9-c1-count"}
    other = tmp_path / "other"
    other.mkdir()
    (other / "lvis_v1_train.json").write_text(lvis_file({"id": 6, "area": None}))
    records, _ = run("lvis", other, tmp_path / "out2")
    assert records["lvis:9-c1-count"].answer.value == 2


def test_lvis_number_of_more_than_64_bits_costs_its_annotation_alone(tmp_path: Path) -> None:
    (tmp_path / "lvis_v1_train.json").write_text(lvis_file({"id": 6, "image_id": 10**30}))
    records, reasons = run("lvis", tmp_path, tmp_path / "out")
    assert len(records) == 4 and list(reasons) == [f"lvis:{10**30}-6"]


def test_lvis_newer_release_counts_and_lists_of_images_are_passed_by(tmp_path: Path) -> None:
    (tmp_path / "lvis_v0.5_val.json").write_text(lvis_file({"id": 6}))
    (tmp_path / "lvis_v1_train.json").write_text(lvis_file())
    alone = json.dumps({"images": [], "categories": []})
    (tmp_path / "lvis_v1_image_info_test_dev.json").write_text(alone)
    records, reasons = run("lvis", tmp_path, tmp_path / "out")
    assert {r.provenance.file for r in records.values()} == {"lvis_v1_train.json"}
    assert len(reasons) == 2
    assert any("kept back" in r for r in reasons.values())
    assert any("stands in the file before" in r for r in reasons.values())


def test_visual_genome_entry_that_is_nested_too_deep_costs_itself_alone(tmp_path: Path) -> None:
    sides = {"url": "a/VG_100K/1.jpg", "width": 90, "height": 60}
    images = [{"image_id": i} | sides for i in (1, 2)]
    (tmp_path / "image_data.json").write_text(json.dumps(images))
    deep = '{"image_id": 1, "objects": ' + "[" * 100_000 + "]" * 100_000 + "}"
    cup = {"object_id": 4, "names": ["cup"], "x": 1, "y": 2, "w": 30, "h": 40}
    good = json.dumps({"image_id": 2, "objects": [cup]})
    (tmp_path / "objects.json").write_text(f"[{deep}, {good}]")
    records, reasons = run("visual_genome", tmp_path, tmp_path / "out")
    assert list(records) == ["visual_genome:2-object-4"] and len(reasons) == 1


@pytest.mark.parametrize("part", ["objects", "attributes", "regions", "relationships"])
def test_visual_genome_image_with_swapped_sides_is_left_out(tmp_path: Path, part: str) -> None:
    box = {"x": 1, "y": 2, "w": 30, "h": 70}
    thing = box | {"object_id": 4, "names": ["cup"], "attributes": ["red"]}
    row = {
        "objects": thing,
        "attributes": thing,
        "regions": {"phrase": "a cup", "x": 1, "y": 2, "width": 30, "height": 70, "region_id": 1},
        "relationships": {
            "relationship_id": 1, "predicate": "on", "subject": box | {"name": "cup"},
            "object": box | {"name": "table", "x": 9},
        },
    }[part]  # fmt: skip
    name = {"regions": "region_descriptions"}.get(part, part)
    (tmp_path / f"{name}.json").write_text(json.dumps([{"image_id": 1, part: [row]}]))
    image = {"image_id": 1, "url": "a/VG_100K/1.jpg", "width": 90, "height": 60}
    (tmp_path / "image_data.json").write_text(json.dumps([image]))
    records, reasons = run("visual_genome", tmp_path, tmp_path / "out")
    assert not records and list(reasons.values()) == [make.SWAPPED]


def test_lrv_variants_of_one_file_are_asked_once(tmp_path: Path) -> None:
    rows = [
        {"image_id": "7", "question": "What is it?", "answer": "A mug.", "task": "object"},
        {"image_id": "8", "question": "What is it?", "answer": "A dog.", "task": "object"},
    ]
    (tmp_path / "filter_cap.json").write_text(json.dumps(rows))
    changed = [rows[0] | {"answer": "A red mug."}, rows[1]]
    (tmp_path / "filter_cap_no_coord.json").write_text(json.dumps(changed))
    records, reasons = run("lrv_instruction", tmp_path, tmp_path / "out")
    assert sorted(r.answer.text for r in records.values()) == ["A dog.", "A mug.", "A red mug."]
    assert len(reasons) == 1


def trajectory(**more: object) -> dict:
    pick = {"discrete_action": {"action": "PickupObject", "args": ["mug"]}, "planner_action": {}}
    anns = [{"task_desc": "Take the mug.", "high_descs": ["Take it."]}]
    return {
        "task_id": "t1", "task_type": "pick", "scene": {"floor_plan": "FloorPlan1"},
        "plan": {"high_pddl": [pick | {"high_idx": 0}]},
        "images": [{"high_idx": 0, "image_name": "000000000.png"}],
        "turk_annotations": {"anns": anns},
    } | more  # fmt: skip


def test_alfred_in_both_layouts_and_with_a_fifo_in_one_folder(tmp_path: Path) -> None:
    for layout in ("json_2.1.0", "full_2.1.0"):
        folder = tmp_path / layout / "train" / "task" / "trial"
        folder.mkdir(parents=True)
        (folder / "traj_data.json").write_text(json.dumps(trajectory()))
    fifo = tmp_path / "json_2.1.0" / "train" / "task" / "other"
    fifo.mkdir()
    os.mkfifo(fifo / "traj_data.json")
    records, reasons = run("alfred", tmp_path, tmp_path / "out")
    assert list(records) == ["alfred:t1-0-plan"]
    assert records["alfred:t1-0-plan"].media[0].path.startswith("full_2.1.0/")
    assert sorted(reasons.values()) == [
        "not a regular file",
        "the trajectory is read from another folder of the layout",
    ]


def test_alfred_annotation_without_words_costs_itself_alone() -> None:
    anns = [
        {"task_desc": None, "high_descs": None},
        {"task_desc": "Take the mug.", "high_descs": None},
    ]
    found = list(alfred.convert(trajectory(turk_annotations={"anns": anns}), "a/b", AT))
    assert [f.id for f in found] == ["alfred:t1-0", "alfred:t1-1-plan", "alfred:t1-1-next"]
    assert [isinstance(f, Record) for f in found] == [False, True, False]


def test_epic_row_without_words_and_row_cut_in_its_last_columns_are_left_out(
    tmp_path: Path,
) -> None:
    head = [*epic_kitchens.COLUMNS, "verb"]
    rows = [
        f"P01_101_{i},P01,P01_101,00:00:{10 + i}.00,00:00:{10 + i}.50,{500 + 50 * i},"
        f"{525 + 50 * i},{'' if i == 2 else f'do {i}'},do"
        for i in range(9)
    ]
    text = "\n".join([",".join(head), *rows]).removesuffix(",do")
    (tmp_path / "EPIC_100_train.csv").write_text(text)
    records, reasons = run("epic_kitchens", tmp_path, tmp_path / "out")
    assert reasons["epic_kitchens:P01_101_2"] == "the narration is empty"
    assert "a row is cut short" in reasons.values()
    assert not any("do 8" in str(r.answer) for r in records.values())


def said(asked: str, told: object) -> list[dict]:
    return [{"from": "human", "value": asked}, {"from": "gpt", "value": told}]


def test_robopoint_coordinates_do_not_stay_in_words() -> None:
    rows = [
        {"id": str(i), "image": "a.jpg", "conversations": said("<image>\nWhere?", told)}
        for i, told in enumerate(("[(0.1, 0.2)].", "At (0.1, 0.2).", "[]", None, "In (a, b)."))
    ]
    point, amid, none, null, words = robopoint.convert(rows, AT)
    assert isinstance(point, Record) and isinstance(point.answer, Points)
    assert [v.check for v in (amid, none, null) if isinstance(v, Verdict)] == [
        "source:place", "source:place", "source:empty"
    ]  # fmt: skip
    assert isinstance(words, Record) and words.answer == Freeform(text="In (a, b).")


def test_nulls_do_not_become_the_word_none() -> None:
    row = {"image_sha256": "a" * 64, "label": None, "count": 1, "points": [{"x": 1.0, "y": 2.0}]}
    (found,) = pixmo_points.convert([row], AT)
    assert isinstance(found, Verdict) and found.check == "source:empty"
    plan = {"id": "a/b#c", "task": "planning", "conversations": said("<image 0-9> What?", None)}
    (found,) = sharerobot.planning([plan], AT)
    assert isinstance(found, Verdict) and found.check == "source:empty"
    (found,) = sharerobot.planning([plan | {"task": None}], AT)
    assert isinstance(found, Verdict) and found.check == "source:empty"


def test_sharerobot_needs_an_instruction() -> None:
    row = {
        "id": 1, "meta_data": {"original_width": 64, "original_height": 48}, "instruction": "reach",
        "affordance": {"x": 1, "y": 2, "width": 9, "height": 9}, "points": [[1, 2], [3, 4]],
    }  # fmt: skip
    for read in (sharerobot.affordance, sharerobot.trajectory):
        good, bad = read([row, row | {"id": 2, "instruction": " "}], AT)
        assert isinstance(good, Record) and isinstance(bad, Verdict)
        assert bad.check == "source:empty"
    (area, _) = sharerobot.affordance([row, row | {"id": 2, "instruction": None}], AT)
    assert isinstance(area, Record) and area.answer == Box(geometry="area")


def test_sharerobot_questions_of_all_files_have_names_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "planning" / "jsons"
    folder.mkdir(parents=True)
    row = {"id": "a/b#c", "task": "Success_Task", "selected_step": 1}
    for kind in ("negative", "positive"):
        asked = said("<image 0-9> Was it done?", "yes" if kind == "positive" else "no")
        rows = [row | {"conversations": asked}]
        (folder / f"success_{kind}_task.json").write_text(json.dumps(rows))
    records, _ = run("sharerobot", tmp_path, tmp_path / "out")
    assert sorted(r.answer.yes for r in records.values()) == [False, True]


def test_lrv_question_is_the_same_only_with_the_same_answer() -> None:
    rows = [{"image_id": "7", "question": "What?", "answer": a} for a in ("A.", "B.", "A.")]
    found = list(lrv_instruction.convert(rows, {}, AT))
    assert [isinstance(f, Record) for f in found] == [True, True, False]
