"""LRV-Instruction, RoboPoint and PixMo-Points on rows small enough to check by eye.

The rows are made up to the documented shapes; test_real.py reads the real ones.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from seestep.disk import sha256_file
from seestep.errors import DataError
from seestep.records import (
    Box,
    Freeform,
    GeometryRef,
    Number,
    Points,
    Provenance,
    Record,
    Text,
    Verdict,
    YesNo,
)
from seestep.run import read_rows, read_verdicts
from seestep.sources import lrv_instruction, pixmo_points, robopoint, vg_rows, visual_genome
from seestep.sources.convert import ConvertConfig, convert

AT = Provenance(file="x.json")
IMAGE = vg_rows.Image(image_id=3, url="https://x/VG_100K_2/3.jpg", width=640, height=480)


def lrv(question: str, answer: str, task: str = "", **more: object) -> Record | Verdict:
    row = {"image_id": "3", "question": question, "answer": answer, "task": task, **more}
    (got,) = lrv_instruction.convert([row], {3: visual_genome.media(IMAGE)}, AT)
    return got


@pytest.mark.parametrize(
    ("question", "answer", "task", "wanted"),
    [
        ("Is there a cup?", "Yes", "", YesNo(yes=True)),
        ("Can you see a blue teapot?", "There is no mention of a teapot.", "negative",
         YesNo(yes=False)),
        ("Is there a cat?", "No cat is mentioned in the image.", "", YesNo(yes=False)),
        ("What is on the table?", "A cup.", "", Freeform(text="A cup.")),
    ],
)  # fmt: skip
def test_lrv_answers(question: str, answer: str, task: str, wanted: object) -> None:
    got = lrv(question, answer, task)
    assert isinstance(got, Record) and got.answer == wanted
    assert got.media[0].path == "VG_100K_2/3.jpg"


def test_lrv_drops_what_can_only_be_known_from_a_text() -> None:
    got = lrv("What is the man doing?", "It is not mentioned in the image.", "negative")
    assert isinstance(got, Verdict) and got.check == "source:leak"


def test_lrv_places_become_boxes_and_no_number_stays_in_a_text() -> None:
    got = lrv("What is at X: 105 Y: 350 Width: 258 Height: 258?", "A chair")
    assert isinstance(got, Record)
    (place,) = got.geometry
    assert place.values == (105, 350, 363, 480) and place.frame == "pixel"  # cut at the border
    asked = got.turns[0].parts
    assert sum(isinstance(p, GeometryRef) for p in asked) == 1
    assert not any(c.isdigit() for p in asked if isinstance(p, Text) for c in p.text)
    where = lrv("Where is the chair?", "X: 10 Y: 20 Width: 30 Height: 40")
    assert isinstance(where, Record) and where.answer == Box(geometry="box0")
    mixed = lrv("Where is it?", "At X: 10 Y: 20 Width: 30 Height: 40 near the door")
    assert isinstance(mixed, Verdict) and mixed.check == "source:place"
    outside = lrv("What is at X: 700 Y: 20 Width: 30 Height: 40?", "A cup")
    assert isinstance(outside, Verdict) and outside.check == "source:box"


def test_lrv_older_rows_have_other_keys_and_line_breaks() -> None:
    rows = [{"image_id": "2392588\n", "instruction": "What\nis it?\n", "answer_gt": "A pot"}]
    (got,) = lrv_instruction.convert(rows, {}, AT)
    assert isinstance(got, Record) and got.media[0].origins == ("vg:2392588",)
    assert got.media[0].size is None


def test_lrv_pictures_are_looked_for_in_both_folders(tmp_path: Path) -> None:
    (tmp_path / "VG_100K_2").mkdir()
    Image.new("RGB", (32, 16)).save(tmp_path / "VG_100K_2" / "7.jpg")
    (tmp_path / "filter_cap1.json").write_text(
        '[{"image_id": "7", "question": "What?", "answer": "A cup", "task": ""},'
        ' {"image_id": "8", "question": "What?", "answer": "A cup", "task": ""}]'
    )
    convert(ConvertConfig(source="lrv_instruction"), tmp_path, tmp_path / "out")
    here, away = read_rows(tmp_path / "out", Record)
    assert here.media[0].path == "VG_100K_2/7.jpg" and here.media[0].size == (32, 16)
    assert away.tags == ("media-missing",)


def said(*turns: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[i % 2], "value": t} for i, t in enumerate(turns)]


def talk(*turns: str, image: str | None = "coco/train2017/000000000042.jpg") -> list:
    row = {"id": "a", "conversations": said(*turns)}
    return list(robopoint.convert([row | ({"image": image} if image else {})], AT))


def test_robopoint_points_lose_the_wording_of_their_format() -> None:
    (got,) = talk(
        "<image>\nPoint left of the mug. Your answer should be formatted as a list of tuples, i.e."
        " [(x1, y1)].",
        "[(0.25, 0.5), (0.3, 0.5)]",
        image="object_ref/1.png",
    )
    assert isinstance(got, Record) and got.task == "pointing"
    assert got.answer == Points(geometry="places")
    assert got.find_geometry("places").values == (0.25, 0.5, 0.3, 0.5)
    assert "tuples" not in str(got.turns)


def test_robopoint_dialogues_are_asked_turn_by_turn_with_what_was_said() -> None:
    first, second = talk("<image>\nWhat is it?", "A dog", "Is it black?", "No")
    assert first.answer == Freeform(text="A dog") and len(first.turns) == 1
    assert second.answer == YesNo(yes=False)
    assert [t.role for t in second.turns] == ["user", "assistant", "user"]
    assert second.clusters == ("coco:42",) and first.id != second.id


@pytest.mark.parametrize(
    ("turns", "image", "rule"),
    [
        (("<image>\nWhere?", "[(0.1, 1.2)]"), "a/b.png", "place"),
        (("<image>\nWhere?", "[(0.1, 0.2, 0.3, 0.4)]"), "a/b.png", "place"),
        (("<image>\nWhere?", "[(0.1, x)]"), "a/b.png", "place"),
        (("<image>\nWhere?", "[0.1, 0.2, 0.3, 0.4]"), "a/b.png", "frame"),
        (("Where?", "There"), "a/b.png", "marker"),
        (("<image>\nWhere?", "There"), None, "marker"),
        (("<image>\nWhere?",), "a/b.png", "turns"),
        (("<image>\nWhere?", " "), "a/b.png", "empty"),
    ],
)
def test_robopoint_rows_that_cannot_be_used_say_why(turns, image, rule) -> None:
    (got,) = talk(*turns, image=image)
    assert isinstance(got, Verdict) and got.check == f"source:{rule}"


def test_robopoint_text_alone_needs_no_picture() -> None:
    (got,) = talk("What is two plus two?", "Four", image=None)
    assert isinstance(got, Record) and got.media == () and got.task == "text"


SHA = "0f" * 32


def pixmo(*points: tuple[float, float], label: str = "mug", count: int | None = None) -> dict:
    return {
        "image_url": "https://example.org/a.jpg",
        "image_sha256": SHA,
        "points": [{"x": x, "y": y} for x, y in points],
        "count": len(points) if count is None else count,
        "label": label,
    }


def test_pixmo_points_are_per_cent_and_count() -> None:
    point, count = pixmo_points.convert([pixmo((79.87, 71.57), (10, 20))], AT)
    assert point.find_geometry("places").frame == "percent"
    assert point.find_geometry("places").pairs[0] == (79.87, 71.57)
    assert count.answer == Number(value=2)
    (absent,) = pixmo_points.convert([pixmo()], AT)
    assert absent.answer == YesNo(yes=False)


def test_pixmo_rows_that_cannot_be_used_say_why() -> None:
    rows = [
        pixmo((10, 20)),
        pixmo((10, 20), label="MUG "),
        pixmo((10, 20), label="cup", count=2),
        pixmo((640, 20), label="pan"),
        pixmo((1, 2), label=" "),
        pixmo((1, 2), label="pot") | {"image_sha256": "nothing"},
    ]
    found = list(pixmo_points.convert(rows, AT))
    assert [v.check for v in found if isinstance(v, Verdict)] == [
        f"source:{rule}" for rule in ("repeat", "count", "frame", "empty", "join")
    ]
    assert sum(isinstance(r, Record) for r in found) == 2


def test_a_pixmo_picture_that_changed_since_is_dropped(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    true = sha256_file(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / f"{true}.jpg")
    Image.new("RGB", (20, 10), "red").save(tmp_path / f"{SHA}.jpg")
    rows = [pixmo((10, 20)), pixmo((10, 20)) | {"image_sha256": true}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train-00000-of-00001.parquet")
    convert(ConvertConfig(source="pixmo_points"), tmp_path, tmp_path / "out")
    kept = list(read_rows(tmp_path / "out", Record))
    assert {r.media[0].sha256 for r in kept} == {true} and len(kept) == 2
    dropped = list(read_verdicts(tmp_path / "out"))
    assert {v.check for v in dropped} == {"source:media"} and len(dropped) == 2


def test_a_torn_parquet_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "train-0.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        convert(ConvertConfig(source="pixmo_points"), tmp_path, tmp_path / "out")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "train-0.parquet")
    with pytest.raises(DataError, match="columns are missing"):
        convert(ConvertConfig(source="pixmo_points"), tmp_path, tmp_path / "out")
