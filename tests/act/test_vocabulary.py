import json
import os
from pathlib import Path

import pytest

from seestep.act import vocabulary as v

SHARED = Path(os.environ.get("SEESTEP_SHARED", Path(__file__).parents[3] / "shared"))


def test_there_are_seventeen_verbs_and_sixteen_predicates():
    assert (len(v.VERBS), len(v.PREDICATES)) == (17, 16)
    assert v.ACTIONS.keys() == v.VERBS.keys()


def test_verbs_and_predicates_are_those_of_the_thought_schema():
    path = SHARED / "data/xcot.schema.json"
    if not path.exists():
        pytest.skip(f"no {path}: set SEESTEP_SHARED")
    step = json.loads(path.read_text())["properties"]["steps"]["items"]["properties"]
    assert step["do"]["prefixItems"][0]["enum"] == list(v.VERBS)
    predicates = step["pre"]["items"]["prefixItems"][0]["enum"]
    assert {p for p in predicates if not p.startswith("!")} == set(v.PREDICATES)


def test_nearly_all_that_lies_about_in_recorded_rooms_may_lie_there():
    path = SHARED / "data/thor/procthor/receptacles.json"
    if not path.exists():
        pytest.skip(f"no {path}: set SEESTEP_SHARED")
    seen = [
        (place, kind)
        for place, kinds in json.loads(path.read_text()).items()
        for kind in kinds
        if kind in v.PICKUPABLE
    ]
    assert sum(v.holds(place, kind) for place, kind in seen) / len(seen) > 0.85


def test_a_mug_fits_a_microwave_and_a_book_does_not():
    assert v.holds("Microwave", "Mug") and not v.holds("Microwave", "Book")
    assert not v.holds("Painting", "Mug")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("CounterTop", "counter top"),
        ("AppleSliced", "sliced apple"),
        ("TVStand", "tv stand"),
        ("CD", "CD"),
    ],
)
def test_types_are_said_in_plain_words(kind, said):
    assert v.words(kind) == said


def test_a_verb_with_too_few_things_has_an_arity_problem():
    assert v.arity_problem(("pick",)) == "pick takes 1 arguments, got 0"
    assert v.arity_problem(("put", "a", "b", "c")).startswith("put takes 1 to 2")
    assert "not one of the 17 verbs" in v.arity_problem(("fly", "a"))
    assert v.arity_problem(("done",)) == ""
