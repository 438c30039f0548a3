"""Duplicates in any JSON lines, through the command line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from seestep import ledger
from seestep.cli import main
from seestep.curate.near import jaccard, normalise, shingles
from seestep.curate.rows import BETWEEN, RowsConfig, dedup_rows, value_at
from seestep.errors import DataError, RunError

MUG = "Is the red mug left of the white plate on the kitchen table?"


def write(file: Path, rows: list[object]) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def ask(question: str, answer: str = "yes", image: str = "a.jpg", **more: object) -> dict:
    return {"question": question, "answer": answer, "image": image, **more}


def rows_of(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def dedup(tmp_path: Path, rows: list, **config):
    told = {"text_fields": ("question", "answer"), "image_field": "image"} | config
    images = told.pop("images", None)
    out = tmp_path / "out"
    file = write(tmp_path / "in.jsonl", rows)
    return out, dedup_rows(file, out, RowsConfig(**told), images=images)


def test_every_removal_names_a_kept_row_and_the_exact_similarity(tmp_path):
    rng = random.Random(0)
    words = [
        "red",
        "blue",
        "green",
        "mug",
        "bowl",
        "plate",
        "left",
        "right",
        "table",
        "shelf",
        "how",
        "many",
        "where",
        "what",
    ]
    questions = [" ".join(rng.choices(words, k=9)) for _ in range(300)]
    rows = [ask(q, image=f"{n % 7}.jpg") for n, q in enumerate(questions)]
    for n in range(0, 300, 3):
        typo = rng.choice(questions[:100])
        rows[n] = ask(typo[:-1] + rng.choice("xyz") + typo[-1:], image=rng.choice(rows)["image"])
    rows += rng.sample(rows, 20)
    out, found = dedup(tmp_path, rows)
    assert found.kept + sum(found.removed.values()) == found.rows == 320
    assert set(found.removed) <= {"exact", "simhash", "minhash", "group"}
    assert found.removed["exact"] >= 20 and sum(found.removed.values()) > 30
    texts = [BETWEEN.join((normalise(r["question"]), "yes")) for r in rows]
    said = {v.id: (row, v) for row, v in ledger.read(out / "ledger.parquet")}
    kept = [int(i.split(":")[1]) - 1 for i, (_, v) in said.items() if v.keep]
    assert rows_of(out / "kept.jsonl") == [rows[i] for i in kept]
    assert [said[f"in.jsonl:{i + 1}"][0] for i in kept] == list(range(len(kept)))
    for name, (row, verdict) in said.items():
        if verdict.keep:
            continue
        own, twin = (int(x.split(":")[1].split()[0]) - 1 for x in (name, verdict.evidence))
        assert row is None and twin in kept and rows[twin]["image"] == rows[own]["image"]
        assert verdict.score == jaccard(shingles(texts[own]), shingles(texts[twin])) >= 0.7
    for n, i in enumerate(kept):
        for j in kept[n + 1 :]:
            if rows[i]["image"] == rows[j]["image"]:
                assert jaccard(shingles(texts[i]), shingles(texts[j])) < 0.7


def test_short_answers_and_other_pictures_stay(tmp_path):
    rows = [ask("", word) for word in ("yes", "no", "3", "cup", "左", "右边")]
    rows += [ask(MUG), ask(MUG, image="b.jpg"), ask(MUG, image=["a.jpg", "b.jpg"])]
    _, found = dedup(tmp_path, rows)
    assert found.kept == 9 and found.removed == {}


def test_a_row_equal_to_one_that_goes_names_the_row_that_stays(tmp_path):
    near = MUG.replace("kitchen", "kitchn")
    out, found = dedup(tmp_path, [ask(MUG), ask(near), ask(near)])
    assert found.removed == {"group": 2}
    verdicts = [v for _, v in ledger.read(out / "ledger.parquet") if not v.keep]
    assert [v.evidence.split()[1] for v in verdicts] == ["in.jsonl:1"] * 2


def test_the_best_stays_else_the_first(tmp_path):
    rows = [ask(MUG, stars=1), ask(MUG.upper(), stars=3.5), ask(MUG), ask(MUG, stars=2)]
    out, _ = dedup(tmp_path, rows, best="stars")
    assert rows_of(out / "kept.jsonl") == [rows[1]]
    other = tmp_path / "first"
    other.mkdir()
    out, _ = dedup(other, rows)
    assert rows_of(out / "kept.jsonl") == [rows[0]]


def test_left_is_not_right_where_words_must_agree(tmp_path):
    rows = [ask(MUG), ask(MUG.replace("left", "right")), ask(MUG.replace("kitchen", "kitchn"))]
    out, _ = dedup(tmp_path, rows, same_words=True)
    assert rows_of(out / "kept.jsonl") == rows[:2]


def test_one_file_under_two_names_is_one_picture(tmp_path):
    for name, data in (("a.jpg", b"one"), ("b.jpg", b"one"), ("c.jpg", b"two")):
        (tmp_path / name).write_bytes(data)
    rows = [ask(MUG, image=name) for name in ("a.jpg", "b.jpg", "c.jpg", "gone.jpg")]
    out, found = dedup(tmp_path, rows, images=tmp_path)
    assert [r["image"] for r in rows_of(out / "kept.jsonl")] == ["a.jpg", "c.jpg", "gone.jpg"]
    assert found.no_picture_file == 1


def test_rows_are_copied_byte_for_byte_and_torn_ones_are_kept_apart(tmp_path):
    lines = [
        b'{"question":  "\\u00e9t\\u00e9 %d of a long year", "answer": "x"}' % n for n in range(200)
    ]
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + b"\n\n".join(lines) + b'\n{"question": "torn')
    config = RowsConfig(text_fields=("question",), threshold=1.0)
    found = dedup_rows(file, tmp_path / "out", config)
    assert (found.kept, found.unreadable, found.rows) == (200, 1, 201)
    assert (tmp_path / "out/kept.jsonl").read_bytes() == b"".join(x + b"\n" for x in lines)
    assert (tmp_path / "out/unreadable.jsonl").read_bytes() == b'{"question": "torn\n'
    (bad,) = [v for _, v in ledger.read(tmp_path / "out/ledger.parquet") if not v.keep]
    assert "torn last line" in bad.reason


def test_rows_without_text_are_kept_and_told(tmp_path):
    _, found = dedup(tmp_path, [ask("", ""), ask("", ""), ask(MUG)])
    assert (found.kept, found.no_text) == (3, 2)


def test_fields_are_dotted_and_hold_lists():
    row = {"a": {"b": [{"c": "x"}]}, "a.d": 3, "conversations": [{"value": "q"}, {"value": "r"}]}
    assert value_at(row, "a.b.0.c") == "x"
    assert value_at(row, "a.d") == 3
    assert value_at(row, "conversations.1.value") == "r"
    assert value_at(row, "a.b.1.c") is None and value_at(row, "a.b.x") is None


def test_a_misspelt_field_is_told(tmp_path):
    with pytest.raises(DataError, match="did you mean question"):
        dedup(tmp_path, [ask(MUG)], text_fields=("qestion",))
    with pytest.raises(DataError, match="'answer' is no number"):
        dedup(tmp_path, [ask(MUG)], best="answer")


def test_the_same_again_is_done_and_something_else_is_refused(tmp_path):
    out, found = dedup(tmp_path, [ask(MUG), ask(MUG)])
    ledger_at = (out / "ledger.parquet").stat().st_mtime_ns
    assert dedup(tmp_path, [ask(MUG), ask(MUG)])[1] == found
    assert (out / "ledger.parquet").stat().st_mtime_ns == ledger_at
    with pytest.raises(RunError, match="something else"):
        dedup(tmp_path, [ask(MUG), ask(MUG)], threshold=0.9)
    (out / "summary.json").unlink()  # killed before the end: made again
    assert dedup(tmp_path, [ask(MUG), ask(MUG)], threshold=0.9)[1].kept == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shingle", "line:3"], "char:N or word:N"),
        (["--threshold", "0"], "threshold must be"),
        (["--text-fields", "question,,answer"], "text_fields"),
    ],
)
def test_bad_options_are_mistakes_of_the_user(tmp_path, capsys, words, told):
    file = write(tmp_path / "in.jsonl", [ask(MUG)])
    line = ["dedup", str(file), "--text-fields", "question", "--out", str(tmp_path / "out")]
    line = line[:2] + line[4:] + words if words[0] == "--text-fields" else line + words
    assert main(line) == 2
    assert told in capsys.readouterr().err


def test_the_command_prints_what_it_wrote(tmp_path, capsys):
    file = write(tmp_path / "in.jsonl", [ask(MUG), ask(MUG), ask("What color is the bowl?")])
    line = ["dedup", str(file), "--text-fields", "question,answer", "--out", str(tmp_path / "o")]
    assert main(line) == 0
    assert "3 rows: 2 kept, 1 removed (1 the same text)" in capsys.readouterr().out
    assert main([*line, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == {"exact": 1}
