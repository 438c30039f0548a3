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


LEAKS = (
    "There is no mention of a teapot in the image description.",
    "The image does not mention any chandelier.",
    "The actual caption states a brown dog.",
    "It is red according to the image captions.",
    "This instruction is misleading because there is no cat.",
    "X:76 Y:300 Width:60 Height:60",
    "Cannot be determined.",
    "I cannot answer that question.",
    "I can't see the image.",
    "I apologize, but there is no image.",
    "The description does not specify the colour.",
    "图中没有提到杯子。",
    "N/A",
)
FINE = (
    "The grey pillars are not described as having a circular shape.",
    "The table in the image is described as brown, not blue.",
    "The sign says I am sorry for the delay.",
    "I'm sorry, we're closed",
    "It reads N/A on the screen.",
    "It prints null.",
    "Directions from the description plate on the wall.",
    "The box states its weight.",
)


@pytest.mark.parametrize("said", LEAKS)
def test_words_of_who_read_about_a_picture_are_a_leak(said):
    assert reason(rules.NoLeak(), ask("What is it?", Freeform(text=said)))


@pytest.mark.parametrize("said", FINE)
def test_what_a_picture_shows_is_no_leak(said):
    assert reason(rules.NoLeak(), ask("What does it say?", Freeform(text=said))) == ""


@pytest.mark.parametrize(
    ("asked", "said", "why"),
    [
        ("Which color? a) red b) blue", "green", "not_an_option"),
        ("Which color? a) red b) blue", "b", ""),
        ("Which color? 1. red 2. blue", "3", "not_an_option"),
        ("Which color? 1) red 2) blue", "Blue.", ""),
        ("Which color? A. red B. blue", "B. green", "not_an_option"),
        ("Which color? A. red B. blue", "B. blue, as the sky is", ""),
        ("Which color? Options: red, blue.", "green", "not_an_option"),
        ("Which color? Options: red, blue.", "Blue", ""),
        ("Is it red? Answer with yes or no.", "maybe", "not_yes_or_no"),
        ("Is it red? Answer with yes or no.", "No.", ""),
        ("It costs $3. How much is 2. of them?", "six dollars", ""),
    ],
)
def test_options_are_read_however_they_are_labelled(asked, said, why):
    assert reason(rules.AnswerAmongOptions(), ask(asked, Freeform(text=said))) == why


@pytest.mark.parametrize(
    ("asked", "said", "why"),
    [
        ("Which?\nA. mug\nB. bowl\nC. cup (red)", "C", ""),
        ("Which?\nA. mug\nB. bowl\nC. cup (red)", "cup (red)", ""),
        ("Which?\nA. mug (blue)\nB. bowl\nC. cup", "D", "not_an_option"),
        ("Which one? A. a B. b C. c D. d E. e F. f G. g H. h I. i J. j", "I", ""),
        ("Which one?\nA: the mug,\nB: the bowl,", "the bowl", ""),
        ("Which one?\nA. the mug\nB. the bowl", "The answer is B.", ""),
        ("Which one?\nA. the mug\nB. the bowl", "Option C", "not_an_option"),
        ("1. open the fridge 2. take the milk. What is next?", "close the fridge", ""),
        ("Person A: holds a mug. Person B: holds a cup. What do they do?", "They talk", ""),
        ("哪个更近？A.杯子 B.碗", "C", "not_an_option"),
        ("哪个更近？\nA、杯子\nB、碗", "盘子", "not_an_option"),
        ("哪个更近？\n（A）杯子\n（B）碗", "（B）碗。", ""),
        ("哪个更近？\nA. 杯子\nB. 碗", "答案是B。", ""),
        ("Is it red? Answer with yes or no.", "nothing", "not_yes_or_no"),
        ("Is it red? Answer with yes or no.", "not sure", "not_yes_or_no"),
        ("Do not answer yes or no; say why it is red.", "It was painted.", ""),
        ("Just answer yes or no: is it red?", "red", "not_yes_or_no"),
        ("Don't just answer yes or no, say why.", "It was painted.", ""),
        ("Which one?\nA. the mug\nB. the bowl", "answer " * 2000, "not_an_option"),
        ("Is it red? Answer yes or no or unknown.", "unknown", ""),
        ("它是红色的吗？请回答是或否。", "红色", "not_yes_or_no"),
        ("它是红色的吗？请回答是或否。", "不是。", ""),
    ],
)
def test_options_are_those_of_the_question_and_of_any_script(asked, said, why):
    assert reason(rules.AnswerAmongOptions(), ask(asked, Freeform(text=said))) == why


def talk(answer, *said: str) -> Record:
    """Turns of user and assistant, one after the other; the answer is the last."""
    turns = tuple(
        Turn(
            role=("user", "assistant")[n % 2],
            parts=(MediaRef(media="v"), Text(text=words)) if n == 0 else (Text(text=words),),
        )
        for n, words in enumerate(said)
    )
    return Record(id="t:1", source="t", task="vqa", media=(PICTURE,), turns=turns, answer=answer)


@pytest.mark.parametrize(
    ("said", "answer", "why"),
    [
        (("Which? A. mug B. bowl", "B", "What colour is it?"), "red", ""),
        (("Is it red? Answer yes or no.", "no", "Then what is its colour?"), "brown", ""),
        (("What colour?", "red", "Which? A. mug B. bowl"), "D", "not_an_option"),
    ],
)
def test_the_last_question_is_the_one_that_is_answered(said, answer, why):
    assert reason(rules.AnswerAmongOptions(), talk(Freeform(text=answer), *said)) == why


@pytest.mark.parametrize(
    "said",
    [
        "There is not enough information to determine the colour.",
        "It is impossible to tell from the image.",
        "I'm an AI and have no eyes.",
        "I don't have access to the image.",
        "No image was provided.",
        "Sorry, I can't see it.",
        "The image does not provide any information about it.",
        "The colour isn't mentioned.",
        "As per the caption, red.",
        "It's unclear from the description.",
        "Unanswerable",
        "[INSERT ANSWER]",
        "undefined",
        "作为一个AI语言模型，我只能猜测。",
        "抱歉，我看不见。",
        "您没有提供图片。",
        "根据图片说明文字，杯子是红色。",
        "根据描述，杯子是红色的。",
        "图中并没有提到杯子。",
        "没有足够的信息判断。",
        "无法从图中判断颜色。",
    ],
)
def test_more_leaks_in_english_and_chinese(said):
    assert reason(rules.NoLeak(), ask("What colour is it?", Freeform(text=said)))


@pytest.mark.parametrize(
    "said",
    [
        "图中没有杯子。",
        "他无法打开冰箱，因为手里拿着杯子。",
        "抱歉牌上写着暂停营业",
        "根据形状，它是圆的",
        "图片里有一段描述海洋的文字。",
        "The man is unable to reach the shelf.",
        "A poster provides information about trains.",
        "The menu mentions pasta.",
    ],
)
def test_what_only_sounds_like_a_leak_stays(said):
    assert reason(rules.NoLeak(), ask("What is there?", Freeform(text=said))) == ""


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("I can't see my keys. Where are they?", ""),
        ("Write an image caption.", ""),
        ("Give an image description of the kitchen.", ""),
        ("Based on the following description, point to it: the red mug", ""),
        ("According to the bounding box, what is it?", ""),
        ("What is not mentioned in the text of the sign?", ""),
        ("According to the image captions, what is red?", "hidden_caption"),
        ("What is {object}?", "broken_template"),
    ],
)
def test_who_asks_may_speak_of_captions_and_of_what_he_cannot_see(asked, why):
    assert reason(rules.NoLeak(), ask(asked, SAY)) == why


def test_that_it_cannot_be_determined_may_be_an_option():
    options = ("left", "right", "Cannot be determined")
    for index in (0, 2):
        record = ask("Is the mug left or right of it?", Choice(options=options, index=index))
        assert reason(rules.NoLeak(), record) == ""


def test_an_excuse_in_an_earlier_answer_is_a_leak():
    said = ("What is it?", "I'm sorry, but I cannot see the image.", "And now?")
    assert reason(rules.NoLeak(), talk(SAY, *said)) == "assistant_talk"


@pytest.mark.parametrize(
    ("asked", "said", "why"),
    [
        ("这是什么牌子？", "Coca-Cola Zero Sugar", ""),
        ("What does the sign say?", "欢迎光临本店请勿吸烟谢谢合作", ""),
        ("What is on the table? Answer in Chinese.", "桌子上有一个红色的杯子和盘子。", ""),
        ("请把牌子翻译成英文。", "No smoking in the building", ""),
        ("桌子上有什么东西？", "There is a mug and a plate", "other_script"),
    ],
)
def test_names_and_what_is_written_may_be_in_another_script(asked, said, why):
    assert reason(rules.Language(), ask(asked, Freeform(text=said))) == why


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("桌子上有一个红色的杯子。" * 6, "repeats"),
        ("很好" * 10, "repeats"),
        ("红色的杯子在桌子的左边，蓝色的杯子在桌子的右边，绿色的盘子在桌子的中间。", ""),
        ("take pizza slice; put pizza slice onto plate; " * 2, ""),  # of EPIC-KITCHENS
        ("take pizza slice; put pizza slice onto plate; " * 4, "repeats"),
        ("The mug is red and on the table. " * 2, "repeats"),
    ],
)
def test_chinese_repeats_too_and_one_may_do_a_thing_twice(said, why):
    assert reason(rules.Repetition(), ask("What next?", Freeform(text=said))) == why


def test_six_signs_make_a_phrase_by_hand():
    # 8 signs twice: 16 - 5 = 11 phrases of 6, 8 of them different
    assert repeated_share("桌子上有红色杯子" * 2) == pytest.approx(3 / 11)


@pytest.mark.parametrize(
    "said",
    [
        "<point>12 34</point>",
        '{"x": 12, "y": 34}',
        '<point x="10.5" y="20.1">mug</point>',
        "在（120，33）处",
        "x=0.35, y=0.7",
        "<loc_123><loc_456>",
    ],
)
def test_places_in_any_notation_do_not_stay_in_words(said):
    assert reason(rules.AnswerFormat(), ask("Where?", Freeform(text=said))) == "coordinates_in_text"


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
