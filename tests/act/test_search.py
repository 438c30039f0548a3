import random
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from seestep.act import executor, goals, search, vocabulary
from seestep.act.executor import Rules
from seestep.act.goals import Which
from tests.act.homes import home, thing

FURNITURE = "CounterTop DiningTable Fridge Microwave SinkBasin Faucet Cabinet Drawer DeskLamp Sofa"
SMALL = "Apple Potato Mug Bowl Plate Book Spoon Egg Cup Pan RemoteControl Bread Box Tomato Pot"


def random_home(seed):
    """Some furniture, and things lying wherever they may lie, doors open or closed."""
    rng = random.Random(seed)
    places = [
        thing(kind, is_open=kind in vocabulary.OPENABLE and rng.random() < 0.3)
        for kind in FURNITURE.split()
    ]
    things = list(places)
    for number, kind in enumerate(rng.choices(SMALL.split(), k=15)):
        fit = [p for p in things if vocabulary.holds(p.type, kind) and not p.sliceable]
        dirty = kind in vocabulary.DIRTYABLE and rng.random() < 0.5
        color = rng.choice(("red", "blue"))
        things.append(thing(kind, number, rng.choice(fit).id, color=color, is_dirty=dirty))
    return home(*things)


def random_goal(seed):
    rng = random.Random(seed)
    return goals.make(
        rng.choice(goals.TASKS),
        target=Which(type=rng.choice(SMALL.split()), color=rng.choice(("", "red", "blue"))),
        place=Which(type=rng.choice(FURNITURE.split()[:7])),
        lamp=Which(type="DeskLamp"),
        carrier=Which(type=rng.choice(("Bowl", "Plate", "Pan", "Box"))),
        sliced=rng.random() < 0.2,
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_whatever_plan_the_expert_finds_reaches_the_goal(home_seed, goal_seed, knife):
    state, goal, rules = random_home(home_seed), random_goal(goal_seed), Rules(knife=knife)
    steps = search.expert(state, goal, rules, most_states=60)
    if steps is None:
        return
    outcome = executor.run(steps, state, rules)
    assert outcome.ok and goals.reached(goal, outcome.state)
    walked = executor.run(
        search.primitives(state, steps, rules), state, Rules(knife=knife, approach=False)
    )
    assert walked.ok and goals.reached(goal, walked.state)


def test_expert_plans_for_a_home_of_25_things_take_milliseconds():
    times = []
    for seed in range(40):
        state, goal = random_home(seed), random_goal(seed)
        start = time.perf_counter()
        if search.expert(state, goal, most_states=60) is not None:
            times.append(time.perf_counter() - start)
    times.sort()
    assert len(times) >= 10
    assert times[len(times) // 2] < 0.05
