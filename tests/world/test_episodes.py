import json
from collections import Counter

import msgspec
import pytest

from seestep.act import goals, wire
from seestep.act.annotate import annotated
from seestep.act.executor import DEFAULT
from seestep.act.judge import ground
from seestep.act.state import from_metadata, replaced
from seestep.records import Pair, Plan, Record, dumps, loads
from seestep.world import pairs, tasks
from seestep.world.acting import carry_out
from seestep.world.episodes import EpisodesConfig, HomeWorker, _again, scene
from seestep.world.room import RoomSimulator
from seestep.world.sighted import HOWS, SightConfig
from tests.act.homes import kitchen

CONFIG = EpisodesConfig(first_seed=1000, tasks=3, sight=SightConfig(views=2, per_view=3))


@pytest.fixture(scope="module")
def shards():
    worker = HomeWorker(CONFIG)
    return [worker(0), worker(1)]


def rows(shards, kind):
    return [row for shard in shards for row in shard.rows if isinstance(row, kind)]


def test_homes_of_every_kind_allow_several_types_of_task():
    simulator = RoomSimulator(64, 64, render=False)
    kinds = Counter()
    for seed in range(4):
        state = from_metadata(simulator.reset(seed).metadata)
        found = tasks.sample(state, seed, count=7)
        assert found == tasks.sample(state, seed, count=7)
        assert len({t.kind for t in found}) >= 3
        kinds.update(t.kind for t in found)
    assert len(kinds) >= 6 and set(kinds) <= set(goals.TASKS)


def test_an_instruction_names_the_thing_it_is_about():
    simulator = RoomSimulator(64, 64, render=False)
    state = from_metadata(simulator.reset(3).metadata)
    for task in tasks.sample(state, 3, count=6):
        want = task.goal.wants[0].what
        plural = task.kind == "pick_two_obj_and_place"
        assert (want.type.lower()[:4] if plural else want.color) in task.instruction.lower()
        assert "{" not in task.instruction


def test_chosen_plans_reach_the_goal_when_their_text_is_read_again(shards):
    simulator = RoomSimulator(64, 64, render=False)
    by_log = {
        line["id"]: line
        for shard in shards
        for name, data in shard.files.items()
        if name.startswith("trajectories/")
        for line in map(json.loads, data.splitlines())
    }
    records = [r for r in rows(shards, Record) if r.task == "plan"]
    assert records
    for record in records:
        seed = int(record.clusters[0].removeprefix("home:"))
        state = from_metadata(simulator.reset(scene(seed, CONFIG)).metadata)
        goal = goals.from_json(by_log[record.id.removesuffix("-plan")]["goal"])
        steps = wire.parse(wire.write(record.answer))
        assert 3 <= len(steps) <= 5
        assert carry_out(ground(steps, state), simulator, goal).reached


def test_rejected_plans_fail_unless_they_are_merely_costlier(shards):
    found = rows(shards, Pair)
    assert len(found) >= 8
    for pair in found:
        assert pair.reason and pair.verified_by == "room"
        costlier = pair.mishap == "costlier"
        assert ("costlier" in pair.tags) == costlier == ("reaches the goal" in pair.reason)
        assert pairs.as_json(pair)["rejected_plan"]["step_list"]
        assert loads(dumps(pair), Pair) == pair


def test_several_kinds_of_mishap_come_up_and_lengths_stay_even(shards):
    found = [p for p in rows(shards, Pair) if p.mishap != "repeat_failure"]
    assert len({p.mishap for p in found}) >= 5
    gap = sum(len(p.rejected.steps) - len(p.chosen.steps) for p in found)
    assert abs(gap) <= 1 + len(shards)


def test_every_picture_exists_and_every_box_lies_in_it(shards):
    for shard in shards:
        for row in shard.rows:
            assert row.media
            for media in row.media:
                assert media.path in shard.files and media.size == (96, 96)
            for box in row.geometry:
                x0, y0, x1, y1 = box.values
                assert 0 <= x0 < x1 <= 96 and 0 <= y0 < y1 <= 96


def test_what_a_plan_is_about_is_boxed_in_its_pictures(shards):
    for record in rows(shards, Record):
        if record.task != "plan":
            continue
        assert isinstance(record.answer, Plan)
        assert any(e.geometry for e in record.answer.entities)


def sighted_only(found):
    return [row for row in found if set(row.tags) & set(HOWS)]


def test_a_sighted_plan_has_one_picture_and_words_that_do_not_tell_the_thing(shards):
    found = sighted_only(rows(shards, Record))
    assert len(found) >= 6 and len({r.media[0].key for r in found}) < len(found)
    for record in found:
        assert record.task == "plan" and len(record.media) == 1
        said = record.turns[0].parts[1].text
        picked = record.answer.steps[0].do[1]
        named = next(e for e in record.answer.entities if e.id == picked)
        assert named.name not in said and named.geometry


def test_what_is_mistaken_for_the_thing_stands_in_the_same_picture(shards):
    boxed = {
        (r.media[0].key, e.name)
        for r in sighted_only(rows(shards, Record))
        for e in r.answer.entities
        if e.geometry
    }
    found = [p for p in sighted_only(rows(shards, Pair)) if p.mishap == "wrong_object"]
    assert len(found) >= 3
    names = [(p.media[0].key, e.name) for p in found for e in p.rejected.entities]
    assert len(boxed & set(names)) >= 2  # things that other tasks of the picture are about


def test_every_row_and_every_drop_left_a_verdict(shards):
    for shard in shards:
        ids = [v.id for v in shard.verdicts if v.keep]
        for row in shard.rows:
            if isinstance(row, Pair):
                assert row.id in ids
        assert all(v.reason for v in shard.verdicts if not v.keep)


def test_a_home_gives_the_same_bytes_again(shards):
    again = HomeWorker(CONFIG)(1)
    assert msgspec.json.encode(again) == msgspec.json.encode(shards[1])


def test_a_failed_step_that_would_work_when_repeated_is_not_a_mistake():
    start = kitchen()
    goal = goals.make(
        "pick_and_place_simple", target=goals.Which(type="Apple"), place=goals.Which(type="Fridge")
    )
    bad = annotated([("pick", "Apple|1"), ("put", "Fridge|1")], start, DEFAULT)
    cure = annotated([("open", "Fridge|1"), ("put", "Fridge|1")], start, DEFAULT)
    held = replaced(
        start, msgspec.structs.replace(start.things["Apple|1"], parents=()), holding="Apple|1"
    )
    again = _again(bad, 1, held, cure, goal, DEFAULT)
    assert again is not None and wire.write(again) == '[["put","fridge"]]'
    ajar = replaced(held, msgspec.structs.replace(held.things["Fridge|1"], is_open=True))
    assert _again(bad, 1, ajar, cure, goal, DEFAULT) is None
