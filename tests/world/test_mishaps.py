import pytest

from seestep.act import executor, goals, search, wire
from seestep.world import mishaps, plans
from tests.act.homes import kitchen
from tests.act.test_goals import CASES


def good(task):
    start, goal = kitchen(), goals.make(task, **CASES[task])
    acts = search.primitives(start, search.expert(start, goal))
    return start, goal, plans.compress(acts, start, goal)


def injected(task, kind):
    start, goal, plan = good(task)
    return list(mishaps.inject(kind, plan, start, goal, "seed"))


def test_there_are_at_least_six_kinds_of_error_and_a_costlier_way():
    assert len(set(mishaps.KINDS) - {mishaps.COSTLIER}) >= 6


@pytest.mark.parametrize("task", goals.TASKS)
@pytest.mark.parametrize("kind", mishaps.KINDS)
def test_variants_are_distinct_have_the_same_structure_and_can_be_repeated(task, kind):
    start, goal, plan = good(task)
    found = list(mishaps.inject(kind, plan, start, goal, "seed"))
    assert found == list(mishaps.inject(kind, plan, start, goal, "seed"))
    texts = [wire.write(p) for p in found]
    assert len(set(texts)) == len(texts) and wire.write(plan) not in texts
    for bad in found:
        assert 1 <= len(bad.steps) <= mishaps.MOST_STEPS
        assert all(step.expect for step in bad.steps)


def test_most_injected_errors_fail_and_all_redundant_ones_do_not():
    fails = total = 0
    for task in goals.TASKS:
        start, goal, plan = good(task)
        for kind in mishaps.KINDS:
            for bad in mishaps.inject(kind, plan, start, goal, "seed"):
                outcome = executor.run(bad, start)
                reached = outcome.ok and goals.reached(goal, outcome.state)
                if kind == mishaps.COSTLIER:
                    assert reached, wire.write(bad)
                else:
                    fails += not reached
                    total += 1
    assert fails / total > 0.85  # the rest is why pairs are executed


def test_a_hallucinated_thing_has_a_name_and_no_object():
    for bad in injected("pick_and_place_simple", "hallucinated_object"):
        ghosts = [e for e in bad.entities if not e.sim]
        assert len(ghosts) == 1 and ghosts[0].name not in ("green apple", "red mug")


def test_stopping_early_leaves_out_the_end():
    _, _, plan = good("pick_and_place_simple")
    (bad,) = injected("pick_and_place_simple", "premature_end")
    assert [s.do[0] for s in bad.steps] == [s.do[0] for s in plan.steps[:-1]]
