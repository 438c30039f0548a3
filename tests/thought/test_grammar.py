"""The grammar accepts what we write for every answer form, and refuses what we would not read."""

from __future__ import annotations

import functools

import pytest

from seestep import families
from seestep.errors import DataError
from seestep.records import (
    Box,
    Choice,
    Entity,
    Form,
    Freeform,
    Geometry,
    Media,
    MediaRef,
    Number,
    Path,
    Plan,
    Points,
    Record,
    Step,
    Thought,
    Turn,
    YesNo,
)
from seestep.thought.grammar import completion_grammar
from seestep.thought.wire import completion

llguidance = pytest.importorskip("llguidance")
FAMILIES = [families.get(name) for name in ("qwen3_vl", "qwen2_5_vl", "robobrain2")]
QWEN3 = FAMILIES[0]

PICTURE = Media(key="v", path="v.png", width=640, height=480)
PLACES = (
    Geometry(
        key="p", kind="points", media="v", frame="unit", values=(0.5, 0.25, 0, 1), label="mug"
    ),
    Geometry(key="b", kind="box", media="v", frame="unit", values=(0.1, 0.2, 0.3, 1), label="mug"),
    Geometry(key="t", kind="path", media="v", frame="unit", values=(0.1, 0.2, 0.3, 0.4)),
)
THOUGHT = Thought(
    entities=(Entity(id="o1", name="mug", media="v", geometry="b"),),
    steps=(Step(do=("look", "o1"), see="mug", expect=(("visible", "o1"),)),),
    next=("done",),
)
PLAN = Plan(
    entities=(Entity(id="o1", name="red mug"), Entity(id="o2", name="sink basin")),
    steps=(Step(do=("pick", "o1")), Step(do=("clean", "o1", "o2")), Step(do=("put", "o2"))),
)
ANSWERS = {
    "choice": Choice(options=("left", "right", "behind"), index=2),
    "number": Number(value=3),
    "number_m": Number(value=1.25, unit="m"),
    "yes_no": YesNo(yes=False),
    "points": Points(geometry="p"),
    "box": Box(geometry="b"),
    "path": Path(geometry="t"),
    "plan": PLAN,
    "text": Freeform(text="A red mug, on the table."),
}


def ask(answer, form: Form | None = None) -> Record:
    turns = (Turn(role="user", parts=(MediaRef(media="v"),)),)
    return Record(
        id="t:1",
        source="t",
        task="t",
        media=(PICTURE,),
        turns=turns,
        answer=answer,
        geometry=PLACES,
        form=form,
    )


@functools.cache
def byte_tokens():
    return llguidance.LLTokenizer("byte")


def accepts(grammar: str, text: str, tokenizer=None) -> bool:
    tokenizer = tokenizer or byte_tokens()
    matcher = llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    tokens = tokenizer.tokenize_str(text, parse_special=True)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
@pytest.mark.parametrize("kind", ANSWERS)
def test_what_we_write_is_accepted(kind, family):
    asked = ask(ANSWERS[kind])
    grammar = completion_grammar(asked, family)
    assert accepts(grammar, completion(asked.answer, asked, family, THOUGHT))
    assert accepts(grammar, completion(asked.answer, asked, family))


@pytest.mark.parametrize("notation", ["tuples", "lists", "json_point_2d_bare"])
@pytest.mark.parametrize("frame", ["unit", "permille", "percent", "pixel"])
def test_a_form_of_its_own_is_accepted(notation, frame):
    form = Form(kind="points", frame=frame, notation=notation)
    asked = ask(ANSWERS["points"], form)
    assert accepts(completion_grammar(asked, QWEN3), completion(asked.answer, asked, QWEN3))


def test_a_form_with_a_last_line_is_accepted():
    form = Form(kind="choice", prompt='Conclude with "Answer: $LETTER".')
    asked = ask(ANSWERS["choice"], form)
    text = completion(asked.answer, asked, QWEN3)
    assert "<answer>Answer: C</answer>" in text
    assert accepts(completion_grammar(asked, QWEN3), text)


THINKING = completion(ANSWERS["choice"], ask(ANSWERS["choice"]), QWEN3, THOUGHT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"look"', '"stare"'),
        ('"visible"', '"seen"'),
        ("[100,200,300,1000]", "[100,200,300,1001]"),
        ("[100,200,300,1000]", "[[100,200]]"),
        ("[100,200,300,1000]", "[100.5,200]"),
        ("n1000", "px"),
        ('"o1"', '"cup"'),
        (">C<", ">D<"),
        (">C<", ">C. behind<"),
        ("</answer>", ""),
        ("</think>", ""),
        ('"see":', '"see": '),
    ],
)
def test_what_we_would_not_write_is_refused(old, new):
    grammar = completion_grammar(ask(ANSWERS["choice"]), QWEN3)
    assert old in THINKING and accepts(grammar, THINKING)
    assert not accepts(grammar, THINKING.replace(old, new))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("yes_no", "Yes"),
        ("number", "three"),
        ("number", "03"),
        ("plan", '[["pick"]]'),
        ("plan", '[["grab","red mug"]]'),
        ("plan", "[]"),
        ("box", "[1, 2]"),
    ],
)
def test_a_wrong_answer_form_is_refused(kind, wrong):
    grammar = completion_grammar(ask(ANSWERS[kind]), FAMILIES[2])
    assert not accepts(grammar, f"<think></think><answer>{wrong}</answer>")


def test_thinking_can_be_demanded_or_forbidden():
    asked = ask(ANSWERS["choice"])
    empty = completion(asked.answer, asked, QWEN3)
    must = completion_grammar(asked, QWEN3, think="required")
    never = completion_grammar(asked, QWEN3, think="empty")
    assert (accepts(must, THINKING), accepts(must, empty)) == (True, False)
    assert (accepts(never, THINKING), accepts(never, empty)) == (False, True)


def test_tags_may_be_single_tokens_of_the_tokenizer():
    hf = pytest.importorskip("llguidance.hf")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    core = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tags = ["<think>", "</think>", "<answer>", "</answer>", "<eos>"]
    core.add_special_tokens(tags)
    fast = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<eos>")
    tokenizer = hf.from_tokenizer(fast)
    grammar = completion_grammar(ask(ANSWERS["choice"]), QWEN3, tags_are_tokens=True)
    matcher = llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    tokens = fast.encode(THINKING, add_special_tokens=False)
    assert fast.convert_tokens_to_ids("<think>") == tokens[0]
    assert matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


def test_a_notation_without_grammar_is_told():
    asked = ask(ANSWERS["points"], Form(kind="points", notation="xml_points"))
    with pytest.raises(DataError, match=r"no grammar.*xml_points"):
        completion_grammar(asked, QWEN3)
