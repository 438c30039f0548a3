"""The test of a base asks fairly: other homes for the control, guesses worth what they are."""

import math

import numpy as np
import pytest
import torch

from seestep import families
from seestep.errors import DataError
from seestep.families.wording import P_DIRECT, P_VSI_NUMBER, sentence
from seestep.models.tiny.build import SMALL, build
from seestep.train.base.corpus import HEADS, Question, Shot
from seestep.train.base.probe import SAME_PLACE, _cases, _chances, probe
from seestep.train.base.reading import is_native

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
TAIL = "<|im_end|>\n<|im_start|>assistant\n"


def ask(gold, text="How many?", views=(0,), said="3", ability="count"):
    prefix = "<|im_start|>user\n" + PICTURE * len(views)
    full = f"<think></think><answer>{said}</answer><|im_end|>"
    return Question(views, prefix, text + TAIL, full, ability, gold)


def home(views, *asked):
    rng = np.random.default_rng(views)
    pictures = rng.integers(0, 256, (views, 96, 96, 3), dtype=np.uint8)
    return Shot(pictures, np.zeros((views, 36, len(HEADS)), dtype=np.int16), asked)


def test_the_control_shows_as_many_views_of_another_home():
    homes = [(str(i), home(n, ask({}, views=v))) for i, (n, v) in
             enumerate([(3, (1,)), (4, (0, 3)), (2, (0, 1)), (5, (2, 4))])]  # fmt: skip
    pictures, cases = _cases(homes, 10)
    owner = [i for i, (_, shot) in enumerate(homes) for _ in shot.pictures]
    assert len(pictures) == 14
    for case in cases:
        mine = {owner[v] for v in case.views}
        theirs = {owner[v] for v in case.others}
        assert mine == {int(case.home)} and len(theirs) == 1 and not mine & theirs
        assert len(set(case.others)) == len(case.views)
    assert [c.others for c in cases][:2] == [(8,), (9, 12)]  # home 2's view 1, home 3's 0 and 4


def test_questions_are_taken_evenly_over_the_homes():
    homes = [(str(i), home(1, *[ask({}) for _ in range(3)])) for i in range(10)]
    _, cases = _cases(homes, 20)
    per_home = [sum(c.home == str(i) for c in cases) for i in range(10)]
    assert len(cases) == 20 and set(per_home) == {2}


def test_a_single_home_has_no_control():
    with pytest.raises(DataError, match="second home"):
        _cases([("0", home(1, ask({})))], 10)


def test_a_guess_is_worth_what_the_kind_of_answer_says():
    mask = np.zeros((96, 96), dtype=bool)
    mask[:48, :48] = True
    region = {"mask": np.packbits(mask).tobytes().hex(), "size": [96, 96]}
    options = "Where?\nA. left\nB. right\nC. up"
    boxes = [[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.48], [0.6, 0.6, 0.9, 0.9]]
    asked = [
        ask({"text": "B"}, options, said="B"),
        ask({"text": "yes"}, "Is it?", said="yes"),
        ask(region, "Point", said="(1, 2)"),
        ask({"point": [0.5, 0.5]}, "Point", said="(1, 2)"),
        *[ask({"number": n}, said=str(n), ability="n") for n in (2, 2, 3, 2.1)],
        *[ask({"text": w}, "Name", said=w, ability="w") for w in ("mug", "mug", "pan")],
        *[ask({"box": b}, said=str([int(1000 * v) for v in b]), ability="b") for b in boxes],
    ]
    chances = _chances(asked)
    assert chances[:4] == pytest.approx([1 / 3, 0.5, 0.25, math.pi * SAME_PLACE**2])
    assert chances[4:8] == pytest.approx([0.75] * 4)  # "2" is right for 2, 2 and 2.1
    assert chances[8:] == pytest.approx([2 / 3] * 6)


def test_the_form_of_an_answer_is_told_by_its_last_sentence():
    family = families.get("qwen3_vl")
    forms = {
        f"Which?\n{P_DIRECT}": True,
        "How many?\nAnswer with a number only.": True,
        f"How many?\n{P_VSI_NUMBER}": False,
        f"Which?\n{P_DIRECT} Enclose the option's letter within ``.": False,
        f"Point.\n{sentence('point', 'permille', 'json_point_2d')}": True,
    }
    assert {text: is_native(ask({}, text), family) for text in forms} == forms


def test_answers_do_not_depend_on_the_batch():
    torch.manual_seed(0)
    loaded = build("qwen3_vl", shape=SMALL)
    homes = [
        ("7", home(2, ask({"number": 3}), ask({"text": "yes"}, "Is there a red mug?", (0, 1)))),
        ("8", home(3, ask({"number": 12}, "How many cups are there here?", said="12"))),
    ]
    told = []
    one = probe(loaded, homes, batch=1, note=lambda done, total: told.append((done, total)))
    many = probe(loaded, homes, batch=4)
    assert one == many
    assert [(t.home, t.ability) for t in one] == [("7", "count"), ("7", "count"), ("8", "count")]
    assert told[-1] == (6, 6)
