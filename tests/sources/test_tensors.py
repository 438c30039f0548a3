"""Serialised tensors: what TensorFlow wrote is read, what does not fit together is refused."""

import random
import tracemalloc

import numpy as np
import pytest

from seestep.errors import DataError
from seestep.sources.tensors import tensor
from tests.sources.bridge_made import message, shape_proto, tensor_proto

SQUARE = shape_proto(2, 3)
# written by TensorFlow 2.20: tf.io.serialize_tensor, or its TensorProto with typed values; read
# back by tf.io.parse_tensor
OFFICIAL = {
    "080112081202080212020803221847ef203f1f1829bf6cef4c40ac45063f096a2bc0bc6be73f": (
        "float32",
        [
            [0.6286510825157166, -0.660524308681488, 3.202113151550293],
            [0.5245006084442139, -2.678346872329712, 1.8079752922058105],
        ],
    ),
    "0813120812020802120208036a11f18c03e77fcc8001f68501ec8b039e8503": (
        "float16",
        [[-6.44140625, 1.9755859375, 2.1484375], [3.48046875, -5.921875, -3.30859375]],
    ),
    "0806120812020802120208033a14fbffffffffffffffff01ffffffffffffffffff01": (
        "int8",
        [[-5, -1, -1], [-1, -1, -1]],
    ),
    "0817120812020802120208038a010107": ("uint64", [[7, 7, 7], [7, 7, 7]]),
    "080a120812020802120208035a06010101000101": ("bool", [[1, 1, 1], [0, 1, 1]]),
    "0811120812020802120208033a020906": ("uint16", [[9, 6, 6], [6, 6, 6]]),
    "080912081202080212020803520bfdffffffffffffffff0100": ("int64", [[-3, 0, 0], [0, 0, 0]]),
    "08021208120208021202080332104b546cf07a141a40e615c2f50df11240": (
        "float64",
        [[6.520000225650686, 4.735404815646211, 4.735404815646211], [4.735404815646211] * 3],
    ),
}


@pytest.mark.parametrize("data", OFFICIAL)
def test_what_tensorflow_wrote_is_read(data: str) -> None:
    kind, values = OFFICIAL[data]
    got = tensor(bytes.fromhex(data))
    assert isinstance(got, np.ndarray) and got.dtype == kind
    assert got.tolist() == values


def test_texts_are_read_as_tensorflow_wrote_them() -> None:
    words = "0807120412020803420a70757420636172726f744200420ce68a8ae883a1e8909de58d9c"
    assert tensor(bytes.fromhex(words)) == [b"put carrot", b"", "把胡萝卜".encode()]
    assert tensor(bytes.fromhex("0807120042067363616c6172")) == [b"scalar"]
    # as tensor_content: lengths, then bytes
    content = message((1, 7), (2, shape_proto(2)), (4, b"\x02\x03abcde"))
    assert tensor(content) == [b"ab", b"cde"]


def test_no_values_are_zeros_and_no_elements_are_none() -> None:
    assert tensor(message((1, 3), (2, SQUARE))).tolist() == [[0] * 3] * 2
    assert tensor(tensor_proto(np.zeros((0, 7), np.float32))).shape == (0, 7)
    assert tensor(tensor_proto([])) == []


BAD = {
    "no type": (message((2, SQUARE)), "a tensor of type 0"),
    "complex": (message((1, 8), (2, SQUARE)), "a tensor of type 8"),
    "bytes too few": (message((1, 1), (2, SQUARE), (4, b"1234")), "wanted 24, for"),
    "bytes too many": (message((1, 4), (2, shape_proto(2)), (4, b"1234")), "wanted 2, for"),
    "values too many": (message((1, 3), (2, shape_proto(1)), (7, b"\1\2")), "more values than"),
    "values of another type": (message((1, 3), (2, SQUARE), (5, b"1234")), "of another type"),
    "half a value": (message((1, 1), (2, SQUARE), (5, b"12345")), "is cut off"),
    "a number too large": (message((1, 4), (2, SQUARE), (7, b"\xff\x7f")), "are no uint8"),
    "negative": (message((1, 1), (2, message((2, message((1, -1)))))), "impossible shape"),
    "many dimensions": (message((1, 1), (2, shape_proto(*[1] * 9))), "impossible shape"),
    "unknown rank": (message((1, 1), (2, message((3, 1)))), "unknown rank"),
    "a bomb": (message((1, 1), (2, shape_proto(1 << 40)), (5, b"1234")), "stand for too many"),
    "a bomb of texts": (message((1, 7), (2, shape_proto(1 << 40)), (8, b"a")), "too many"),
    "a bomb in content": (message((1, 7), (2, shape_proto(1 << 40)), (4, b"ab")), "more texts"),
    "more dimensions than bytes": (
        message((1, 1), (2, shape_proto(1 << 62, 1 << 62)), (4, b"1234")),
        "another number of bytes",
    ),
    "nothing of too much": (message((1, 1), (2, shape_proto(0, 1 << 62, 1 << 62))), "are no float"),
    "texts too short": (message((1, 7), (2, shape_proto(1)), (4, b"\x09abc")), "other lengths"),
    "torn": (tensor_proto(np.zeros(9, np.float32))[:-2], "cut off"),
    "no message": (b"\xff\xff\xff", "cut off"),
    "a shape that is a number": (message((1, 1), (2, 7)), "another type"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_go_together_is_refused(name: str) -> None:
    data, words = BAD[name]
    tracemalloc.start()
    with pytest.raises(DataError, match=words):
        tensor(data)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_any_byte_changed_ends_in_data_or_an_error_of_ours() -> None:
    draw = random.Random(0)
    wholes = [bytes.fromhex(data) for data in OFFICIAL] + [tensor_proto([b"a", b"bcd"])]
    for _ in range(4000):
        spoilt = bytearray(draw.choice(wholes))
        for _ in range(draw.randint(1, 3)):
            spoilt[draw.randrange(len(spoilt))] = draw.randrange(256)
        try:
            tensor(bytes(spoilt))
        except DataError:
            continue
