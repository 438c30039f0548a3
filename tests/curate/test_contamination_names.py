"""Names of pictures, words of questions: what counts as the same, what only looks like it."""

from hashlib import blake2b

import pytest

from seestep.curate.contamination.ids import of_origins, spelt_in
from seestep.curate.contamination.texts import Said, Texts, in_order, runs, templates

# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("COCO_val2014_000000000139.jpg", "coco:139"),
        ("images/val2017/000000000139.jpg", "coco:139"),
        ("img/2D/count/coco/000000397133.jpg", "coco:397133"),
        ("https://cs.stanford.edu/people/rak248/VG_100K_2/2407890.jpg", "vg:2407890"),
        ("000000000139.jpeg", "coco:139"),
        ("000000397133", "coco:397133"),
        ("vg/2319.jpg", "vg:2319"),
        ("gqa/images/2319.jpg", "vg:2319"),
        ("CA6E9EC9-46AC-4A02-8034-7C31157DC52C", "ego4d:ca6e9ec9-46ac-4a02-8034-7c31157dc52c"),
        ("P01_13", "epic:P01_13"),
        ("epic/P01_101.MP4", "epic:P01_101"),
        ("ca6e9ec9-46ac-4a02-8034-7c31157dc52c_2", "ego4d:ca6e9ec9-46ac-4a02-8034-7c31157dc52c"),
        ("FloorPlan15", "thor:FloorPlan15"),
        ("FloorPlan_Train3_2_physics", "thor:FloorPlan_Train3_2"),
        ("scene0025_01", "scannet:scene0025_01"),
    ],
)
def test_names_are_read_in_the_spellings_of_their_owners(text, name):
    assert list(spelt_in(text)) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "frames/000139.jpg",
        "00012.png",
        "P1_13",
        "HP01_133",
        "1000.jpg",
        "scene25",
        "a-b-c-d-e",
        "0003",
    ],
)
def test_what_only_looks_like_a_name_is_none(text):
    assert list(spelt_in(text)) == []


def test_frames_count_under_the_name_of_their_video():
    found = of_origins(["epic:P01_13#104", "rtx:thing", "home:7"])
    assert list(found) == ["epic:P01_13", "home:7"]


# --- words ------------------------------------------------------------------------------------

HIKERS = "Which of the two hikers by the frozen waterfall carries the longer rope?"


def find_in(theirs, text, common=frozenset()):
    return theirs.find(Said.of(text, theirs.known()), set(common))


def test_a_template_in_common_is_nothing_in_common():
    things = ["mug", "lamp", "kettle", "vase", "sofa", "clock"]
    asked = [f"Considering the scene in the image, what is the color of the {t}?" for t in things]
    theirs = Texts(asked)
    assert theirs.checkable == 0 and find_in(theirs, asked[0]) is None


def test_the_same_question_is_found_in_other_dress():
    theirs = Texts(["What is it?", f"{HIKERS} left one right one"])
    hit = find_in(theirs, f"{HIKERS.lower().replace('?', ' ?')}\n left one | right one")
    assert hit is not None and hit.row == 1 and hit.score > 0.9
    assert find_in(theirs, "Which of the two cats by the door carries the longer tail?") is None


def test_the_order_and_the_letters_of_options_are_no_difference():
    options = ["garage door", "tall cabinet", "round table", "shopping cart"]
    asked = "Which one is nearest?"
    theirs = Texts([f"{asked} {in_order(options, 'round table')}"])
    lettered = [f"({c}) {o}" for c, o in zip("ABCD", reversed(options), strict=True)]
    for mine in (options[::-1], lettered):
        hit = find_in(theirs, f"{asked} {in_order(mine, mine[1])}")
        assert hit is not None and hit.score == 1


def test_a_text_that_is_all_template_is_not_called_compared():
    theirs = Texts([HIKERS])
    said = Said.of("Where is it?", theirs.known())
    assert not theirs.compares(said, set())
    assert theirs.compares(Said.of(HIKERS, theirs.known()), set())


def test_what_much_of_the_training_data_says_is_a_template_too():
    theirs = Texts([HIKERS])
    said = Said.of(HIKERS, theirs.known())
    assert theirs.find(said, set()) is not None
    assert theirs.find(said, templates([said] * 9)) is None
    assert templates([said] * 8) == set()


def test_runs_do_not_depend_on_the_process():
    hashes = [
        blake2b(x, digest_size=8).digest() for x in (b"one two three four", b"two three four five")
    ]
    assert runs("One two, three four five?") == {int.from_bytes(h, "little") for h in hashes}
    assert len(runs("one two")) == 1 and runs("?!") == set()
