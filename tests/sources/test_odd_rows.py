"""A row that is not as its owners document it costs that row and no other."""

import copy
import json
from pathlib import Path

import pytest

from seestep.errors import DataError
from seestep.records import Provenance, Record, Verdict
from seestep.run import read_rows, read_verdicts
from seestep.sources import (
    ego4d,
    epic_kitchens,
    lrv_instruction,
    lvis,
    pixmo_points,
    robopoint,
    sharerobot,
    vg_rows,
    visual_genome,
)
from seestep.sources.bad import with_bad
from seestep.sources.convert import ConvertConfig, convert

AT = Provenance(file="rows.json", sha256="0" * 64)
META = {"original_width": 64, "original_height": 48}
SAID = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A mug."}]
PLAN = [{"from": "human", "value": "<image 0-9> What now?"}, {"from": "gpt", "value": "<put it>"}]
BOX = {"x": 1.0, "y": 2.0, "width": 9.0, "height": 9.0}
HAND = {"object_type": "left_hand", "bbox": BOX}
FRAMES = [{"frame_type": "pre_frame", "frame_number": 3, "boxes": [HAND]}]
QA = {"qa_id": 1, "question": "What is it?", "answer": "A mug."}
PICTURE = visual_genome.media(vg_rows.Image(1, "a/VG_100K/1.jpg", 64, 48))

# converter of rows; a good row of which it makes one record; what makes it odd
ODD = {
    "robopoint": (
        lambda rows: robopoint.convert(rows, AT),
        {"id": "a", "image": "coco/1.jpg", "conversations": SAID},
        {"conversations": None},
    ),
    "lrv_instruction": (
        lambda rows: lrv_instruction.convert(rows, {}, AT),
        {"image_id": "7", "question": "What is it?", "answer": "A mug.", "task": "object"},
        {"image_id": ...},
    ),
    "pixmo_points": (
        lambda rows: (r for r in pixmo_points.convert(rows, AT) if "-count" not in r.id),
        {"image_sha256": "a" * 64, "label": "mug", "count": 1, "points": [{"x": 1.0, "y": 2.0}]},
        {"points": [{"x": 1.0}]},
    ),
    "planning": (
        lambda rows: sharerobot.planning(rows, AT),
        {"id": "a/b#c", "task": "planning", "selected_step": 1, "conversations": PLAN},
        {"conversations": PLAN[:1]},
    ),
    "affordance": (
        lambda rows: sharerobot.affordance(rows, AT),
        {"id": 1, "meta_data": META, "instruction": "reach", "affordance": BOX},
        {"affordance": {"x": "left"}},
    ),
    "trajectory": (
        lambda rows: sharerobot.trajectory(rows, AT),
        {"id": 1, "meta_data": META, "instruction": "reach", "points": [[1, 2], [3, 4]]},
        {"points": [[1, 2, 3]]},
    ),
    "hands": (
        lambda rows: ego4d.hands(rows, AT),
        {
            "video_uid": "v",
            "video_metadata": {"width": 64, "height": 48},
            "annotated_intervals": [{"narrated_actions": [{"uid": "u", "frames": FRAMES}]}],
        },
        {"annotated_intervals": [{"narrated_actions": [{"frames": FRAMES}]}]},
    ),
    "visual_genome": (
        lambda rows: visual_genome.questions(rows, {1: PICTURE}, AT),
        vg_rows.Questions(image_id=1, qas=[vg_rows.Question(**QA)]),
        vg_rows.Questions(qas=[vg_rows.Question(**QA)]),
    ),
    "lvis": (
        lambda rows: lvis.convert(rows, [], [lvis.Category(id=2, name="mug")], AT),
        lvis.Image(id=1, width=64, height=48, file_name="1.jpg", neg_category_ids=(2,)),
        lvis.Image(id=2, width=64, height=48, neg_category_ids=(2,)),
    ),
}


def odd(good, change):
    if not isinstance(change, dict):
        return change
    row = copy.deepcopy(good) | change
    return {key: value for key, value in row.items() if value is not ...}


@pytest.mark.parametrize("name", sorted(ODD))
def test_an_odd_row_is_counted_and_the_next_is_read(name):
    place = "v, action 0" if name == "hands" else "row 1"
    converter, good, change = ODD[name]
    rows = iter([good, odd(good, change)])
    found = list(with_bad(converter(rows), name))
    assert isinstance(found[0], Record)
    (verdict,) = found[1:]
    assert isinstance(verdict, Verdict) and verdict.check == "source:unreadable"
    assert verdict.reason.startswith("not as documented: ") and verdict.evidence == place
    found = list(with_bad(converter(iter([odd(good, change), good])), name))
    assert [type(row) for row in found] == [Verdict, Record]


@pytest.mark.parametrize("name", sorted(ODD))
def test_many_odd_rows_are_no_data_set(name):
    converter, good, change = ODD[name]
    with pytest.raises(DataError, match="not as documented"):
        list(with_bad(converter(iter([odd(good, change)] * 40)), name))


def test_an_odd_time_leaves_the_rest_of_its_video():
    names = ["narration_id", "video_id", "start_timestamp", "stop_timestamp", "narration"]
    rows = [
        dict(zip(names, (f"P01_01_{i}", "P01_01", stamp, stamp, f"do {i}"), strict=True))
        for i, stamp in enumerate(["00:00:01.0", "soon", "00:00:03.0"])
    ]
    kept = []

    def read():
        kept.append(epic_kitchens.segments(rows, AT)[0])
        yield "the rest"

    verdict, _ = with_bad(read(), "epic_kitchens")
    assert verdict.evidence == "row 1" and "soon" not in [s.start for s in kept[0]["P01_01"]]
    assert [s.id for s in kept[0]["P01_01"]] == ["P01_01_0", "P01_01_2"]


def test_an_odd_narration_leaves_the_rest_of_its_video():
    told = [
        {"narration_text": f"#C C takes thing {i}", "timestamp_sec": 10.0 * i} for i in range(9)
    ]
    del told[4]["timestamp_sec"]
    videos = [("v", {"narration_pass_1": {"narrations": told}})]
    found = list(with_bad(ego4d.narrations(videos, AT), "ego4d"))
    assert [f.evidence for f in found if f.id.startswith("ego4d:rows.json")] == ["v, narration 4"]
    assert any(isinstance(f, Record) for f in found)


def test_a_damaged_episode_leaves_the_others(tmp_path: Path):
    odd = {"discrete_action": {"action": "Jump"}}
    known = {"task_id": "t", "turk_annotations": {"anns": []}, "plan": {"high_pddl": [odd]}}
    for name, text in (("a", "{"), ("b", '{"task_id": "t"}'), ("c", json.dumps(known))):
        folder = tmp_path / f"root/json_2.1.0/train/{name}/trial"
        folder.mkdir(parents=True)
        (folder / "traj_data.json").write_text(text)
    made = convert(ConvertConfig(source="alfred"), tmp_path / "root", tmp_path / "out")
    assert made.counts == {"in": 3, "out": 0, "dropped": 3}
    cut, odd, other = read_verdicts(tmp_path / "out")
    assert cut.evidence == "json_2.1.0/train/a/trial"
    assert odd.evidence == "json_2.1.0/train/b/trial, row 0" and "turk_annotations" in odd.reason
    assert other.reason == "unknown high-level action"


def test_rows_are_numbered_as_they_stand_in_the_file(tmp_path: Path):
    """Not as they are read: who looks a record up counts what could not be read too."""
    whole = {"image_id": "7", "question": "What is it?", "answer": "A mug.", "task": "object"}
    texts = [json.dumps(whole | {"answer": f"Mug {n}."}) for n in range(6)]
    texts[1] = texts[1].replace('"7"', "NaN")
    texts[3] = json.dumps({"question": "odd"})
    (tmp_path / "root").mkdir()
    data = f"[{', '.join(texts)}]"
    (tmp_path / "root" / "filter_cap1.json").write_text(data)
    convert(ConvertConfig(source="lrv_instruction"), tmp_path / "root", tmp_path / "out")
    rows = list(read_rows(tmp_path / "out", Record))
    assert {r.provenance.row: r.answer.text for r in rows} == {
        str(n): f"Mug {n}." for n in (0, 2, 4, 5)
    }
    places = [v.evidence for v in read_verdicts(tmp_path / "out") if not v.keep]
    assert places == [f"byte {data.index('NaN')}", "row 3"]
