"""Answers spoilt on purpose: the prompt stays, only the answer is wrong, and the ledger says so."""

from pathlib import Path
from typing import Any

import pytest

from seestep import families
from seestep.errors import DataError
from seestep.families.prompt import answer_text, messages
from seestep.families.wording import P_POINT
from seestep.records import (
    Box,
    Choice,
    Form,
    FormRef,
    Geometry,
    GeometryRef,
    Media,
    MediaRef,
    Number,
    Plan,
    Points,
    Record,
    Step,
    Text,
    Turn,
    YesNo,
)
from seestep.run import ShardResult, read_rows, read_verdicts, shard_stage
from seestep.study.sabotage import STAGE, Sabotage, spoil, spoil_folder

FAMILY = families.get("qwen3_vl")
MEDIA = Media(key="im", path="im.png", root="t", width=100, height=200)
POINT = Geometry(key="p", kind="point", media="im", frame="pixel", values=(25.0, 50.0))
BOX = Geometry(key="b", kind="box", media="im", frame="pixel", values=(10.0, 20.0, 50.0, 100.0))
UNIT = Form(kind="point", frame="unit", notation="tuples", prompt=P_POINT)


def record(answer: Any, form: Form, *, id: str = "r") -> Record:
    parts = (MediaRef(media="im"), Text(text="What of "), GeometryRef(geometry="b"), FormRef())
    return Record(
        id=id,
        source="t",
        task="x",
        media=(MEDIA,),
        turns=(Turn(role="user", parts=parts),),
        geometry=(POINT, BOX),
        form=form,
        answer=answer,
    )


def said(asked: Record) -> str:
    return answer_text(asked.answer, asked, FAMILY)


CHOICE = record(Choice(options=("mug", "pan"), index=1), Form(kind="choice"))


@pytest.mark.parametrize(
    ("asked", "kinds", "wrong"),
    [
        (CHOICE, ("json",), '{"answer": "B"}'),
        (record(YesNo(yes=False), Form(kind="yes_no")), ("json",), '{"answer": "no"}'),
        (record(Number(value=3.0), Form(kind="number")), ("json",), '{"answer": 3}'),
        (record(Points(geometry="p"), UNIT), ("json",), '{"answer": [[0.25, 0.25]]}'),
        (record(Points(geometry="p"), UNIT), ("permille",), "Answer: [(250, 250)]"),
        (record(Points(geometry="p"), UNIT), ("json", "permille"), '{"answer": [[250, 250]]}'),
        (record(Points(geometry="p"), UNIT), ("pixel",), "Answer: [(25, 50)]"),
        (
            record(Box(geometry="b"), Form(kind="box", notation="bracket_box")),
            ("pixel",),
            "[10, 20, 50, 100]",
        ),
    ],
)
def test_the_answer_is_wrong_and_the_prompt_the_same(
    asked: Record, kinds: tuple[Sabotage, ...], wrong: str
) -> None:
    made = spoil(asked, kinds, FAMILY)
    assert said(made) == wrong != said(asked)
    before, after = messages(asked, FAMILY), messages(made, FAMILY)
    assert before == after
    assert made.tags == tuple(f"sabotage:{kind}" for kind in kinds)


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        (CHOICE, ("permille", "pixel")),
        (record(Plan(steps=(Step(do=("look",)),)), Form(kind="plan")), ("json", "pixel")),
        (record(Points(geometry="p"), Form(kind="point")), ("permille",)),  # permille is right
        (record(Points(geometry="p"), Form(kind="point")), ("json",)),  # JSON as it is
    ],
)
def test_what_no_kind_applies_to_is_left_alone(asked: Record, kinds: tuple[Sabotage, ...]) -> None:
    assert spoil(asked, kinds, FAMILY) is asked


def folder(root: Path, *records: Record) -> Path:
    result = ShardResult(rows=records)
    shard_stage(root, stage="t", version=1, config={}, inputs=[], shards=1, work=lambda _: result)
    return root


def test_the_folder_says_what_was_done_to_which_record(tmp_path: Path) -> None:
    place = record(Points(geometry="p"), UNIT, id="place")
    source = folder(tmp_path / "in", CHOICE, place)
    manifest = spoil_folder(source, tmp_path / "out", ("permille",), FAMILY)
    assert manifest.stage == STAGE and manifest.config["kinds"] == ["permille"]
    first, second = read_rows(tmp_path / "out", Record)
    assert first == CHOICE and "sabotage:permille" in second.tags
    (verdict,) = (v for v in read_verdicts(tmp_path / "out") if v.check == "sabotage")
    assert verdict.id == "place"
    assert verdict.evidence == "Answer: [(0.250, 0.250)] -> Answer: [(250, 250)]"


def test_a_sabotage_that_changes_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="changes no answer"):
        spoil_folder(folder(tmp_path / "in", CHOICE), tmp_path / "out", ("pixel",), FAMILY)
