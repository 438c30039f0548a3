from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep.errors import DataError
from seestep.jsonl import (
    MAX_LINE_BYTES,
    each_line,
    read_jsonl,
    read_jsonl_lenient,
    read_objects_lenient,
)
from seestep.records import Record, Verdict, dumps
from tests.foundation.folders import record


def lenient(path: Path, kind: Any = dict, max_bad: float = 1.0) -> tuple[list[Any], list[Verdict]]:
    bad: list[Verdict] = []
    return list(read_jsonl_lenient(path, kind, bad=bad, max_bad=max_bad)), bad


def file(folder: Path, data: bytes) -> Path:
    path = folder / "rows.jsonl"
    path.write_bytes(data)
    return path


def test_a_bad_line_is_set_aside_with_its_line_and_byte_offset(tmp_path):
    rows, bad = lenient(file(tmp_path, b'{"a": 1}\n{"a": \n\n{"a": 3}\n'))
    assert rows == [{"a": 1}, {"a": 3}]
    assert [(v.id, v.check, v.keep, v.evidence) for v in bad] == [
        ("rows.jsonl:2", "jsonl", False, "line 2, byte 9")
    ]


def test_too_many_bad_lines_refuse_the_file(tmp_path):
    path = file(tmp_path, b'{"a": 1}\nx\n{"a": 2}\n{"a": 3}\n')
    assert len(lenient(path, max_bad=0.25)[0]) == 3
    with pytest.raises(DataError, match=r"1 of 4 lines cannot be read, first line 2: .*at most 20"):
        lenient(path, max_bad=0.2)


def test_a_torn_last_line_is_called_that_and_a_whole_one_is_read(tmp_path):
    rows, bad = lenient(file(tmp_path, b'{"a": 1}\n{"a": 2'))
    assert rows == [{"a": 1}]
    assert bad[0].reason.startswith("torn last line: ")
    assert lenient(file(tmp_path, b'{"a": 1}\n{"a": 2}'))[0] == [{"a": 1}, {"a": 2}]


def test_a_byte_order_mark_is_passed_over(tmp_path):
    assert lenient(file(tmp_path, b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n')) == (
        [{"a": 1}, {"a": 2}],
        [],
    )


def test_unusual_line_ends_inside_a_text_do_not_split_it(tmp_path):
    text = "a\u2028b\u2029c\u0085d"
    rows, bad = lenient(file(tmp_path, f'{{"a": "{text}"}}\r\n'.encode()))
    assert (rows, bad) == ([{"a": text}], [])


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"[" * 100_000,
        b'{"a": "' + "杯".encode("gb18030") + b'"}',
        b'{"a": "\\ud800"}',
        b"\x00",
        b'{"a": 1} {"b": 2}',
        b"'a'",
    ],
    ids=["nan", "infinity", "deep", "gbk", "surrogate", "zero", "two", "quotes"],
)
def test_what_is_no_json_is_set_aside_and_the_rest_is_read(tmp_path, line):
    rows, bad = lenient(file(tmp_path, line + b'\n{"a": 2}\n'))
    assert rows == [{"a": 2}]
    assert len(bad) == 1


def test_a_huge_number_is_refused_as_a_float_that_is_not_finite_or_kept_exact(tmp_path):
    rows, bad = lenient(file(tmp_path, b'{"a": ' + b"9" * 5000 + b"}\n"), dict[str, float])
    assert (len(rows), len(bad)) == (0, 1)


def test_a_monstrous_line_is_skipped_without_being_kept(tmp_path):
    path = tmp_path / "rows.jsonl"
    with open(path, "wb") as out:
        out.truncate(2 * MAX_LINE_BYTES + 5)  # sparse: costs no disk
        out.seek(0, os.SEEK_END)
        out.write(b'\n{"a": 2}\n')
    rows, bad = lenient(path)
    assert rows == [{"a": 2}]
    assert "longer than" in bad[0].reason


def test_a_line_that_just_fills_the_limit_does_not_take_the_next_one_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("seestep.jsonl.MAX_LINE_BYTES", 12)
    path = file(tmp_path, b'{"a": 1234}\n{"a": 2}\n{"a": 345678901}\n{"a": 4}\n')
    rows, bad = lenient(path)
    assert rows == [{"a": 2}, {"a": 4}]
    assert [v.evidence for v in bad] == ["line 1, byte 0", "line 3, byte 21"]


def test_typed_rows_are_read_and_others_say_what_is_missing(tmp_path):
    rows, bad = lenient(file(tmp_path, dumps(record("t:1")) + b'\n{"id": "x"}\n'), Record)
    assert rows == [record("t:1")]
    assert "missing required field" in bad[0].reason


def test_the_strict_reader_names_line_and_byte(tmp_path):
    path = file(tmp_path, b'{"a": 1}\nx\n')
    with pytest.raises(DataError, match=r"rows.jsonl: line 2, byte 9: "):
        list(read_jsonl(path, dict))


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), tmp_path / "none"):
        with pytest.raises(DataError, match=r"not a regular file|no such file"):
            lenient(path)


def test_an_empty_file_has_no_rows(tmp_path):
    assert lenient(file(tmp_path, b"")) == ([], [])


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_every_line_is_a_row_or_a_verdict_or_blank(tmp_path_factory, lines):
    data = b"\n".join(lines)
    path = tmp_path_factory.mktemp("any") / "rows.jsonl"
    path.write_bytes(data)
    rows, bad = lenient(path, object)
    text = data.removeprefix(b"\xef\xbb\xbf")
    assert len(rows) + len(bad) == sum(bool(line.strip()) for line in text.split(b"\n"))


ODD = [
    b'{"a": 1}', b'{"a": {"b": "\\":", "c" : 2}}', b'{"a": "x : y"}', b'{"a": 1, "a": 2}', b"",
    b'{"b": {"a": 1, "a" : 2}}', b"[1]", b"{", b'{"a": "\xff"}', b'{"a": "\\u0022:"}', b" ",
    b"\xef\xbb\xbf",
]  # fmt: skip


@given(st.lists(st.sampled_from(ODD), max_size=12), st.integers(1, 40))
def test_objects_are_read_the_same_many_lines_at_a_time(tmp_path_factory, lines, block):
    path = tmp_path_factory.mktemp("any") / "rows.jsonl"
    path.write_bytes(b"\n".join(lines))
    rows, bad = lenient(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seestep.jsonl.BLOCK_BYTES", block)
        again: list[Verdict] = []
        parts = list(read_objects_lenient(path, bad=again, max_bad=1.0))
    assert ([row for _, some in parts for row in some], again) == (rows, bad)
    refused = {int(verdict.id.split(":")[1]) for verdict in bad}
    numbers = [number for number, _, _ in each_line(path) if number not in refused]
    assert [number for some, _ in parts for number in some] == numbers
