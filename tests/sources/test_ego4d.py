"""Ego4D on rows made up to its documented shape: its licence allows no real ones here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seestep.errors import DataError
from seestep.records import Box, Choice, Freeform, Number, Provenance, Record, Verdict
from seestep.sources import catalog, ego4d
from seestep.sources.read import json_pairs

VIDEO, CLIP = "synthetic-video", "synthetic-clip"


def narration(second: float, text: str) -> dict:
    return {
        "timestamp_sec": second, "timestamp_frame": int(30 * second), "narration_text": text,
        "annotation_uid": "synthetic",
    }  # fmt: skip


TOLD = [
    narration(9.0, "#C C opens the drawer"),
    narration(6.0, "#C C walks to the table."),
    narration(12.0, "#O a man X laughs"),
    narration(13.0, "#C C picks up a #unsure"),
    narration(15.0, "#C C takes a knife"),
    narration(20.0, "#C C cuts the bread"),
    narration(21.0, "#C C holds the bread"),
    narration(30.0, "#C C washes the knife"),
    narration(40.0, "#C C dries the knife"),
]


def action(index: int, verb: str, noun: str, *, clip: str = CLIP) -> dict:
    start = 6.0 + 2 * index
    return {
        "video_uid": VIDEO, "clip_uid": clip, "action_idx": index, "verb": verb, "noun": noun,
        "verb_label": 1, "noun_label": 2, "action_clip_start_sec": start,
        "action_clip_end_sec": start + 1.5, "clip_parent_start_sec": 100.0,
        "clip_parent_end_sec": 400.0, "action_clip_start_frame": int(30 * start),
    }  # fmt: skip


def sta(uid: str, *objects: dict) -> dict:
    return {
        "uid": uid, "video_uid": VIDEO, "frame": 45, "clip_uid": CLIP, "clip_frame": 15,
        "objects": list(objects),
    }  # fmt: skip


def contact(box: list[float], noun: int = 3) -> dict:
    return {"box": box, "noun_category_id": noun, "verb_category_id": 1, "time_to_contact": 0.8}


def box(kind: str, x: float, noun: str | None = None) -> dict:
    area = {"x": x, "y": 10, "width": 20, "height": 30}
    return {"object_type": kind, "structured_noun": noun, "bbox": area}


def fho(uid: str, *boxes: dict, text: str = "#C C picks up a cup.", **more: object) -> dict:
    shown = [
        {"frame_type": "pre_frame", "frame_number": 61, "boxes": list(boxes)},
        {"frame_type": "pnr_frame", "frame_number": 70, "boxes": [box("right_hand", 0)]},
    ]
    told = {"uid": uid, "is_valid_action": True, "is_rejected": False, "narration_text": text}
    return told | {"frames": shown} | more


def root(folder: Path, name: str, data: object) -> Path:
    (folder / "v2" / "annotations").mkdir(parents=True, exist_ok=True)
    (folder / "v2" / "annotations" / name).write_text(json.dumps(data))
    return folder


def read(folder: Path) -> dict[str, Record | Verdict]:
    found = list(catalog.get("ego4d").read(folder, lambda p: Provenance(file=p.name)))
    rows = [row[0] if isinstance(row, tuple) else row for row in found]
    assert len({r.id for r in rows}) == len(rows)
    return {r.id.removeprefix("ego4d:"): r for r in rows}


@pytest.mark.parametrize("outer", ["", "videos"])
def test_what_the_wearer_does_next_comes_of_narrations_in_time(tmp_path: Path, outer: str) -> None:
    videos = {VIDEO: {"narration_pass_1": {"narrations": TOLD, "summaries": []}}}
    got = read(
        root(tmp_path, "narration.json", {"version": "2", outer: videos} if outer else videos)
    )
    cut = got[f"{VIDEO}-synthetic-5-next"]
    assert isinstance(cut, Record) and isinstance(cut.answer, Choice)
    assert "walks to the table, then opens the drawer, then takes a knife" in str(cut.turns)
    assert cut.answer.options[cut.answer.index] == "cuts the bread"
    assert "holds the bread" not in cut.answer.options  # a second later: it may be the same action
    # the observation ends a second before 20 s, at frame 19 * 30
    assert cut.media[0].frames[-1] == f"object_frames/{VIDEO}_0000570.jpg"
    assert cut.media[0].origins == (f"ego4d:{VIDEO}",) and cut.licence == "Ego4D"
    assert got[f"{VIDEO}-synthetic-2"].check == "source:wearer"
    assert got[f"{VIDEO}-synthetic-3"].check == "source:unsure"
    assert got[f"{VIDEO}-synthetic-0-next"].check == "source:history"


def test_the_second_pass_speaks_where_there_is_no_first(tmp_path: Path) -> None:
    told = {"narration_pass_1": {"narrations": []}, "narration_pass_2": {"narrations": TOLD}}
    got = read(root(tmp_path, "narration.json", {VIDEO: told}))
    assert isinstance(got[f"{VIDEO}-synthetic-5-next"], Record)


def test_actions_are_ordered_by_their_index_and_named_as_people_do(tmp_path: Path) -> None:
    words = [
        ("open", "fridge"), ("take", "bottle_(bottle,_flask)"), ("put_(place,_leave,_drop)", "cup"),
        ("pour", "milk"), ("close", "bottle_(bottle,_flask)"), ("put_down", "bottle"),
        ("wipe", "table_top"),
    ]  # fmt: skip
    rows = [action(i, *w) for i, w in enumerate(words)]
    got = read(root(tmp_path, "fho_lta_val.json", {"clips": rows[::-1]}))
    pour = got[f"{CLIP}-3-next"]
    assert isinstance(pour, Record) and isinstance(pour.answer, Choice)
    assert pour.answer.options[pour.answer.index] == "pour milk" and pour.split == "val"
    assert "open fridge, then take bottle, then put cup" in str(pour.turns)
    # 100 s + 12 s start - 1 s gap = frame 3330 of the video, not of the clip
    assert pour.media[0].frames[-1] == f"object_frames/{VIDEO}_0003330.jpg"
    coming = got[f"{CLIP}-3-coming"]
    assert isinstance(coming, Record)
    said = "pour milk; close bottle; put down bottle; wipe table top"
    assert coming.answer == Freeform(text=said)


def test_the_object_touched_next_is_a_box_in_corners(tmp_path: Path) -> None:
    size = {"frame_width": 100, "frame_height": 80, "fps": 30}
    data = {
        "info": {"video_metadata": {VIDEO: size}},
        "noun_categories": [{"id": 3, "name": "knife_(knife,_machete)"}],
        "verb_categories": [{"id": 1, "name": "take"}],
        "annotations": [
            sta("a", contact([10, 20, 120, 50])),
            sta("b", contact([1, 1, 9, 9]), contact([20, 20, 30, 30])),
            sta("c", contact([10, 20, 10.5, 50])),
            sta("d", contact([1, 1, 9, 9], noun=99)),
        ],
    }
    got = read(root(tmp_path, "fho_sta_train.json", data))
    one = got["sta-a-next"]
    assert isinstance(one, Record) and one.answer == Box(geometry="next")
    assert one.geometry[0].values == (10, 20, 100, 50)  # cut at the border
    assert one.geometry[0].label == "knife" and one.media[0].size == (100, 80)
    assert one.media[0].path == f"object_frames/{VIDEO}_0000045.jpg"
    assert one.clusters == (f"ego4d:{VIDEO}#45",)
    assert got["sta-a-contact"].answer == Number(value=0.8, unit="s")
    checks = {k: v.check for k, v in got.items() if isinstance(v, Verdict)}
    assert checks == {"sta-b": "source:objects", "sta-c": "source:box", "sta-d": "source:join"}


def test_hands_and_the_changed_object_just_before_contact(tmp_path: Path) -> None:
    meta = {"display_resolution_width": 640, "display_resolution_height": 480}
    actions = [
        fho("a", box("left_hand", 5), box("object_of_change", 50, "cup"), box("tool", 80)),
        fho("b", box("right_hand", 5), box("right_hand", 50)),
        fho("c", box("object_of_change", 5), text="#C C picks up a #unsure"),
        fho("d", is_rejected=True),
        fho("e") | {"frames": None},
        fho("f", box("left_hand", 700)),
    ]
    video = {
        "video_uid": VIDEO, "video_metadata": meta,
        "annotated_intervals": [{"narrated_actions": actions}],
    }  # fmt: skip
    got = read(root(tmp_path, "fho_main.json", {"videos": [video]}))
    hand, cup = got["fho-a-left_hand"], got["fho-a-object_of_change"]
    assert isinstance(hand, Record) and hand.task == "locate"
    assert hand.geometry[0].values == (5, 10, 25, 40)  # x, y, width, height as corners
    assert isinstance(cup, Record) and cup.task == "affordance"
    assert '"picks up a cup"' in str(cup.turns) and cup.geometry[0].label == "cup"
    assert cup.media[0].path == f"object_frames/{VIDEO}_0000061.jpg"
    assert "fho-a-tool" not in got
    checks = {k: v.check for k, v in got.items() if isinstance(v, Verdict)}
    assert checks == {
        "fho-b-right_hand": "source:several",
        "fho-c-object_of_change": "source:narration",
        "fho-d": "source:invalid",
        "fho-e": "source:frames",
        "fho-f-left_hand": "source:box",
    }


def test_a_box_of_a_video_of_unknown_size_stays_as_written() -> None:
    row = ego4d.Moment("a", VIDEO, 1, (ego4d.Contact((5, 5, 9000, 9), 3, 1, 0.5),))
    found = list(ego4d.contacts([row], {}, {3: "cup"}, Provenance(file="x")))
    assert isinstance(found[0], Record) and found[0].media[0].size is None
    assert found[0].geometry[0].values == (5, 5, 9000, 9)


def test_a_file_of_another_release_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Ego4D"):
        catalog.get("ego4d").files(tmp_path)
    root(tmp_path, "fho_lta_train.json", {"clips": [{"video_uid": 5}]})
    with pytest.raises(DataError, match=r"\$\[0\]"):
        read(tmp_path)


def test_pairs_of_an_object_are_read_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"version": "1", "videos": {"a": {"b": [1, "}"]}, "c": 2}, "more": [3]}')
    assert list(json_pairs(file, "videos")) == [("a", {"b": [1, "}"]}), ("c", 2)]
    assert [k for k, _ in json_pairs(file, "absent")] == ["version", "videos", "more"]
    file.write_text('{"a": 1, "b"')
    with pytest.raises(DataError, match=r"ends|JSON"):
        list(json_pairs(file))
    file.write_text("{}")
    assert list(json_pairs(file)) == []


def test_of_two_releases_the_newer_is_read(tmp_path: Path) -> None:
    root(tmp_path, "fho_main.json", {"videos": []})
    (tmp_path / "v1" / "annotations").mkdir(parents=True)
    old = {"clips": [action(i, "do", f"thing {i}") for i in range(8)]}
    (tmp_path / "v1" / "annotations" / "fho_lta_val.json").write_text(json.dumps(old))
    assert read(tmp_path) == {}
    (tmp_path / "v2" / "annotations" / "fho_main.json").unlink()
    assert f"{CLIP}-3-next" in read(tmp_path)
