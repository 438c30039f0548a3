import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seestep.answers import read_choice, read_number, read_text, read_yes_no, sections, strip

MUGS = ("red mug", "blue bowl", "the left", "left front")


@pytest.mark.parametrize(
    ("raw", "thinking", "answer"),
    [
        ("B", "", "B"),
        ("<think></think><answer>B</answer>", "", "B"),
        ("<think>maybe A</think><answer>B</answer>", "maybe A", "B"),
        ("maybe A</think>B", "maybe A", "B"),  # the opening tag was in the prompt
        ("B</answer>", "", "B"),
        ("<answer>A</answer> no, <answer>B</answer>", "", "B"),
        ("<answer>B", "", "B"),
        ("<think>so it must be B", "so it must be B", ""),  # cut off
        ("<think>a</think><think>b</think>C", "a</think><think>b", "C"),
        ("B<|im_end|>\n<|im_start|>user\nA", "", "B"),
        ("", "", ""),
    ],
)
def test_thinking_and_tags_are_taken_off(raw, thinking, answer):
    assert strip(raw) == (thinking, answer)


@pytest.mark.parametrize(
    ("raw", "letter", "rule"),
    [
        ("B", "B", "leading_letter"),
        ("(B)", "B", "leading_letter"),
        ("b.", "B", "leading_letter"),
        ("**B**", "B", "leading_letter"),
        ("B. blue bowl", "B", "leading_letter"),
        ("A. It is", "A", "leading_letter"),
        ("A red mug", "A", "leading_letter"),
        ("`C`", "C", "leading_letter"),
        ("Ｂ．", "B", "leading_letter"),
        ("<answer>B</answer>", "B", "answer_tag/leading_letter"),
        ("<think>A or C?</think><answer>B</answer>", "B", "answer_tag/leading_letter"),
        ('{"thought": "A", "answer": "B. blue"}', "B", "json_answer/leading_letter"),
        ('```json\n{"answer": "B"}\n```', "B", "json_answer/leading_letter"),
        ("so $\\boxed{\\text{C}}$", "C", "boxed/leading_letter"),
        ("The correct answer is (B)", "B", "answer_line/leading_letter"),
        ("It is not A.\n**Answer:** C", "C", "answer_line/leading_letter"),
        ("Answer: A\nWait.\nAnswer: B", "B", "answer_line/leading_letter"),
        ("答案是B", "B", "answer_line/leading_letter"),
        ("Option B is correct", "B", "unique_letter"),
        ("I think it is B.", "B", "unique_letter"),
        ("It is B, not A.", "B", "unique_letter"),
        ("blue bowl", "B", "option_text"),
        ("A red mug is there", "A", "option_text"),
        ("It stands left front of it", "D", "option_text"),  # "left" would be C
        ("Answer: the blue bowl", "B", "answer_line/option_text"),
    ],
)
def test_a_choice_is_read_by_the_first_rule_that_holds(raw, letter, rule):
    read = read_choice(raw, MUGS)
    assert read is not None
    assert ("ABCD"[read.value], read.rule) == (letter, rule)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "E",  # not an option
        "A or B",
        "(A) or (B)",
        "A, B",
        "neither",
        "Answer: neither, though A looks close",
        "I see a red mug and a blue bowl",
        "A cup stands there",  # an article
        "<think>B",
        "The answer is not B",
        "Both B and C fit",
        "Both A and B",
        "A is wrong",
        "A. red mug\nB. blue bowl\nC. the left\nD. left front",  # the list, copied
        "A. red mug B. blue bowl C. the left D. left front",
    ],
)
def test_what_is_no_choice_is_not_made_one(raw):
    assert read_choice(raw, MUGS) is None


@pytest.mark.parametrize(
    ("raw", "letter"),
    [
        ("A is wrong, so B.", "B"),
        ("B is not correct. C", "C"),
        ("B cannot be right, so C", "C"),
        ("A isn't it, D is", "D"),
        ("A. red mug\nB. blue bowl\nC. the left\nD. left front\n\nC", "C"),
        ("B. blue bowl\nA. red mug is too far", "B"),
    ],
)
def test_a_refused_letter_or_a_copied_list_is_not_the_choice(raw, letter):
    read = read_choice(raw, MUGS)
    assert read is not None
    assert "ABCD"[read.value] == letter


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("\u22123", -3),
        ("1,200", 1200),
        ("1,234,567.5", 1234567.5),
        ("3 (see frame 7)", 3),
        ("Answer: 3 (see frame 7)", 3),
        ("120 cm, which is 1.2 m", 120),
        ("about 3.5m", 3.5),
        ("There are 4 mugs", 4),
        ("three", 3),
        ("Three mugs.", 3),
        ("三个", 3),
        ("<think>1 and 2</think><answer>4</answer>", 4),
        ('{"answer": 7}', 7),
        ("\\boxed{7}", 7),
        ("Answer: 1,200 mm", 1200),
        ("1e3", 1000),
        (".5", 0.5),
        ("Answer: .75 m", 0.75),
        ("twelve", 12),
        ("Twenty mugs", 20),
    ],
)
def test_a_number_is_read(raw, value):
    read = read_number(raw)
    assert read is not None
    assert read.value == value


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "many",
        "I see 2 here and 3 there, so 5",
        "one of three",
        "<think>3",
        "9" * 400,
        "twenty-one",
        "two dozen",
        "two and a half",
    ],
)
def test_what_names_no_single_number_is_unread(raw):
    assert read_number(raw) is None


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("yes", True),
        ("No.", False),
        ("**Yes**", True),
        ("Answer: yes", True),
        ("Nothing blocks it, so yes", True),
        ("Yes. However, the lid does not, no", True),
        ("There is no mug", False),
        ("是", True),
        ("是的。", True),
        ("否", False),
        ("不是", False),
        ("是否有杯子？是", True),
        ("<think>no?</think><answer>yes</answer>", True),
    ],
)
def test_yes_and_no_are_read_in_english_and_chinese(raw, value):
    read = read_yes_no(raw)
    assert read is not None
    assert read.value is value


@pytest.mark.parametrize(
    "raw", ["", "not sure", "None", "I don't know", "yes or no", "Yes\nNo", "Yes/No", "maybe"]
)
def test_what_is_neither_yes_nor_no_is_unread(raw):
    assert read_yes_no(raw) is None


def test_words_lose_their_wrapping():
    read = read_text("<think>x</think><answer>Answer: the red mug</answer>")
    assert read is not None and read.value == "the red mug"
    assert read_text("<think>x</think>") is None
    assert sections("<answer>x</answer>").rule == "answer_tag"


PIECES = ["A", "A ", "A or ", "answer:", "answer ", "<answer>", "</answer>", "<think>", "</think>"]
PIECES += ["\\boxed{", '"answer":"', '"answer":"\\', "1,", "1", "1,111", "yes ", "一", "(", "\n"]
PIECES += [" ", "**", "-", "not ", "red mug ", "答案"]


@pytest.mark.parametrize("piece", PIECES)
def test_a_hundred_kilobytes_of_anything_are_read_in_linear_time(piece):
    raw = piece * (100_000 // len(piece))
    start = time.process_time()
    read_choice(raw, MUGS)
    read_number(raw)
    read_yes_no(raw)
    read_text(raw)
    assert time.process_time() - start < 3


SIGNS = "ABab<>/think answer:.,0123456789yesno是否\\boxed{}\"'\n*"


@given(st.text(alphabet=SIGNS, max_size=200))
def test_no_text_makes_a_reader_fail(raw):
    read_choice(raw, MUGS)
    read_number(raw)
    read_yes_no(raw)
    read_text(raw)


@given(
    st.integers(0, 25), st.sampled_from(["{}", "({})", "{}.", "Answer: {}", "<answer>{}</answer>"])
)
def test_a_stated_letter_is_the_choice_that_is_read(index, form):
    options = tuple(f"option {i}" for i in range(26))
    read = read_choice(form.format(chr(65 + index)), options)
    assert read is not None and read.value == index
