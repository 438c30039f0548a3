"""Single rows that cannot be read, in files that otherwise can."""

import json
from pathlib import Path

import pytest

from seestep.errors import DataError
from seestep.records import Record
from seestep.run import read_rows, read_verdicts
from seestep.sources.bad import with_bad
from seestep.sources.convert import ConvertConfig, convert
from seestep.sources.read import csv_rows, json_items
from seestep.twice import named_twice

GOOD = '{"id": 1, "text": "a } b"}'
BAD = {
    "nan": ('{"id": NaN}', "invalid character"),
    "half a character": ('{"text": "a\\ud800b"}', "half a character"),
    "one quote too many": ('{"text": "a"b"}', ""),
    "a key twice": ('{"a": {"id": 1, "id" : 2}}', "'id' stands twice"),
    "deep": ('{"a":' * 100_000 + "1" + "}" * 100_000, "recursion"),
}


def items(tmp_path: Path, text: str):
    file = tmp_path / "a.json"
    file.write_text(text)
    return with_bad(json_items(file), "t")


@pytest.mark.parametrize("name", sorted(BAD.keys() - {"one quote too many"}))
def test_an_element_that_cannot_be_read_is_counted_with_its_place(tmp_path, name):
    element, words = BAD[name]
    found = list(items(tmp_path, f"[{GOOD}, {element}, {GOOD}]"))
    assert [f["id"] for f in found if isinstance(f, dict)] == [1, 1]
    (bad,) = (f for f in found if not isinstance(f, dict))
    assert words in bad.reason and not bad.keep
    place = int(bad.evidence.rsplit(" ", 1)[1])
    assert len(GOOD) <= place - 1 < len(GOOD) + 4 + len(element)


def test_an_element_that_cannot_be_read_is_told_in_its_turn(tmp_path):
    found = list(items(tmp_path, f"[{GOOD}, {GOOD}, {BAD['nan'][0]}, {GOOD}]"))
    assert [isinstance(f, dict) for f in found] == [True, True, False, True]


def test_a_quote_that_is_open_is_no_single_row(tmp_path):
    with pytest.raises(DataError, match=r"a\.json"):
        list(items(tmp_path, f"[{GOOD}, {BAD['one quote too many'][0]}, {GOOD}]"))


def test_where_nobody_counts_it_raises(tmp_path):
    file = tmp_path / "a.json"
    file.write_text(f"[{GOOD}, {BAD['nan'][0]}]")
    with pytest.raises(DataError, match="byte 36"):
        list(json_items(file))


def test_keys_that_stand_twice_are_looked_for_at_the_start_or_with_thorough_reading(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("seestep.sources.json_stream.FIRST", 10)
    file = tmp_path / "a.json"
    twice = '{"id": 1, "id": 1}'
    file.write_text(f"[{', '.join([GOOD] * 9000 + [twice])}]")
    assert sum(not isinstance(f, dict) for f in with_bad(json_items(file), "t")) == 0
    (bad,) = (f for f in with_bad(json_items(file), "t", whole=True) if not isinstance(f, dict))
    assert bad.reason == "the key 'id' stands twice in one object"
    assert bad.evidence == f"after byte {file.read_text().index(twice) - 1}"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (r'[{"a": "\": \" : {\"", "b" : {"a": 1}}, {"a": {"b": [{"a": 1}]}}]', None),
        (r'[{"a": "\":", "b" : [{"c": 1, "d": {}, "c": 2}]}]', "c"),
        (r'{"a": "\" :", "b": 1, "b" : 1}', "b"),
        (r'{"a": "\u0022:", "b": 1, "b": 1}', "b"),
        (r'{"a": "\"\u003a", "b": 1, "b": 1}', "b"),
        (r'{"\u0061": 1, "a": 1, "": 3}', "a"),
        ('{"": 1, "": 1}', ""),
    ],
)
def test_texts_with_colons_are_no_keys(data, key):
    assert named_twice(data.encode()) == key


def test_many_are_fatal(tmp_path):
    with pytest.raises(DataError, match="30 of 30"):
        list(items(tmp_path, "[" + ",".join([BAD["nan"][0]] * 30) + "]"))
    few = ",".join([GOOD] * 3000 + [BAD["nan"][0]] * 29)
    assert sum(not isinstance(f, dict) for f in items(tmp_path, f"[{few}]")) == 29


def test_a_short_line_of_a_table_is_counted(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("id,text\n1,a\n2\n3,c\n")
    found = list(with_bad(csv_rows(file, ("id", "text")), "t"))
    assert [f["id"] for f in found if isinstance(f, dict)] == ["1", "3"]
    (bad,) = (f for f in found if not isinstance(f, dict))
    assert "cut short" in bad.reason and bad.evidence == "line 3"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,text\n1,红\n".encode("gb18030"), "not UTF-8"),
        (b'id,text\n1,"a\n', "not valid CSV"),
        (b"id,text\n1," + b"x" * 300_000 + b"\n", "not valid CSV"),
    ],
)
def test_a_table_that_is_none_is_one_error(tmp_path, text, words):
    file = tmp_path / "a.csv"
    file.write_bytes(text)
    with pytest.raises(DataError, match=words):
        list(csv_rows(file, ("id", "text")))


def share_root(tmp_path: Path, rows: list[str]) -> Path:
    folder = tmp_path / "root/trajectory"
    folder.mkdir(parents=True)
    (folder / "trajectory.json").write_text(f"[{','.join(rows)}]")
    return tmp_path / "root"


def share_row(id: int) -> str:
    meta = {"original_width": 64, "original_height": 48}
    return json.dumps(
        {"id": id, "meta_data": meta, "instruction": "reach", "points": [[1, 2], [30, 40]]}
    )


def test_convert_keeps_the_others_and_goes_on_after_a_stop_as_if_there_had_been_none(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("seestep.sources.convert.SHARD_ROWS", 3)
    rows = [share_row(i) for i in range(8)]
    rows[4] = '{"id": NaN}'
    root = share_root(tmp_path, rows)
    config, out = ConvertConfig(source="sharerobot"), tmp_path / "out"
    manifest = convert(config, root, out)
    assert manifest.counts == {"in": 8, "out": 7, "dropped": 1}
    (verdict,) = read_verdicts(out)
    assert verdict.check == "source:unreadable" and verdict.evidence.startswith("byte ")
    assert verdict.reason == "not valid JSON: JSON is malformed: invalid character"
    assert len(list(read_rows(out, Record))) == 7
    parts = {p.name: p.read_bytes() for p in sorted(out.glob("part-*"))}
    for gone in ("commit-00001.json", "commit-00002.json", "manifest.json"):
        (out / gone).unlink()
    assert convert(config, root, out).counts == manifest.counts
    assert parts == {p.name: p.read_bytes() for p in sorted(out.glob("part-*"))}
