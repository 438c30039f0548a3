"""Decoding under a grammar: each answer fits it, free rows stay free, nothing is given away."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

pytest.importorskip("llguidance")

from seestep import families
from seestep.act import wire
from seestep.act.names import names
from seestep.act.state import from_metadata
from seestep.errors import RunError, SeestepError
from seestep.evals.config import EvalConfig
from seestep.evals.constrain import home_names
from seestep.evals.engines.base import NO_THINKING
from seestep.evals.engines.local import LocalEngine
from seestep.evals.run import CUT, predict, score_one
from seestep.models.tiny import build as tiny
from seestep.records import (
    Choice,
    Entity,
    Form,
    FormRef,
    Item,
    Media,
    MediaRef,
    Number,
    Plan,
    Prediction,
    Step,
    Text,
    Turn,
)
from seestep.run import ShardResult, read_rows, shard_stage
from seestep.thought.grammar import answer_rules, completion_grammar
from seestep.world.room import RoomSimulator

QWEN3 = families.get("qwen3_vl")


@pytest.fixture(scope="module")
def loaded() -> Any:
    return tiny.build("qwen3_vl")


def plan(*names: str) -> Plan:
    entities = tuple(Entity(id=f"o{i}", name=name) for i, name in enumerate(names, 1))
    return Plan(entities=entities, steps=tuple(Step(do=("pick", e.id)) for e in entities))


GOLD = {"plan": plan("red mug"), "choice": Choice(options=("a", "b"), index=0)}
OTHER = {"plan": plan("gray sofa", "cup"), "choice": Choice(options=("a", "b"), index=1)}


def item(i: int, kind: str, answer: Any = None) -> Item:
    media = (Media(key="v", path=f"{i}.png", root="t", width=96, height=96),)
    parts = (MediaRef(media="v"), Text(text="What now? " * (i + 1)), FormRef())
    return Item(
        id=f"q{i}",
        source="t",
        task=kind,
        media=media,
        turns=(Turn(role="user", parts=parts),),
        form=Form(kind=kind),
        clusters=(f"home:{i}",),
        suite=f"mini-{kind}",
        answer=answer or GOLD[kind],
        scorer=kind,
        skill=kind,
    )


@pytest.fixture
def items(tmp_path: Path) -> Path:
    rows = [item(0, "plan"), item(1, "choice"), item(2, "plan"), item(3, "choice")]
    for i in range(len(rows)):
        Image.effect_noise((96, 96), 40 + i).convert("RGB").save(tmp_path / f"{i}.png")
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


def ask(loaded: Any, items: Path, tmp_path: Path, **change: Any) -> list[Prediction]:
    config = EvalConfig(**{"max_new_tokens": 400, "batch_size": 4, "thinking": "off", **change})
    out = tmp_path / ("p" + "-".join(map(str, change.values())))
    engine = LocalEngine(loaded, batch_size=config.batch_size, fingerprint="random")
    predict(engine, [items], out, config, {"t": tmp_path})
    return list(read_rows(out, Prediction))


def inside(raw: str) -> str:
    assert raw.startswith(NO_THINKING) and raw.endswith("</answer>")
    return raw.removeprefix(NO_THINKING).removesuffix("</answer>")


def test_a_model_that_knows_nothing_still_writes_plans(
    loaded: Any, items: Path, tmp_path: Path
) -> None:
    said = ask(loaded, items, tmp_path, constrain="plan", names="home")
    assert [p.constrained for p in said] == [True, False, True, False]
    for p in (said[0], said[2]):
        assert p.finish == "stop"
        assert isinstance(wire.parse(inside(p.raw)), list)


def test_rows_without_a_grammar_say_what_they_say_alone(
    loaded: Any, items: Path, tmp_path: Path
) -> None:
    free = ask(loaded, items, tmp_path, max_new_tokens=8)
    held = ask(loaded, items, tmp_path, max_new_tokens=9, constrain="plan")
    for before, after in zip(free, held, strict=True):
        same = before.prompt_sha256 == after.prompt_sha256
        assert same is not after.constrained
        if same:
            assert after.raw.startswith(before.raw)


def test_all_answers_can_be_held_to_their_form(loaded: Any, items: Path, tmp_path: Path) -> None:
    said = ask(loaded, items, tmp_path, constrain="all", names="home")
    assert all(p.constrained and p.finish == "stop" for p in said)
    assert {inside(said[1].raw), inside(said[3].raw)} <= {"A", "B"}


def test_a_batch_under_a_grammar_answers_as_one_by_one(
    loaded: Any, items: Path, tmp_path: Path
) -> None:
    many = ask(loaded, items, tmp_path, constrain="all", max_new_tokens=40)
    one = ask(loaded, items, tmp_path, constrain="all", max_new_tokens=40, batch_size=1)
    assert [p.raw for p in many] == [p.raw for p in one]


def test_a_thought_is_the_models_own_choice(loaded: Any, items: Path, tmp_path: Path) -> None:
    said = ask(loaded, items, tmp_path, constrain="all", thinking="free", max_new_tokens=12)
    assert all(p.raw.startswith(("<think></think><answer>", '<think>{"frame":')) for p in said)


def test_a_cut_answer_is_unread_even_if_its_beginning_could_be_read() -> None:
    said = Prediction(item="q1", prompt_sha256="", raw=NO_THINKING + "A", finish="length")
    free = score_one(item(1, "choice"), said, QWEN3)
    assert (free.value, free.parsed, free.constrained) == (1.0, True, False)
    held = score_one(item(1, "choice"), msgspec.structs.replace(said, constrained=True), QWEN3)
    assert (held.value, held.parsed, held.constrained) == (0.0, False, True)
    assert held.notes == (CUT,)


def test_free_and_constrained_predictions_do_not_share_a_folder(
    loaded: Any, items: Path, tmp_path: Path
) -> None:
    ask(loaded, items, tmp_path, max_new_tokens=2)
    engine = LocalEngine(loaded, batch_size=4, fingerprint="random")
    config = EvalConfig(max_new_tokens=2, batch_size=4, thinking="off", constrain="plan")
    with pytest.raises(RunError, match="constrain"):
        predict(engine, [items], tmp_path / "p2", config, {"t": tmp_path})


@pytest.mark.parametrize("kind", ["plan", "choice"])
def test_a_grammar_does_not_depend_on_the_right_answer(kind: str) -> None:
    told = [completion_grammar(item(0, kind, gold[kind]), QWEN3) for gold in (GOLD, OTHER)]
    assert told[0] == told[1]
    number = [
        completion_grammar(
            msgspec.structs.replace(item(0, kind), form=None, answer=Number(value=n)), QWEN3
        )
        for n in (1, 12.5)
    ]
    assert number[0] == number[1]


def test_a_plan_under_a_grammar_cannot_run_on(loaded: Any) -> None:
    engine = LocalEngine(loaded)
    text = engine.grammar(item(0, "plan"), think="empty", names=())
    for steps, ends in ((12, True), (13, False)):
        matcher = engine._grammars.start(text, NO_THINKING)
        written = wire.write(plan(*["red mug"] * steps)) + "</answer>"
        tokens = loaded.tokenizer.encode(written, add_special_tokens=False)
        assert (matcher.try_consume_tokens(tokens) == len(tokens)) is ends


def test_the_words_of_homes_name_everything_in_a_home_and_no_more(loaded: Any) -> None:
    simulator = RoomSimulator(96, 96, render=False)
    called = {
        name
        for seed in (1, 2)
        for name in names(from_metadata(simulator.reset(seed).metadata)).values()
    }
    engine = LocalEngine(loaded)
    text = engine.grammar(item(0, "plan"), think="empty", names=home_names())

    def fits(name: str) -> bool:
        matcher = engine._grammars.start(text, NO_THINKING)
        tokens = loaded.tokenizer.encode(f'[["pick","{name}"]]</answer>', add_special_tokens=False)
        return bool(matcher.try_consume_tokens(tokens) == len(tokens))

    assert [name for name in sorted(called) if not fits(name)] == []
    assert fits("large red sliced apple")
    assert not any(map(fits, ("", "red", "unicorn", "red red mug", "mug red")))


def test_a_grammar_that_does_not_compile_is_told(loaded: Any) -> None:
    with pytest.raises(SeestepError, match="grammar"):
        LocalEngine(loaded)._grammars.start("start: nowhere")


def test_a_plain_checkpoint_answers_without_tags(loaded: Any) -> None:
    text = completion_grammar(item(0, "choice"), QWEN3, style="plain")
    assert text.splitlines() == ["start: ans", *answer_rules(item(0, "choice"), loaded.family)]
    matcher = LocalEngine(loaded)._grammars.start(text)
    assert matcher.consume_tokens(loaded.tokenizer.encode("B")) and matcher.is_accepting()


def test_names_without_a_constraint_are_refused() -> None:
    with pytest.raises(ValueError, match="constrain"):
        EvalConfig(names="home")
