"""Duplicates: the cases that other tools get wrong, and a brute-force second implementation."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seestep.curate.batch import Batch
from seestep.curate.dedup import ExactDuplicates, NearDuplicates, find_exact, find_near
from seestep.curate.near import jaccard, normalise, normalise_all, same_words, shingles

ROOM = "Is the red mug on the left side of the white kitchen table"


def batch_of(*rows: tuple[str, str, str], quality: tuple[float, ...] = ()) -> Batch:
    """Rows are (question, answer, picture); ids are their numbers."""
    n = len(rows)
    questions, answers, pictures = zip(*rows, strict=True)
    ids = tuple(f"r{i:05d}" for i in range(n))
    return Batch(ids, ("s",) * n, ("t",) * n, questions, answers, pictures, (), quality)


def dropped(verdicts) -> list[int]:
    return [i for i, v in enumerate(verdicts) if not v.keep]


def near(*rows, least: float = 0.7, same_words: bool = True, quality=()) -> list[int]:
    check = NearDuplicates(least=least, same_words=same_words)
    return dropped(find_near(check, batch_of(*rows, quality=quality)))


def test_case_width_and_punctuation_do_not_make_a_text_new():
    rows = [(ROOM, "yes", "p"), ("  is the RED mug, on the left side… ", "yes", "p")]
    rows.append((ROOM.upper() + "?!", "Yes.", "p"))
    assert dropped(find_exact(ExactDuplicates(), batch_of(*rows))) == [2]


def test_numbers_keep_their_signs_and_points():
    assert normalise("3.5 m, -2, 1,5 and left-of. OK!") == "3.5 m -2 1,5 and left of ok"
    assert normalise("\N{MINUS SIGN}4") == "-4"


@given(
    st.lists(
        st.text(st.sampled_from("aZ_09.,-%?! \t\n\x1f\x00~左\u00b2\u00df\uff0e\u2212"), max_size=9)
    )
)
@example(["A-1 -1 1-1 -a", "1.5,6. .5 a.b 1,", "", "  ", "It's \x7f 50% of 3.0?!", "._-", "ﬁ"])
def test_many_texts_are_normalised_as_each(texts):
    assert normalise_all(texts) == [normalise(text) for text in texts]


def test_the_same_words_about_another_picture_are_no_duplicate():
    rows = [(ROOM, "yes", "p"), (ROOM, "yes", "q")]
    assert dropped(find_exact(ExactDuplicates(), batch_of(*rows))) == []
    assert near(*rows) == []


def test_short_answers_are_never_swept_together():
    rows = [("", word, "p") for word in ("yes", "no", "3", "cup", "left", "左", "右边的杯子")]
    assert near(*rows) == []


def test_another_question_about_the_same_picture_is_no_duplicate():
    rows = [
        (ROOM, "yes", "p"),
        (ROOM.replace("left", "right"), "yes", "p"),
        (ROOM.replace("red", "blue"), "yes", "p"),
        (ROOM.replace("mug", "jug"), "yes", "p"),
        (ROOM, "no", "p"),
    ]
    assert near(*rows) == []
    assert near(*rows, same_words=False) != []  # by shingles alone they would be


def test_who_is_left_of_whom_decides():
    a, b = (
        "is the bread knife left of the cutting board",
        "is the cutting board left of the bread knife",
    )
    assert not same_words(a, b)
    assert jaccard(shingles(a), shingles(b)) > 0.5


def test_a_typo_and_a_polite_word_are_near():
    rows = [
        (ROOM, "yes", "p"),
        (ROOM.replace("kitchen", "kitchn"), "yes", "p"),
        ("Please tell me: " + ROOM + " here?", "yes", "p"),
    ]
    assert near(*rows) == [1, 2]


def test_another_first_letter_is_another_word_and_no_typo():
    rows = [
        ("Is the mouse on the round table in the corner?", "yes", "p"),
        ("Is the house on the round table in the corner?", "yes", "p"),
    ]
    assert near(*rows) == []


def test_the_best_of_a_group_stays_and_is_named():
    rows = [(ROOM, "yes", "p"), (ROOM + " now", "yes", "p"), (ROOM + " here", "yes", "p")]
    batch = batch_of(*rows, quality=(3.0, 5.0, 5.0))
    verdicts = find_near(NearDuplicates(), batch)
    assert dropped(verdicts) == [0, 2]
    a, b = (shingles(f"{normalise(rows[i][0])} = yes") for i in (0, 1))
    by_hand = len(a & b) / len(a | b)
    assert verdicts[0].score == pytest.approx(by_hand, abs=0)
    assert verdicts[0].evidence == f"twin r00001 jaccard {by_hand:.6f}"


def test_a_chain_does_not_swallow_its_far_end():
    words = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ]
    rows = [(" ".join(words[i : i + 9]), "", "p") for i in (0, 1, 2)]
    assert near(*rows, least=0.75, same_words=False) == [1]  # 2 is near 1, which is gone


def test_jaccard_by_hand():
    assert shingles("abcdef") == {"abcde", "bcdef"}
    assert jaccard(shingles("abcdef"), shingles("abcdeg")) == pytest.approx(1 / 3)


WORDS = [f"{a}{b}{c}" for a in "bdgk" for b in "aeio" for c in ("l", "mn", "rst")]


def noisy_texts(n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(1, 14))) for _ in range(n)]
    for i in range(0, n, 5):
        text = texts[rng.randrange(n)]
        cut = rng.randrange(max(1, len(text)))
        texts[i] = text[:cut] + rng.choice(["", "x", " "]) + text[cut + 1 :]
    return texts


def test_every_removal_has_a_kept_twin_and_no_kept_pair_is_near():
    rows = [(text, "", f"p{i % 3}") for i, text in enumerate(noisy_texts(240, seed=2))]
    verdicts = find_near(NearDuplicates(same_words=False), batch_of(*rows))
    sets = [shingles(f"{normalise(q)} = ") for q, _, _ in rows]
    kept = {f"r{i:05d}": i for i, v in enumerate(verdicts) if v.keep}
    for i, verdict in enumerate(verdicts):
        if not verdict.keep:
            twin = kept[verdict.evidence.split()[1]]
            assert rows[twin][2] == rows[i][2]
            assert verdict.score == jaccard(sets[i], sets[twin]) >= 0.7
    left = list(kept.values())
    missed = sum(
        rows[i][2] == rows[j][2] and jaccard(sets[i], sets[j]) >= 0.7
        for n, i in enumerate(left)
        for j in left[n + 1 :]
    )
    assert missed == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="ab 左.", max_size=12), max_size=8), st.randoms())
def test_row_order_never_changes_who_stays(texts, rng):
    rows = [(t, "", "p") for t in texts]
    if not rows:
        return
    batch = batch_of(*rows)
    order = list(range(len(rows)))
    rng.shuffle(order)
    check = NearDuplicates(least=0.5, same_words=False)
    straight = {v.id for v in find_near(check, batch) if v.keep}
    shuffled = {v.id for v in find_near(check, batch.take(order)) if v.keep}
    assert straight == shuffled


def test_a_misspelt_filler_is_still_a_filler_but_three_is_not_there():
    assert same_words("is the mug in this picture red", "is the mug in this pictre red")
    assert not same_words("are there mugs", "are three mugs")
