"""``seestep import`` and ``seestep export`` as a user types them."""

import json

import pytest
from PIL import Image

from seestep.cli import main


def said(capsys, *line: str) -> str:
    assert main(list(line)) == 0
    return capsys.readouterr().out


@pytest.fixture
def train(tmp_path):
    Image.new("RGB", (640, 480), "white").save(tmp_path / "a.png")
    rows = [
        {"query": "<image>Is there a mug?", "response": "yes", "images": ["a.png"]},
        {
            "query": "<image>Where?",
            "response": '[{"bbox_2d": [1, 2, 30, 40]}]',
            "images": ["a.png"],
        },
        {"query": "<image>What?", "response": "a mug at (3, 4) or so", "images": ["a.png"]},
    ]
    file = tmp_path / "train.json"
    file.write_text(json.dumps(rows))
    return file


def test_a_file_becomes_records_and_they_another_file_for_another_model(train, tmp_path, capsys):
    own, out = str(tmp_path / "own"), tmp_path / "out"
    told = said(
        capsys, "import", str(train), "--family", "qwen3-vl", "--frame", "permille", "--out", own
    )
    assert "2 records in" in told and "middle of a sentence" in told
    line = ("export", own, "--to", "sharegpt", "--family", "Qwen2.5-VL", "--out", str(out))
    told = said(capsys, *line, "--root", f"own={tmp_path}")
    assert "2 records for qwen2_5_vl" in told and "not on disk" not in told
    rows = [json.loads(line) for line in (out / "data.jsonl").read_text().splitlines()]
    assert rows[0]["images"] == [str(tmp_path / "a.png")]
    # 640 x 480 is resized to 644 x 476: 30 and 40 of 1000 are 19.3 and 19.0 pixels
    assert "[1, 1, 19, 19]" in rows[1]["messages"][-1]["content"]
    info = json.loads((out / "dataset_info.json").read_text())["seestep"]
    assert (info["file_name"], info["formatting"]) == ("data.jsonl", "sharegpt")
    found = json.loads(said(capsys, *line, "--json"))
    assert (found["rows"], found["media_missing"]) == (2, 2)  # no root was told this time


def test_mistakes_are_one_sentence(train, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["import", str(train), "--family", "gpt", "--out", out]) == 2
    assert "unknown model family" in capsys.readouterr().err
    line = ["export", str(tmp_path), "--to", "swift", "--family", "qwen3-vl", "--out", out]
    assert main(line) == 2
    assert "no records here" in capsys.readouterr().err
