"""Pickles: plain data and arrays are read, everything else is refused and nothing is run."""

import builtins
import functools
import io
import os
import pickle
import struct
import sys
from collections import OrderedDict, deque
from pathlib import Path

import numpy as np
import pytest

from seestep.errors import DataError
from seestep.sources import pickles

PLAIN = {
    "full_state": np.arange(14, dtype=np.float64).reshape(2, 7),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "big end": np.arange(3, dtype=">i4"),
    "kinds": [np.zeros(2, k) for k in ["?", "i1", "u2", "i8", "f2", "f8", "U3", "S2"]],
    "empty": np.zeros((0, 7)),
    "point": np.array(2.5),
    "numbers": [np.float32(0.5), np.int64(-3), np.bool_(True)],
    "objects": np.array([{"a": 1}, None], dtype=object),
    "plain": [1, -1, 70_000, 1 << 40, -(1 << 70), 1.5, "x", "把\n'", b"\0\xff", True, False, None],
    "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
    "many": list(range(2500)),
    "dict": {str(i): i for i in range(1200)},
    "": {},
}


def load(tmp_path: Path, data: bytes):
    file = tmp_path / "a.pkl"
    file.write_bytes(data)
    with file.open("rb") as stream:
        return pickles.load(stream, file)


def elements(tmp_path: Path, data: bytes) -> list:
    file = tmp_path / "out.npy"
    file.write_bytes(data)
    with file.open("rb") as stream:
        return list(pickles.elements(stream, file))


def same(got, wanted) -> bool:
    if isinstance(wanted, np.ndarray):
        if wanted.dtype == object:
            return same(got, wanted.tolist())
        return got.dtype == wanted.dtype and np.array_equal(got, wanted)
    if isinstance(wanted, dict):
        return list(got) == list(wanted) and all(same(got[k], wanted[k]) for k in wanted)
    if isinstance(wanted, (list, tuple)):
        if type(got) is not type(wanted) or len(got) != len(wanted):
            return False
        return all(same(g, w) for g, w in zip(got, wanted, strict=True))
    return got == wanted


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("numpy", [1, 2])
def test_plain_data_and_arrays_are_read_as_python_reads_them(tmp_path, protocol, numpy) -> None:
    value = {k: v for k, v in PLAIN.items() if protocol > 2 or k not in ("empty", "plain")}
    data = pickle.dumps(value, protocol)
    if numpy == 1:  # its names stand with their length or in a line; frames are not looked at
        for part in (b"multiarray", b"numeric"):
            new, old = b"numpy._core." + part, b"numpy.core." + part
            data = data.replace(b"c" + new, b"c" + old)
            data = data.replace(bytes([len(new)]) + new, bytes([len(old)]) + old)
    got = load(tmp_path, data)
    assert same(got, value)
    assert not got["full_state"].flags.writeable


class Runs:
    def __init__(self, call, *args):
        self.made = (call, args)

    def __reduce__(self):
        return self.made


class Stateful:
    ran = False

    def __setstate__(self, state):
        Stateful.ran = True

    def __getstate__(self):
        return {"a": 1}


HARM = {
    "posix.system": Runs(os.system, "touch marked"),
    "eval": Runs(builtins.eval, "open('marked', 'w')"),
    "exec": Runs(builtins.exec, "open('marked', 'w')"),
    "functools.partial": Runs(functools.partial(os.system, "touch marked")),
    "partial": functools.partial(os.system, "touch marked"),
    "nested": Runs(dict, [("a", Runs(os.system, "touch marked"))]),
    "inside": {"full_state": [np.zeros(2), Runs(os.mkdir, "marked")]},
    "Stateful": Stateful(),
    "OrderedDict": OrderedDict(a=1),
    "deque": deque([1]),
    "getattr": Runs(getattr, "x", "upper"),
    "numpy.load": Runs(np.load, "marked"),
    "frombuffer": Runs(np.frombuffer, b"12345678"),
    "set": {1, 2},
    "complex": 1j,
    "bytearray": bytearray(b"x") * 3,
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", HARM)
def test_every_other_name_is_refused_and_nothing_runs(
    tmp_path, monkeypatch, name, protocol
) -> None:
    data = pickle.dumps(HARM[name], protocol)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    if name == "bytearray" and protocol == 5:  # plain bytes there
        assert load(tmp_path, data) == b"xxx"
        return
    with pytest.raises(DataError, match=r"a\.pkl: byte \d+: this pickle asks for .*Try: ") as told:
        load(tmp_path, data)
    assert "which is not run" in str(told.value)
    assert [p.name for p in tmp_path.iterdir()] == ["a.pkl"]
    assert set(sys.modules) == before and not Stateful.ran


def test_python_itself_would_run_them(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(HARM["posix.system"]))
    assert (tmp_path / "marked").exists()
    pickle.loads(pickle.dumps(HARM["Stateful"]))
    assert Stateful.ran
    Stateful.ran = False


def test_the_error_names_what_was_asked_for(tmp_path) -> None:
    with pytest.raises(DataError, match=r"asks for os\.system, which is not run"):
        load(tmp_path, b"cos\nsystem\n(Vtrue\ntR.")
    with pytest.raises(DataError, match=r"asks for builtins\.eval, which"):
        load(tmp_path, pickle.dumps(Runs(eval, "1"), 4))
    with pytest.raises(DataError, match="asks for a class by name"):
        load(tmp_path, b"(Vtrue\nios\nsystem\n.")
    with pytest.raises(DataError, match="asks for an object from elsewhere"):
        load(tmp_path, b"P1\n.")


def array_state(shape: bytes, dtype: bytes, raw: bytes) -> bytes:
    """A protocol 0 to 2 array with these parts, as opcodes."""
    head = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\x01btR"
    made = b"cnumpy\ndtype\n(V" + dtype + b"\n\x89\x88tR"
    return b"\x80\x03" + head + b"(K\x01" + shape + made + b"\x89" + raw + b"tb."


BAD = {
    "more bytes than there are": (b"\x8e" + struct.pack("<Q", 1 << 60) + b"x", "cut off"),
    "a text without end": (b"X\xff\xff\xff\xff", "cut off"),
    "nothing": (b"", "cut off"),
    "no end": (b"\x80\x04N", "cut off"),
    "a memo of ten million million": (b"r\xff\xff\xff\xff" * 3 + b".", "a value is missing"),
    "a value that is not there": (b"h\x07.", "it refers to a value that is not there"),
    "an array of 2 ** 39 bytes of nothing": (
        array_state(b"\x8a\x06\0\0\0\0\x80\0\x85", b"i1", b"C\x01x"),
        "with another number of bytes",
    ),
    "an array as large as it likes": (
        array_state(b"\x8a\x08\0\0\0\0\0\0\0\x10\x85", b"f8", b"C\x01x"),
        "an array of shape",
    ),
    "a negative array": (array_state(b"J\xff\xff\xff\xff\x85", b"f8", b"C\0"), "an array of shape"),
    "an array of pointers": (
        array_state(b"K\x01\x85", b"O8", b"C\x08AAAAAAAA"),
        "objects stands where numbers",
    ),
    "an array of records": (array_state(b"K\x01\x85", b"V99999999", b"C\0"), "'V99999999', wanted"),
    "100,000 lists": (b"]" * 100_000 + b"a" * 99_999 + b".", "nests too deeply"),
    "100,000 tuples": (b")" + b"\x85" * 100_000 + b".", "more than 32 lists in lists"),
    "100,000 marks": (b"(" * 100_000 + b"t" * 100_000 + b".", "nests too deeply"),
    "100,000 dicts": (b"}" + b"(V\n}" * 100_000 + b"u" * 100_000 + b".", "nests too deeply"),
    "a key that is a list": (b"}(]Nu.", "a key that is no text"),
    "a key that is a number": (b"}K\1Ns.", "a key that is no text"),
    "a long number": (b"L" + b"9" * 5000 + b"L\n.", "not a pickle that can be read"),
    "a line without end": (b"V" + b"x" * (1 << 17), "a line does not end"),
    "two values": (b"NN.", "too many values"),
    "a call of what is no name": (b"N)R.", "something is called that is no name"),
    "a dtype with a state": (
        b"cnumpy\ndtype\n(Vf8\n\x89\x88tR(K\3V<\nN(Va\nt}tb.",
        "an array of records",
    ),
    "half a character": (b"\x8c\x01\xff.", "not a pickle that can be read"),
    "no pickle": (b"hello, world", "not a pickle that can be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_pickles_are_one_clear_error(tmp_path, name) -> None:
    data, words = BAD[name]
    with pytest.raises(DataError, match=words) as told:
        load(tmp_path, data)
    assert "a.pkl" in str(told.value) and len(str(told.value)) < 400


def test_what_a_value_holds_is_bounded(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pickles, "MOST", 1 << 20)
    encoded = b"c_codecs\nencode\np1\n0"[:-1] + b"V" + b"x" * 60_000 + b"\np2\n"
    again = b"g1\n(g2\nVlatin1\ntR"
    data = b"(" + encoded + again * 100 + b"t."
    with pytest.raises(DataError, match="a value of more than 1,048,576 bytes"):
        load(tmp_path, data)
    with pytest.raises(DataError, match="a value of more than"):
        load(tmp_path, b"(" + b"N" * 19_000 + b"t.")
    file = tmp_path / "big.pkl"
    with file.open("wb") as stream:
        stream.truncate(1 << 26)
    with file.open("rb") as stream, pytest.raises(DataError, match="this pickle is too large"):
        pickles.load(stream, file)


def test_lists_within_themselves_do_no_harm(tmp_path) -> None:
    inside: list = []
    inside.append(inside)
    assert load(tmp_path, pickle.dumps(inside)) is not None
    laughs: list = ["ha"]
    for _ in range(20):
        laughs = [laughs] * 10
    assert len(load(tmp_path, pickle.dumps(laughs))) == 10


# --- lists of objects in .npy files -------------------------------------------------------------


def npy(value: list | np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, value)
    return file.getvalue()


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 2001])
def test_the_elements_of_a_numpy_file_come_one_by_one(tmp_path, count) -> None:
    shared = "x" * 100
    rows = [
        {"n": i, "a": np.full(3, i % 256, np.uint8), "s": [shared, {"t": i}]} for i in range(count)
    ]
    assert same(elements(tmp_path, npy(rows)), rows)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_elements_are_read_of_every_protocol(tmp_path, protocol) -> None:
    rows = [{"n": i, "a": np.full(3, i)} for i in range(5)]
    head = npy(rows).partition(b"\n")[0] + b"\n"
    data = head + pickle.dumps(np.array(rows, dtype=object), protocol)
    assert same(elements(tmp_path, data), rows)


def test_elements_that_are_given_are_forgotten(tmp_path) -> None:
    rows = [{"a": np.zeros(1000)}, {"b": 1}]
    rows[1]["b"] = rows[0]["a"]  # which the owners' script never does
    with pytest.raises(DataError, match="refers to a value that is not there"):
        elements(tmp_path, npy(rows))
    rows = [{"a": np.zeros(1000), "b": None}, {"b": 1}]
    rows[0]["b"] = rows[0]["a"]
    assert same(elements(tmp_path, npy(rows)), rows)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x93NUMPY\x09\x00" + b"x" * 99, "not a .npy file"),
        (b"", "not a .npy file"),
        (npy([{"a": 1}])[:90], "not a .npy file"),
        (npy([{"a": 1}])[:-3], "cut off"),
        (npy(np.zeros((3, 7))), "not a list of objects"),
        (npy([{"a": 1}, {"a": 2}]).replace(b"(2,)", b"(3,)"), "as many elements as its header"),
        (npy([{"a": Runs(os.system, "true")}]), r"asks for posix\.system"),
        (npy([{"a": 1}]).replace(b"(1,)", b"(((("), "not a .npy file"),
        (npy([{"a": 1}]).replace(b"|O", b"|\xff"), "not a list of objects"),
        (npy([{"a": 1}]).replace(b"(1,), }" + b" " * 24, b"(" + b"1" * 30), "not a .npy file"),
    ],
    ids=range(10),
)
def test_bad_numpy_files_are_one_clear_error(tmp_path, data, words) -> None:
    with pytest.raises(DataError, match=words):
        elements(tmp_path, data)


def test_any_byte_changed_ends_in_data_or_an_error_of_ours(tmp_path) -> None:
    import random

    whole = npy([{"n": i, "a": np.arange(6.0), "s": ["words", (1, 2)]} for i in range(3)])
    draw = random.Random(0)
    for _ in range(1500):
        spoilt = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            spoilt[draw.randrange(len(spoilt))] = draw.randrange(256)
        try:
            elements(tmp_path, bytes(spoilt))
        except DataError:
            continue
