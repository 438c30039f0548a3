"""Training sees the very tokens, positions and pixels that generation sees."""

import numpy as np
import pytest
import torch
from PIL import Image

from seestep.errors import DataError
from seestep.families.prompt import messages
from seestep.models.load import load
from seestep.records import Freeform, Record
from seestep.train.collate import Collator, Pictures
from seestep.train.encode import positions
from seestep.train.forward import answer_logp
from seestep.train.stages import speaker


def test_prompt_ids_and_pixels_of_training_are_those_of_generation(
    family, checkpoints, roots, make
):
    config = make.sft(checkpoints[family])
    encoder = speaker(config, roots).encoder
    loaded = load(checkpoints[family])
    pictures = Pictures(encoder, loaded.processor.image_processor)
    wide = make.asked(90, text="What?", media=make.picture("wide", (150, 90)))
    for record in [*make.records(10), Record(**wide, answer=Freeform(text="a wide room"))]:
        text = loaded.processor.apply_chat_template(
            messages(record, loaded.family), tokenize=False, add_generation_prompt=True
        )
        images = [Image.open(roots["world"] / m.path) for m in record.media]
        asked = loaded.processor(text=[text], images=images or None, return_tensors="pt")
        sample = encoder(record)
        assert sample.prompt.tolist() == asked["input_ids"][0].tolist()
        assert sample.visual_tokens == sum(loaded.family.image_tokens(m.size) for m in record.media)
        if images:
            values, grids = pictures.values(sample.pictures)
            assert torch.equal(values, asked["pixel_values"])
            assert torch.equal(grids, asked["image_grid_thw"])


def test_an_answer_forced_to_start_at_its_tag_has_the_tokens_it_was_trained_on(
    family, checkpoints, roots, make
):
    spoken = speaker(make.sft(checkpoints[family]), roots)
    tokenizer = spoken.processor.tokenizer
    for record in make.records(5):
        ids = spoken.encoder(record).completions[0].tolist()
        prefix = tokenizer("<think></think><answer>", add_special_tokens=False)["input_ids"]
        assert ids[: len(prefix)] == prefix
        assert ids[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")
        assert tokenizer.decode(ids[:-1]).endswith("</answer>")


def test_positions_are_those_the_model_would_compute(family, checkpoints, roots, make):
    encoder = speaker(make.sft(checkpoints[family]), roots).encoder
    model = load(checkpoints[family]).model.model
    two = make.asked(91, text="Which?", media=make.picture("wide", (150, 90)))
    more = make.records(1)[0].media[0]
    two["media"] = (*two["media"], type(more)(**{**_fields(more), "key": "v1"}))
    parts = two["turns"][0].parts
    two["turns"] = (type(two["turns"][0])(role="user", parts=(*parts, type(parts[0])(media="v1"))),)
    for record in [*make.records(5), Record(**two, answer=Freeform(text="x"))]:
        sample = encoder(record)
        ids = torch.from_numpy(sample.prompt)[None]
        grids = torch.tensor(sample.grids) if sample.grids else None
        wanted, _ = model.get_rope_index(
            input_ids=ids,
            image_grid_thw=grids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=(ids == encoder.image_token).int(),
        )
        got, after = positions(
            sample.prompt, sample.grids, image_token=encoder.image_token, merge=sample.merge
        )
        assert np.array_equal(got, wanted[:, 0].numpy())
        assert after == got.max() + 1


def _fields(noun):
    return {name: getattr(noun, name) for name in noun.__struct_fields__}


def test_pictures_of_an_overlong_sample_shrink_and_its_coordinates_with_them(
    checkpoints, roots, make
):
    record = make.records(4)[3]  # a box, in pixels of the resized picture
    folder = checkpoints["qwen2_5_vl"]
    whole = speaker(make.sft(folder), roots)
    full = whole.encoder(record)
    limit = full.longest - 10
    small = speaker(make.sft(folder, max_sequence_length=limit), roots).encoder(record)
    assert small.shrunk and not full.shrunk
    assert small.longest <= limit
    assert small.pictures[0].resize.resized_width < full.pictures[0].resize.resized_width
    say = whole.processor.tokenizer.decode
    assert "[5, 6, 43, 50]" in say(full.completions[0])
    side = small.pictures[0].resize.resized_width
    assert f"{round(43 * side / 96)}, {round(50 * side / 96)}" in say(small.completions[0])


def test_text_that_is_too_long_is_refused_and_never_cut(checkpoints, roots, make):
    base = make.asked(5, text="mug " * 300)
    encoder = speaker(make.sft(checkpoints["qwen3_vl"], max_sequence_length=64), roots).encoder
    with pytest.raises(DataError, match=r"t:5.*longer than max_sequence_length"):
        encoder(Record(**base, answer=Freeform(text="x")))


@pytest.mark.parametrize("where", ["question", "answer"])
def test_control_tokens_in_data_are_refused(where, checkpoints, roots, make):
    bad = "mug <|im_end|>\n<|im_start|>user"
    base = make.asked(6, text=bad if where == "question" else "mug?")
    answer = Freeform(text=bad if where == "answer" else "yes")
    encoder = speaker(make.sft(checkpoints["qwen3_vl"]), roots).encoder
    with pytest.raises(DataError, match=r"t:6.*control token"):
        encoder(Record(**base, answer=answer))


def test_a_picture_of_another_size_than_its_record_says_is_refused(checkpoints, roots, make):
    spoken = speaker(make.sft(checkpoints["qwen3_vl"]), roots)
    base = make.asked(7, text="mug?", media=make.picture("wide", (96, 96)))
    sample = spoken.encoder(Record(**base, answer=Freeform(text="yes")))
    pictures = Pictures(spoken.encoder, spoken.processor.image_processor)
    with pytest.raises(DataError, match="another size"):
        Collator(spoken.encoder, pictures)([sample])


# --- batches ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts(family, checkpoints, roots, make):
    spoken = speaker(make.sft(checkpoints[family]), roots)
    pictures = Pictures(spoken.encoder, spoken.processor.image_processor)
    return load(checkpoints[family]).model, spoken.encoder, pictures


@torch.no_grad()
def test_padding_and_mixing_with_text_only_samples_change_no_log_probability(parts, make):
    model, encoder, pictures = parts
    samples = [encoder(r) for r in make.records(10)]
    assert any(not s.pictures for s in samples) and any(s.pictures for s in samples)
    collator = Collator(encoder, pictures)
    together = answer_logp(model, collator(samples))
    alone = torch.cat([answer_logp(model, collator([s])) for s in samples])
    torch.testing.assert_close(together, alone, atol=2e-5, rtol=0)


@torch.no_grad()
def test_log_probabilities_are_those_of_the_whole_logits(parts, make):
    model, encoder, pictures = parts
    for record in make.records(5):
        batch = Collator(encoder, pictures)([encoder(record)])
        ids = batch["input_ids"]
        vision = {k: batch[k] for k in ("pixel_values", "image_grid_thw") if k in batch}
        logits = model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=batch["mm_token_type_ids"],
            **vision,
        ).logits
        n = len(batch["targets"])
        wanted = logits[0, -n - 1 : -1].log_softmax(-1).gather(1, ids[0, -n:, None])[:, 0]
        torch.testing.assert_close(answer_logp(model, batch), wanted, atol=2e-5, rtol=0)


@torch.no_grad()
def test_a_shared_prompt_gives_both_completions_their_own_log_probabilities(parts, make):
    model, encoder, pictures = parts
    samples = [encoder(p) for p in make.pairs(4)]
    split = Collator(encoder, pictures, layout="split")(samples)
    shared = Collator(encoder, pictures, layout="shared")(samples)
    assert shared["input_ids"].shape[0] * 2 == split["input_ids"].shape[0]
    assert torch.equal(split["targets"], shared["targets"])
    assert torch.equal(split["rows"], shared["rows"])
    torch.testing.assert_close(
        answer_logp(model, shared), answer_logp(model, split), atol=2e-5, rtol=0
    )


def test_a_dummy_picture_runs_the_vision_tower_and_changes_nothing(parts, make):
    model, encoder, pictures = parts
    samples = [encoder(r) for r in make.records(10) if not r.media]
    plain = answer_logp(model, Collator(encoder, pictures)(samples))
    batch = Collator(encoder, pictures, dummy_vision=True)(samples)
    dummy = answer_logp(model, batch)
    torch.testing.assert_close(dummy, plain, atol=1e-6, rtol=0)
    model.zero_grad()
    dummy.sum().backward()
    tower = [p.grad for p in model.model.visual.parameters()]
    assert all(g is not None and not g.any() for g in tower)
    model.zero_grad()
