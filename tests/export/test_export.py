"""Every format says the same thing in its own words, and loads in its reader."""

import json
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from seestep import families
from seestep.errors import DataError, RunError
from seestep.export.formats import FORMATS
from seestep.export.write import Export, Side, export, records_of
from seestep.records import (
    Box,
    Entity,
    Form,
    FormRef,
    Freeform,
    Geometry,
    Media,
    MediaRef,
    Pair,
    Record,
    Step,
    Text,
    Thought,
    Turn,
    loads,
)
from seestep.run import ShardResult, shard_stage

MEDIA = Media(key="im", path="a/b.jpg", width=640, height=480)
CUP = Geometry(key="cup", kind="box", media="im", frame="pixel", values=(64, 48, 128, 96))
ASK = Turn(role="user", parts=(MediaRef(media="im"), Text(text="Where is the cup?"), FormRef()))


def locate(text: str = "Where is the cup?") -> Record:
    turn = Turn(role="user", parts=(MediaRef(media="im"), Text(text=text), FormRef()))
    return Record(
        id="t:1",
        source="t",
        task="locate",
        media=(MEDIA,),
        turns=(turn,),
        geometry=(CUP,),
        answer=Box(geometry="cup"),
        form=Form(kind="box"),
    )


PAIR = Pair(
    id="t:2",
    source="t",
    task="vqa",
    media=(MEDIA,),
    turns=(ASK,),
    form=Form(kind="text"),
    instruction="",
    observation="",
    chosen=Freeform(text="on the table"),
    rejected=Freeform(text="in the sink"),
    mishap="wrong_answer",
    reason="the cup is on the table",
    verified_by="rule",
)


@pytest.mark.parametrize("name", FORMATS)
def test_numbers_are_in_the_familys_frame(name: str) -> None:
    permille = str(FORMATS[name](locate(), families.get("qwen3_vl"), ["b.jpg"], "plain"))
    assert "100, 100, 200, 200" in permille
    # 640 x 480 is shown to Qwen2.5-VL as 644 x 476: x 64 -> 64.4, y 48 -> 47.6
    pixels = str(FORMATS[name](locate(), families.get("qwen2_5_vl"), ["b.jpg"], "plain"))
    assert "64, 48, 129, 95" in pixels


@pytest.mark.parametrize("name", [n for n in FORMATS if n not in ("llava", "qwen")])
def test_pairs_keep_both_completions_apart(name: str) -> None:
    row = FORMATS[name](PAIR, families.get("qwen3_vl"), ["b.jpg"], "tags")
    text = str(row)
    assert "<think></think><answer>on the table</answer>" in text
    assert "<think></think><answer>in the sink</answer>" in text


def test_llava_refuses_pairs() -> None:
    with pytest.raises(DataError, match="no preference pairs"):
        FORMATS["llava"](PAIR, families.get("qwen3_vl"), ["b.jpg"], "tags")


@pytest.mark.parametrize(("to", "image"), [("llava", "b.jpg"), ("qwen", ["b.jpg"])])
def test_llava_has_one_placeholder_a_picture(to: str, image: str | list[str]) -> None:
    row = FORMATS[to](locate(), families.get("qwen3_vl"), ["b.jpg"], "plain")
    assert row["image"] == image
    assert [c["from"] for c in row["conversations"]] == ["human", "gpt"]
    assert row["conversations"][0]["value"].startswith("<image>\nWhere is the cup?")


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("said", ["<image>", "<video>", "<audio>", "<|im_end|>", "<|image_pad|>"])
def test_words_that_a_reader_would_take_for_more_are_refused(to: str, said: str) -> None:
    with pytest.raises(DataError, match=r"placeholder|control token"):
        FORMATS[to](locate(f"What does {said} say?"), families.get("qwen3_vl"), ["b.jpg"], "plain")


@pytest.mark.parametrize("to", ["sharegpt", "swift"])
def test_nothing_stands_between_a_picture_and_the_words(to: str) -> None:
    row = FORMATS[to](locate(), families.get("qwen3_vl"), ["b.jpg"], "plain")
    assert row["messages"][0]["content"].startswith("<image>Where is the cup?")


def turns(*roles: str) -> Record:
    told = tuple(Turn(role=role, parts=(Text(text="Well?"),)) for role in roles)
    return msgspec.structs.replace(locate(), turns=told)


@pytest.mark.parametrize("to", ["llava", "qwen", "sharegpt", "swift"])
@pytest.mark.parametrize(
    "roles", [("user", "user"), ("assistant", "user"), ("user", "assistant"), ("system",)]
)
def test_turns_that_a_reader_would_leave_out_are_refused(to: str, roles: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="take turns"):
        FORMATS[to](turns(*roles), families.get("qwen3_vl"), [], "plain")
    assert FORMATS[to](turns("user", "assistant", "user"), families.get("qwen3_vl"), [], "plain")


@pytest.mark.parametrize("to", ["llava", "qwen"])
def test_a_system_turn_never_becomes_an_answer(to: str) -> None:
    with pytest.raises(DataError, match="no system turn"):
        FORMATS[to](turns("system", "user"), families.get("qwen3_vl"), [], "plain")


@pytest.mark.parametrize("to", ["llava", "qwen"])
def test_no_picture_is_no_image_key(to: str) -> None:
    row = FORMATS[to](turns("user"), families.get("qwen3_vl"), [], "plain")
    assert row.keys() == {"id", "conversations"}


@pytest.mark.parametrize("to", ["sharegpt", "messages", "swift"])
def test_a_pair_whose_answers_are_written_alike_is_refused(to: str) -> None:
    thought = Thought(
        entities=(Entity(id="o1", name="cup"),),
        steps=(Step(do=("pick", "o1"), see="a cup", expect=(("holding", "o1"),)),),
        next=("pick", "o1"),
    )
    pair = msgspec.structs.replace(PAIR, rejected=PAIR.chosen, chosen_thought=thought)
    assert FORMATS[to](pair, families.get("qwen3_vl"), ["b.jpg"], "tags")
    with pytest.raises(DataError, match="written alike"):
        FORMATS[to](pair, families.get("qwen3_vl"), ["b.jpg"], "plain")


FAMILY = families.get("qwen3_vl")


def run_folder(path: Path, rows: list[Record | Pair]) -> Path:
    result = ShardResult(rows=rows)
    shard_stage(path, stage="t", version=1, config={}, inputs=[], shards=1, work=lambda _: result)
    return path


def write(tmp_path: Path, rows: list[Record | Pair], to: str) -> Export:
    folder = run_folder(tmp_path / "in", rows)
    kind = type(rows[0])
    return export(folder, tmp_path / "out", to=to, family=FAMILY, roots={}, kind=kind)


def test_sidecar_keeps_the_whole_record(tmp_path: Path) -> None:
    write(tmp_path, [locate()], "swift")
    (line,) = (tmp_path / "out/sidecar.jsonl").read_bytes().splitlines()
    side = msgspec.json.decode(line, type=Side)
    assert loads(bytes(side.record), Record) == locate()
    assert side.media_missing


def test_a_record_without_image_size_is_dropped_with_its_reason(tmp_path: Path) -> None:
    media = msgspec.structs.replace(locate().media[0], width=None, height=None)
    blind = msgspec.structs.replace(locate(), media=(media,))
    result = write(tmp_path, [blind], "llava")
    assert (result.rows, result.dropped) == (0, 1)
    assert "size of media" in (tmp_path / "out/dropped.jsonl").read_text()


def test_datasets_loads_the_messages_format(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    write(tmp_path, [locate()], "messages")
    data = datasets.Dataset.from_json(
        str(tmp_path / "out/data.jsonl"), cache_dir=str(tmp_path / "cache")
    )
    assert data[0]["prompt"][0]["content"][0]["type"] == "image"
    assert data[0]["images"] == ["a/b.jpg"]


def test_what_is_held_out_is_not_written_for_training(tmp_path: Path) -> None:
    held = msgspec.structs.replace(locate(), id="t:3", split="guard")
    result = write(tmp_path, [locate(), held], "swift")
    assert (result.rows, result.dropped) == (1, 1)
    assert "of the split guard" in (tmp_path / "out/dropped.jsonl").read_text()
    kind, out = Record, tmp_path / "guard"
    again = export(
        tmp_path / "in", out, to="swift", family=FAMILY, roots={}, kind=kind, split="guard"
    )
    assert again.rows == 1 and "t:3" in (out / "sidecar.jsonl").read_text()


def test_an_export_replaces_another_one_and_no_file_of_anybody_else(tmp_path: Path) -> None:
    write(tmp_path, [locate()], "sharegpt")
    write(tmp_path, [locate()], "llava")
    files = {p.name for p in (tmp_path / "out").iterdir()}
    assert files == {"data.json", "sidecar.jsonl", "dropped.jsonl", "export.json"}
    mine = tmp_path / "mine/data.json"
    mine.parent.mkdir()
    mine.write_text("[]")
    with pytest.raises(RunError, match="would be lost"):
        export(tmp_path / "in", mine.parent, to="swift", family=FAMILY, roots={}, kind=Record)
    assert mine.read_text() == "[]"


def test_pictures_inside_a_run_are_named_by_their_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_folder(tmp_path / "run", [locate()])
    (folder / "media/a").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    _, roots = records_of(Path("run"))
    assert roots == {MEDIA.root: folder / "media"}


def test_llava_is_one_json_list(tmp_path: Path) -> None:
    result = write(tmp_path, [locate()], "llava")
    rows = json.loads((tmp_path / "out" / result.file).read_text())
    assert [r["id"] for r in rows] == ["t:1"]


def test_pairs_are_written_too_and_unknown_formats_refused(tmp_path: Path) -> None:
    assert write(tmp_path, [PAIR], "sharegpt").rows == 1
    with pytest.raises(DataError, match="unknown export format"):
        export(tmp_path / "in", tmp_path / "o", to="alpaca", family=FAMILY, roots={}, kind=Pair)


def test_an_export_that_fails_on_its_way_leaves_the_earlier_one(tmp_path: Path) -> None:
    write(tmp_path, [locate()], "swift")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    part = tmp_path / "in/part-00000.jsonl"
    part.write_bytes(part.read_bytes() * 2)
    with pytest.raises(RunError, match="changed after it was written"):
        export(tmp_path / "in", tmp_path / "out", to="qwen", family=FAMILY, roots={}, kind=Record)
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


def test_what_is_held_in_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    long = locate("Where is the cup?" + " Look well." * 400)
    folder = run_folder(
        tmp_path / "in", [msgspec.structs.replace(long, id=f"t:{i}") for i in range(1000)]
    )
    tracemalloc.start()
    try:
        export(folder, tmp_path / "out", to="swift", family=FAMILY, roots={}, kind=Record)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2e6 < (tmp_path / "out/data.jsonl").stat().st_size


def test_pictures_are_named_by_their_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trainer looks for them from another folder than we did."""
    folder = run_folder(tmp_path / "in", [locate()])
    monkeypatch.chdir(tmp_path)
    roots = {MEDIA.root: Path("pics")}
    export(folder, Path("out"), to="swift", family=FAMILY, roots=roots, kind=Record)
    row = json.loads((tmp_path / "out/data.jsonl").read_text())
    assert row["images"] == [str(tmp_path / "pics/a/b.jpg")]


@pytest.mark.parametrize("to", ["llava", "sharegpt", "messages", "swift"])
def test_a_video_is_left_out_with_its_reason(to: str, tmp_path: Path) -> None:
    clip = Media(key="im", path="a/b.mp4", kind="video", width=640, height=480)
    turn = Turn(role="user", parts=(MediaRef(media="im"), Text(text="What is done?")))
    record = Record(
        id="t:9",
        source="t",
        task="vqa",
        media=(clip,),
        turns=(turn,),
        answer=Freeform(text="a cup is washed"),
    )
    assert write(tmp_path, [record], to).dropped == 1
    assert "frames" in (tmp_path / "out" / "dropped.jsonl").read_text()
