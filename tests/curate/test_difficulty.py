"""Levels of records, counted by hand."""

import pytest

from seestep.curate.batch import prompt_text
from seestep.curate.difficulty import burdens, level
from seestep.curate.skill import skill_of
from seestep.records import (
    Box,
    Choice,
    Freeform,
    Geometry,
    GeometryRef,
    Media,
    MediaRef,
    Number,
    Points,
    Record,
    Text,
    Turn,
    YesNo,
)

PICTURE = Media(key="v", path="a.png", width=100, height=100)


def record(answer, words="Is there a mug?", *, geometry=(), cites=(), media=(PICTURE,), task="t"):
    parts = [MediaRef(media=m.key) for m in media] + [GeometryRef(geometry=k) for k in cites]
    turn = Turn(role="user", parts=(*parts, Text(text=words)))
    return Record(
        id="t:1",
        source="t",
        task=task,
        media=media,
        turns=(turn,),
        answer=answer,
        geometry=geometry,
    )


def box(key: str, side: float, frame="pixel") -> Geometry:
    return Geometry(key=key, kind="box", media="v", frame=frame, values=(0, 0, side, side))


POINTS = Geometry(
    key="p", kind="points", media="v", frame="pixel", values=(1, 2, 3, 4, 5, 6), label="mug"
)
TWO = (PICTURE, Media(key="w", path="b.png", width=100, height=100))


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (record(YesNo(yes=True)), []),
        (record(Choice(options=("a", "b"), index=0)), []),
        (record(Choice(options=("a", "b", "c", "d"), index=0)), ["options"]),
        (record(Number(value=4)), []),
        (record(Number(value=5)), ["several"]),
        (record(Number(value=5, unit="m")), []),
        (record(Box(geometry="b"), geometry=(box("b", 10),)), []),
        (record(Box(geometry="b"), geometry=(box("b", 9.9),)), ["small"]),
        (record(Box(geometry="b"), geometry=(box("b", 99, "permille"),)), ["small"]),
        (record(Points(geometry="p"), geometry=(POINTS,)), ["several"]),
        (record(YesNo(yes=True), media=TWO), ["pictures"]),
        (record(YesNo(yes=True), geometry=(box("b", 50), box("c", 50)), cites="bc"), ["compared"]),
        (record(YesNo(yes=True), "word " * 41), ["long question"]),
        (record(Freeform(text="word " * 21)), ["long answer"]),
    ],
)
def test_what_makes_a_record_hard(row, found):
    prompt = prompt_text(row)
    assert burdens(row, prompt) == found
    assert level(row, prompt) == ("medium" if found else "easy")


def test_two_burdens_are_hard():
    row = record(Choice(options=("a", "b", "c", "d"), index=0), media=TWO)
    assert level(row, prompt_text(row)) == "hard"


@pytest.mark.parametrize(
    ("row", "skill"),
    [
        (record(YesNo(yes=True)), "yes_no"),
        (record(YesNo(yes=True), task="relation"), "relation"),
        (record(Number(value=2)), "count"),
        (record(Number(value=2, unit="m")), "distance"),
        (record(Box(geometry="b"), geometry=(box("b", 9),)), "pointing"),
        (record(Points(geometry="p"), geometry=(POINTS,), task="free_space"), "free_space"),
        (record(Freeform(text="open the fridge"), task="next_action"), "planning"),
        (record(Freeform(text="a mug")), "questions"),
        (record(Freeform(text="a mug"), media=TWO), "multiview"),
    ],
)
def test_skills(row, skill):
    assert skill_of(row) == skill
