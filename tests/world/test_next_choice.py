"""The next action as a choice: one right option, told apart from steps done and steps to come."""

from seestep.records import Entity, Plan, Record, Step, Text, Turn
from seestep.world.next_choice import next_choices, phrase

ENTITIES = (
    Entity(id="o1", name="red mug", sim="Mug|1"),
    Entity(id="o2", name="fridge", sim="Fridge|1"),
    Entity(id="o3", name="desk", sim="Desk|1"),
)
STEPS = tuple(Step(do=do) for do in [("open", "o2"), ("pick", "o1"), ("goto", "o3"), ("put", "o3")])


def record(key, task, steps):
    words = "Put the red mug on the desk. Done so far: [] What is the next step?"
    return Record(
        id=f"room:home-1-t0-{key}", source="room", task=task, media=(),
        turns=(Turn(role="user", parts=(Text(text=words),)),),
        answer=Plan(steps=steps, entities=ENTITIES),
    )  # fmt: skip


PLAN = record("plan", "plan", STEPS)


def test_steps_are_said_in_plain_words():
    said = [phrase(step, ENTITIES) for step in STEPS]
    assert said == [
        "open the fridge",
        "pick up the red mug",
        "go to the desk",
        "put it on the desk",
    ]
    inside = phrase(Step(do=("put", "o2")), ENTITIES)
    assert inside == "put it in the fridge"
    assert phrase(Step(do=("clean", "o1", "o2")), ENTITIES) == "wash the red mug in the fridge"


def test_the_right_option_is_the_step_that_follows():
    asked = record("k1", "next_action", STEPS[1:2])
    (made,) = next_choices([PLAN, asked], seed=0)
    assert made.answer.options[made.answer.index] == "pick up the red mug"
    assert {"open the fridge", "put it on the desk"} < set(made.answer.options)
    text = made.turn.parts[0].text
    assert text == (
        "My goal: Put the red mug on the desk. So far: open the fridge. What should I do next?"
    )


def test_walking_is_neither_asked_nor_offered():
    assert not list(next_choices([PLAN, record("k2", "next_action", STEPS[2:3])], seed=0))
    for seed in range(10):
        (made,) = next_choices([PLAN, record("k3", "next_action", STEPS[3:])], seed=seed)
        assert not any(option.startswith("go to") for option in made.answer.options)


def test_the_right_option_stands_anywhere():
    asked = record("k1", "next_action", STEPS[1:2])
    places = {next(next_choices([PLAN, asked], seed=s)).answer.index for s in range(30)}
    assert places == {0, 1, 2, 3}


def options_after(done, *steps):
    """Options of the question after ``done`` of the steps, over many seeds."""
    steps = tuple(Step(do=do) for do in steps)
    asked = [
        record("plan", "plan", steps),
        record(f"k{done}", "next_action", steps[done : done + 1]),
    ]
    return {o for seed in range(5) for q in next_choices(asked, seed) for o in q.answer.options}


def test_a_later_step_that_could_as_well_be_done_now_is_not_offered_as_wrong():
    chill = [("goto", "o1"), ("pick", "o1"), ("open", "o2"), ("clean", "o1"), ("put", "o2")]
    before = options_after(1, *chill)  # the door may be opened before the hand is full
    assert "pick up the red mug" in before and "open the fridge" not in before
    held = options_after(2, *chill)  # washing first is no worse
    assert "open the fridge" in held and "wash the red mug" not in held
    twice = [("goto", "o1"), ("pick", "o1"), ("put", "o2"), ("pick", "o3"), ("put", "o2")]
    assert "pick up the desk" not in options_after(1, *twice)


def test_a_later_step_that_has_to_wait_is_offered():
    out = [("goto", "o2"), ("open", "o2"), ("pick", "o1"), ("put", "o3")]
    assert "pick up the red mug" in options_after(1, *out)  # it is still shut away
    assert "pick up the desk" in options_after(2, ("open", "o2"), ("pick", "o1"), ("put", "o2"),
                                               ("pick", "o3"))  # fmt: skip
