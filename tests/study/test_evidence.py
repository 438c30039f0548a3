"""Seeds pooled, groups judged, plans counted: every number against a sum done by hand."""

import pytest

from seestep import families
from seestep.errors import DataError
from seestep.records import (
    Form,
    Geometry,
    Item,
    Media,
    MediaRef,
    Points,
    Prediction,
    Score,
    Turn,
)
from seestep.study.evidence import (
    Facts,
    Rules,
    by_seed,
    compared,
    deviation,
    facts,
    plan_row,
    pooled,
    pooled_table,
    verdict,
)
from seestep.study.public import PUBLIC, public_id, public_scores

FAMILY = families.get("qwen3_vl")
RULES = Rules(bound=0.05, least_items=4, least_homes=2)


def scored(item: int, value: float, *, skill: str = "count", parsed: bool = True) -> Score:
    return Score(
        item=f"i{item}", suite="mini-a", skill=skill, value=value, parsed=parsed, rule="r",
        clusters=(f"home:{item // 2}",),
    )  # fmt: skip


def run(*values: float, skill: str = "count") -> list[Score]:
    return [scored(i, v, skill=skill) for i, v in enumerate(values)]


def test_pooling_is_the_mean_of_every_item_over_the_seeds() -> None:
    made = pooled([run(1, 0, 1), run(1, 1, 0), run(1, 0, 0)])
    assert [s.value for s in made] == pytest.approx([1, 1 / 3, 1 / 3])
    assert pooled([run(1, 0)]) == run(1, 0)


def test_seeds_that_were_asked_other_items_are_refused() -> None:
    with pytest.raises(DataError, match="not asked the same items"):
        pooled([run(1, 0), run(1)])


def test_a_pooled_table_counts_the_answers_of_all_seeds_as_read_or_not() -> None:
    second = [scored(0, 1.0), scored(1, 0.0, parsed=False)]
    made = pooled_table(
        {"base": [run(0, 0)], "m": [run(1, 0), second]}, by="skill", baseline="base"
    )
    cell = made.cells["m"]["count"]
    assert cell.parse_rate == 3 / 4
    assert cell.score_if_parsed == pytest.approx((1 + 0 + 1) / 3)
    assert (cell.score, cell.change) == (0.5, 0.5)


def test_every_seed_has_its_own_change() -> None:
    changes = by_seed(run(0, 0, 1, 1), [run(1, 1, 1, 1), run(0, 0, 1, 0)], by="skill")
    assert changes == {"count": (0.5, -0.25)}
    assert deviation(changes["count"]) == pytest.approx(0.75 / 2**0.5)
    assert deviation((0.5,)) is None


def item(answer: object, **more: object) -> Item:
    media = Media(key="im", path="im.png", root="t", width=10, height=10)
    box = Geometry(key="g", kind="box", media="im", frame="pixel", values=(0.0, 0.0, 5.0, 4.0))
    return Item(
        id="q", source="t", task="x", media=(media,), geometry=(box,), suite="mini-a",
        turns=(Turn(role="user", parts=(MediaRef(media="im"),)),), answer=answer,
        skill="pointing", **{"scorer": "choice", **more},
    )  # type: ignore[arg-type]  # fmt: skip


def test_a_base_that_guesses_is_no_test_of_forgetting() -> None:
    n = 40
    base = run(*([1.0, 0.0] * (n // 2)))  # one half, in every home
    wrong = run(*([0.0] * n))
    half = {f"i{i}": 0.5 for i in range(n)}
    found = facts(base, wrong, half, RULES)["count"]
    assert (found.items, found.homes, found.chance, found.base) == (n, n // 2, 0.5, 0.5)
    assert found.at_chance and not found.small
    quarter = dict.fromkeys(half, 0.25)
    assert not facts(base, wrong, quarter, RULES)["count"].at_chance


def test_a_base_that_does_as_well_on_wrong_pictures_is_no_test_either() -> None:
    base = run(*([1.0, 0.0] * 20))
    found = facts(base, base, dict.fromkeys([f"i{i}" for i in range(40)], 0.1), RULES)["count"]
    assert found.at_chance and found.wrong_image == 0.5


def test_where_chance_is_unknown_wrong_pictures_stand_for_it() -> None:
    found = facts(run(1, 1, 1, 1), run(0, 1, 0, 0), {}, RULES)["count"]
    assert found.chance == 0.25
    assert facts(run(1, 1, 1), run(0, 1, 0), {}, RULES)["count"].small  # 3 items, 4 wanted


def changes(before: list[float], after: list[float]) -> str:
    made = pooled_table({"base": [run(*before)], "m": [run(*after)]}, by="skill", baseline="base")
    known = Facts(items=9, homes=9, chance=0.1, base=0.9, wrong_image=0.1, above=0.5, small=False)
    return verdict(made.cells["m"]["count"], known, RULES)


def test_a_verdict_asks_for_the_interval_and_for_the_test() -> None:
    n = 400
    assert changes([1.0] * n, [1.0] * n) == "kept"
    assert changes([0.0] * n, [1.0] * n) == "gained"
    assert changes([1.0] * n, [0.0] * 100 + [1.0] * 300) == "fell"
    assert changes([1.0] * 8, [0.0] + [1.0] * 7) == "unclear"  # too few to say
    assert changes([1.0] * n, [0.0] * 6 + [1.0] * 394) == "kept"  # -1.5, surely above -5


def test_a_fall_from_chance_is_no_fall() -> None:
    made = pooled_table({"base": [run(*[1.0] * 99)], "m": [run(*[0.0] * 99)]}, by="skill",
                        baseline="base")  # fmt: skip
    low = Facts(items=9, homes=9, chance=0.5, base=0.5, wrong_image=0.5, above=-0.1, small=False)
    assert verdict(made.cells["m"]["count"], low, RULES) == "no test"


def test_a_rise_to_chance_is_no_gain() -> None:
    half = run(*[1.0, 0.0] * 60)
    made = pooled_table({"base": [run(*[0.0] * 120)], "m": [half]}, by="skill", baseline="base")
    cell = made.cells["m"]["count"]
    assert cell.verdict == "better" and cell.low < 0.5
    unread = Facts(items=9, homes=9, chance=0.5, base=0, wrong_image=0, above=-0.5, small=False)
    assert verdict(cell, unread, RULES) == "no test"  # its answers can be read now: no more
    blind = Facts(items=9, homes=9, chance=0.0, base=0, wrong_image=0.5, above=-0.5, small=False)
    assert verdict(cell, blind, RULES) == "no test"
    low = Facts(items=9, homes=9, chance=0.1, base=0, wrong_image=0.1, above=-0.1, small=False)
    assert verdict(cell, low, RULES) == "gained"


def test_plan_rates_are_means_over_seeds_and_changes_pair_the_seeds() -> None:
    right, wrong = [run(1, 1, 0, 0), run(1, 1, 1, 0)], [run(0, 1, 0, 0), run(0, 0, 0, 0)]
    row = plan_row("m", right, wrong)
    assert (row.goal.mean, row.wrong_image.mean) == (5 / 8, 1 / 8)
    assert row.seeds == (0.25, 0.75) and row.needs_picture.mean == 0.5
    same = compared("m", right, "other", [run(0, 0, 0, 0), run(1, 1, 1, 0)])
    assert same.seeds == (0.5, 0.0) and same.change == 0.25
    against_base = compared("m", right, "base", [run(0, 0, 0, 1)])
    assert against_base.seeds == (0.25, 0.5) and against_base.change == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("<think></think><answer>Answer: [(0.2, 0.2)]</answer>", 1.0),
        ("[(0.2, 0.2), (0.9, 0.9)]", 0.5),
        ('{"answer": [[0.2, 0.2]]}', 0.0),  # the right place in the wrong brackets
        ("[(200, 200)]", 0.0),  # the right place in the wrong frame
    ],
)
def test_the_public_reader_takes_round_brackets_and_fractions_only(raw: str, value: float) -> None:
    asked = item(
        Points(geometry="g", region="g"), scorer="points_in_mask",
        form=Form(kind="point", frame="unit", notation="tuples"),
    )  # fmt: skip
    said = Prediction(item="q", prompt_sha256="0" * 64, raw=raw)
    (made,) = public_scores({"q": asked}, [said], FAMILY)
    assert (made.value, made.skill, made.item) == (value, PUBLIC, public_id("q"))
