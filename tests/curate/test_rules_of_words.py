"""Rules about words: leaks, options, repeats, scripts and places, in English and Chinese."""

import pytest

from seestep.curate import rules
from seestep.curate.words import repeated_share
from seestep.records import Choice, Freeform, MediaRef, Record, Text, Turn
from tests.curate.test_rules import PICTURE, SAY, ask, reason

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
        ("Which one?\nA. the mug\nB. the bowl", "I think it is the bowl on the left.", ""),
        ("Which one?\nA. the mug\nB. the bowl", "the mug or the bowl", "not_an_option"),
        ("Which one?\n1. the mug\n2. the bowl", "2", ""),
        ("Which one?\n1. the mug\n2. the bowl", "1. the bowl", "not_an_option"),
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
