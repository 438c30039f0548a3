"""The mini suites ask what their benchmarks ask, about homes that nobody trains on."""

from collections import Counter

import msgspec
import numpy as np
import pytest
from PIL import Image

from seestep.answers import score
from seestep.bench import BENCHES, get
from seestep.errors import DataError
from seestep.families import get as family_of
from seestep.families.prompt import answer_text, messages
from seestep.records import Choice, Item, Number
from seestep.run import read_rows
from seestep.world.homes import seed_range
from seestep.world.questions.draft import Draft
from seestep.world.questions.things import with_options
from seestep.world.suites import MINIS, MIXES, PLAN, SuitesConfig, build, written
from seestep.world.suites.items import answer_class, choose, more_of_skills
from seestep.world.views import ViewConfig

pytest.importorskip("mujoco_warp", reason="homes are drawn by mujoco-warp: pip install .[world]")

VIEWS = ViewConfig(close=2, wide=1, orbits=1, turns=1, tours=1)
CONFIG = SuitesConfig(
    per_suite=2, sizes={"mini-realworldqa": 5}, homes=3, shard_homes=2, views=VIEWS
)
FAMILY = family_of("qwen3_vl")


@pytest.fixture(scope="module")
def suites(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    folders = build(root / "suites", CONFIG, root=root)
    return root, {name: list(read_rows(folder, Item)) for name, folder in folders.items()}


def test_there_are_seventeen_and_one_of_plans(suites):
    assert set(suites[1]) == {*MINIS, PLAN} and len(MINIS) == 17
    sizes = {name: len(items) for name, items in suites[1].items()}
    assert sizes.pop("mini-realworldqa") == 5 and set(sizes.values()) == {2}


def test_skills_are_filled_up_beside_the_suites(tmp_path):
    config = SuitesConfig(
        per_suite=1, per_skill=2, skill_sizes={"relation": 6}, homes=2,
        suites=("mini-cv-bench", "mini-sat"), plans=False, views=VIEWS,
    )  # fmt: skip
    folders = build(tmp_path, config)
    items = [i for folder in folders.values() for i in read_rows(folder, Item)]
    skills = Counter(i.skill for i in items)
    assert skills.pop("relation") == 6
    assert len(skills) >= 3 and min(skills.values()) == 2
    assert len({i.id.split(":", 1)[1] for i in items}) == len(items)
    assert all(name.startswith(("mini-", "more-")) for name in folders)
    assert written(tmp_path, config) == folders
    plain = msgspec.structs.replace(config, per_skill=0, skill_sizes={})
    assert set(written(tmp_path, plain)) == set(config.wanted)


def test_sizes_are_of_suites_that_are_wanted():
    with pytest.raises(ValueError, match="sizes names mini-bling"):
        SuitesConfig(sizes={"mini-bling": 3})


def test_skill_sizes_are_of_skills_that_are_asked_for():
    with pytest.raises(ValueError, match=r"skill_sizes names counting.*: distance, free_space"):
        SuitesConfig(skill_sizes={"counting": 3}, suites=("mini-where2place", "mini-embspatial"))
    with pytest.raises(ValueError, match="a number below 1"):
        SuitesConfig(skill_sizes={"plan": 0})


def test_all_but_egoplan_have_a_mix():
    assert set(MIXES) == set(BENCHES) - {"egoplan"}


def test_every_item_has_the_form_and_scorer_of_its_benchmark(suites):
    for name in MINIS:
        bench = get(name)
        for item in suites[1][name]:
            ask = bench.ask(item.form.kind)
            assert (item.form, item.scorer, item.suite) == (ask.form, ask.scorer, name)
            low, high = bench.images
            assert low <= len(item.media) <= high


def test_homes_are_suite_homes_and_pictures_are_there(suites):
    root, by_suite = suites
    homes = {f"home:{seed}" for seed in seed_range("suite")}
    for item in (item for items in by_suite.values() for item in items):
        assert set(item.clusters) <= homes and item.split == "test"
        for media in item.media:
            with Image.open(root / media.path) as picture:
                assert picture.size == media.size


def test_the_gold_answer_scores_full_marks(suites):
    for item in (item for items in suites[1].values() for item in items):
        said = answer_text(item.answer, item, FAMILY)
        result = score(item, said, FAMILY)
        assert (result.value, result.parsed) == (1.0, True), (item.id, said, result)


def test_the_two_omnispatial_splits_share_no_home(suites):
    train, test = (
        {c for item in suites[1][f"mini-omnispatial-{split}"] for c in item.clusters}
        for split in ("train", "test")
    )
    assert train and test and not train & test


def test_vsi_shows_frames_and_asks_for_numbers(suites):
    items = suites[1]["mini-vsi-bench"]
    assert all(len(item.media) == 4 for item in items)
    text = messages(items[0], FAMILY)[0]["content"][4]["text"]
    assert text.startswith("These are frames of a video.\n")


def test_pointing_prompts_end_as_the_public_scorer_reads(suites):
    (item, *_) = suites[1]["mini-where2place"]
    assert answer_text(item.answer, item, FAMILY).startswith("Answer: [(0.")
    (item, *_) = suites[1]["mini-refspatial-location"]
    assert answer_text(item.answer, item, FAMILY).startswith("[(0.")


def test_too_few_homes_are_named(tmp_path):
    config = SuitesConfig(per_suite=400, homes=1, suites=("mini-sat",), plans=False, views=VIEWS)
    with pytest.raises(DataError, match="mini-sat"):
        build(tmp_path, config)


def test_an_unknown_suite_is_refused():
    with pytest.raises(ValueError, match="mini-satt"):
        SuitesConfig(suites=("mini-satt",))


def test_a_count_becomes_four_neighbouring_numbers():
    places = Counter()
    for seed in range(200):
        draft = Draft("count", "count", "k", ("How many?",), Number(value=seed % 5))
        answer = with_options(draft, np.random.default_rng(seed)).answer
        assert isinstance(answer, Choice)
        assert answer.options[answer.index] == str(seed % 5)
        numbers = sorted(map(int, answer.options))
        assert numbers == list(range(numbers[0], numbers[0] + 4)) and numbers[0] >= 0
        places[answer.index] += 1
    assert min(places.values()) > 30


def item(number, family, letter, home, options=("w", "x", "y", "z")):
    return Item(
        id=f"s:{number}", source="home", task="t", media=(), turns=(), suite="s",
        answer=Choice(options=options, index="ABCD".index(letter)), scorer="choice", skill="k",
        clusters=(home,), tags=(family,),
    )  # fmt: skip


def test_a_skill_is_filled_up_with_questions_that_no_suite_asks():
    def of(suite, number, skill, scorer="choice"):
        made = item(number, "f", "A", f"home:{number}")
        return msgspec.structs.replace(
            made, id=f"{suite}:q{number}", suite=suite, skill=skill, scorer=scorer
        )

    pools = {
        "mini-a": [of("mini-a", n, "count") for n in range(6)],
        "mini-b": [*(of("mini-b", n, "count") for n in range(4, 8)), of("mini-b", 9, "exists")],
        "mini-plan": [of("mini-plan", n, "planning", "plan") for n in range(3)],
    }
    chosen = {name: items[:1] for name, items in pools.items()}  # a's q0, b's q4, a plan
    made = more_of_skills(pools, chosen, lambda skill: 4, seed=0)
    assert {name: (len(items), lack) for name, (items, lack) in made.items()} == {
        "more-count": (2, 2), "more-exists": (1, 4), "more-plan": (2, 3)
    }  # fmt: skip
    items = [i for found, _ in made.values() for i in found]
    assert {i.id.split(":")[0] for i in items} == {i.suite for i in items} == set(made)
    assert not {"more-count:q0", "more-count:q4"} & {i.id for i in items}


def test_choosing_spreads_families_answers_and_homes():
    pool = [
        item(f"{f}{a}{h}", f, a, h)
        for f, count in (("common", 6), ("rare", 1))
        for a in "ABCD"
        for h in [f"h{i}" for i in range(count)]
    ]
    chosen = choose(pool, 8, 0)
    assert Counter(i.tags[0] for i in chosen) == {"common": 4, "rare": 4}
    assert max(Counter(i.clusters for i in chosen if i.tags[0] == "common").values()) == 1
    assert choose(list(pool), 8, 0) == chosen


def test_choosing_evens_out_answers():
    pool = [item(f"{a}{n}", "f", a, f"h{n}") for a, most in zip("ABCD", (9, 2, 3, 2), strict=True)
            for n in range(most)]  # fmt: skip
    chosen = choose(pool, 8, 0)
    assert Counter(answer_class(i.answer) for i in chosen) == dict.fromkeys("ABCD", 2)


def test_the_number_of_options_does_not_tell_the_letter():
    pool = [item(f"2{a}{n}", "f", a, f"h{n}", ("w", "x")) for n in range(60) for a in "AB"]
    pool += [
        item(f"3{a}{n}", "f", a, f"h{n + 60}", ("w", "x", "y")) for n in range(8) for a in "ABC"
    ]
    chosen = choose(pool, 72, 0)
    given = Counter((len(i.answer.options), i.answer.letter) for i in chosen)
    of_three = [given[3, letter] for letter in "ABC"]
    assert 6 <= sum(of_three) <= 18 and max(of_three) - min(of_three) <= 1  # 12 by their share
    assert abs(given[2, "A"] - given[2, "B"]) <= 1


@pytest.mark.parametrize("seed", range(4))
def test_the_next_item_is_the_least_asked_as_written_down(seed):
    rng = np.random.default_rng(seed)
    pool = [
        item(f"i{n}", f"f{rng.integers(3)}", "ABC"[rng.integers(3)], f"h{rng.integers(6)}",
             ("w", "x", "y", "z")[: rng.integers(3, 5)])
        for n in range(60)
    ]  # fmt: skip
    left, had = [pool[i] for i in np.random.default_rng(seed).permutation(60)], []

    def rank(one):
        options = len(one.answer.options)
        times = Counter(i.answer.letter for i in had if len(i.answer.options) == options)
        return (
            sum(i.tags == one.tags for i in had),
            times[one.answer.letter] - min(times[letter] for letter in "ABCD"[:options]),
            sum(i.clusters == one.clusters for i in had),
        )

    while len(had) < 40:
        had.append(min(left, key=rank))
        left.remove(had[-1])
    assert choose(pool, 40, seed) == sorted(had, key=lambda i: i.id)
