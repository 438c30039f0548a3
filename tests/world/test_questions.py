"""Questions about hand-painted views have the answers a person would give."""

from collections import Counter

import numpy as np
import pytest

from seestep.act.vocabulary import plural
from seestep.geometry.frames import same_size
from seestep.geometry.masks import contains, grid_of
from seestep.records import Box, Choice, Freeform, Number, Points, YesNo
from seestep.world.questions import AskConfig, ask, drafts, relation
from seestep.world.questions.place import beside

SIZE = same_size((96, 96))
ALL = AskConfig(per_family=30)


def text(draft):
    return "".join(p if isinstance(p, str) else "@" for p in draft.ask)


def asked(look, *families, seed=0, per_family=30):
    config = AskConfig(families=families, per_family=per_family)
    looks = look if isinstance(look, list) else [look]
    return {text(d): d for d in drafts(looks, prefix="t", seed=seed, config=config)}


def test_sides_are_those_of_the_picture(look_at, table):
    questions = asked(look_at(table), "side")
    assert questions
    for question, draft in questions.items():
        subject = question.split("the ")[1].split(" left")[0].split(" right")[0].split(":")[0]
        left = {"red mug": True, "blue bowl": False}.get(subject)
        if left is not None:
            assert draft.answer.options[draft.answer.index] == ("left" if left else "right")


def test_in_front_is_closer_to_the_camera(look_at, table):
    questions = asked(look_at(table), "depth")
    for question, draft in questions.items():
        if "the red mug" in question.split(" in front")[0].split(" behind")[0]:
            assert draft.answer.options[draft.answer.index] == "in front"
    assert any("red mug" in q for q in questions)


def test_yes_no_relations_agree_with_the_picture(look_at, table):
    order = ["red mug", "green apple", "blue bowl"]  # left to right and near to far
    seen = Counter()
    for seed in range(20):
        for question, draft in asked(look_at(table), "truth", seed=seed).items():
            for word, sign in (
                ("left of", 1),
                ("right of", -1),
                ("in front of", 1),
                ("behind", -1),
            ):
                if f" {word} the " in question:
                    a, b = question.removeprefix("Is the ").removesuffix("?").split(f" {word} the ")
                    truth = sign * (order.index(b) - order.index(a)) > 0
                    assert draft.answer == YesNo(yes=truth), question
                    seen[word, truth] += 1
    assert len(seen) == 8


def test_a_thing_further_back_on_the_table_is_not_above(look_at, table):
    scene = look_at(table).scene
    mug, bowl = (next(t for t in scene.seen if t.noun == n) for n in ("mug", "bowl"))
    assert scene.above(bowl, mug) is None
    assert relation.height(look_at(table), np.random.default_rng(0)) is None


def test_a_thing_on_a_higher_shelf_is_above(look_at, table, make):
    vase = make("Vase", "white", (44, 5, 54, 25), 2.0, at=(0.0, 1.8, 2.0))
    scene = look_at([*table, vase]).scene
    mug, vase_seen = (next(t for t in scene.seen if t.noun == n) for n in ("mug", "vase"))
    assert scene.above(vase_seen, mug) is True
    assert scene.above(mug, vase_seen) is False


def test_twins_are_left_out_with_a_verdict(look_at, table, make):
    twin = make("Mug", "red", (60, 70, 74, 86), 1.0, number=2, on="DiningTable|1")
    look = look_at([*table, twin])
    records, verdicts = ask([look], prefix="t", seed=0, config=AskConfig(families=("point",)))
    assert not any("red mug" in r.turns[0].parts[1].text for r in records)
    assert [v.check for v in verdicts] == ["question:ambiguous"] * 2
    assert not any(v.keep for v in verdicts)


def test_small_and_cut_things_are_left_out_with_a_verdict(look_at, table, make):
    speck = make("Egg", "white", (40, 80, 44, 84), 1.0)
    edge = make("Vase", "pink", (86, 60, 96, 90), 1.0)
    look = look_at([*table, speck, edge])
    for question in asked(look, "point", "locate", "name_at"):
        assert "egg" not in question and "vase" not in question
    _, verdicts = ask([look], prefix="t", seed=0, config=ALL)
    assert {v.check for v in verdicts} == {"question:small", "question:cut"}


def test_a_glimpse_spoils_a_name(look_at, table, make):
    glimpse = make("Mug", "red", (60, 90, 64, 94), 1.0, number=2)
    assert "red mug" not in {t.name for t in look_at([*table, glimpse]).scene.lone}


def test_a_count_is_asked_only_if_all_are_well_seen_and_whole(look_at, table, make):
    def mugs_counted(box):
        look = look_at([*table, make("Mug", "white", box, 1.0, number=2)])
        counts = [asked(look, "count", seed=seed) for seed in range(10)]
        return {d.answer.value for found in counts for q, d in found.items() if "mug" in q}

    assert mugs_counted((60, 70, 74, 86)) == {2}
    assert mugs_counted((60, 70, 70, 82)) == {2}  # 120 pixels
    assert mugs_counted((60, 70, 67, 87)) == set()  # 119
    assert mugs_counted((82, 70, 96, 86)) == set()  # cut by the border


def test_things_on_the_table_are_counted(look_at, table):
    (draft,) = asked(look_at(table), "count_on").values()
    assert draft.answer == Number(value=3)


def test_existence_is_true_to_the_last_pixel(look_at, table, make):
    dot = make("Egg", "white", (90, 10, 91, 11), 1.0)
    present = {"red mug", "blue bowl", "green apple"}
    for seed in range(30):
        for question, draft in asked(look_at([*table, dot]), "exists", seed=seed).items():
            name = question.split(" a ")[-1].split(" an ")[-1].rstrip("?")
            assert draft.answer.yes == (name in present)
            assert name != "white egg"  # one pixel: neither a yes nor a no


def test_points_and_boxes_lie_on_the_thing(look_at, table):
    look = look_at(table)
    for draft in asked(look, "point", "locate").values():
        places = {g.key: g for g in draft.geometry}
        if isinstance(draft.answer, Points):
            assert contains(places["region"], *places["point"].values, SIZE)
            grid = grid_of(places["region"], SIZE)
            assert grid.sum() in (14 * 16, 16 * 10, 12 * 12)
        else:
            assert isinstance(draft.answer, Box)
            assert places["box"].values in [(10, 60, 24, 76), (70, 44, 86, 54), (43, 51, 55, 63)]


def test_the_thing_at_a_point_is_named(look_at, table):
    names = {}
    for draft in asked(look_at(table), "name_at", seed=1, per_family=40).values():
        assert isinstance(draft.answer, Freeform)
        names[draft.answer.text] = draft.geometry[0].values
    assert set(names) <= {"red mug", "blue bowl", "green apple"}


def test_beside_is_a_band_as_high_as_three_things(look_at, table):
    mug = next(t for t in look_at(table).scene.seen if t.noun == "mug")
    left = beside(mug, "left of", (96, 96))
    ys, xs = np.nonzero(left)
    assert xs.max() == 9 and (ys.min(), ys.max()) == (44, 91)  # mug: x 10-24, y 60-76


def test_distances_come_from_the_metadata(look_at, table):
    texts = asked(look_at(table), "metres", seed=3, per_family=40)
    apart = next(d for q, d in texts.items() if "red mug" in q and "blue bowl" in q)
    assert apart.answer == Number(value=1.2, unit="m")  # hypot(1.0, 0.7) = 1.22
    far = next(d for q, d in texts.items() if "red mug from the camera" in q)
    assert far.answer == Number(value=1.5, unit="m")  # hypot(0.5, 0.75, 1.2) = 1.50


def test_what_goes_where_follows_the_table_of_receptacles(look_at, table):
    for seed in range(10):
        for question, draft in asked(look_at(table), "fits", seed=seed).items():
            if "green apple" in question and "blue bowl" in question:
                assert draft.answer == YesNo(yes=True)
            if "blue bowl" in question.split(" in ")[0].split(" go ")[0] and "red mug?" in question:
                assert draft.answer == YesNo(yes=False)


def test_answers_are_balanced_by_construction(look_at, table):
    tally = Counter()
    for seed in range(200):
        for draft in asked(look_at(table), "side", "truth", "depth", seed=seed,
                           per_family=1).values():  # fmt: skip
            if isinstance(draft.answer, Choice):
                tally["letter", draft.answer.letter] += 1
                tally["word", draft.answer.options[draft.answer.index]] += 1
            else:
                tally["yes", draft.answer.yes] += 1
    for kind, one, other in (("letter", "A", "B"), ("word", "left", "right"), ("yes", True, False),
                             ("word", "in front", "behind")):  # fmt: skip
        share = tally[kind, one] / (tally[kind, one] + tally[kind, other])
        assert 0.4 < share < 0.6, (kind, share)


def test_the_camera_turned_towards_where_things_left_from(look_at, table):
    a, b = look_at(table, "a"), look_at(table, "b", rotation=30.0)
    (draft,) = asked([a, b], "turned", per_family=1).values()
    assert draft.answer.options[draft.answer.index] == "right"
    (draft,) = asked([b, a], "turned", per_family=1).values()
    assert draft.answer.options[draft.answer.index] == "left"


def test_the_same_thing_is_pointed_at_in_the_other_view(look_at, table):
    moved = [dict(t) for t in table]
    moved[1]["_box"] = (30, 60, 44, 76)
    a, b = look_at(table, "a"), look_at(moved, "b", rotation=20.0)
    config = AskConfig(families=("same",), per_family=20)
    found = drafts([a, b], prefix="t", seed=0, config=config)
    draft = next(d for d in found if d.geometry[0].label == "red mug")
    at, point, region = draft.geometry
    assert (at.media, point.media, region.media) == ("a", "b", "b")
    assert at.values[0] == pytest.approx(17, abs=2) and point.values[0] == pytest.approx(37, abs=2)


def test_things_seen_twice_are_counted_once(look_at, table, make):
    extra = make("Mug", "white", (60, 70, 74, 86), 1.0, number=2)
    counts = asked([look_at(table, "a"), look_at([*table, extra], "b")], "count_across")
    assert next(d for q, d in counts.items() if "mug" in q).answer == Number(value=2)


def test_the_same_seed_asks_the_same_and_another_family_changes_nothing(look_at, table):
    look = look_at(table)
    first = ask([look], prefix="t", seed=5, config=ALL)
    assert first == ask([look], prefix="t", seed=5, config=ALL)
    alone = ask([look], prefix="t", seed=5, config=AskConfig(families=("point",), per_family=30))
    assert alone[0] == [r for r in first[0] if r.id.startswith("t-point-") and r.task == "point"
                        and "most" not in r.id and "est-" not in r.id]  # fmt: skip


def test_ids_are_unique_and_clusters_name_the_home(look_at, table):
    records, _ = ask([look_at(table)], prefix="home:1-v0", seed=5, config=ALL)
    assert len({r.id for r in records}) == len(records) > 20
    assert {r.clusters for r in records} == {("home:1",)}
    assert all(r.id.startswith("home:1-v0-") for r in records)


def test_an_unknown_family_is_refused_by_name():
    with pytest.raises(ValueError, match="exits"):
        AskConfig(families=("exits",))


def test_plurals_are_english():
    nouns = {"mug": "mugs", "knife": "knives", "tissue box": "tissue boxes", "tomato": "tomatoes",
             "cell phone": "cell phones", "shelf": "shelves"}  # fmt: skip
    assert {n: plural(n) for n in nouns} == nouns
