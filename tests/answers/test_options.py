"""Options are read however they are labelled, and what is no option is not taken for one."""

from __future__ import annotations

import pytest

from seestep.answers.options import options_in

READ = {
    "Which?\nA. the mug\nB. bowl (left)\nC. neither": "A=the mug B=bowl (left) C=neither",
    "Which?\n(A) mug\n(B) bowl\nAnswer with the letter.": "A=mug B=bowl",
    "Which color? a) red b) blue": "a=red b=blue",
    "Which color? 1. red 2. blue": "1=red 2=blue",
    "Which one?\n1. 12 cm\n2. 3.5 cm": "1=12 cm 2=3.5 cm",
    "How far? A. 3.5 m B. 4.5 m": "A=3.5 m B=4.5 m",
    "Which one? A: the mug, B: the bowl": "A=the mug B=the bowl",
    "Is he A. tall or B. short?": "A=tall B=short",
    "Is it A. red B. blue. Please answer with the letter.": "A=red B=blue",
    "A. red B. blue\nC. green D. black": "A=red B=blue C=green D=black",
    "Look at I. Newton. A. tall B. short": "A=tall B=short",
    "哪个更近？A.杯子 B.碗": "A=杯子 B=碗",
    "哪个更近？\nA、杯子\nB、碗": "A=杯子 B=碗",
    "哪个更近？\n（A）杯子\n（B）碗": "A=杯子 B=碗",
    "哪个更近？A．杯子 B．碗。请选择。": "A=杯子 B=碗",
    "Pick. " + " ".join(f"{c}. {c.lower()}{c.lower()}" for c in "ABCDEFGHIJ"): " ".join(
        f"{c}={c.lower() * 2}" for c in "ABCDEFGHIJ"
    ),
}


@pytest.mark.parametrize("question", READ)
def test_options_are_read_with_their_labels(question):
    assert " ".join(f"{label}={text}" for label, text in options_in(question)) == READ[question]


@pytest.mark.parametrize(
    "question",
    [
        "",
        "What is on the table?",
        "Which?\nA. mug",
        "The robot did: 1. open the fridge 2. take the milk. What should it do next?",
        "Steps so far:\n1. open the fridge\n2. take the milk\nWhich step is next?",
        "Do this:\n1. Find the mug.\n2. Describe its colour.",
        "Person A: holds a mug. Person B: holds a cup. What do they do?",
        "It costs $3. How much is 2. of them?",
        "Is it 1.5 m or 2.5 m away? Choose.",
        "B. red C. blue",
    ],
)
def test_steps_people_and_numbers_are_no_options(question):
    assert options_in(question) == ()


def test_a_long_text_of_labels_and_spaces_is_read_at_once():
    assert len(options_in("Which? A. " + " " * 5000 + "x B. y" + " " * 5000 + "z")) == 2
