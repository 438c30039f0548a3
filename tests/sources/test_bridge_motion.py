"""Movements, next actions and plans of BridgeData V2, on numbers made up here."""

import io

import numpy as np
from PIL import Image

from seestep.records import Plan, Provenance, Record, Verdict
from seestep.sources import bridge
from seestep.sources.bridge_motion import Deed, deeds, plan

AT = Provenance(file="x.tfrecord", sha256="0" * 64)
# forward and down to a carrot, shut, up and to its left over a plate, open, up
WAY = [(0, 0, 0.2), (0.05, 0, 0.1), (0.1, 0, 0.0), (0.1, 0, 0.0), (0.1, 0.1, 0.1)]
WAY += [(0.1, 0.2, 0.1), (0.1, 0.2, 0.1), (0.1, 0.2, 0.2)]
COMMANDS = [1, 1, 0, 0, 0, 1, 1, 1]
DEEDS = [
    Deed(0, "move down and forward"),
    Deed(2, "close the gripper"),
    Deed(2, "move to its left and up"),
    Deed(5, "open the gripper"),
    Deed(5, "move up"),
]


def numbers(commands: list[float]) -> tuple[np.ndarray, np.ndarray]:
    state, action = np.zeros((8, 7), np.float32), np.zeros((8, 7), np.float32)
    state[:, :3], action[:, 6] = WAY, commands
    return state, action


def made(commands: list[float], instruction: str) -> dict[str, Record | Verdict]:
    state, action = numbers(commands)
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(8):
        sink = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8)).save(sink, "JPEG")
        pictures.append(sink.getvalue())
    episode = bridge.Episode("0" * 12, instruction, state, action, {"image_0": pictures}, "train")
    rows = bridge.records(episode, AT, [instruction])
    found = (row[0] if isinstance(row, tuple) else row for row in rows)
    return {row.id.removeprefix("bridge:000000000000-"): row for row in found}


def test_deeds_are_movements_between_the_events_of_the_gripper() -> None:
    assert deeds(*numbers(COMMANDS)) == DEEDS


def test_command_that_does_not_last_is_no_event() -> None:
    flicker = [1, 0, 1, 1, 1, 1, 1, 0]
    assert [d.words for d in deeds(*numbers(flicker))] == ["move to its left and forward"]


def test_gripper_that_starts_closed_has_a_release_and_no_grasp() -> None:
    told = deeds(*numbers([0, 0, 0, 1, 1, 1, 1, 1]))
    assert [d.words for d in told if "gripper" in d.words] == ["open the gripper"]
    assert plan("put carrot on plate", told) == "no grasp event"


def test_plan_names_what_the_instruction_names() -> None:
    said = {
        "put carrot on plate": ("carrot", "plate", "on"),
        "Put the cup from counter or drying rack into the sink.": ("cup", "sink", "in"),
        "move the pot on top of the stove": ("pot", "stove", "on"),
    }
    for words, (what, where, how) in said.items():
        found = plan(words, DEEDS)
        assert isinstance(found, Plan)
        assert [e.name for e in found.entities] == [what, where]
        assert [s.do for s in found.steps] == [("pick", "o1"), ("put", "o1", "o2")]
        assert found.steps[1].expect == ((how, "o1", "o2"),)


def test_plan_is_not_made_up_where_numbers_or_words_do_not_tell_it() -> None:
    assert plan("flip pot upright which is in sink", DEEDS) == (
        "the instruction does not say what to put where"
    )
    assert plan("put carrot on plate", DEEDS[:3]) == "no release follows the grasp"
    assert plan("put carrot on plate", [*DEEDS, *DEEDS]) == "several grasps"
    assert plan("", DEEDS[:1]) == "no grasp event"


def test_next_action_is_asked_at_the_picture_where_it_begins() -> None:
    found = made(COMMANDS, "put carrot on plate")
    assert {i for i in found if i.startswith("next")} == {"next1", "next2", "next3", "next4"}
    record = found["next3"]
    assert isinstance(record, Record) and record.answer.text == "open the gripper"
    assert record.media[0].path == "000000000000/image_0_0005.jpg"
    assert "close the gripper, then move to its left and up. What" in record.turns[0].parts[1].text
    assert isinstance(found["plan"], Record) and found["movement"].answer.text.count(";") == 4


def test_episode_without_a_grasp_says_so_and_tells_its_movement_alone() -> None:
    found = made([1] * 8, "put carrot on plate")
    assert isinstance(found["plan"], Verdict) and found["plan"].reason == "no grasp event"
    assert found["movement"].answer.text == "move to its left and forward"
    assert not [i for i in found if i.startswith("next")]
