"""Data sets are found by their layouts, wherever below a folder they lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seestep.cli.app import main
from seestep.errors import DataError
from seestep.sources.catalog import SOURCES
from seestep.sources.found import look


def lay(path: Path, text: str = "[]") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_lies_below_a_folder_is_found_by_its_layout(tmp_path: Path) -> None:
    lay(tmp_path / "sets" / "lvis" / "lvis_v1_train.json", "{}")
    lay(tmp_path / "ego" / "v2" / "annotations" / "fho_main.json")
    lay(tmp_path / "robots" / "a" / "b" / "bridge_dataset-train.tfrecord-00000-of-00002", "x" * 9)
    lay(tmp_path / "robots" / "a" / "b" / "bridge_dataset-train.tfrecord-00001-of-00002", "x")
    lay(tmp_path / ".cache" / "lvis_v1_val.json")
    lay(tmp_path / "too" / "far" / "down" / "robopoint_1432k.json")
    got = {
        f.source: (f.root.relative_to(tmp_path).as_posix(), f.files, f.bytes)
        for f in look(tmp_path)
    }
    assert got == {
        "lvis": ("sets/lvis", 1, 2),
        "ego4d": ("ego", 1, 2),
        "bridge": ("robots/a/b", 2, 10),
    }
    for found in look(tmp_path):  # convert finds there what was told
        assert len(SOURCES[found.source].files(found.root)) == found.files


def test_a_folder_of_one_set_is_told_once_and_a_fifo_is_no_file(tmp_path: Path) -> None:
    import os

    lay(tmp_path / "lvis_v1_train.json", "{}")
    lay(tmp_path / "old" / "lvis_v0.5_train.json", "{}")
    os.mkfifo(tmp_path / "robopoint_1432k.json")
    assert [(f.source, f.root) for f in look(tmp_path)] == [("lvis", tmp_path)]
    with pytest.raises(DataError, match="not here"):
        look(tmp_path / "absent")


def test_the_verb_lists_every_source_and_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path / "lvis_v1_train.json", "{}")
    assert main(["sources", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert all(
        source.title in said and source.teaches.split(",")[0] in said for source in SOURCES.values()
    )
    assert f"1 of {len(SOURCES)} found" in said and f"seestep convert lvis {tmp_path}" in said
    assert main(["sources", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["sources"]
    assert [row["name"] for row in rows] == list(SOURCES)
    assert all(row["licence"] and row["get"] and row["found"] == [] for row in rows)


def test_convert_names_the_folder_that_has_the_files(tmp_path):
    (tmp_path / "v1.2").mkdir()
    (tmp_path / "v1.2" / "relationships.json").write_text("[]")
    with pytest.raises(DataError, match=r"name the folder that has them: \S+/v1\.2"):
        SOURCES["visual_genome"].files(tmp_path)
