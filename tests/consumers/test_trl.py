"""`--to messages`, loaded by ``datasets`` and prepared by TRL's own trainers for vision data."""

from __future__ import annotations

import json
import math
from pathlib import Path

import msgspec
import pytest

from seestep.models import TINY
from tests.consumers import corpus

datasets = pytest.importorskip("datasets")
trl = pytest.importorskip("trl")

pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def loaded():
    from seestep.models.load import load

    return load(TINY)


def table(out: Path):
    rows = datasets.load_dataset(
        "json", data_files=str(out / "data.jsonl"), split="train", cache_dir=str(out / "cache")
    )
    return rows.cast_column("images", datasets.List(datasets.Image()))


@pytest.mark.parametrize("to", ["messages", "sharegpt", "swift"])
def test_rows_without_pictures_may_fill_the_head_of_a_file(to: str, loaded, roots, place) -> None:
    """``datasets`` reads pieces (of 10 MiB; here 16 KiB) and takes the types of the first."""
    bare, shown = corpus.records()[5], corpus.records()[:2]
    many = [msgspec.structs.replace(bare, id=f"bare:{i}") for i in range(100)]
    out = corpus.write(place, [*many, *shown], to=to, family=loaded.family)
    assert (out / "data.jsonl").stat().st_size > 17_000
    rows = datasets.load_dataset(
        "json", data_files=str(out / "data.jsonl"), split="train", cache_dir=str(out / "cache"),
        chunksize=16 << 10,
    )  # fmt: skip
    sides = [json.loads(line)["id"] for line in (out / "sidecar.jsonl").read_text().splitlines()]
    assert sides == [shown[0].id, *(m.id for m in many), shown[1].id]
    assert [len(row["images"]) for row in rows] == [1, *[0] * 100, 1]


def settings(place: Path) -> dict:
    """TRL's defaults, but that nothing is cut (its 1024 tokens would) and one step is made."""
    return {
        "output_dir": str(place / "trained"),
        "max_length": None,
        "max_steps": 1,
        "per_device_train_batch_size": 3,
        "activation_checkpointing": False,  # TRL says yes by an option that transformers renamed
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "disable_tqdm": True,
        "logging_steps": 1,
    }


def test_sft_learns_our_answers_and_sees_our_prompts(loaded, roots, place: Path) -> None:
    asked = corpus.records()
    wanted = corpus.wanted(asked, loaded.processor, loaded.family, roots)
    data = table(corpus.write(place, asked, to="messages", family=loaded.family))
    trainer = trl.SFTTrainer(
        model=loaded.model,
        args=trl.SFTConfig(**settings(place)),
        train_dataset=data,
        processing_class=loaded.processor,
    )
    assert len(trainer.train_dataset) == len(wanted)
    batch = trainer.data_collator(list(trainer.train_dataset))
    image = loaded.processor.image_token_id
    for ids, mask, labels, want in zip(
        batch["input_ids"], batch["attention_mask"], batch["labels"], wanted, strict=True
    ):
        learned = labels != -100
        assert loaded.tokenizer.decode(labels[learned]) == want.said[0] + "\n"
        assert loaded.tokenizer.decode(ids[mask.bool() & ~learned]) == want.prompt
        assert (ids == image).sum() == want.image_tokens
    shown = batch["image_grid_thw"].prod(-1).sum() // loaded.family.merge**2
    assert shown == sum(w.image_tokens for w in wanted)
    trainer.train()
    assert math.isfinite(trainer.state.log_history[0]["loss"])


def test_dpo_compares_our_chosen_with_our_rejected(loaded, roots, place: Path) -> None:
    asked = corpus.pairs()
    wanted = corpus.wanted(asked, loaded.processor, loaded.family, roots)
    data = table(corpus.write(place, asked, to="messages", family=loaded.family))
    trainer = trl.DPOTrainer(
        model=loaded.model,
        args=trl.DPOConfig(**settings(place)),
        train_dataset=data,
        processing_class=loaded.processor,
    )
    batch = trainer.data_collator(list(trainer.train_dataset))
    rows = [(w, side) for side in (0, 1) for w in wanted]  # all chosen, then all rejected
    image = loaded.processor.image_token_id
    for ids, mask, said, (want, side) in zip(
        batch["input_ids"], batch["attention_mask"], batch["completion_mask"], rows, strict=True
    ):
        assert loaded.tokenizer.decode(ids[said.bool()]) == want.said[side] + "\n"
        assert loaded.tokenizer.decode(ids[mask.bool() & ~said.bool()]) == want.prompt
        assert (ids == image).sum() == want.image_tokens
    trainer.train()
    assert math.isfinite(trainer.state.log_history[0]["loss"])
