"""``seestep curate``: folders and changes in one line, the way on where something lacks."""

from __future__ import annotations

import json
from pathlib import Path

from seestep.cli import main
from seestep.records import Record
from seestep.run import ledger_sha256, read_rows
from tests.curate.test_engine import TOY, folder_of

RECIPE = str(Path(__file__).parents[2] / "recipes" / "curate.yaml")


def test_folders_and_changes_stand_in_one_line(tmp_path, capsys):
    one = folder_of(tmp_path / "one", TOY[:2])
    two = folder_of(tmp_path / "two", TOY[2:])
    out = tmp_path / "out"
    left_out = ("near=null", "relevance=null", "near_picture=null", "semantic=null")
    line = ["curate", RECIPE, str(one), str(two), "look=trust", *left_out, "--out", str(out)]
    assert main(line) == 0
    said = capsys.readouterr().out
    assert "3 records" in said and "exact_duplicate:twin" in said
    assert f"ledger {ledger_sha256(out)[:16]}" in said
    kept = [r.id for r in read_rows(out, Record)]
    assert kept == ["t:good", "t:other-picture", "t:other-question"]
    assert main([*line, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["dropped"], told["ledger"]) == (3, 5, ledger_sha256(out))


def test_what_is_missing_or_misspelt_is_told(tmp_path, capsys):
    one = folder_of(tmp_path / "one", TOY)
    out = ["--out", str(tmp_path / "out")]
    for words, told in (
        ([], "no folder of records is named"),
        ([str(tmp_path / "nowhere")], "no records here"),
        ([str(one), "nera=null"], "near"),
        ([str(one), "look=peek"], "look"),
    ):
        assert main(["curate", RECIPE, *words, *out]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
