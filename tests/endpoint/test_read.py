"""What carries no meaning is mended; what an answer lacks is not made up."""

from typing import Annotated

import msgspec
import pytest

from seestep.endpoint.ask import schema_of
from seestep.endpoint.read import read


class Side(msgspec.Struct):
    name: str
    good: bool


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    score: Annotated[int, msgspec.Meta(ge=1, le=6)]
    sides: list[Side] = []


PLAIN = '{"score": 3, "sides": [{"name": "a }", "good": true}]}'
WANT = Verdict(3, [Side("a }", True)])


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"\n  {PLAIN}\n",
        f"```json\n{PLAIN}\n```",
        f"Sure.\n```\n{PLAIN}\n```\nDone {{really}}.",
        f"My verdict is {PLAIN}.",
        f"<think>{{'score': 1}} or {{\"score\": 2}}?</think>{PLAIN}",
        f'First I thought {{"score": 6}}, but no: {PLAIN}',
        '{"score": 3, "sides": [{"name": "a }", "good": true,},],}',
        PLAIN.replace("a }", 'a }"'.replace('"', "")),
    ],
)
def test_the_object_is_found_in_what_stands_around_it(text):
    assert read(text, Verdict) == (WANT, "")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "nothing was said"),
        ("three", "no JSON"),
        ('{"score": 3, "si', "no JSON"),
        ('{"score": 7}', "<= 6"),
        ('{"score": "3"}', "Expected `int`"),
        ('{"sides": []}', "score"),
        ('{"score": 3, "extra": 1}', "extra"),
        ('{"score": NaN}', "no JSON"),
        ("[" * 100_000, "Expected `object`"),
        ('{"sides": [{"name": ' * 50_000, "Expected `str`"),
        ('```json\n{"score": 0}\n```', ">= 1"),
    ],
)
def test_what_is_missing_or_out_of_range_is_no_answer(text, wrong):
    value, problem = read(text, Verdict)
    assert value is None and wrong in problem


def test_free_text_is_any_text():
    assert read("a mug", None) == ("a mug", "")
    assert read(" \n", None) == (None, "nothing was said")


def test_the_schema_leaves_nothing_open():
    schema = schema_of(Verdict)
    assert schema["required"] == ["score", "sides"] and schema["additionalProperties"] is False
    inner = schema["$defs"]["Side"]
    assert inner["required"] == ["name", "good"] and inner["additionalProperties"] is False
    assert "default" not in schema["properties"]["sides"]  # strict servers refuse it
    assert schema["properties"]["score"] == {"type": "integer", "minimum": 1, "maximum": 6}
