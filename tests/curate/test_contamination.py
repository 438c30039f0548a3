"""Leaks of each kind are planted and all found; unrelated pictures and questions are let be."""

import base64
import json
import os
import shutil

import msgspec
import numpy as np
import pytest
import torch
from PIL import ImageOps
from safetensors.numpy import load_file, save_file

from seestep.cli import main
from seestep.curate.contamination.audit import AuditConfig, audit
from seestep.curate.contamination.benchmarks import find
from seestep.curate.contamination.page import lines
from seestep.curate.contamination.result import LAYERS
from seestep.curate.embed import Encoder, folder_of
from seestep.errors import DataError, RunError
from seestep.records import Choice, Item, Media, MediaRef, Record, Text, Turn
from seestep.run import ShardResult, read_rows, read_verdicts, shard_stage
from seestep.terminal import Look
from tests.curate.photos import crop, photo, saved

KINDS = ("id", "pixels", "jpeg", "mirror", "crop", "words", "scene")
EACH, CLEAN = 4, 40


def record(number, kind, path="", origins=(), asked="", options=("left", "right")):
    media = (Media(key="m", path=path, root="pics", origins=origins),) if path else ()
    parts = (
        *((MediaRef(media="m"),) if media else ()),
        Text(text=asked or f"Where is thing {number}?"),
    )
    return Record(
        id=f"{kind}:{number}", source="planted" if kind != "clean" else "clean", task="relation",
        media=media, turns=(Turn(role="user", parts=parts),),
        answer=Choice(options=options, index=0), clusters=origins,
        licence="test",
    )  # fmt: skip


STORIES = [
    "Which of the two hikers beside the frozen waterfall carries the longer coil of rope",
    "From the balcony with the green railing which ferry leaves the harbour before the other one",
    "Standing behind the piano where would the violinist have to walk to reach her music stand",
    "If the forklift reverses past the third pallet which crate does it brush with its left fork",
]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A run folder with leaks of every kind, and three benchmarks."""
    root = tmp_path_factory.mktemp("leaks")
    pics, marks = root / "pics", root / "marks"
    rows, table, lines_ = [], [], []
    (marks / "cv").mkdir(parents=True)
    (marks / "photos" / "img").mkdir(parents=True)
    (marks / "plans").mkdir()
    pics.mkdir()
    for n in range(EACH):
        for k, kind in enumerate(KINDS):
            image, name = photo(100 * k + n), f"{kind}{n}.png"
            if kind in ("pixels", "jpeg", "mirror", "crop"):
                (pics / name).write_bytes(saved(image))
                rows.append(record(n, kind, path=name))
                copy = {
                    "pixels": image,
                    "jpeg": image.resize((200, 150)),
                    "mirror": ImageOps.mirror(image),
                    "crop": crop(image, 0.1, 0.2, 0.8),
                }[kind]
                if kind == "pixels":  # inside a table, in base64
                    inside = base64.b64encode(saved(copy, compress_level=1)).decode()
                    row = {"index": n, "image": inside, "question": "Is it?", "answer": "A"}
                    table.append(row)
                else:
                    form = "JPEG" if kind == "jpeg" else "PNG"
                    file = marks / "photos" / "img" / f"{kind}{n}.{form.lower()}"
                    file.write_bytes(saved(copy, form))
        rows.append(
            record(n, "id", path="", origins=(f"coco:{900 + n}",), asked=f"Where is the {n}. cup?")
        )
        table.append({"index": 50 + n, "question": "Where?", "answer": "B",
                      "source_filename": f"coco/{900 + n:012d}.jpg"})  # fmt: skip
        rows.append(
            record(n, "words", asked=STORIES[n] + "?", options=("the nearer", "the farther"))
        )
        lines_.append({"question": STORIES[n], "choice_a": "the farther", "choice_b": "the nearer",
                       "answer": "the nearer"})  # fmt: skip
        rows.append(
            record(n, "scene", origins=(f"thor:FloorPlan{10 + n}",), asked=f"Go to room {n}.")
        )
        rows[-1] = msgspec.structs.replace(rows[-1], clusters=(f"thor:FloorPlan{10 + n}",))
        lines_.append({"task_goal": "go", "scene_id": f"FloorPlan{10 + n}"})
    for n in range(CLEAN):
        (pics / f"clean{n}.png").write_bytes(saved(photo(5000 + n)))
        color = "red" if n % 2 else "blue"
        asked = f"Is the {color} thing {n} left of the {n + 3}?"
        rows.append(
            record(n, "clean", path=f"clean{n}.png", origins=(f"coco:{n + 1}",), asked=asked)
        )
        (marks / "photos" / "img" / f"other{n}.png").write_bytes(saved(photo(9000 + n)))
        lines_.append({"question": f"Is the {color} thing left of the box {n}?",
                       "choice_a": "yes", "choice_b": "no", "answer": "A"})  # fmt: skip
    with (marks / "cv" / "cv.tsv").open("w") as stream:
        names = ("index", "image", "question", "answer", "source_filename")
        stream.write("\t".join(names) + "\n")
        for row in table:
            stream.write("\t".join(str(row.get(name, "")) for name in names) + "\n")
    (marks / "plans" / "plans.jsonl").write_text("\n".join(map(json.dumps, lines_)))
    (marks / "plans" / "torn.json").write_text('[{"question": "what')
    (marks / "photos" / "img" / "torn.png").write_bytes(saved(photo(1))[:900])
    shard_stage(
        root / "run", stage="made.up", version=1, config={}, inputs=[], shards=2,
        work=lambda n: ShardResult(rows=rows[n::2]),
    )  # fmt: skip
    return root


def wanted(kind):
    return {f"{kind}:{n}" for n in range(EACH)}


def test_planted_leaks_of_every_kind_are_found_and_nothing_else(planted):
    result = audit(
        planted / "run", [planted / "marks"], planted / "out", roots={"pics": planted / "pics"}
    )
    by = {layer: {x.record for x in result.leaks if x.layer == layer} for layer in LAYERS}
    assert by["ids"] == wanted("id") | wanted("scene")
    assert by["pixels"] == wanted("pixels")
    assert by["looks"] == wanted("jpeg") | wanted("mirror") | wanted("crop")
    assert by["texts"] == wanted("words")
    assert result.leaking == len(KINDS) * EACH and result.kept == CLEAN
    assert {r.id for r in read_rows(planted / "out", Record)} == wanted_clean()
    verdicts = {v.id: v for v in read_verdicts(planted / "out") if not v.keep}
    assert (
        verdicts["mirror:0"].check == "audit:looks" and "mirrored" in verdicts["mirror:0"].evidence
    )
    assert verdicts["mirror:0"].reason == "stands in photos"
    assert result.blocked["thor"] == {f"FloorPlan{10 + n}": ["plans"] for n in range(EACH)}
    blocked = json.loads((planted / "out" / "blocked.json").read_bytes())
    assert blocked == result.blocked


def wanted_clean():
    return {f"clean:{n}" for n in range(CLEAN)}


def test_what_was_not_compared_is_told_and_never_called_clean(planted):
    result = audit(
        planted / "run", [planted / "marks"], planted / "out", roots={"pics": planted / "pics"}
    )
    cells = {(c.source, c.benchmark, c.layer): c for c in result.cells}
    assert len(cells) == 2 * 3 * len(LAYERS)
    assert cells["clean", "plans", "pixels"].unchecked == "no picture of the benchmark is here"
    assert cells["clean", "photos", "texts"].unchecked.startswith("the benchmark asks nothing")
    assert cells["clean", "plans", "ids"].unchecked == "no record has a name of thor"
    assert all(
        c.unchecked == "no text encoder was given"
        for k, c in cells.items()
        if k[2] == "text_embeddings" and k[1] != "photos"
    )
    assert cells["clean", "cv", "ids"].checked == CLEAN and not cells["clean", "cv", "ids"].matched
    unread = {b.name: b.unread for b in result.benchmarks}
    assert any("torn.json" in x for x in unread["plans"])
    assert any("torn.png" in x for x in unread["photos"])
    page = "\n".join(lines(result, Look()))
    assert "28 of 68 records stand in a benchmark and are left out" in page
    assert "not checked, meaning: no text encoder was given" in page
    assert "comparisons could not be made: they are no proof" in page


def test_without_their_pictures_records_are_not_called_clean(planted, tmp_path):
    result = audit(planted / "run", [planted / "marks" / "photos"], tmp_path / "out")
    assert result.leaking == 0
    looks = [c for c in result.cells if c.layer == "looks"]
    assert all(c.unchecked == "no picture of these records is here" for c in looks)


def test_an_audit_is_not_taken_for_one_that_saw_less(planted, tmp_path):
    folders = planted / "run", [planted / "marks" / "photos"], tmp_path / "out"
    blind = audit(*folders)
    assert audit(*folders) == blind
    with pytest.raises(RunError, match="roots"):
        audit(*folders, roots={"pics": planted / "pics"})


def test_tagged_records_stay(planted, tmp_path):
    result = audit(
        planted / "run", [planted / "marks" / "cv"], tmp_path / "out", AuditConfig(act="tag"),
        roots={"pics": planted / "pics"},
    )  # fmt: skip
    tagged = {r.id for r in read_rows(tmp_path / "out", Record) if "leak:cv" in r.tags}
    assert tagged == wanted("id") | wanted("pixels") and result.kept == result.records


def test_an_encoder_finds_what_means_the_same(planted, tmp_path):
    marks = [planted / "marks" / "plans"]
    result = audit(planted / "run", marks, tmp_path / "out", encoder=Encoder())
    found = {x.record for x in result.leaks if x.layer == "text_embeddings"}
    assert found == wanted("words")


def test_our_own_suites_are_benchmarks_too(planted, tmp_path):
    """By the seeds of their homes and by the pictures that lie beside them."""
    (tmp_path / "media").mkdir()
    image = planted / "pics" / "mirror0.png"
    (tmp_path / "media" / "a.png").write_bytes(image.read_bytes())
    media = Media(key="m", path="media/a.png", root="world", origins=("home:4000007",))
    item = Item(
        id="mini-x:1", source="home", task="relation", media=(media,), licence="test",
        turns=(Turn(role="user", parts=(MediaRef(media="m"), Text(text="Where is the cup?"))),),
        answer=Choice(options=("left", "right"), index=0), clusters=("home:4000007",),
        suite="mini-x", scorer="choice", skill="relation",
    )  # fmt: skip
    shard_stage(
        tmp_path / "suites" / "mini-x", stage="world.suites", version=1, config={}, inputs=[],
        shards=1, work=lambda n: ShardResult(rows=[item]),
    )  # fmt: skip
    mine = [
        record(1, "home", origins=("home:4000007",)),
        record(2, "home", origins=("home:1000007",)),
        record(3, "home", path="mirror0.png"),
    ]
    shard_stage(
        tmp_path / "run", stage="made.up", version=1, config={}, inputs=[], shards=1,
        work=lambda n: ShardResult(rows=mine),
    )  # fmt: skip
    result = audit(
        tmp_path / "run", [tmp_path / "suites"], tmp_path / "out", roots={"pics": planted / "pics"}
    )
    found = {(x.record, x.layer) for x in result.leaks}
    assert found == {("home:1", "ids"), ("home:3", "pixels")}
    assert result.blocked == {"home": {"4000007": ["mini-x"]}}


def test_embeddings_are_means_over_real_tokens(tmp_path):
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "mug", "left", "right"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16,
    )  # fmt: skip
    model = BertModel(shape).eval()
    model.save_pretrained(tmp_path)
    tokenizer = BertTokenizerFast(str(tmp_path / "vocab.txt"))
    tokenizer.save_pretrained(tmp_path)
    texts = ["red mug left right red mug", "mug", "red mug"]
    got = Encoder(model=str(tmp_path)).vectors(texts)
    for text, mine in zip(texts, got, strict=True):  # alone, so without any padding
        inputs = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            mean = model(**inputs).last_hidden_state.mean(1)[0]
        np.testing.assert_allclose(mine, (mean / mean.norm()).numpy(), atol=1e-5)


def asks(folder, *asked):
    """A benchmark of questions with two options each, of which the first is right."""
    folder.mkdir(parents=True)
    rows = [{"question": text, "choice_a": a, "choice_b": b, "answer": a} for text, a, b in asked]
    (folder / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def test_what_the_encoder_does_not_read_is_not_called_alike_and_is_told(tmp_path, capsys):
    """Where is the cup and where is the chair are one sentence in Chinese to the shipped encoder,
    and so is what two signs say."""
    sign = "What is written on the large green sign above the door of the old station"
    mine = [
        record(1, "zh", asked="杯子在哪里？", options=("左边", "右边")),
        record(2, "zh", asked="Where is the tall wooden ladder?", options=("left", "right")),
        record(3, "zh", asked=sign, options=("药铺", "饭馆")),
        record(4, "ja", asked="いすはどこにありますか。", options=("ひだり", "みぎ")),
    ]
    shard_stage(
        tmp_path / "run", stage="test", version=1, config={}, inputs=[], shards=1,
        work=lambda _: ShardResult(rows=mine),
    )  # fmt: skip
    marks = asks(
        tmp_path / "marks",
        ("椅子在哪里？", "左边", "右边"),
        ("Where is the tall wooden ladder?", "left", "right"),
        (sign, "厨房", "邮局"),
    )
    words = ["audit", str(tmp_path / "run"), "--benchmarks", str(marks), "--encoder", "minilm"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 1
    told = json.loads((tmp_path / "out" / "audit.json").read_bytes())
    found = [x["record"] for x in told["leaks"] if x["layer"] == "text_embeddings"]
    assert found == ["zh:2"]
    (cell,) = (c for c in told["cells"] if c["layer"] == "text_embeddings")
    assert (cell["records"], cell["checked"], cell["theirs"]) == (4, 1, 1)
    why = "3 records in cjk, hiragana and 2 questions of the benchmark in cjk"
    assert cell["unread"] == f"{why}, which the encoder does not read"
    assert f"not checked, meaning of planted: {why}" in capsys.readouterr().out


def test_an_encoder_that_cannot_be_used_is_told_before_pictures_are_looked_at(planted, tmp_path):
    words = [planted / "run", [planted / "marks" / "plans"], tmp_path / "out"]
    with pytest.raises(DataError, match="neither a folder nor in the local hub cache"):
        audit(*words, encoder=Encoder(model=str(tmp_path / "nothing")))
    shutil.copytree(folder_of("minilm"), tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(DataError, match="not an encoder of sentence-transformers"):
        audit(*words, encoder=Encoder(model=str(tmp_path / "m")))
    assert not (tmp_path / "out").exists()


def test_another_encoder_in_a_folder_of_the_same_name_is_another_audit(planted, tmp_path, capsys):
    words = ["audit", str(planted / "run"), "--benchmarks", str(planted / "marks" / "plans")]
    words += ["--out", str(tmp_path / "out"), "--encoder"]
    for place in ("a", "b", "c"):
        shutil.copytree(folder_of("minilm"), tmp_path / place / "m")
    assert [main([*words, str(tmp_path / place / "m")]) for place in ("a", "b")] == [1, 1]
    weights = load_file(tmp_path / "c" / "m" / "model.safetensors")
    weights["embeddings.LayerNorm.bias"] += 0.1
    save_file(weights, tmp_path / "c" / "m" / "model.safetensors", metadata={"format": "pt"})
    capsys.readouterr()
    assert main([*words, str(tmp_path / "c" / "m")]) == 2
    assert "encoder.model" in capsys.readouterr().err


def test_the_verb_prints_the_page_and_says_by_its_code_that_there_are_leaks(
    planted, tmp_path, capsys
):
    words = ["audit", str(planted / "run"), "--benchmarks", str(planted / "marks"), "--out"]
    code = main(
        [*words, str(tmp_path / "a"), "--root", f"pics={planted / 'pics'}", "--workers", "2"]
    )
    page = capsys.readouterr().out
    assert code == 1 and "planted" in page and "40 records to train on" in page
    assert main([*words, str(tmp_path / "b"), "--root", "pics", "--json"]) == 2
    assert "NAME=FOLDER" in capsys.readouterr().err


def test_benchmarks_that_are_not_there_are_an_error(planted, tmp_path):
    for folder, words in ((tmp_path / "no", "not here"), (tmp_path, "empty")):
        with pytest.raises(DataError, match=words):
            find([folder])
    with pytest.raises(DataError, match="same name"):
        find([planted / "marks", planted / "marks" / "cv"])


def test_names_and_texts_that_are_no_unicode_do_not_stop_an_audit(planted, tmp_path):
    odd = tmp_path / "odd"
    odd.mkdir()
    with open(os.fsencode(odd) + b"/caf\xe9.png", "wb") as file:
        file.write(saved(photo(1)))
    (odd / "half.json").write_text(r'[{"question": "Is the \ud800 mug red?", "answer": "\udc00"}]')
    result = audit(planted / "run", [odd], tmp_path / "out", roots={"pics": planted / "pics"})
    (known,) = result.benchmarks
    assert (known.questions, known.pictures, known.unread) == (1, 1, ())


def of_names(folder, **names):
    """A run folder of records without pictures, named by their origins."""
    rows = [record(n, id, "gone.png", origins) for n, (id, origins) in enumerate(names.items())]
    shard_stage(
        folder, stage="test", version=1, config={}, inputs=[], shards=1,
        work=lambda _: ShardResult(rows=rows),
    )  # fmt: skip
    return folder


def test_a_picture_that_has_names_in_two_collections_is_found_by_either(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    (marks / "q.json").write_text('[{"coco_id": 77}]')
    run = of_names(
        tmp_path / "run", genome=("vg:5", "coco:77"), lrv=("vg:5",), other=("vg:6", "coco:78")
    )
    result = audit(run, [marks], tmp_path / "out")
    assert {x.record.split(":")[0] for x in result.leaks} == {"genome", "lrv"}
    (cell,) = (c for c in result.cells if c.layer == "ids")
    assert (cell.checked, cell.matched) == (3, 2)


def test_a_downloaded_repository_is_one_benchmark_and_what_is_packed_is_told(tmp_path):
    repo = tmp_path / "bench"
    for inner in ("data", "videos", ".cache"):
        (repo / inner).mkdir(parents=True)
    (repo / "README.md").write_text("a card")
    (repo / ".cache" / "lock.json").write_text("{")
    (repo / "data" / "two.json").write_text(
        '{"train": [{"question": "Is it here?"}], "test": [{"question": "Is it there?"}]}'
    )
    (repo / "data" / "more.csv").write_text("question,choices\nWhich?,\"['a mug', 'a pan']\"\n")
    (repo / "data" / "images.zip").write_bytes(b"PK")
    (repo / "videos" / "P01_101.mp4").write_bytes(b"film")
    (found,) = find([repo])
    entries = list(found.read())
    assert [e.asked for e in entries] == ["Which?", "Is it here?", "Is it there?", ""]
    assert entries[0].options == ("a mug", "a pan") and entries[-1].ids == {"epic:P01_101"}
    assert [u.split(":")[0] for u in found.unread] == ["data/images.zip", "videos/P01_101.mp4"]


def test_where_nothing_could_be_compared_no_code_says_clean(tmp_path, capsys):
    marks = tmp_path / "marks"
    marks.mkdir()
    (marks / "all.zip").write_bytes(b"PK")
    run = of_names(tmp_path / "run", one=("coco:1",))
    words = ["audit", str(run), "--benchmarks", str(marks), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    page = capsys.readouterr().out
    assert "nothing was compared" in page and "no match" not in page


def test_several_folders_of_benchmarks_follow_one_word(tmp_path):
    run = of_names(tmp_path / "run", one=("coco:1",))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "q.json").write_text('[{"coco_id": 1}]')
    words = ["--benchmarks", str(tmp_path / "a"), str(tmp_path / "b"), "--out"]
    assert main(["audit", str(run), *words, str(tmp_path / "out")]) == 1
    told = json.loads((tmp_path / "out" / "audit.json").read_bytes())
    assert [known["name"] for known in told["benchmarks"]] == ["a", "b"]
