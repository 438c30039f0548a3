"""What a picture makes clear, on a table painted by hand."""

import random
from collections import Counter

import pytest

from seestep.act import goals, wire
from seestep.act.annotate import annotated
from seestep.act.executor import DEFAULT, run
from seestep.act.judge import context, judge_plan
from seestep.act.state import from_metadata
from seestep.world import sighted
from seestep.world.scene import SceneConfig

CONFIG = sighted.SightConfig(per_view=8)


@pytest.fixture
def view(look_at, make, table):
    """(scene, state) of the painted table, a fridge beside it that is not in view, and ``more``."""

    def see(*more):
        away = (0, 0, 0, 0)
        fixed = {"pickupable": False, "receptacle": True}
        unseen = [
            make("Fridge", "white", away, openable=True, **fixed),
            make("Shelf", "brown", away, **fixed),
            make("DeskLamp", "white", away, pickupable=False, toggleable=True),
        ]
        for raw in (*table, *unseen, *more):
            raw.setdefault("size", "small")
        event = look_at([*table, *unseen, *more]).scene.event
        state = from_metadata(event.metadata)
        return sighted.scene_of(event, CONFIG), state

    return see


def said(refers, how):
    return {(r.words, r.thing.name) for r in refers if r.how == how}


def test_a_thing_is_spoken_of_in_every_way_that_fits_it_alone(view):
    refers = sighted.refers(*view(), CONFIG)
    assert said(refers, "noun") == {
        ("mug", "red mug"), ("bowl", "blue bowl"), ("apple", "green apple")
    }  # fmt: skip
    assert said(refers, "color") == {
        ("red thing", "red mug"), ("blue thing", "blue bowl"), ("green thing", "green apple")
    }  # fmt: skip
    assert said(refers, "end") == {
        ("leftmost thing", "red mug"), ("rightmost thing", "blue bowl")
    }  # fmt: skip
    assert said(refers, "beside") == {
        ("thing left of the green apple", "red mug"),
        ("thing right of the green apple", "blue bowl"),
    }


def test_a_glimpse_of_another_mug_makes_the_mug_unclear(view, make):
    glimpse = make("Mug", "white", (30, 20, 34, 24), 2.5, number=2)
    refers = sighted.refers(*view(glimpse), CONFIG)
    assert "mug" not in {r.words for r in refers}
    assert ("leftmost thing", "red mug") in said(refers, "end")


def test_what_shares_its_name_with_a_thing_elsewhere_is_not_spoken_of(view, make):
    elsewhere = make("Mug", "red", (0, 0, 0, 0), number=2)
    refers = sighted.refers(*view(elsewhere), CONFIG)
    assert "red mug" not in {r.thing.name for r in refers}
    assert "blue bowl" in {r.thing.name for r in refers}


def test_a_thing_alone_in_the_picture_leaves_nothing_to_see(look_at, make):
    alone = look_at([make("Mug", "red", (10, 60, 24, 76))]).scene
    assert sighted.refers(alone, from_metadata(alone.event.metadata), CONFIG) == []


def test_kinds_of_one_colour_are_not_asked_for_by_noun(view, make):
    bread = make("Bread", "brown", (28, 60, 38, 70), 1.3)
    refers = sighted.refers(*view(bread), CONFIG)
    assert "bread" not in {r.words for r in refers if r.how == "noun"}


def tasks_of(scene, state, kinds=goals.TASKS):
    return sighted.sample(
        scene, state, random.Random(1), used=Counter(), config=CONFIG, kinds=kinds
    )


def test_the_words_of_a_task_never_say_colour_and_noun_of_its_thing(view):
    scene, state = view()
    found = tasks_of(scene, state)
    assert len(found) >= 6 and {t.how for t in found} == set(sighted.HOWS)
    assert found == tasks_of(scene, state)
    for task in found:
        thing = state.things[task.things[0]]
        assert f"{thing.color} {thing.type.lower()}" not in task.instruction
        assert "{" not in task.instruction


def test_only_the_thing_in_the_picture_reaches_the_goal(view):
    scene, state = view()
    for task in tasks_of(scene, state):
        asked = context(state, task.goal)
        right = wire.write(annotated(list(task.steps), state, DEFAULT))
        assert judge_plan(asked, right).value == 1.0
        name = next(t.name for t in scene.things() if t.id == task.things[0])
        for other in {"red mug", "blue bowl", "green apple", "red bowl"} - {name}:
            assert judge_plan(asked, right.replace(name, other)).value == 0.0


def test_of_two_things_of_a_noun_the_left_one_comes_first(view, make):
    second = make("Mug", "white", (50, 70, 64, 86), 1.2, number=2, on="DiningTable|1")
    scene, state = view(second)
    (task, *_) = tasks_of(scene, state, kinds=(sighted.TWO,))
    assert "two mugs" in task.instruction and task.how == "noun"
    picked = [s[1] for s in task.steps if s[0] == "pick"]
    assert picked == ["Mug|1", "Mug|2"]
    one = [s for s in task.steps if s[-1] != "Mug|2"]
    assert not goals.reached(task.goal, run(one, state).state)


def test_a_bowl_is_filled_before_it_is_carried(view):
    scene, state = view()
    found = tasks_of(scene, state, kinds=(sighted.CARRIER,))
    assert found
    for task in found:
        thing, carrier, place = task.things
        acts = [s for s in task.steps if s[0] in ("pick", "put")]
        assert acts == [("pick", thing), ("put", carrier), ("pick", carrier), ("put", place)]
        assert state.things[carrier].color not in task.instruction.replace("red mug", "")


def test_a_task_is_about_things_with_pixels_enough(look_at, make):
    small = look_at([make("Mug", "red", (10, 60, 15, 67))]).scene  # 35 pixels
    config = sighted.SightConfig
    (seen,) = sighted.scene_of(small.event, config(least_pixels=35)).seen
    assert seen.name == "red mug"
    assert sighted.scene_of(small.event, config(least_pixels=36)).seen == []
    assert CONFIG.least_pixels >= SceneConfig().least_pixels  # what nobody can name, none must
