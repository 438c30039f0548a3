"""A team's own training files: every layout, frames told or refused, nothing guessed."""

import hashlib
import json
import random
from pathlib import Path

import pytest
from PIL import Image

from seestep import families
from seestep.errors import DataError
from seestep.export.formats import FORMATS
from seestep.records import (
    Box,
    Choice,
    Freeform,
    Geometry,
    GeometryRef,
    Media,
    MediaRef,
    Number,
    Pair,
    Points,
    Record,
    Text,
    YesNo,
)
from seestep.run import read_rows, read_verdicts
from seestep.sources.own import OwnConfig, bring
from seestep.sources.pictures import MISSING

SIZE = (640, 480)
ASK = "<image>\nWhere is the mug?"


def row(answer: str, asked: str = ASK, images=("a.png",), **more):
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return {"messages": turns, "images": list(images), **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        Image.new("RGB", SIZE, "white").save(tmp_path / name)
    return tmp_path


def read(folder: Path, rows, *, kind=Record, images=None, **config):
    file = folder / "train.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    told = OwnConfig(**({"family": "qwen3_vl", "frame": "permille"} | config))
    out = folder / f"out-{told.family}"
    bring(told, file, out, images=images)
    return list(read_rows(out, kind)), [v.reason for v in read_verdicts(out)]


def box_answer(values, key="bbox_2d") -> str:
    return f'```json\n[\n\t{{"{key}": {list(values)}, "label": "mug"}}\n]\n```'


@pytest.mark.parametrize(
    ("said", "asked", "answer"),
    [
        ("yes", "<image>Is there a mug?", YesNo(yes=True)),
        ("No.", "<image>Is there a mug?", YesNo(yes=False)),
        ("3", "<image>How many?", Number(value=3)),
        ("B", "<image>Which?\nA. red mug\nB. cup", Choice(options=("red mug", "cup"), index=1)),
        ("(A)", "<image>Which?\n(A) red mug\n(B) cup", Choice(options=("red mug", "cup"), index=0)),
        ("B", "<image>Which letter?", Freeform(text="B")),
        ("It is red.", "<image>Which colour?", Freeform(text="It is red.")),
        ("<think></think><answer>a cup</answer>", "<image>What?", Freeform(text="a cup")),
        ("007", "<image>What is written there?", Freeform(text="007")),
        ("12345678901234567890", "<image>Read it.", Freeform(text="12345678901234567890")),
        ("9" * 400, "<image>Read it.", Freeform(text="9" * 400)),
    ],
)
def test_answers_become_what_they_mean(folder, said, asked, answer):
    (record,), dropped = read(folder, [row(said, asked)])
    assert record.answer == answer and not dropped
    assert record.media[0].size == SIZE and record.media[0].sha256


def test_places_leave_the_text(folder):
    asked = "<image>\nWhat is at (512, 300), left of [100, 200, 300, 400]?"
    rows = [row(box_answer((100, 200, 300, 400))), row("a mug", asked)]
    (found, named), _ = read(folder, rows)
    assert found.answer == Box(geometry="answer")
    (box,) = found.geometry
    assert (box.values, box.frame, box.label) == ((100, 200, 300, 400), "permille", "mug")
    assert [g.kind for g in named.geometry] == ["point", "box"]
    parts = named.turns[0].parts
    assert [type(p) for p in parts] == [MediaRef, Text, GeometryRef, Text, GeometryRef, Text]
    assert parts[1].text == "What is at "


@pytest.mark.parametrize(
    "label",
    ["a man's red shirt", 'a sign that says "walk"', "tasse à café", "50% \\ off", "红色杯子"],
)
def test_a_label_comes_back_whole(folder, label):
    spoken = json.dumps([{"bbox_2d": [1, 2, 3, 4], "label": label}])
    printed = str([{"bbox_2d": [1, 2, 3, 4], "label": label.replace("\\", "")}])
    records, dropped = read(folder, [row(spoken), row(printed)])
    assert not dropped
    assert [r.geometry[0].label for r in records] == [label, label.replace("\\", "")]


def test_an_example_or_a_range_in_a_question_is_no_place(folder):
    asked = "<image>Point to it, values in [0, 1000], e.g. (50, 75).\nNot at (1, 2, 3)."
    (record,), _ = read(folder, [row("a mug", asked)])
    assert not record.geometry


def test_fractions_that_a_question_asks_for_stay_fractions(folder):
    asked = "<image>Point to it. The coordinates should be between 0 and 1."
    (record,), _ = read(folder, [row("[(0.25, 0.5)]", asked)])
    assert record.answer == Points(geometry="answer")
    assert record.geometry[0].frame == record.form.frame == "unit"


def test_whole_pixels_stand_for_their_centres_and_resized_ones_are_put_back(folder):
    point = '```json\n[{"point_2d": [322, 238]}]\n```'
    (record,), _ = read(folder, [row(point)], frame="pixel")
    assert record.geometry[0].values == (322.5, 238.5)
    family = families.get("qwen2_5_vl")
    resize = family.resize(SIZE)
    (record,), _ = read(
        folder / ".",
        [row(box_answer((64, 56, 128, 112)))],
        frame="pixel_resized",
        family=family.name,
    )
    wide = SIZE[0] / resize.resized_width
    assert record.geometry[0].frame == "pixel"
    assert record.geometry[0].values[0] == pytest.approx(64 * wide)


def boxes(top: tuple[int, int], count: int = 60):
    rng = random.Random(1)
    for i in range(count):
        x, y = (rng.randint(0, n - 2) for n in top)
        far = (
            (top[0], top[1])
            if i % 3 == 0
            else (rng.randint(x + 1, top[0]), rng.randint(y + 1, top[1]))
        )
        yield row(box_answer((x, y, *far)))


@pytest.mark.parametrize(("top", "frame"), [((1000, 1000), "permille"), (SIZE, "pixel")])
def test_the_frame_is_told_from_the_numbers(folder, top, frame):
    records, _ = read(folder, list(boxes(top)), frame="auto", family="qwen3_vl")
    assert {g.frame for r in records for g in r.geometry} == {frame}


def test_a_frame_that_cannot_be_told_is_asked_for(folder):
    with pytest.raises(DataError, match="--frame") as error:
        read(folder, list(boxes((1000, 1000), 5)), frame="auto")
    assert "20 are needed" in str(error.value)


def test_without_places_no_frame_is_needed(folder):
    (record,), _ = read(folder, [row("yes")], frame="auto")
    assert record.answer == YesNo(yes=True)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (row("at (1, 2) on the left"), "middle of a sentence"),
        (row(box_answer((1, 2, 3, 4)) + box_answer((5, 6, 7, 8))), "several boxes"),
        (row(box_answer((3, 2, 3, 4))), "nothing inside"),
        (row(box_answer((1, 2, 3, 4)), "<image><image>?", ("a.png", "b.png")), "not one picture"),
        (row("yes", "<image><image>?"), "not as many"),
        (row("yes", images=("https://x.org/a.png",)), "an address"),
        (row("yes", images=("/elsewhere/a.png",)), "not below"),
        (row("yes", images=("../a.png",)), "must stay below its root"),
        (row("C", "<image>Which?\nA. cup\nB. mug"), "none of the options"),
        (row("<think>I see a mug.</think>a mug"), "free chain of thought"),
        (row("yes", videos=["a.mp4"]), "a video"),
        (row("yes", video=5), "a video"),
        (row("yes", [{"type": "video", "video": "a.mp4"}, {"text": "?"}], ()), "a video"),
        (row("yes", "<image><audio>Is it?", audios=["a.wav"]), "a sound"),
        (row("<ref-object><bbox>", objects={"ref": ["mug"], "bbox": [[1, 2, 3, 4]]}), "column"),
        (row("yes", images=("iVBORw0KGgo/" * 900,)), "bytes"),
        ({"messages": row("yes")["messages"][1:], "images": ["a.png"]}, "nothing is asked"),
        (row("yes", system=5), "no known layout"),
        (row(""), "no answer"),
        ({"images": ["a.png"]}, "none of the known layouts"),
        (row("yes") | {"rejected_response": "no"}, "a preference pair among records"),
    ],
)
def test_what_has_no_place_in_a_record_is_left_out_with_its_reason(folder, wrong, reason):
    records, dropped = read(folder, [row("yes"), wrong])
    assert len(records) == 1 and len(dropped) == 1
    assert reason in dropped[0]


def test_a_free_thought_is_cut_off_only_if_asked(folder):
    rows = [row("<think>I see a mug.</think><answer>yes</answer>"), row("<think></think>no")]
    file = folder / "train.json"
    file.write_text(json.dumps(rows))
    bring(OwnConfig(family="qwen3_vl", thoughts="cut"), file, folder / "out")
    thought, plain = read_rows(folder / "out", Record)
    assert (thought.answer, thought.tags) == (YesNo(yes=True), ("thought-cut",))
    assert (plain.answer, plain.tags) == (YesNo(yes=False), ())
    worse = [x | {"rejected_response": "<think>It may be.</think>yes"} for x in rows]
    file.write_text(json.dumps(worse))
    bring(OwnConfig(family="qwen3_vl", thoughts="cut"), file, folder / "pairs")
    (pair,) = read_rows(folder / "pairs", Pair)
    assert (pair.id, pair.rejected, pair.tags) == ("own:2", YesNo(yes=True), ("thought-cut",))
    (dropped,) = read_verdicts(folder / "pairs")
    assert (dropped.id, dropped.reason) == ("own:1", "both answers are the same")


@pytest.mark.parametrize("path", ("gone.png", "loop/a.png", "{folder}/loop/a.png", "a" * 300))
def test_a_picture_that_is_not_there_leaves_a_tag(folder, path):
    (folder / "loop").symlink_to("loop")
    (record,), _ = read(folder, [row("yes", images=(path.format(folder=folder),))])
    assert MISSING in record.tags


def test_rows_are_numbered_as_they_stand_in_the_file(folder):
    said = [json.dumps(row(w)) for w in ("a mug", "a cup", "a pan")]
    file = folder / "train.json"
    file.write_text(f"[{said[0]}, {said[1]}, {{NaN}}, {said[2]}]")
    bring(OwnConfig(family="qwen3_vl"), file, folder / "out")
    found = {r.id: r.answer.text for r in read_rows(folder / "out", Record)}
    assert found == {"own:1": "a mug", "own:2": "a cup", "own:4": "a pan"}
    assert [v.id for v in read_verdicts(folder / "out")] == ["own:3"]


def test_a_record_tells_the_file_and_row_that_it_came_from(folder):
    (_, record), _ = read(folder, [row("yes"), row("no")])
    sha256 = hashlib.sha256((folder / "train.jsonl").read_bytes()).hexdigest()
    came = record.provenance
    assert (came.file, came.row, came.sha256) == ("train.jsonl", "2", sha256)
    assert came.reader == "own" and came.version


def test_a_file_without_rows_is_a_mistake(folder):
    with pytest.raises(DataError, match="no row"):
        read(folder, [])


@pytest.mark.parametrize(
    "more",
    [
        {"query": "Is it red?", "response": "yes"},
        {"instruction": "Is it red?", "output": "yes"},
    ],
)
def test_what_stands_in_columns_beside_the_question_is_said_before_it(folder, more):
    more |= {"system": "Be brief.", "history": [["What is it?", "a mug"]], "images": ["a.png"]}
    (record,), _ = read(folder, [more])
    said = [(t.role, t.parts[-1].text) for t in record.turns]
    assert said == [
        ("system", "Be brief."),
        ("user", "What is it?"),
        ("assistant", "a mug"),
        ("user", "Is it red?"),
    ]


def test_pairs(folder):
    rows = [row("a mug") | {"rejected_response": "a cup"}, row("x") | {"rejected_response": "x"}]
    (pair,), dropped = read(folder, rows, kind=Pair)
    assert (pair.chosen, pair.rejected) == (Freeform(text="a mug"), Freeform(text="a cup"))
    assert pair.instruction == "Where is the mug?"
    assert dropped == ["both answers are the same"]


def test_a_pair_that_cannot_be_read_says_why(folder):
    rows = [row("a mug") | {"rejected_response": "a cup"}, {"x": 1}]
    (_,), dropped = read(folder, rows, kind=Pair)
    assert dropped == ["none of the known layouts; its keys are x"]


def test_the_form_of_a_pair_is_that_of_its_better_answer(folder):
    rows = [row("Answer: 3") | {"rejected_response": "I cannot see it."}]
    (pair,), _ = read(folder, rows, kind=Pair)
    assert pair.chosen == Number(value=3) and pair.form.prompt == "Answer: X"


def test_a_conversation_keeps_its_earlier_turns(folder):
    long = row("yes")
    long["messages"] = [
        {"role": "system", "content": "Be brief."},
        *row("a mug at (10, 20)")["messages"],
        {"role": "user", "content": "Is it red?"},
        {"role": "assistant", "content": "yes"},
    ]
    (record,), _ = read(folder, [long])
    assert [t.role for t in record.turns] == ["system", "user", "assistant", "user"]
    assert record.geometry[0].values == (10, 20)


# --- there and back ---------------------------------------------------------------------------


def made(answer, *, geometry=(), form, cite=()):
    from seestep.records import FormRef, Turn

    media = Media(key="v", path="a.png", root="world", width=640, height=480)
    parts = (MediaRef(media="v"), Text(text="Look at "), *cite, Text(text=" there."), FormRef())
    return Record(
        id="t:1",
        source="t",
        task="t",
        media=(media,),
        turns=(Turn(role="user", parts=parts),),
        answer=answer,
        geometry=geometry,
        form=form,
    )


def written():
    from seestep.records import Form

    box = Geometry(key="b", kind="box", media="v", frame="pixel", values=(64, 48, 320, 240))
    spot = Geometry(key="p", kind="point", media="v", frame="pixel", values=(322.5, 238.5))
    line = "End with a line:\nAnswer: X"
    yield made(Box(geometry="b"), geometry=(box,), form=Form(kind="box"))
    yield made(Points(geometry="p"), geometry=(spot,), form=Form(kind="points"))
    yield made(
        YesNo(yes=True),
        geometry=(box,),
        form=Form(kind="yes_no"),
        cite=(GeometryRef(geometry="b"),),
    )
    yield made(Choice(options=("mug", "cup"), index=1), form=Form(kind="choice"))
    yield made(Choice(options=("mug", "cup"), index=1), form=Form(kind="choice", prompt=line))
    yield made(Number(value=3), form=Form(kind="number"))
    yield made(Freeform(text="It is red."), form=Form(kind="text"))


@pytest.mark.parametrize("style", ("tags", "plain"))
@pytest.mark.parametrize("to", ("llava", "sharegpt", "swift", "messages"))
@pytest.mark.parametrize(
    ("name", "frame"),
    [("qwen3_vl", "permille"), ("qwen2_5_vl", "pixel_resized"), ("robobrain2", "pixel_resized")],
)
def test_what_was_exported_comes_back_letter_for_letter(folder, to, name, frame, style):
    family = families.get(name)
    rows = [FORMATS[to](r, family, ["a.png"], style) for r in written()]
    records, dropped = read(folder, rows, family=name, frame=frame)
    assert not dropped
    again = [FORMATS[to](r, family, ["a.png"], style) for r in records]
    for was, now in zip(rows, again, strict=True):
        assert {k: v for k, v in now.items() if k != "id"} == {
            k: v for k, v in was.items() if k != "id"
        }
