"""What is listed and where names point is what the visual tokens are taught."""

import numpy as np

from seestep.models.tiny.tokenizer import train_tokenizer
from seestep.train.base.asked import COLORS, TYPES
from seestep.train.base.corpus import HEADS, IGNORE, Corpus, Question
from seestep.train.base.reading import Mentions, in_words, listings

TAIL = "<|im_end|>\n<|im_start|>assistant\n"


def cell(kind, color, x, y, on=""):
    told = {"type": TYPES.index(kind), "color": COLORS.index(color), "x": x, "y": y}
    told["on"] = TYPES.index(on)
    return [told.get(name, IGNORE) for name in HEADS]


def picture(*shown):
    cells = np.full((1, 36, len(HEADS)), IGNORE, dtype=np.int16)
    cells[:, :, :2] = 0
    for token, told in enumerate(shown):
        cells[0, token] = told
    return Corpus(np.zeros((1, 96, 96, 3), dtype=np.uint8), cells)


def ask(text):
    return Question((0,), "p", text + TAIL, "yes", "exists")


HOME = picture(
    cell("CellPhone", "red", 20, 4, "Shelf"),
    cell("Mug", "blue", 3, 16, "DiningTable"),
    cell("Mug", "blue", 3, 16, "DiningTable"),  # two tokens of one mug
    cell("DiningTable", "brown", 15, 15),
    cell("Mug", "red", 8, 2, "DiningTable"),
)


def test_things_are_listed_from_left_to_right_without_furniture():
    told = {(q.ability, q.suffix.split("\n")[0]): q.completion for q in listings(HOME, [ask("x")])}
    said = "<think></think><answer>{}</answer><|im_end|>"
    assert told == {
        ("list", "List the things."): said.format(
            "blue mug (109, 516); red mug (266, 78); red cell phone (641, 141)"
        ),
        ("extreme", "What is the leftmost thing?"): said.format("blue mug"),
        ("extreme", "What is the rightmost thing?"): said.format("red cell phone"),
    }


def test_nothing_is_listed_where_nothing_small_is_seen():
    assert listings(picture(cell("DiningTable", "brown", 15, 15)), [ask("x")]) == []


def test_a_name_tells_how_many_bear_it_and_where_one_alone_is():
    tokenizer = train_tokenizer(["Is the red cell phone left of the blue mug?"] * 9, vocab=400)
    mentions = Mentions(lambda text: list(tokenizer(text).input_ids))

    def found(text):
        tokens = tokenizer(text + TAIL).input_ids
        return [
            (tokenizer.decode(tokens[: at + 1]), *told) for at, *told in mentions(HOME, ask(text))
        ]

    assert found("Is the red cell phone left of the blue mug?") == [
        ("Is the red cell phone", 20, 4, 1, IGNORE),
        ("Is the red cell phone left of the blue mug", 3, 16, 1, IGNORE),
    ]
    assert found("What color is the mug?") == [("What color is the mug", IGNORE, IGNORE, 2, IGNORE)]
    assert found("What color is the cell phone?") == [
        ("What color is the cell phone", 20, 4, 1, IGNORE)
    ]
    assert found("How many mugs are there?") == [("How many mugs", IGNORE, IGNORE, 2, IGNORE)]
    assert found("Count the cell phones.")[0][1:] == (20, 4, 1, IGNORE)
    assert found("How many boxes are there?")[0][1:] == (IGNORE, IGNORE, 0, IGNORE)
    on = IGNORE, IGNORE, IGNORE
    assert found("How many things are on the brown dining table?")[0][1:] == (*on, 2)
    assert found("Is the red mug on the shelf?")[1][1:] == (*on, 1)
    assert found("Is the red mug in the sink basin?")[1][1:] == (*on, 0)
    assert found("Is there a green mug?") == [("Is there a green mug", IGNORE, IGNORE, 0, IGNORE)]


def test_a_choice_in_words_asks_the_same_and_says_the_right_option():
    asked = "Where is the red mug: left or right of it?\nA. right\nB. left\n"
    direct = "Answer with the option's letter from the given choices directly."
    said = "<think></think><answer>{}</answer><|im_end|>"
    choice = Question((0,), "p", asked + direct + TAIL, said.format("B"), "side")
    made = in_words(choice)
    assert made is not None and made.ability == "side words"
    assert made.suffix == ("Where is the red mug: left or right of it?\nAnswer briefly." + TAIL)
    assert made.completion == said.format("left") and made.views == (0,)


def test_what_has_no_options_is_not_asked_in_words():
    assert in_words(ask("Is there a mug?\nAnswer yes or no.")) is None
