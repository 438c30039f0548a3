"""Each rule drops what it names, and nothing else of a small zoo."""

from __future__ import annotations

import random

import msgspec
import pytest

from seestep.curate import rules
from seestep.curate.batch import make_batch
from seestep.curate.quality import Quality
from seestep.curate.words import count_words, repeated_share
from seestep.records import (
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
    Text,
    Thought,
    Turn,
    YesNo,
)

PICTURE = Media(key="v", path="a.png", width=40, height=30)


def ask(words: str, answer, *, task: str = "vqa", show: bool = True, **more) -> Record:
    parts = (MediaRef(media="v"), Text(text=words)) if show else (Text(text=words),)
    media = more.pop("media", (PICTURE,))
    turns = (Turn(role="user", parts=parts),)
    return Record(id="t:1", source="t", task=task, media=media, turns=turns, answer=answer, **more)


def reason(rule: rules.Rule, record: Record) -> str:
    (verdict,) = rule(make_batch([record]))
    assert verdict.check == rule.name
    return verdict.reason if not verdict.keep else ""


def at(*values: float, kind: str = "point", frame: str = "pixel", **more) -> Geometry:
    return Geometry(key="g", kind=kind, media="v", frame=frame, values=values, **more)


SAY = Freeform(text="A red mug stands on the table.")


def test_an_ordinary_record_passes_every_rule():
    record = ask("What is on the table?", SAY)
    assert [reason(rule, record) for rule in rules.DEFAULT_RULES] == [""] * 9


@pytest.mark.parametrize(
    ("words", "answer", "why"),
    [
        ("", SAY, "no_question"),
        ("What is it?", Freeform(text=" \n"), "no_output"),
        ("Clean the mug.", Plan(steps=()), "no_output"),
        ("How many?", Number(value=0), ""),
    ],
)
def test_output_must_be_there(words, answer, why):
    assert reason(rules.HasOutput(), ask(words, answer)) == why


@pytest.mark.parametrize(
    ("answer", "more", "why"),
    [
        (Number(value=2.5), {}, "not_a_count"),
        (Number(value=-1), {}, "not_a_count"),
        (Number(value=2.5, unit="m"), {}, ""),
        (Number(value=float("nan")), {}, "not_a_number"),
        (SAY, {"form": Form(kind="number")}, "wrong_kind"),
        (SAY, {"task": "count"}, "wrong_kind"),
        (YesNo(yes=True), {"form": Form(kind="yes_no")}, ""),
        (Points(geometry="g"), {"form": Form(kind="point"), "geometry": (at(1, 2),)}, ""),
        (
            Points(geometry="g"),
            {"form": Form(kind="point"), "geometry": (at(1, 2, 3, 4, kind="points"),)},
            "wrong_kind",
        ),
        (Path(geometry="g"), {"geometry": (at(1, 2, kind="path"),)}, "short_path"),
        (Freeform(text="It is at [120, 33]."), {}, "coordinates_in_text"),
        (Freeform(text="It is at (0.1, 0.2, 0.3, 0.4)."), {}, "coordinates_in_text"),
        (Freeform(text="There are 3, maybe (4) mugs."), {}, ""),
    ],
)
def test_an_answer_has_the_form_that_was_asked_for(answer, more, why):
    assert reason(rules.AnswerFormat(), ask("Where or how many?", answer, **more)) == why


ASKED = "Which one is closer?\nA. the mug\nB. the red bowl\nC. neither"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("B", ""),
        ("(b)", ""),
        ("The red bowl", ""),
        ("B. the red bowl", ""),
        ("D", "not_an_option"),
        ("the blue bowl", "not_an_option"),
        ("E. the mug", "not_an_option"),
    ],
)
def test_a_choice_in_words_must_be_an_option(said, why):
    assert reason(rules.AnswerAmongOptions(), ask(ASKED, Freeform(text=said))) == why


def test_options_that_differ_in_case_only_are_no_choice():
    answer = Choice(options=("Mug", "mug"), index=0)
    assert reason(rules.AnswerAmongOptions(), ask("Which?", answer)) == "options_repeat"


def test_length_counts_words_and_chinese_signs():
    assert count_words("two words") == 2
    assert count_words("红色的杯子") == 5
    assert reason(rules.Length(), ask("Mug", SAY)) == "question_length"
    assert reason(rules.Length(), ask("杯子在哪里", SAY)) == ""
    long = Freeform(text="word " * 401)
    (verdict,) = rules.Length()(make_batch([ask("What is it?", long)]))
    assert (verdict.reason, verdict.score, verdict.threshold) == ("answer_length", 401, 400)


def test_repetition_by_hand():
    # a b c a b c a b c: 7 three-grams, 3 different
    assert repeated_share("a b c a b c a b c") == pytest.approx(4 / 7)
    assert repeated_share("a b") == 0


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("As an AI I cannot see.", "assistant_talk"),
        ("The colour is not mentioned in the image.", "not_in_image"),
        ("According to the caption it is a mug.", "hidden_caption"),
        ("The {object} is red.", "broken_template"),
        ("From the description of shapes it looks round.", "hidden_caption"),
        ("There is no mug in the image.", ""),
        ("The sink is not in the image.", ""),
    ],
)
def test_traces_of_how_a_text_was_made_are_leaks(said, why):
    assert reason(rules.NoLeak(), ask("What is it?", Freeform(text=said))) == why


def test_a_picture_must_be_shown_and_a_thought_must_cite_what_is_there():
    assert reason(rules.References(), ask("What is it?", SAY, show=False)) == "picture_not_shown"
    step = Step(do=("look", "o1"))
    for entity, why in (
        (Entity(id="o1", name="mug", geometry="gone"), "unknown_geometry"),
        (Entity(id="o1", name="mug", media="gone"), "unknown_media"),
        (Entity(id="o1", name="mug", media="v", geometry="g"), ""),
    ):
        thought = Thought(entities=(entity,), steps=(step,), next=("look", "o1"))
        record = ask("What is it?", SAY, thought=thought, geometry=(at(1, 2),))
        assert reason(rules.References(), record) == why


@pytest.mark.parametrize(
    ("geometry", "media", "why"),
    [
        (at(39.9, 29.9), PICTURE, ""),
        (at(41, 10), PICTURE, "out_of_range"),
        (at(1, 1, 40, 31, kind="box"), PICTURE, "out_of_range"),
        (at(1.2, 0.5, frame="unit"), Media(key="v", path="a.png"), "out_of_range"),
        (at(0.2, 0.5, frame="unit"), Media(key="v", path="a.png"), ""),
        (at(20, 10), Media(key="v", path="a.png"), ""),
        (at(20, 10, image=1), PICTURE, "no_such_frame"),
    ],
)
def test_geometry_lies_in_its_picture(geometry, media, why):
    record = ask("Point to it.", Points(geometry="g"), geometry=(geometry,), media=(media,))
    assert reason(rules.GeometryRange(), record) == why


def test_unplaced_geometry_goes_when_the_recipe_says_so():
    bare = (Media(key="v", path="a.png"),)
    record = ask("Point to it.", Points(geometry="g"), geometry=(at(20, 10),), media=bare)
    assert reason(rules.GeometryRange(unresolved="drop"), record) == "unresolved"


def score(record: Record) -> tuple[float | None, str]:
    (verdict,) = Quality()(make_batch([record]))
    return verdict.score, verdict.evidence


def test_quality_counts_five_points_on_top_of_one():
    point = ask(
        "Point to the red mug on the table.",
        Points(geometry="g"),
        geometry=(at(3, 4, label="red mug"),),
        form=Form(kind="points"),
        task="point",
    )
    assert score(point) == (6.0, "+ask +input +form +match +teach")
    off_topic = ask(
        "Point to the red mug on the table.",
        Points(geometry="g"),
        geometry=(at(3, 4, label="tall lamp"),),
    )
    assert score(off_topic) == (5.0, "+ask +input +form -match +teach")
    bare = ask("Is there a red mug?", YesNo(yes=True), media=(Media(key="v", path="a.png"),))
    assert score(bare) == (4.0, "+ask -input +form +match -teach")


def test_quality_is_a_score_from_one_to_six():
    with pytest.raises(ValueError, match="1 to 6"):
        Quality(least=7)


@pytest.mark.parametrize(
    ("asked", "said", "why"),
    [
        ("What does the sign say?", "停车", ""),  # a sign in a picture
        ("What is on the table?", "桌子上有一个红色的杯子和盘子。", "other_script"),
        ("桌子上有什么东西？", "A red mug stands on it.", "other_script"),
        ("桌子上有什么东西？", "桌子上有一个红色的杯子和盘子。", ""),
        ("What does 停车 mean?", "这是停车的意思，请把车停在这里。", ""),
        ("これは何ですか？", "赤色陶器茶碗一個机上有之物也", ""),
        ("How wide is it?", "Δx = 3 m, and the naïve café is closed.", ""),
    ],
)
def test_an_answer_is_in_a_script_of_its_question(asked, said, why):
    assert reason(rules.Language(), ask(asked, Freeform(text=said))) == why


def test_only_scripts_that_are_wanted_may_be_there():
    latin = rules.Language(scripts=("latin",))
    both = rules.Language(scripts=("latin", "cjk"))
    chinese = ask("桌子上有什么？", Freeform(text="杯子"))
    assert (reason(latin, chinese), reason(both, chinese)) == ("script", "")
    assert reason(latin, ask("What is on the table beside it?", Freeform(text="a 杯"))) == ""
    assert reason(rules.Language(scripts=("cjk",)), ask("What is it?", SAY)) == "script"
    assert reason(both, ask("Что на столе?", YesNo(yes=True))) == "script"


def test_quality_reads_chinese():
    placed = ask(
        "指出红色的杯子在哪里",
        Points(geometry="g"),
        geometry=(at(3, 4, label="红色杯子"),),
    )
    assert score(placed) == (6.0, "+ask +input +form +match +teach")
    other = ask("指出红色的杯子在哪里", Points(geometry="g"), geometry=(at(3, 4, label="台灯"),))
    assert score(other)[1] == "+ask +input +form -match +teach"
    said = ask("请描述桌子上的iPad。", Freeform(text="一台银色的iPad放在桌子的左边。"))
    assert score(said) == (6.0, "+ask +input +form +match +teach")
    vague = ask("这是什么东西？", Freeform(text="大概是一个东西，我不确定是什么。"))
    assert "-form" in score(vague)[1]


@pytest.mark.parametrize("piece", ["X: 1" + " " * 40_000, "(1,1," * 20_000, "<box " * 20_000])
def test_hostile_texts_are_read_in_no_more_than_linear_time(piece):
    """A pattern that goes back over all it has seen takes minutes for these."""
    said = Freeform(text=piece * 4)
    assert reason(rules.AnswerFormat(), ask("Where is it?", said)) == ""


SAID = (
    "", " ", "yes", "A red mug.", "It might be unclear", "no mention of a mug", "{object} (12, 30)",
    "the cup " * 9, "word " * 401, "杯子在桌子的左边，旁边还有一个苹果",
    "красная кружка на столе", "B. blue", "抱歉，我看不见。", "桌子上有一个红色的杯子。" * 6,
    "x=0.35, y=0.7", "no information in the caption", "是", "Cannot be determined", "undefined",
)  # fmt: skip
PROMPTS = (
    "What is it?", "", "mug", "Which? A. red B. blue", "Answer yes or no: is it there?",
    "图中有什么", "Options: red, blue", "Perhaps describe the etc", "point " * 401, "<image> a",
    "哪个更近？\nA、杯子\nB、碗", "According to the captions, what is red?", "请指出红色的杯子。",
)  # fmt: skip
PLACES = (at(5, 5), at(41, 5), at(0, 0, 40, 30, kind="box"), at(0, 0, 41, 30, kind="box"),
          at(0.5, 1.5, frame="unit"), at(1, 1, 2, 2, kind="path"))  # fmt: skip


def odd(number: int, rng: random.Random) -> Record:
    """A record with which anything may be wrong, and often nothing is."""
    place = rng.choice(PLACES)
    plans = [
        Plan(steps=(), entities=()),
        Plan(
            steps=(Step(do=("pick", "o")),) * rng.choice((1, 3, 13)),
            entities=(Entity(id="o", name="red mug", media=rng.choice((None, "v", "w"))),),
        ),
    ]
    options = rng.choice((("a",), ("a", "A"), ("red", " "), ("red", "blue", "green")))
    answer = rng.choice((
        Freeform(text=rng.choice(SAID)), Freeform(text=rng.choice(SAID)), *plans,
        Choice(options=options, index=0), Number(value=rng.choice((3, -1, 2.5))),
        YesNo(yes=True), Points(geometry="g"),
    ))  # fmt: skip
    form = rng.choice((None, None, Form(kind="text"), Form(kind="point"), Form(kind="choice")))
    record = ask(
        rng.choice(PROMPTS), answer, geometry=(place,), form=form, show=rng.random() < 0.8,
        media=(rng.choice((PICTURE, Media(key="v", path="b.png"))),),
    )  # fmt: skip
    turns = record.turns
    if rng.random() < 0.1:
        said = Turn(role="assistant", parts=(Text(text=rng.choice(SAID[2:])),))
        turns = (*turns, said, Turn(role="user", parts=(Text(text=rng.choice(PROMPTS[2:])),)))
    return msgspec.structs.replace(
        record, id=f"t:{number}", task=rng.choice(("vqa", "count")), turns=turns
    )


def test_a_batch_is_told_what_its_rows_are_told_one_by_one():
    rng = random.Random(0)
    records = [odd(n, rng) for n in range(1500)]
    batch, alone = make_batch(records), [make_batch([record]) for record in records]
    seen = 0
    strict = (rules.GeometryRange(unresolved="drop"), rules.Language(scripts=("cjk",)))
    for rule in (*rules.DEFAULT_RULES, *strict):
        faults = rule.faults(batch)
        assert faults == [rule.fault(one, 0) for one in alone]
        assert any(faults)
        seen += sum(map(bool, faults))
    assert seen > 1000
    assert Quality()(batch) == [Quality()(one)[0] for one in alone]
    few = batch.take(range(0, 1500, 7))  # what was found of rows goes with them
    assert Quality()(few) == Quality()(batch)[::7]
