"""The streaming reader against json and ijson, cut anywhere, at any size of chunk."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import ijson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep.errors import DataError
from seestep.sources import json_stream
from seestep.sources.json_stream import JsonStream
from seestep.sources.read import json_items, json_value

HERE = Path("made.json")
ODD = ['"', "\\", '\\"', "]}", "[{", '\\\\"', "\u2028", "é", "{", "a,b", "😀", "\n"]
texts = st.one_of(
    st.sampled_from(ODD), st.text(max_size=8, alphabet=st.characters(exclude_categories=["Cs"]))
)
plain = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), texts,
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
elements = st.lists(
    st.dictionaries(texts, values, max_size=4) | st.lists(values, max_size=3), max_size=6
)
layouts = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])


def written(value: Any, layout: dict) -> bytes:
    return json.dumps(value, **layout).encode()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 7)


class Slow(io.BytesIO):
    """Gives a few bytes at a time, so that every element is cut somewhere."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self.step = step

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.step)


@given(elements, layouts, st.integers(1, 9))
def test_a_list_comes_out_as_json_reads_it(value: list, layout: dict, step: int) -> None:
    data = written(value, layout)
    assert list(JsonStream(Slow(data, step), HERE).elements()) == json.loads(data)


@given(elements, st.dictionaries(texts, values, max_size=3), layouts, st.integers(1, 9))
def test_a_list_below_a_key_comes_out_whatever_stands_around_it(
    value: list, around: dict, layout: dict, step: int
) -> None:
    before = {f"a{k}": v for k, v in around.items()}
    after = {f"z{k}": v for k, v in around.items()}
    data = written(before | {"rows": value} | after, layout)
    stream = JsonStream(Slow(data, step), HERE)
    assert stream.key("rows")
    assert list(stream.elements()) == json.loads(data)["rows"]
    stream.rest()
    lost = JsonStream(Slow(data, step), HERE)
    assert not lost.key("nothing")
    lost.end()


@given(values, layouts, st.integers(1, 9))
def test_a_single_value_comes_out_whole(value: Any, layout: dict, step: int) -> None:
    data = written(value, layout)
    stream = JsonStream(Slow(data, step), HERE)
    assert stream.value() == json.loads(data)
    stream.end()


@given(elements.filter(bool), layouts, st.data())
def test_a_file_that_is_cut_off_is_never_read_to_its_end(
    value: list, layout: dict, data: st.DataObject
) -> None:
    whole = written(value, layout).rstrip()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(DataError, match=r"made\.json"):
        list(JsonStream(Slow(whole[:cut], 5), HERE).elements())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"a": 1} {"b": 2}]', "not valid JSON"),
        ('[{"a": NaN}]', "not valid JSON"),
        ('[{"a": 1},]', "not an object"),
        ('[{"a": 1}', "ends too early"),
        ('[{"a": 1', "ends inside a list"),
        ('[{"a": tru}]', "not valid JSON"),
        ('[{"a": "\\ud800"}]', "not valid JSON"),
        ("[1, 2]", "not an object or list"),
        ('{"a": 1}', "not a JSON list"),
        ("", "ends too early"),
        ('[{"a": 1}] x', "more after the end"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        list(json_items(tmp_path / "x.json"))
    assert "byte" in str(caught.value) and "x.json" in str(caught.value)


def test_nesting_without_end_is_an_error_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_bytes(b"[" * 100_000 + b"]" * 100_000)
    with pytest.raises(DataError, match="not valid JSON"):
        list(json_items(tmp_path / "deep.json"))


def test_an_element_larger_than_memory_should_hold_is_refused(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(json_stream, "MOST", 1000)
    (tmp_path / "big.json").write_bytes(b'[{"a": "' + b"x" * 5000 + b'"}]')
    with pytest.raises(DataError, match="one element has more than"):
        list(json_items(tmp_path / "big.json"))


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'\xef\xbb\xbf[{"a": 1}]')
    assert list(json_items(tmp_path / "x.json")) == [{"a": 1}]
    assert json_value(tmp_path / "x.json") == [{"a": 1}]


def test_floats_are_those_of_ijson(tmp_path: Path) -> None:
    data = b'[{"a": [1.5e-7, 0.1, 1e300, -0.0, 12345678901234567890.0, 7]}]'
    (tmp_path / "x.json").write_bytes(data)
    theirs = list(ijson.items(io.BytesIO(data), "item", use_float=True))
    assert list(json_items(tmp_path / "x.json")) == theirs
    with pytest.raises(DataError, match="no key 'b'"):
        (tmp_path / "y.json").write_bytes(b'{"a": [], "c": {"d": "}"}}')
        list(json_items(tmp_path / "y.json", "b"))
