"""Views and questions keep their meaning on the way into the cache and the batch."""

import numpy as np
import pytest

from seestep.train.base.corpus import (
    BINS,
    HEADS,
    IGNORE,
    STANDS_FOR,
    Corpus,
    Question,
    Shot,
    joined,
    label_cells,
    read_shard,
    write_shard,
)
from seestep.train.base.probe import score
from seestep.train.base.reading import answer_of


def shot(views, *asked):
    pictures = np.full((views, 96, 96, 3), views, dtype=np.uint8)
    return Shot(pictures, np.zeros((views, 36, 5), dtype=np.int16), asked)


def ask(views, prefix="p", suffix="?"):
    return Question(views, prefix, suffix, "yes", "exists", {"text": "yes"})


def test_a_shard_comes_back_as_written(tmp_path):
    shots = [shot(2, ask((0,)), ask((0, 1), "pp")), shot(1, ask((0,)))]
    file = tmp_path / "views.npz"
    file.write_bytes(write_shard(shots))
    again = list(read_shard(file))
    assert [s.questions for s in again] == [s.questions for s in shots]
    assert [s.pictures.tolist() for s in again] == [s.pictures.tolist() for s in shots]


def test_questions_with_the_same_pictures_and_prefix_form_one_group():
    first = shot(2, ask((0,), suffix="a"), ask((0, 1), "pp"), ask((0,), suffix="b"))
    corpus = Corpus.join([first, shot(1, ask((0,)))])
    assert [[q.suffix for q in g] for g in corpus.groups] == [["a", "b"], ["?"], ["?"]]
    assert [g[0].views for g in corpus.groups] == [(0,), (0, 1), (2,)]


def test_a_token_shows_the_thing_that_covers_most_of_it():
    instance = np.zeros((96, 96), dtype=np.int32)
    instance[:16, :10] = 1  # 160 of 256 pixels of token 0
    instance[:16, 10:16] = 2  # 96 of them
    instance[80:, 80:] = 3  # not taught
    cells = label_cells(instance, [(4, 2, 9), (7, 1, 0), None], None, 6)
    x, y, right, bottom = (int(v / 96 * BINS) for v in (5, 8, 9, 15))
    assert cells[0].tolist() == [4, 2, x, y, 0, 0, right, bottom, IGNORE, 9, 0]
    assert cells[35].tolist() == [0, 0, *[IGNORE] * 8, 0]


def test_a_small_thing_goes_before_the_table_it_stands_on():
    instance = np.ones((96, 96), dtype=np.int32)  # the table fills the picture
    instance[4:12, 4:8] = 2  # 32 of 256 pixels of token 0
    instance[0, 16:26] = 3  # too few of token 1
    cells = label_cells(
        instance, [(9, 1, 0), (4, 2, 9), (5, 3, 9)], None, 6, first=[False, True, True]
    )
    assert cells[:3, :2].tolist() == [[4, 2], [9, 1], [9, 1]]
    assert cells[:2, HEADS.index("on")].tolist() == [9, 0]
    assert cells[1, 2:8].tolist() == cells[35, 2:8].tolist()


def test_one_token_stands_for_each_small_thing():
    instance = np.ones((96, 96), dtype=np.int32)  # a table, which no token stands for
    instance[20:60, 20:30] = 2  # tokens 1 to 3 of column 1, its middle at (25, 40) in the second
    instance[50:60, 60:90] = 3  # tokens 3 to 5 of row 3, its middle at 75
    classes = [(9, 1, 0), (4, 2, 9), (5, 3, 9)]
    cells = label_cells(instance, classes, None, 6, first=[False, True, True])
    assert np.flatnonzero(cells[:, 0] == 4).tolist() == [7, 13, 19]
    assert np.flatnonzero(cells[:, 0] == 5).tolist() == [21, 22, 23]
    assert np.flatnonzero(cells[:, STANDS_FOR]).tolist() == [13, 22]


def test_half_a_picture_tells_what_is_in_it_but_not_where_what_is_cut_off_lies():
    first, second = np.zeros((2, 96, 96), dtype=np.int32)
    first[4:12, 4:12], first[40:50, 30:36] = 1, 2  # left of column 2, across its edge at 32
    second[4:12, 84:92], second[70:80, 4:12] = 3, 4  # right of it, left of it
    kinds = [(4, 1, 0), (5, 2, 0), (6, 3, 0), (7, 4, 0)]
    cells = np.stack([label_cells(s, kinds, None, 6, first=[True] * 4) for s in (first, second)])
    pictures = np.repeat(np.stack([first, second])[..., None], 3, axis=3).astype(np.uint8)
    shown, told = joined(pictures, cells, np.array([1, 0]), 2)
    assert np.array_equal(shown[0, :, :32], pictures[0, :, :32])
    assert np.array_equal(shown[0, :, 32:], pictures[1, :, 32:])
    assert np.array_equal(told[0, 0], cells[0, 0]) and np.array_equal(told[0, 5], cells[1, 5])
    halved = told[0, 2 * 6 + 1]  # the first picture's second thing
    assert halved[:2].tolist() == [5, 2] and cells[0, 13, STANDS_FOR] >= 0
    assert set(halved[2:8]) == {IGNORE} and halved[STANDS_FOR] == IGNORE
    assert not np.isin(told[0, :, 0], 7).any() and 7 in told[1, :, 0]
    rest = told[0].reshape(6, 6, -1)
    assert np.array_equal(rest[:, 2:], cells[1].reshape(6, 6, -1)[:, 2:])


def test_distance_is_told_on_a_logarithmic_scale():
    depth = np.full((96, 96), 0.4, dtype=np.float32)
    depth[:, 48:] = 8.0
    cells = label_cells(np.zeros((96, 96), dtype=np.int32), [], depth, 6)
    assert cells[:, HEADS.index("depth")].reshape(6, 6)[0].tolist() == [0, 0, 0, 15, 15, 15]


@pytest.mark.parametrize(
    ("gold", "said", "value"),
    (
        ({"text": "B"}, "B", 1.0),
        ({"text": "B"}, "Answer: B", 1.0),
        ({"text": "B"}, "A", 0.0),
        ({"number": 3}, "3", 1.0),
        ({"number": 3}, "three", 1.0),
        ({"number": 3}, "Answer: 3", 1.0),
        ({"number": 3}, "many", 0.0),
        ({"number": 2.0}, "2.1", 1.0),
        ({"point": [0.5, 0.5]}, "(510, 490)", 1.0),
        ({"point": [0.5, 0.5]}, "(510, 590)", 0.0),
        ({"point": [0.5, 0.5], "frame": "unit"}, "[(0.52, 0.5)]", 1.0),
        ({"box": [0.1, 0.1, 0.5, 0.5]}, "[100, 100, 500, 500]", 1.0),
        ({"box": [0.1, 0.1, 0.5, 0.5]}, "[600, 600, 900, 900]", 0.0),
    ),
)
def test_answers_are_scored_by_what_they_say(gold, said, value):
    question = Question((0,), "", "", "", "x", gold)
    assert score(question, f"<think></think><answer>{said}</answer>") == value


def test_a_point_counts_when_it_hits_the_region():
    mask = np.zeros((96, 96), dtype=bool)
    mask[10:20, 30:40] = True
    gold = {"mask": np.packbits(mask).tobytes().hex(), "size": [96, 96], "frame": "unit"}
    question = Question((0,), "", "", "", "point", gold)
    assert score(question, "<answer>[(0.36, 0.16)]</answer>") == 1.0
    assert score(question, "<answer>[(0.16, 0.36)]</answer>") == 0.0


def test_an_answer_outside_the_tags_is_no_answer():
    assert answer_of("yes") is None
    assert answer_of("<think></think><answer> yes </answer>") == "yes"
    assert score(ask((0,)), "yes") == 0.0
