"""Evaluation of a random tiny model: order, resume, controls and refusals are real."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seestep.errors import DataError, RunError
from seestep.evals.config import EvalConfig
from seestep.evals.engines.base import NO_THINKING, Ask
from seestep.evals.engines.local import LocalEngine
from seestep.evals.run import item_folders, load_items, predict, score
from seestep.models.tiny import build as tiny
from seestep.records import (
    Form,
    FormRef,
    Item,
    Media,
    MediaRef,
    Number,
    Prediction,
    Text,
    Turn,
)
from seestep.run import ShardResult, read_rows, shard_stage

CONFIG = EvalConfig(max_new_tokens=6, batch_size=3)


@pytest.fixture(scope="module")
def loaded() -> Any:
    return tiny.build("qwen3_vl")


@pytest.fixture
def engine(loaded: Any) -> LocalEngine:
    return LocalEngine(loaded, batch_size=3, fingerprint="random")


def item(i: int, home: str, pictures: int = 1) -> Item:
    media = tuple(
        Media(key=f"im{k}", path=f"{i}-{k}.png", root="t", width=96, height=96)
        for k in range(pictures)
    )
    parts = (*(MediaRef(media=m.key) for m in media), Text(text="How many? " * (i + 1)), FormRef())
    return Item(
        id=f"q{i}",
        source="t",
        task="count",
        media=media,
        turns=(Turn(role="user", parts=parts),),
        form=Form(kind="number"),
        clusters=(home,),
        suite="mini-sat",
        answer=Number(value=i),
        scorer="number",
        skill="count",
    )


@pytest.fixture
def items(tmp_path: Path) -> Path:
    rows = [item(i, f"home:{i}", 2 if i == 2 else 1) for i in range(5)]
    rows.append(item(5, "home:5", 2))
    for row in rows:
        for k, media in enumerate(row.media):
            Image.effect_noise((96, 96), 40 + 10 * k + len(row.id)).convert("RGB").save(
                tmp_path / media.path
            )
    folder = tmp_path / "items"
    shard_stage(
        folder,
        stage="t",
        version=1,
        config={},
        inputs=[],
        shards=1,
        work=lambda _: ShardResult(rows=rows),
    )
    return folder


def ask(engine: LocalEngine, items: Path, tmp_path: Path, **change: Any) -> list[Prediction]:
    config = EvalConfig(max_new_tokens=6, batch_size=3, **change)
    out = tmp_path / ("p" + "".join(map(str, change.values())))
    predict(engine, [items], out, config, {"t": tmp_path})
    return list(read_rows(out, Prediction))


def test_batched_answers_equal_those_asked_one_by_one(
    loaded: Any, items: Path, tmp_path: Path
) -> None:
    batched = ask(LocalEngine(loaded, batch_size=4, fingerprint="b"), items, tmp_path)
    single = LocalEngine(loaded, batch_size=1, fingerprint="s")
    predict(single, [items], tmp_path / "single", CONFIG, {"t": tmp_path})
    alone = list(read_rows(tmp_path / "single", Prediction))
    assert [p.item for p in batched] == [f"q{i}" for i in range(6)]
    assert [p.raw for p in batched] == [p.raw for p in alone]
    assert [p.prompt_tokens for p in batched] == [p.prompt_tokens for p in alone]


def test_thinking_off_starts_at_the_answer(
    engine: LocalEngine, items: Path, tmp_path: Path
) -> None:
    said = ask(engine, items, tmp_path, thinking="off")
    assert all(p.raw.startswith(NO_THINKING) for p in said)


def test_controls_show_other_pictures_or_none(
    engine: LocalEngine, items: Path, tmp_path: Path
) -> None:
    plain = ask(engine, items, tmp_path)
    wrong = ask(engine, items, tmp_path, control="wrong_image")
    blind = ask(engine, items, tmp_path, control="no_image")
    for a, b, c in zip(plain, wrong, blind, strict=True):
        assert len({a.prompt_sha256, b.prompt_sha256, c.prompt_sha256}) == 3
        assert a.prompt_tokens == b.prompt_tokens > c.prompt_tokens + 30


def test_scores_keep_unread_answers_as_wrong(
    engine: LocalEngine, items: Path, tmp_path: Path
) -> None:
    ask(engine, items, tmp_path)
    scores = score(tmp_path / "p", [items], tmp_path / "s", engine.family)
    assert len(scores) == 6
    assert all(s.parsed or s.value == 0 for s in scores)
    assert {s.clusters for s in scores} == {(f"home:{i}",) for i in range(6)}


def test_another_model_in_the_same_folder_is_refused(
    engine: LocalEngine, loaded: Any, items: Path, tmp_path: Path
) -> None:
    ask(engine, items, tmp_path)
    other = LocalEngine(loaded, fingerprint="another")
    with pytest.raises(RunError, match="engine"):
        predict(other, [items], tmp_path / "p", CONFIG, {"t": tmp_path})


def test_limit_counts_items_of_each_suite(items: Path) -> None:
    assert [i.id for i in load_items([items], 2)] == ["q0", "q1"]


def test_predictions_of_other_items_cannot_be_scored(
    engine: LocalEngine, items: Path, tmp_path: Path
) -> None:
    ask(engine, items, tmp_path, limit=2)
    with pytest.raises(DataError, match="do not match"):
        score(tmp_path / "p2", [items], tmp_path / "s", engine.family)


def test_a_prompt_without_its_pictures_is_refused(engine: LocalEngine) -> None:
    message = {"role": "user", "content": [{"type": "image", "media": "im"}]}
    with pytest.raises(DataError, match="another number of images"):
        engine.generate([Ask([message])], max_new_tokens=2)


def test_a_folder_of_suites_stands_for_the_suites_in_it(tmp_path: Path) -> None:
    for name, stage in (("mini-a", "world.suites"), ("mini-b", "world.suites"), ("pool", "pool")):
        shard_stage(
            tmp_path / "suites" / name,
            stage=stage,
            version=1,
            config={},
            inputs=[],
            shards=1,
            work=lambda _: ShardResult(rows=[]),
        )
    suites = tmp_path / "suites"
    assert item_folders([suites]) == [suites / "mini-a", suites / "mini-b"]
    assert item_folders([suites / "mini-b"]) == [suites / "mini-b"]
    with pytest.raises(DataError, match="no suites here"):
        item_folders([tmp_path / "nothing"])
