"""Answers beside the question: held against others of their task, in a language that is read."""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from seestep.curate.batch import make_batch
from seestep.curate.embed import UNREADABLE, Encoder, column, folder_of, matrix, rank
from seestep.curate.engine import CurateConfig, curate
from seestep.curate.measuring import measure_parts
from seestep.curate.relevance import (
    QuestionsAndAnswers,
    Relevance,
    beaten,
    draws,
    others_of,
    question,
    spoken,
)
from seestep.curate.words import script_of
from seestep.errors import DataError, RunError
from seestep.records import Choice, Freeform, Number, Record, YesNo
from seestep.run import read_verdicts
from tests.curate.judging import plan
from tests.curate.test_engine import ask
from tests.curate.test_engine import folder_of as run_folder_of

THINGS = {
    "mug": ("What is the mug made of?", "The mug is made of blue ceramic."),
    "dog": ("What is the dog doing?", "The dog is running after a ball in the grass."),
    "train": ("Where does the train stand?", "The train stands at the platform of a station."),
    "cook": ("What is the cook cutting?", "The cook is cutting onions with a knife."),
    "sky": ("How is the weather?", "It is a cloudy day and it looks like rain."),
    "bike": ("Who is riding the bike?", "A boy with a helmet rides the bike."),
    "piano": ("Which instrument is played?", "A woman plays the piano on a stage."),
    "cake": ("What lies on top of the cake?", "Strawberries lie on top of the cake."),
    "boat": ("Where is the boat?", "The boat is out on the lake, far from the shore."),
    "horse": ("What is the horse eating?", "The horse is eating hay from a trough."),
    "lamp": ("What stands beside the lamp?", "A pile of books stands beside the lamp."),
    "player": ("What does the player hold?", "The player holds a tennis racket."),
}


def vqa(key: str, asked: str, said: object, **more) -> Record:
    answer = Freeform(text=said) if isinstance(said, str) else said
    return ask(key, asked, answer, task="vqa", image=f"{key}.png", sha=key, **more)


GOOD = [vqa(key, *pair) for key, pair in THINGS.items()]
SMALL = Relevance(fewest=5, least=0.6)


def test_an_answer_of_another_question_goes_and_true_ones_stay():
    wrong = [
        vqa("x1", THINGS["mug"][0], THINGS["horse"][1]),
        vqa("x2", THINGS["boat"][0], THINGS["mug"][1]),
    ]
    batch = make_batch([*GOOD, *wrong])
    table = SMALL.measure()(batch, {})
    said = {v.id: v for v in SMALL.decide(batch, table)}
    assert {i for i, v in said.items() if not v.keep} == {"t:x1", "t:x2"}
    assert said["t:x1"].reason == "beside_the_question" and said["t:x1"].threshold == 0.6
    assert np.mean([said[r.id].score for r in GOOD]) > 0.9
    # another threshold, and another order of the rows, decide over the same vectors
    none = msgspec.structs.replace(SMALL, least=0.0)
    assert all(v.keep for v in none.decide(batch, table))
    order = list(range(len(batch)))[::-1]
    backwards = SMALL.decide(batch.take(order), table.take(order))
    assert {v.id: (v.keep, v.score) for v in backwards} == {
        i: (v.keep, v.score) for i, v in said.items()
    }


def test_what_cannot_be_measured_stays_and_says_why():
    rows = [
        *GOOD,
        vqa("zh", "杯子在哪里？", "杯子在桌子上。"),
        vqa("yes", "Is there a mug?", YesNo(yes=True)),
        vqa("three", "How many mugs?", Number(value=3)),
        ask("few", "What comes next?", Freeform(text="take the mug"), task="next_action"),
    ]
    batch = make_batch(rows)
    said = {v.id: v for v in SMALL.decide(batch, SMALL.measure()(batch, {}))}
    why = {key: said[f"t:{key}"].evidence for key in ("zh", "yes", "three", "few")}
    assert why == {
        "zh": "not measured: written in cjk, which the encoder does not read",
        "yes": "not measured: the answer has no words",
        "three": "not measured: the answer has no words",
        "few": "not measured: fewer than 5 other answers of this task",
    }
    assert all(said[f"t:{key}"].keep and said[f"t:{key}"].score is None for key in why)


def test_a_task_whose_own_answers_fit_no_better_is_not_measured():
    keys = list(THINGS)
    wrong = [vqa(k, THINGS[k][0], THINGS[keys[i - 1]][1]) for i, k in enumerate(keys)]
    batch = make_batch(wrong)
    said = SMALL.decide(batch, SMALL.measure()(batch, {}))
    assert all(v.keep and "no likelier than others" in v.evidence for v in said)


def test_shares_are_those_of_a_hand_sum():
    asked = np.eye(4, dtype=np.float32)
    said = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]], dtype=np.float32)
    worse, drawn = beaten(asked, said, ["a", "a", "b", "c"], others=3)
    # row 0: beats b and c; a is its own words. row 1: 0 against 1, 0, 0 of a (left out), b, c: ties
    assert drawn.tolist() == [2, 2, 3, 3]
    assert worse.tolist() == [2.0, 1.0, 2.5, 1.5]


def test_other_answers_of_a_task_are_counted_not_those_drawn(tmp_path):
    made_ranker(tmp_path / "ranker")
    for model in ("", str(tmp_path / "ranker")):
        config = Relevance(reranker=model, others=4, fewest=20, telling=0.0)
        batch = make_batch(GOOD)  # 11 others each, of which 4 are drawn
        why = {v.evidence for v in config.decide(batch, config.measure()(batch, {}))}
        where = "in this shard" if model else "of this task"
        assert why == {f"not measured: fewer than 20 other answers {where}"}
        enough = msgspec.structs.replace(config, fewest=11)
        said = enough.decide(batch, enough.measure()(batch, {}))
        assert all(v.score is not None and " of 4 other answers" in v.evidence for v in said)


def test_the_same_words_many_times_are_neither_drawn_nor_counted():
    words = ["red"] * 90 + [f"thing {n}" for n in range(10)]
    found: list[set[int]] = [set() for _ in words]
    for other, is_one in draws(words, 4):
        for row in is_one.nonzero()[0]:
            assert words[other[row]] != words[row] and other[row] not in found[row]
            found[row].add(int(other[row]))
    assert {len(rows) for rows in found} == {4}
    assert others_of(words) == [10] * 90 + [99] * 10
    every = [other[0] for other, is_one in draws(words, 64) if is_one[0]]
    assert sorted(every) == list(range(90, 100))
    assert list(draws([], 4)) == list(draws(["red"] * 3, 4)) == []


def test_an_option_speaks_and_places_do_not():
    answers = [
        Choice(options=("left", "right"), index=0),
        YesNo(yes=True),
        Freeform(text="Yes."),
        Freeform(text="42"),
        Freeform(text="3 cm"),
        Number(value=3, unit="cm"),
        plan("find", "take"),
    ]
    batch = make_batch([vqa(str(n), "What is it?", answer) for n, answer in enumerate(answers)])
    said = [spoken(kind, text) for kind, text in zip(batch.kinds, batch.outputs, strict=True)]
    assert said == ["left", "", "", "", "3 cm", "", "find mug; take mug"]
    assert question("What is at point(0.5,0.25) unit ?") == "What is at ?"


def test_scripts_are_told_letter_by_letter():
    assert [script_of(c) for c in "aß杯я 3"] == ["latin", "latin", "cjk", "cyrillic", "", ""]
    told = ["a mug (杯)", "a mug, 3 of 5!", "the long words of a sentence, and 杯"]
    assert Encoder().unread(told) == ["cjk", "", ""]
    assert Encoder(scripts=("latin", "cjk")).unread(["杯子"]) == [""]


def test_vectors_are_of_length_one_and_survive_their_column():
    texts = ["a red mug", "ein Becher", "a red mug", ""]
    vectors = Encoder().vectors(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors[0] == vectors[2]).all()
    kept = pa.table({"v": column(vectors)})["v"]
    assert (matrix(kept) == vectors).all() and matrix(kept.slice(1, 2)).shape == (2, 384)
    assert (matrix(kept.take([3, 0])) == vectors[[3, 0]]).all()


def test_vectors_equal_a_forward_by_hand():
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = folder_of("minilm")
    tokens = AutoTokenizer.from_pretrained(folder)("a red mug", return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state
    mean = torch.nn.functional.normalize(states.mean(dim=1), dim=-1)[0].numpy()
    assert np.allclose(Encoder().vectors(["a red mug"])[0], mean, atol=1e-5)


def test_a_model_that_is_not_here_is_one_error():
    with pytest.raises(DataError, match="neither a folder nor in the local hub cache"):
        folder_of("maidalun1020/no-such-encoder")


def test_the_stage_decides_with_it_and_measures_once(tmp_path):
    wrong = vqa("x1", THINGS["mug"][0], THINGS["horse"][1])
    made = run_folder_of(tmp_path / "in", GOOD[:6], [*GOOD[6:], wrong])
    config = CurateConfig(look="trust", relevance=SMALL)
    manifest = curate([made], tmp_path / "out", config, cache=tmp_path / "cache")
    assert manifest.drops == {"relevance:beside_the_question": 1}
    scores = [v for v in read_verdicts(tmp_path / "out") if v.check == "relevance"]
    assert len(scores) == 13
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "cache").rglob("*.measure")}
    looser = CurateConfig(look="trust", relevance=msgspec.structs.replace(SMALL, least=0.0))
    second = curate([made], tmp_path / "looser", looser, cache=tmp_path / "cache")
    assert second.counts["out"] == manifest.counts["out"] + 1 == 13
    assert {f: f.stat().st_mtime_ns for f in (tmp_path / "cache").rglob("*.measure")} == before


@pytest.mark.parametrize("ranked", [False, True])
def test_what_is_measured_depends_on_words_task_and_kind_of_answer_alone(tmp_path, ranked):
    made_ranker(tmp_path / "ranker")
    config = Relevance(reranker=str(tmp_path / "ranker")) if ranked else SMALL
    asked, said = "How long is the pan?", Freeform(text="3 cm")

    def measured(asked, said, task="vqa", **more):
        """How many files the cache has once this record was measured among others."""
        first = ask("pan", asked, said, task=task, **more)
        made = run_folder_of(tmp_path / str(len(list(tmp_path.iterdir()))), [first, *GOOD])
        measure_parts(made, [config.measure()], {}, tmp_path / "cache")
        return len(list((tmp_path / "cache").rglob("*.measure")))

    assert measured(asked, said) == 1
    other = {"image": "b.png", "sha": "bb", "tags": ("odd",), "split": "val", "source": "other"}
    assert measured(asked, said, **other) == 1
    assert measured(asked, Freeform(text="4 cm")) == 2
    assert measured("How wide is the pan?", said) == 3
    assert measured(asked, Number(value=3, unit="cm")) == 4  # in the same words, and says nothing
    assert measured(asked, said, task="attribute") == 4 + ranked  # others are drawn of a task


def made_ranker(folder):
    """A small cross-encoder of random weights."""
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    told = BertConfig(vocab_size=30522, intermediate_size=16, num_labels=1, **shape)
    BertForSequenceClassification(told).save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder_of("minilm")).save_pretrained(folder)


def test_a_cross_encoder_reads_pairs(tmp_path):
    from sentence_transformers import CrossEncoder

    made_ranker(tmp_path / "ranker")
    config = Relevance(reranker=str(tmp_path / "ranker"), fewest=3, others=4, telling=0.0)
    batch = make_batch(GOOD)
    table = config.measure()(batch, {})
    assert table["drawn"].to_pylist() == [4] * len(GOOD)
    own = CrossEncoder(str(tmp_path / "ranker"), num_labels=1).predict(
        [(question(batch.prompts[3]), batch.outputs[3])], show_progress_bar=False
    )
    assert table["likeness"][3].as_py() == pytest.approx(float(own[0]), abs=1e-5)
    said = config.decide(batch, table)
    assert {v.score for v in said} <= {k / 8 for k in range(9)}


def test_other_weights_under_the_same_name_are_another_model(tmp_path):
    import shutil

    from safetensors.numpy import load_file, save_file

    shutil.copytree(folder_of("minilm"), tmp_path / "m")
    encoder, file = Encoder(model=str(tmp_path / "m")), tmp_path / "m" / "model.safetensors"
    before, vector = encoder.parameters(), encoder.vectors(["a red mug"])
    weights = load_file(file)
    other = {k: w * 2 if "layer.5" in k else w for k, w in weights.items()}
    save_file(other, file, metadata={"format": "pt"})
    assert encoder.parameters()["model"] != before["model"]
    assert not np.allclose(encoder.vectors(["a red mug"]), vector)


def test_the_shipped_encoder_reads_no_chinese_in_another_folder_either(tmp_path):
    import shutil

    shutil.copytree(folder_of("minilm"), tmp_path / "m")
    copy = Encoder(model=str(tmp_path / "m"))
    assert copy.reads == ("latin",) and copy.unread(["桌子上有一个红色的杯子", "a mug"]) == [
        "cjk",
        "",
    ]
    assert Encoder(model=str(tmp_path / "m"), scripts=("latin", "cjk")).reads == ("latin", "cjk")


def test_a_measure_of_another_version_is_another_run(tmp_path, monkeypatch):
    made = run_folder_of(tmp_path / "in", GOOD)
    config = CurateConfig(look="trust", relevance=SMALL)
    curate([made], tmp_path / "out", config, cache=tmp_path / "cache")
    curate([made], tmp_path / "out", config, cache=tmp_path / "cache")
    monkeypatch.setattr(QuestionsAndAnswers, "version", 99)
    with pytest.raises(RunError, match=r"measured\.relevance\.version was \d, now 99"):
        curate([made], tmp_path / "out", config, cache=tmp_path / "cache")


def test_other_weights_under_the_same_name_are_another_run(tmp_path):
    import shutil

    from safetensors.numpy import load_file, save_file

    shutil.copytree(folder_of("minilm"), tmp_path / "m")
    made = run_folder_of(tmp_path / "in", GOOD)
    told = msgspec.structs.replace(SMALL, encoder=Encoder(model=str(tmp_path / "m")))
    config = CurateConfig(look="trust", relevance=told)
    curate([made], tmp_path / "out", config, cache=tmp_path / "cache")
    weights = load_file(tmp_path / "m" / "model.safetensors")
    weights["embeddings.LayerNorm.bias"] += 0.1
    save_file(weights, tmp_path / "m" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunError, match=r"measured\.relevance\.depends_on\.model"):
        curate([made], tmp_path / "out", config, cache=tmp_path / "cache")


def test_weights_that_are_missing_are_no_random_ones(tmp_path):
    import shutil

    from safetensors.numpy import load_file, save_file

    shutil.copytree(folder_of("minilm"), tmp_path / "m")
    with pytest.raises(DataError, match="weights are missing") as told:
        rank(str(tmp_path / "m"), [("What is it?", "a red mug")])  # an encoder has no head
    assert "classifier" in str(told.value)
    file = tmp_path / "m" / "model.safetensors"
    kept = {k: w for k, w in load_file(file).items() if "layer.5." not in k}
    save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"layer\.5\..* and \d+ more"):
        Encoder(model=str(tmp_path / "m")).vectors(["a red mug"])


def test_a_model_that_makes_no_number_is_one_error(tmp_path):
    import shutil

    from safetensors.numpy import load_file, save_file

    shutil.copytree(folder_of("minilm"), tmp_path / "m")
    weights = load_file(tmp_path / "m" / "model.safetensors")
    weights["embeddings.LayerNorm.bias"] += np.float32("nan")
    save_file(weights, tmp_path / "m" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match="makes no number of a text"):
        Encoder(model=str(tmp_path / "m")).vectors(["a red mug"])


def test_a_short_answer_of_another_script_is_not_measured():
    asked = "What is written in large letters on the green sign above the door of the station?"
    table = SMALL.measure()(make_batch([vqa("exit", asked, "出口")]), {})
    assert table["why"].to_pylist() == [UNREADABLE.format("cjk")]


def test_cut_off_weights_are_one_error(tmp_path):
    import shutil

    shutil.copytree(folder_of("minilm"), tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(DataError, match="not an encoder"):
        Encoder(model=str(tmp_path / "m")).vectors(["a red mug"])
    with pytest.raises(DataError, match="not a cross-encoder"):
        rank(str(tmp_path / "m"), [("What is it?", "a red mug")])


def test_a_shard_of_which_nothing_is_left_is_measured_too(tmp_path):
    empty = vqa("none", "", "")
    made = run_folder_of(tmp_path / "in", [empty], GOOD)
    config = CurateConfig(look="trust", relevance=SMALL)
    assert curate([made], tmp_path / "out", config, cache=tmp_path / "cache").counts["out"] == 12
