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
