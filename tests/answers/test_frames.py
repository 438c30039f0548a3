"""The trap that cost the original its pointing scores: perfect points in another convention."""

import random

import pytest

from seestep import families
from seestep.answers import flagevalmm_points, frame_table, rescore_frames
from seestep.geometry.convert import rescale
from seestep.geometry.frames import Resize
from seestep.geometry.render import render
from seestep.records import Form, Geometry, Item, Media, Points

SIZES = [(640, 480), (1024, 768), (1280, 960), (1920, 1080)]
SEEN = families.get("qwen2_5_vl").with_processor(max_pixels=1003520)  # transformers' default
MASKS = 150


def boxes(size, seed=0):
    """Regions of 5 to 15 % of the image's sides, anywhere; their centre is the perfect point."""
    rng = random.Random(seed)
    for _ in range(MASKS):
        w, h = (rng.uniform(0.05, 0.15) * side for side in size)
        x, y = rng.uniform(0, size[0] - w), rng.uniform(0, size[1] - h)
        yield (x, y, x + w, y + h)


def spoken(box, size, how):
    resize: Resize = SEEN.resize(size)
    centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)

    def say(frame, notation, values=centre):
        return render("point", rescale(values, "pixel", frame, resize), frame, notation)

    x, y = rescale(centre, "pixel", "unit", resize)
    return {
        "fractions": say("unit", "tuples"),
        "original pixels": say("pixel", "tuples"),
        "resized pixels": say("pixel_resized", "tuples"),
        "permille": say("permille", "tuples"),
        "json lists": say("unit", "lists"),
        "pretty json": '{\n  "points": [\n    ' + say("unit", "tuple") + "\n  ]\n}",
        "y first": f"[({y:.3f}, {x:.3f})]",
        "float pixels": f"({centre[0]:.1f}, {centre[1]:.1f})",
    }[how]


def accuracy(size, how):
    hits = 0
    for box in boxes(size):
        points = flagevalmm_points(spoken(box, size, how), size)
        inside = [box[0] <= x < box[2] and box[1] <= y < box[3] for x, y in points]
        hits += sum(inside) / len(inside) if inside else 0
    return 100 * hits / MASKS


# rows of the measured table: perfect points under FlagEvalMM's parser. Exact where it says 0 or
# 100; the others depend on the masks drawn, so bounds: (low, high) for each size
TABLE = {
    "fractions": [(100, 100)] * 4,
    "original pixels": [(100, 100)] * 4,
    "resized pixels": [(100, 100), (100, 100), (10, 60), (0, 10)],  # 100, 100, 38, 0.3
    "permille": [(0, 5), (5, 100), (5, 60), (0, 10)],  # 0, 21, 24, 0.9
    "json lists": [(0, 0)] * 4,
    "pretty json": [(0, 0)] * 4,
    "y first": [(2, 30)] * 4,  # 14, 15, 12, 9
    "float pixels": [(0, 0)] * 4,
}


@pytest.mark.parametrize("how", TABLE)
def test_perfect_points_score_as_measured_under_flagevalmm(how):
    for size, (low, high) in zip(SIZES, TABLE[how], strict=True):
        assert low <= accuracy(size, how) <= high, (how, size)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("(0.5, 0.5)", [(320, 240)]),
        ("(320, 240)", [(320, 240)]),
        ("(1, 1)", [(1, 1)]),  # a pixel, not the corner
        ("(1.0, 1.0)", [(640, 480)]),  # just outside: a miss
        ("(.5, .5)", []),
        ("（0.5，0.5）", []),
        ("( 0.5, 0.5)", []),
        ("(0.1, 0.2, 0.3)", []),
        ("(0.1, 0.2)\nAnswer: [(0.5, 0.5), (0.25, 0.5)]", [(320, 240), (160, 240)]),
        ("(0.1, 0.2)\nThat is all.", []),
        ("(10, 10, 12, 11)", [(10, 10), (11, 10)]),
        ("", []),
        ("(" + "9" * 300 + ", 1)", [(999999999999999999, 1)]),
    ],
)
def test_flagevalmm_reads_as_it_reads(text, points):
    assert flagevalmm_points(text, (640, 480)) == points


def test_flagevalmm_raises_on_a_box_of_mixed_numbers():
    with pytest.raises(ValueError, match="cannot slice"):
        flagevalmm_points("(0, 0.1, 0.5, 0.9)", (640, 480))
    with pytest.raises(ValueError, match="no answer"):
        flagevalmm_points("(0, 0, 9000, 9000)", (9000, 9000))


def items(frame, size=(1280, 960)):
    out = []
    for n, box in enumerate(boxes(size)):
        region = Geometry(key="r", kind="box", media="m", frame="pixel", values=box)
        out.append(
            Item(
                id=f"i{n}",
                source="s",
                task="point",
                media=(Media(key="m", width=size[0], height=size[1]),),
                turns=(),
                geometry=(region,),
                form=Form(kind="points", frame=frame, notation="tuples"),
                suite="mini-where2place",
                answer=Points(geometry="r"),
                scorer="points_in_mask",
                skill="pointing",
            )
        )
    return out


@pytest.mark.parametrize(
    ("how", "winner"),
    [
        ("permille", ("permille", "xy")),
        ("resized pixels", ("pixel_resized", "xy")),
        ("y first", ("unit", "yx")),
        ("float pixels", ("pixel", "xy")),
    ],
)
def test_rescoring_names_the_frame_that_was_spoken(how, winner):
    said = [(i, spoken(i.geometry[0].values, (1280, 960), how)) for i in items("unit")]
    table = frame_table(said, SEEN)
    assert table.winner() == winner
    assert table.rows[0][2] > 0.95
    assert table.declared < 0.5
    assert table.items == MASKS


def test_no_other_frame_wins_where_the_declared_one_is_right():
    said = [(i, spoken(i.geometry[0].values, (1280, 960), "fractions")) for i in items("unit")]
    table = frame_table(said, SEEN)
    assert table.winner() is None
    assert table.declared == 1


def test_one_answer_under_every_frame():
    (item, *_) = items("unit")
    rows = rescore_frames(item, "[(0.5, 0.5)]", SEEN)
    assert len(rows) == 10
    assert [(r.frame, r.order) for r in rows if r.declared] == [("unit", "xy")]
    assert all(r.value is None for r in rescore_frames(item, "nothing", SEEN))
