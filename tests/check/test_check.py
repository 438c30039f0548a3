"""Training files with known faults, and files of our own making that have none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from seestep.check.model import find
from seestep.cli.app import main
from seestep.errors import DataError
from seestep.sources import rows
from tests.check.files import llava, looked, named, picture, write


def test_benchmark_files_that_could_not_be_read_are_all_counted(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    for i in range(5):
        (marks / f"{i}.json").write_text("{torn")
    report = looked(write(tmp_path, [llava("Is it red?", "yes")]), benchmarks=marks)
    (leaks,) = (f for f in report.findings if f.name == "leaks")
    assert "2.json" in leaks.what and leaks.what.endswith("and 2 more")


def test_a_row_without_turns_is_a_fault(tmp_path):
    row = {"conversations": [], "image": picture(tmp_path, "a.png")}
    assert named(looked(write(tmp_path, [row])), "fault") == {"turns": 1, "placeholder": 1}


def test_a_picture_that_is_no_path_is_missing_and_not_printed_whole(tmp_path):
    row = llava("<image>Is there a mug?", "yes", "iVBORw0KGgo/" * 9000)
    report = looked(write(tmp_path, [row]))
    assert named(report, "fault") == {"missing": 1}
    assert all(len(e.text) < 100 for f in report.findings for e in f.examples)


# --- rows -------------------------------------------------------------------------------------

GOOD = "<image>\nWhat is it? Is it red?"
FAULTS: dict[str, Callable[[str], dict]] = {
    "placeholder": lambda p: llava("no picture here, though one is named", "a mug", p),
    "marker": lambda p: llava("<image 0-25> what happens?", "a fall", p),
    "special": lambda p: llava("<image>\nwhat<|im_end|> is it?", "a mug", p),
    "missing": lambda p: llava("<image>\nwhere is it?", "there", "absent.png"),
    "turns": lambda p: llava("<image>\nanything to say?", "  ", p),
    "option": lambda p: llava("<image>\nWhich?\nA. red\nB. blue\n", "green", p),
    "json": lambda p: llava("<image>\nPlan it.", '{"steps": ["pick",', p),
    "unreadable": lambda p: {"question": "?", "answer": "!"},
    "pair": lambda p: {
        "messages": [{"role": "user", "content": "<image> which one?"}], "images": [p],
        "chosen": {"role": "assistant", "content": "left"},
        "rejected": {"role": "assistant", "content": "left "},
    },
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_once_and_alone(
    tmp_path: Path, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = picture(tmp_path, "a.png")
    fine = [llava(f"<image>\nWhat is thing {n}?", f"mug {n}", name) for n in range(5)]
    file = write(tmp_path, [*fine[:2], FAULTS[fault](name), *fine[2:]])
    report = looked(file)
    assert named(report, "fault") == {fault: 1}
    (found,) = [f for f in report.findings if f.mark == "fault"]
    assert [e.row for e in found.examples] == [3] and found.of == 6
    assert main(["check", str(file), "--model", "qwen3-vl"]) == 1
    said = capsys.readouterr().out
    assert "FAULT" in said and "row 3" in said and "1 fault" in said


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_file_in_order_has_no_fault(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = picture(tmp_path, "a.png")
    part = {"type": "image"}
    rows = [
        llava("<image>\nWhat is it?", "a mug", name),
        {"messages": [{"role": "user", "content": "<image>is it red? Answer yes or no."},
                      {"role": "assistant", "content": "Yes."}], "images": [name]},
        {"messages": [{"role": "user", "content": [part | {"image": name},
                                                   {"type": "text", "text": "Which?\nA. x\nB. y"}]},
                      {"role": "assistant", "content": "<think></think><answer>B</answer>"}]},
        {"prompt": [{"role": "user", "content": [part, {"type": "text", "text": "where?"}]}],
         "completion": [{"role": "assistant", "content": [{"type": "text", "text": "here"}]}],
         "images": [{"path": name, "bytes": None}]},
        {"prompt": "plan?", "chosen": "pick, put", "rejected": "put, pick"},
        {"instruction": "say", "input": "it", "output": '```json\n{"a": [1]}\n```'},
        {"query": "<image>how many?", "response": "3", "images": [name],
         "rejected_response": "4"},
    ]  # fmt: skip
    report = looked(write(tmp_path, rows, f"data{suffix}"))
    assert named(report, "fault") == named(report, "warning") == {}
    assert (report.rows, report.pairs, report.pictures, report.pictures_found) == (7, 2, 5, 5)
    args = ["check", str(tmp_path / f"data{suffix}"), "--model", "qwen3-vl", "--json"]
    assert main(args) == 0
    assert json.loads(capsys.readouterr().out)["faults"] == 0


def test_lines_that_are_no_json_keep_their_number(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    good = json.dumps({"query": "a b c?", "response": "d"})
    file.write_text(f'{good}\n{{"query": "x", \n{good.replace("d", "e")}\n[1]\n{{"que')
    report = looked(file)
    (found,) = [f for f in report.findings if f.name == "unreadable"]
    assert [e.row for e in found.examples] == [2, 4, 5] and report.rows == 5
    assert "torn last line" in found.examples[2].text


def test_repeats_and_contradictions_name_the_earlier_row(tmp_path: Path) -> None:
    name, other = picture(tmp_path, "a.png"), picture(tmp_path, "b.png")
    rows = [
        llava("<image>\nWhat is it?", "A mug.", name),
        llava("<image>\nWhat is it?", "a mug", name),
        llava("<image>\nWhat is it?", "a cup", name),
        llava("<image>\nWhat is it?", "a cup", other),
    ]
    found = {f.name: f for f in looked(write(tmp_path, rows)).findings if f.mark == "warning"}
    assert {k: [e.row for e in f.examples] for k, f in found.items()} == {
        "repeat": [2],
        "contradiction": [3],
    }
    assert "row 1" in found["repeat"].examples[0].text


# --- lengths ----------------------------------------------------------------------------------


def test_lengths_are_those_of_the_checkpoint_s_own_processor(tmp_path: Path) -> None:
    from seestep.models.load import load
    from seestep.models.tiny import checkpoint_path

    loaded = load(checkpoint_path())
    name = picture(tmp_path, "a.png", (200, 120))
    text = "Where is the red mug?"
    turns = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": f"\n{text}"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "(300, 400)"}]},
    ]
    shown = loaded.processor.apply_chat_template(turns, tokenize=False)
    with Image.open(tmp_path / name) as image:
        ids = loaded.processor(text=[shown], images=[image], return_tensors="pt")["input_ids"]
    report = looked(
        write(tmp_path, [llava(f"<image>\n{text}", "(300, 400)", name)]), str(checkpoint_path())
    )
    assert report.exact_tokens
    assert report.tokens["longest"] == pytest.approx(
        ids.shape[1], abs=4
    )  # the template's own signs
    grid = loaded.family.image_tokens((200, 120))
    assert report.picture_tokens["longest"] == grid + 2


def test_pictures_beyond_the_cutoff_are_a_fault_and_long_answers_a_warning(tmp_path: Path) -> None:
    big = picture(tmp_path, "big.png", (1280, 960))  # 46 x 34 tokens of 28 pixels
    small = picture(tmp_path, "small.png", (56, 56))
    rows = [
        llava("<image><image>\nWhich is larger?", "the first", big, big),
        llava("<image>\nTell a story.", "word " * 3000, small),
        llava("<image>\nHow many?", "one", big),
    ]
    report = looked(write(tmp_path, rows), "qwen2.5-vl", cutoff=2048)
    assert named(report, "fault") == {"image-cut": 1} and named(report, "warning") == {"long": 1}
    assert looked(write(tmp_path, rows), "qwen2.5-vl", cutoff=8192).faults == 0
    with pytest.raises(DataError, match="cutoff"):
        looked(write(tmp_path, rows), cutoff=0)


def test_damaged_turned_and_impossible_pictures_are_told(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    picture(tmp_path, "thin.png", (1000, 4))
    turned = Image.new("RGB", (40, 30))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    names = ["cut.png", "thin.png", "turned.jpg", "https://x.org/a.png"]
    rows = [llava(f"<image>\nWhat is {n}?", n, n) for n in names]
    report = looked(write(tmp_path, rows))
    assert named(report, "fault") == {"damaged": 1, "narrow": 1}
    assert named(report, "warning") == {"turned": 1, "remote": 1}


# --- benchmarks, models -----------------------------------------------------------------------


def test_what_a_benchmark_holds_is_found_and_silence_is_never_clean(tmp_path: Path) -> None:
    name = picture(tmp_path, "a.png")
    bench = tmp_path / "bench"
    bench.mkdir()
    (bench / "copy.png").write_bytes((tmp_path / name).read_bytes())
    question = "How far is the mug from the lamp in metres?"
    (bench / "q.jsonl").write_text(json.dumps({"item": {"question": question}}) + "\n")
    rows = [llava(f"<image>\n{question}\nAnswer briefly.", "2", name)]
    file = write(tmp_path, rows)
    assert "leaks" in named(looked(file), "not checked")
    report = looked(file, benchmarks=bench)
    assert named(report, "fault") == {"bench-picture": 1}
    assert named(report, "warning") == {"bench-question": 1}
    other = picture(tmp_path, "b.png", (65, 48))
    clean = write(tmp_path, [llava("<image>\nWhat is it?", "a mug", other)])
    assert "leaks" in named(looked(clean, benchmarks=bench), "ok")
    (bench / "torn.json").write_text('{"a": ')
    unread = {f.name: f for f in looked(clean, benchmarks=bench).findings}["leaks"]
    assert unread.mark == "not checked" and "torn.json" in unread.what


@pytest.mark.parametrize(
    ("name", "family"),
    [("qwen2.5-vl", "qwen2_5_vl"), ("Qwen/Qwen3-VL-8B-Instruct", "qwen3_vl"),
     ("RoboBrain2.0-7B", "robobrain2"), ("qwen2_5_vl", "qwen2_5_vl")],
)  # fmt: skip
def test_a_family_is_known_however_it_is_written(name: str, family: str) -> None:
    assert find(name).family.name == family


def test_unknown_models_and_files_are_told_with_a_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, [])
    assert main(["check", str(file), "--model", "llama"]) == 2
    assert "qwen2_5_vl" in capsys.readouterr().err
    assert main(["check", str(file), "--model", "qwen3-vl"]) == 2
    assert "no row" in capsys.readouterr().err
    (tmp_path / "a.xlsx").write_text("")
    assert main(["check", str(tmp_path / "a.xlsx"), "--model", "qwen3-vl"]) == 2
    assert ".jsonl" in capsys.readouterr().err


def swift(*boxes: list, said: str = "<bbox>", **more: object) -> dict:
    row = llava("<image>\nWhere is it?", said, "a.jpg")
    turns = [
        {"role": r, "content": t["value"]}
        for r, t in zip(("user", "assistant"), row["conversations"], strict=True)
    ]
    return {"messages": turns, "images": ["a.jpg"], "objects": {"bbox": list(boxes)} | more}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (swift([1, 2, 30, 40]), None),
        (swift([5, 6]), None),  # a point
        (swift([100, 200, 300, 400], bbox_type="norm1000"), None),
        (swift([5000, 5000, 9000, 9000]), "outside"),
        (swift([0.1, 0.1, 1.4, 0.5], bbox_type="norm1"), "outside"),
        (swift([30, 40, 1, 2]), "boxes"),
        (swift([1, 2, 3]), "boxes"),
        (swift(), "boxes"),
        (swift([1, 2, 30, 40], [1, 2, 30, 40]), "boxes"),
    ],
)
def test_boxes_in_the_column_objects_are_looked_at(tmp_path, row, kind):
    picture(tmp_path, "a.jpg")
    report = looked(write(tmp_path, [row]))
    said = {f.name for f in report.findings if f.mark in ("fault", "warning")}
    assert said == ({kind} if kind else set())


def test_rows_that_differ_in_their_boxes_alone_say_something_else(tmp_path):
    picture(tmp_path, "a.jpg")
    report = looked(write(tmp_path, [swift([n, 2, 30, 40]) for n in range(5)]))
    assert not {"repeat", "contradiction"} & {f.name for f in report.findings if f.mark != "ok"}


def test_a_picture_that_is_cut_off_is_damaged(tmp_path):
    picture(tmp_path, "a.jpg", (640, 480))
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    report = looked(write(tmp_path, [llava("<image>\nWhat is it?", "a mug", "a.jpg")]))
    assert "damaged" in named(report, "fault")


def test_columns_and_tags_count_as_dataset_info_names_them(tmp_path):
    image = picture(tmp_path, "a.png")
    write(tmp_path, [{"q": "<image>What?", "a": "A cup.", "pics": [image]}], "alpaca.json")
    said = [{"who": "me", "says": "<image>Which?"}]
    good, worse = ({"who": "bot", "says": text} for text in ("The cup.", "The bowl."))
    row = {"talk": said, "better": good, "worse": worse, "pics": [image]}
    write(tmp_path, [row], "pairs.json")
    names = {"role_tag": "who", "content_tag": "says", "user_tag": "me", "assistant_tag": "bot"}
    info = {
        "one": {
            "file_name": "alpaca.json",
            "columns": {"prompt": "q", "response": "a", "images": "pics"},
        },
        "two": {
            "file_name": "pairs.json",
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {
                "messages": "talk", "chosen": "better", "rejected": "worse", "images": "pics",
            },
            "tags": names,
        },
    }  # fmt: skip
    (tmp_path / "dataset_info.json").write_text(json.dumps(info))
    (one,) = rows.read(tmp_path / "alpaca.json")
    assert (one.layout, one.images) == ("alpaca", (image,))
    assert one.turns == (("user", "<image>What?"), ("assistant", "A cup."))
    (two,) = rows.read(tmp_path / "pairs.json")
    assert two.turns == (("user", "<image>Which?"), ("assistant", "The cup."))
    assert (two.rejected, two.images) == ("The bowl.", (image,))


def test_a_parquet_file_reads_as_the_same_rows_in_json_lines(tmp_path):
    asked = [{"role": "user", "content": "Which?"}]
    good, worse = ([{"role": "assistant", "content": t}] for t in ("The cup.", "The bowl."))
    table = [
        {"prompt": asked, "completion": good},
        {"prompt": asked, "chosen": good, "rejected": worse},
    ]
    names = ("prompt", "completion", "chosen", "rejected")
    columns = {k: [row.get(k) for row in table] for k in names}
    pq.write_table(pa.table(columns), tmp_path / "data.parquet")
    lines = write(tmp_path, table, "data.jsonl")
    assert list(rows.read(tmp_path / "data.parquet")) == list(rows.read(lines))
    assert [r.rejected for r in rows.read(lines)] == [None, "The bowl."]
