"""The evidence report on scores made up by hand: what its tables and sentences must say."""

from pathlib import Path

import msgspec
import pytest

from seestep.records import Score
from seestep.report.evidence import sections, short, write
from seestep.report.grid import Grid, Section, Value, Words, html, markdown
from seestep.study.evidence import Rules
from seestep.study.results import Arm, Asked, Results, Suites, arm_parts, stage_parts

N = 240
RULES = Rules(bound=0.05, least_items=200, least_homes=100)
SUITES = Suites(frozenset(("mini-a", "mini-b")), frozenset(("mini-plan",)))


def answers(suite: str, skill: str, right: int, *, total: int = N) -> list[Score]:
    """``total`` items of ``total / 2`` homes, the first ``right`` of them right."""
    return [
        Score(
            item=f"{suite}:{i}", suite=suite, skill=skill, value=float(i < right), parsed=True,
            rule="r", clusters=(f"home:{i // 2}",),
        )
        for i in range(total)
    ]  # fmt: skip


def model(count: int, pointing: int, plans: int, *, few: int = 10) -> list[Score]:
    return [
        *answers("mini-a", "count", count),
        *answers("mini-b", "pointing", pointing),
        *answers("mini-plan", "planning", plans, total=200),
        *answers("more-metric", "metric", few, total=20),
    ]


@pytest.fixture(scope="module")
def results() -> Results:
    base = model(216, 192, 0)
    wrong = model(48, 0, 0, few=0)
    blind = answers("mini-plan", "planning", 20, total=200)
    nothing = answers("mini-plan", "planning", 0, total=200)
    guess = {s.item: 0.25 for s in base}
    stages = {
        "align": Asked(seen=[model(216, 192, 10), model(216, 192, 10)], blind=[nothing] * 2),
        "fuse": Asked(seen=[model(216, 192, 120), model(214, 192, 160)], blind=[blind] * 2),
    }
    parts = stage_parts(Asked(seen=[base], blind=[nothing]), wrong, stages, guess, RULES,
                        suites=SUITES)  # fmt: skip
    arms = {"no-replay": [model(0, 96, 150)], "linear": [model(216, 192, 110)]}
    told = arm_parts([base], [stages["fuse"].seen[0]], arms, parts["facts"], RULES, suites=SUITES)
    mean = told["arm_suite"].mean
    return Results(
        title="T", about="A | B", made={"base": "embedded"}, rules=RULES, seeds=(0, 1),
        stages=("align", "fuse"), until="fuse", **parts, **told,
        arms=(
            Arm(name="no-replay", part="controls", about="why", causes=("no replay",), seeds=(0,),
                steps={"fuse": 9}),
            Arm(name="linear", part="ablations", about="", causes=("optim.schedule",), seeds=(0,),
                steps={"fuse": 9}),
        ),
        settings=(
            {"run": "reference", "optim.schedule": "cosine", "mean": mean["reference"].score},
            {"run": "linear", "optim.schedule": "linear", "mean": mean["linear"].score},
        ),
    )  # fmt: skip


def section(results: Results, heading: str) -> str:
    (found,) = (s for s in sections(results) if s.heading.startswith(heading))
    return markdown("", "", [found])


def rows(text: str) -> dict[str, list[str]]:
    lines = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {name: cells for name, *cells in lines}


def test_a_plan_row_has_goal_control_and_what_needs_the_picture(results: Results) -> None:
    made = rows(section(results, "Planning"))
    fuse = made["fuse (200 plans, 100 homes)"]
    # goal (120 + 160) / 400; wrong pictures 20 / 200; needed (100 + 140) / 400
    assert [cell.split()[0] for cell in fuse[:3]] == ["70.0", "10.0", "60.0"]
    assert fuse[3] == "50.0, 70.0"
    against = made["fuse against base"]
    assert against[0].startswith("+60.0 (") and against[2] == "+50.0, +70.0"
    assert against[3] == "14.1"  # of 0.5 and 0.7: 0.2 / sqrt(2)


def test_groups_are_kept_too_small_or_plans(results: Results) -> None:
    made = rows(section(results, "Skill groups"))
    count = made["count (240 items, 120 homes)"]
    assert count[0] == "25.0" and count[1].startswith("90.0 (") and count[2] == "20.0"
    assert count[4].startswith("89.6, = -0.4 (")  # two of 480 answers fewer
    assert count[-1] == "none"
    assert made["metric (20 items, 10 homes)"][-1].startswith("n too small")
    plans = made["plans (200 items, 100 homes)"]
    assert plans[4].startswith("70.0, ▲ +70.0") and "no test" in plans[-1]


def test_suites_leave_out_what_mirrors_none(results: Results) -> None:
    made = rows(section(results, "Suites"))
    assert set(made) == {"suite", "---", "mini-a (240 items)", "mini-b (240 items)", "mean (of 2)"}
    assert made["mean (of 2)"][0].startswith("85.0 (")  # of 90 and 80


def test_a_wrong_recipe_is_flagged_and_a_harmless_change_is_not(results: Results) -> None:
    told = "\n".join(short(results))
    assert (
        "The reference at fuse, seed 0, held to the same rule as the control arms: not fl" in told
    )
    assert (
        "Control arm no-replay (no replay): FLAGGED: count, pointing fell; worse than the "
        "reference: count, pointing." in told
    )
    assert "Too few items to judge by (fewer than 200 items of 100 homes): metric." in told
    assert results.arm_verdicts["linear"]["count"] == "kept"
    made = section(results, "Control arms")
    assert "FLAGGED (count, pointing) | count, pointing |" in made
    assert "| reference | nothing |" in made and "| not flagged |  |" in made
    assert "▼ -90.0 (" in made and "▼ -40.0 (" in made


def test_what_is_kept_and_what_is_not_stand_in_short_with_their_numbers(results: Results) -> None:
    told = "\n".join(short(results))
    cells = results.skill.cells["fuse"]
    lows = {g: cells[g].change_low or 0.0 for g in ("count", "pointing")}
    least_sure = min(lows, key=lambda g: lows[g])
    least = (
        f"Kept (the lowest bound is {100 * lows[least_sure]:+.1f} points, of {least_sure}), "
        "fuse against base: "
    )
    assert least + "count, pointing." in told
    assert "NOT shown to be kept" not in told
    # plans rose from nothing: how far that is above chance is told with it
    assert "Abilities that rose, fuse against base: plans +70.0 (" in told
    assert " from 0.0 to 70.0, where chance is 25.0." in told
    worse = {"fuse": results.verdicts["fuse"] | {"count": "fell"}}
    told = "\n".join(short(msgspec.structs.replace(results, verdicts=results.verdicts | worse)))
    assert "NOT shown to be kept, fuse against base: count -0.4 (-" in told
    assert "of pointing), fuse against base: pointing." in told


def test_answers_that_become_readable_are_no_ability_and_carry_no_mean() -> None:
    unread = [
        msgspec.structs.replace(s, value=float(i < 25), parsed=i < 100)
        for i, s in enumerate(answers("mini-c", "planning", 0))
    ]
    base = [*answers("mini-a", "count", 216), *unread]
    after = [*answers("mini-a", "count", 204), *answers("mini-c", "planning", 64)]
    wrong = [*answers("mini-a", "count", 48), *unread]
    plans = answers("mini-plan", "planning", 0, total=4)
    asked = {"fuse": Asked(seen=[[*after, *plans]], blind=[plans])}
    parts = stage_parts(
        Asked(seen=[[*base, *plans]], blind=[plans]), [*wrong, *plans], asked,
        {s.item: 0.25 for s in base}, RULES,
        suites=Suites(frozenset(("mini-a", "mini-c")), frozenset(("mini-plan",))),
    )  # fmt: skip
    results = Results(title="T", about="", made={}, rules=RULES, seeds=(0,), stages=("fuse",),
                      until="fuse", **parts)  # fmt: skip
    assert parts["verdicts"]["fuse"]["planning"] == "no test"
    assert parts["untested"] == ("mini-c",)
    assert parts["suite"].mean["fuse"].change > 0.05
    assert parts["tested_mean"]["fuse"].change == pytest.approx(-0.05)
    told = " ".join(short(results))
    assert "Abilities that rose" not in told
    assert "from 10.4 to 26.7, where chance is 25.0, of base's answers read 42 %" in told
    assert "Mean over the 1 suites in which base is above chance: base 90.0, fuse 85.0" in told
    made = rows(section(results, "Suites"))
    assert made["mini-c (240 items)"][0].endswith(", read 42 %)")
    assert made["mean (of the 1 in which base is above chance)"][0].startswith("90.0 (")


def test_the_settings_table_has_the_mean_of_the_suites(results: Results) -> None:
    made = rows(section(results, "Ablations"))
    assert made["linear"][0] == "linear" and made["linear"][1].startswith("85.0 (")
    assert made["reference"][2] == "reference"


def test_json_markdown_and_page_are_written_and_the_same_twice(
    results: Results, tmp_path: Path
) -> None:
    page = write(results, tmp_path)
    first = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    assert set(first) == {"index.html", "results.json", "results.md"}
    assert "Skill groups" in page.read_text(encoding="utf-8")
    write(results, tmp_path)
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == first


def test_words_of_a_table_cannot_break_out_of_it() -> None:
    grid = Grid(["a|b", "c"], [[Value("x|y"), Value("<b>", "|")]])
    made = [Section("<h>", [grid, Words(["<i>"])])]
    text, page = markdown("t", "", made), html(made)
    assert "| x\\|y | <b> (\\|) |" in text and "| a\\|b | c |" in text
    wide = Grid(["a", "b"], [[Value("x"), Value("long words " * 4, kind="down")]])
    assert '<td class="down wrap">' in html([Section("h", [wide])])
    assert "<b>" not in page and "<i>" not in page and "&lt;b&gt;" in page
