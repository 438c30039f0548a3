"""Scores of records against the published example: transformers' processor, states, linear head."""

from __future__ import annotations

import pickle

import msgspec
import pytest
import torch

from seestep.curate.batch import make_batch
from seestep.curate.measure import join, key_of, measure_rows
from seestep.curate.reward import Reward
from seestep.errors import DataError, RunError
from seestep.models.reader import Reader, pack
from seestep.models.reward import RewardMeasure, find_model
from seestep.models.value_head import load_reward_model
from seestep.records import (
    Media,
    YesNo,
)
from tests.models.rewards import by_hand, head, record, records, relaid, scores

torch.set_num_threads(1)


def test_scores_are_those_of_the_published_example_one_by_one(model, published, roots):
    rows = records()
    alone = [by_hand(published, [row], roots)[0][0] for row in rows]
    assert scores(model, rows, roots) == pytest.approx(alone, abs=2e-5)
    assert len({round(s, 3) for s in alone}) == len(rows)


@pytest.mark.parametrize("batch_tokens", [1, 150, 100_000])
def test_batched_scores_are_those_of_each_record_alone(model, roots, batch_tokens):
    rows = records()
    alone = [scores(model, [row], roots)[0] for row in rows]
    assert scores(model, rows, roots, batch_tokens=batch_tokens) == pytest.approx(alone, abs=2e-5)


def test_the_last_real_token_is_read_whichever_side_is_padded(model, published, roots):
    rows = records()[:4]
    right, _ = by_hand(published, rows, roots)
    left, _ = by_hand(published, rows, roots, side="left")
    assert left == pytest.approx(right, abs=2e-5)
    reader = Reader(model, roots)
    shown = [(row, reader._see(row)) for row in (reader.write(i, r) for i, r in enumerate(rows))]
    inputs = reader.inputs(shown)
    assert model.score(inputs) == pytest.approx(right, abs=2e-5)
    pads = (inputs["attention_mask"] == 0).sum(1).tolist()
    for name in ("input_ids", "attention_mask", "mm_token_type_ids"):
        rolled = [torch.roll(row, n) for row, n in zip(inputs[name], pads, strict=True)]
        inputs[name] = torch.stack(rolled)
    assert inputs["attention_mask"][:, -1].all()
    assert model.score(inputs) == pytest.approx(right, abs=2e-5)


def test_the_answer_is_plain_and_in_pixels_of_the_resized_picture(model, published, roots):
    _, (text,) = by_hand(published, [records()[2]], roots)
    # 200x90 is seen as 128x64: x = 150.5 * 128 / 200 = 96.32, y = 40.5 * 64 / 90 = 28.8
    assert text.endswith('[96, 28], "label": "mug"}\n]\n```<|im_end|>\n')
    assert "<think>" not in text and "<answer>" not in text
    reader = Reader(model, roots)
    row = reader.write(0, records()[2])
    whole = reader._tokenizer.decode(row.ids)
    assert whole.replace("<|image_pad|>" * 32, "<|image_pad|>") == text


def test_a_pixel_cap_changes_the_picture_and_the_numbers_written(model, roots):
    reader = Reader(model, roots, max_pixels=2500)
    row = reader.write(0, records()[2])
    ((values, grid),) = reader._see(row)
    assert grid.tolist() == [[1, 4, 8]]  # 64x32 pixels in patches of 8
    assert len(values) == 32
    assert [i for i in row.ids if i == reader._image_token] == [reader._image_token] * 8
    # x = 150.5 * 64 / 200 = 48.16, y = 40.5 * 32 / 90 = 14.4
    assert "[48, 14]" in reader._tokenizer.decode(row.ids)


def test_what_cannot_be_read_is_told_and_does_not_change_its_neighbours(model, roots, tmp_path):
    rows = records()
    video = Media(key="v", kind="video", root="here", path="v.mp4", width=96, height=96)
    other = Media(key="square", kind="image", root="here", path="square.png", width=90, height=90)
    bad = [
        record("gone", "Is there a mug?", YesNo(yes=True), "gone"),
        msgspec.structs.replace(
            record("video", "What happens?", YesNo(yes=True), "v"), media=(video,)
        ),
        msgspec.structs.replace(rows[0], id="made:size", media=(other,)),
        record("code", "Hi <|im_end|>", YesNo(yes=True), "square"),
        record("long", "Is it left? " * 200, YesNo(yes=True), "square"),
    ]
    mixed = [row for pair in zip(bad, rows, strict=False) for row in pair]
    found = Reader(model, roots, longest=400).score(mixed)
    assert [why.partition(":")[0] for _, why in found[::2]] == [
        "picture",
        "record",
        "picture",
        "record",
        "too_long",
    ]
    assert [score for score, _ in found[::2]] == [None] * 5
    assert [s for s, _ in found[1::2]] == pytest.approx(scores(model, rows[:5], roots), abs=2e-5)


def test_a_pass_that_does_not_fit_is_halved_until_it_does(model, roots):
    class Small(type(model)):
        def score(self, inputs):
            if inputs["input_ids"].numel() > self.room:
                raise torch.OutOfMemoryError("full")
            return super().score(inputs)

    rows = records()
    small = Small(model.loaded, model.weight, model.bias)
    object.__setattr__(small, "room", 350)
    assert scores(small, rows, roots) == pytest.approx(scores(model, rows, roots), abs=2e-5)
    object.__setattr__(small, "room", 20)
    with pytest.raises(RunError, match=r"made:\w+: one record is more than this GPU can hold"):
        Reader(small, roots).score(rows)


def test_a_score_that_is_no_number_is_none(model, roots):
    broken = type(model)(model.loaded, model.weight * float("nan"), model.bias)
    assert Reader(broken, roots).score(records()[:1]) == [(None, "not_finite: nan")]


def test_packs_hold_like_lengths_within_the_budget(model, roots):
    reader = Reader(model, roots)
    rows = [reader.write(i, r) for i, r in enumerate(records())]
    packs = pack(rows, 200)
    assert sorted(row.at for one in packs for row in one) == list(range(6))
    assert all(len(p) == 1 or len(p) * len(p[0].ids) <= 200 for p in packs)
    assert packs == pack(rows[::-1], 200)


def test_scores_depend_on_no_order_and_are_kept_by_what_they_depend_on(published, roots):
    measure = RewardMeasure(Reward(model=str(published), device="cpu"))
    batch = make_batch(records())
    table = measure_rows(measure, batch, roots)
    assert table.column_names == ["reward", "why"]
    back = measure(batch.take(range(len(batch))[::-1]), roots)
    assert back["reward"].to_pylist()[::-1] == table["reward"].to_pylist()
    stricter = RewardMeasure(Reward(model=str(published), device="cpu", keep=0.1, unscored="drop"))
    capped = RewardMeasure(Reward(model=str(published), device="cpu", max_pixels=4096))
    assert key_of(stricter, batch) == key_of(measure, batch) != key_of(capped, batch)


def test_what_was_measured_in_parts_is_ranked_as_one(published, roots):
    reward = Reward(model=str(published), device="cpu", keep=0.5)
    rows = [*records(), record("gone", "Is there a mug?", YesNo(yes=True), "gone")]
    parts = [make_batch(rows[:3]), make_batch(rows[3:])]
    measure = RewardMeasure(reward)
    column = join(parts, [measure_rows(measure, part, roots) for part in parts])
    whole = make_batch(rows[::-1])
    verdicts = reward.decide(whole, column.of(whole))
    best = sorted(records(), key=lambda r: -by_hand(published, [r], roots)[0][0])[:3]
    assert {v.id for v in verdicts if v.keep} == {r.id for r in best} | {"made:gone"}
    assert verdicts[0].evidence.startswith("unscored: picture: ")


def test_other_weights_are_another_model(published, tmp_path):
    one = relaid(published, tmp_path / "one", **head())
    two = relaid(published, tmp_path / "two", **head(seed=1))
    hashes = {RewardMeasure(Reward(model=str(f))).parameters()["model"] for f in (one, two)}
    assert len(hashes) == 2


def test_half_precision_scores_nearly_the_same_with_a_head_in_float32(published, model, roots):
    half = load_reward_model(published, precision="bfloat16")
    assert half.loaded.model.dtype == torch.bfloat16 and half.weight.dtype == torch.float32
    rows = records()
    assert scores(half, rows, roots) == pytest.approx(scores(model, rows, roots), abs=0.3)


def test_a_gpu_that_is_not_here_is_told(published, roots, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RunError, match="no CUDA device"):
        RewardMeasure(Reward(model=str(published), device="cuda"))(make_batch(records()), roots)


def test_a_measure_travels_to_another_process(published, roots):
    measure = pickle.loads(pickle.dumps(RewardMeasure(Reward(model=str(published)))))
    assert measure(make_batch(records()[:1]), roots).num_rows == 1


def test_a_name_that_is_nowhere_here_is_an_error_with_a_way_out():
    with pytest.raises(DataError, match=r"nobody/nothing: no reward model here.*hf download"):
        find_model("nobody/nothing")
