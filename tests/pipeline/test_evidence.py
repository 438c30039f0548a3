"""recipes/evidence.yaml: its jobs, and all of it in small on a random model."""

import json
from pathlib import Path

import msgspec
import pytest

from seestep import recipe as recipes
from seestep.errors import RecipeError
from seestep.models import load as models
from seestep.models.tiny import build as tiny
from seestep.pipeline.arms import scores_of
from seestep.pipeline.config import Pipeline
from seestep.pipeline.evidence import Evidence, jobs, preview, remaining, run_evidence
from seestep.pipeline.gathering import commits
from seestep.records import Item, Record
from seestep.run import read_rows
from seestep.study.results import Results

RECIPES = Path(__file__).parents[2] / "recipes"
FULL = RECIPES / "evidence.yaml"


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return recipes.load(FULL, (), Evidence)


def test_its_stages_are_those_of_the_quickstart(evidence: Evidence) -> None:
    quickstart = recipes.load(RECIPES / "quickstart.yaml", (), Pipeline)
    assert evidence.stages == quickstart.stages
    assert (evidence.world.homes, evidence.world.episodes, evidence.curate, evidence.thought) == (
        quickstart.world.homes, quickstart.world.episodes, quickstart.curate, quickstart.thought
    )  # fmt: skip


def test_its_ablations_are_those_of_the_quick_ablation(evidence: Evidence) -> None:
    quick = recipes.read(RECIPES / "ablations" / "quick.yaml")
    mine = recipes.read(FULL)["evidence"]
    assert mine["ablations"] == quick["settings"] and mine["compare"] == quick["compare"]


def test_the_original_has_every_single_cause_and_each_stands_alone_too(evidence: Evidence) -> None:
    whole, loose, frame, *single = evidence.evidence.controls
    assert (loose.name, frame.name) == ("nothing-holds", "wrong-frame")
    assert sorted(loose.causes) == ["anchor", "keep"]  # what the frame alone costs can be told
    assert sorted(frame.causes) == ["anchor", "keep", "sabotage pixel"]
    causes = [cause for setting in single for cause in setting.causes]
    loosened = [s.name for s in single if len(s.causes) > 1]  # a frozen tower has no rate
    assert loosened == ["vision-full-rate"] and len(causes) == len(single) + 1
    assert sorted(whole.causes) == sorted(set(causes) - {"sabotage pixel"})


def test_what_skills_lack_in_the_suites_is_counted_before_it_is_made(
    evidence: Evidence, tmp_path: Path
) -> None:
    suites = evidence.world.suites
    assert suites is not None
    assert len(suites.skills) == 12 and set(suites.skill_sizes) <= suites.skills
    # more than 17 suites of 100 and 200 plans; three skills have no number of their own
    whole = 3 * 600 + 1100 + 900 + 800 + 800 + 1500 + 300 + 350 + 2 * 300
    assert preview(evidence, tmp_path)[0].startswith(f"about {whole:,} items in 19 suites")


def test_recipes_are_chosen_by_as_many_questions_of_other_homes(evidence: Evidence) -> None:
    choose = recipes.load(RECIPES / "choose.yaml", (), Evidence).world.suites
    asked = evidence.world.suites
    assert asked is not None and choose == msgspec.structs.replace(asked, purpose="val")


def test_jobs_are_base_seeds_and_arms_that_stop_at_the_same_stage(evidence: Evidence) -> None:
    made = jobs(evidence)
    assert [(j.name, j.seed) for j in made[:4]] == [
        ("base", 0), ("reference", 0), ("reference", 1), ("reference", 2)
    ]  # fmt: skip
    for job in made[1:4]:
        assert {s.config.seed for s in job.config.stages} == {job.seed}
        assert job.only == ("align", "inject", "fuse", "dpo")
    for job in made[4:]:
        assert job.only == ("fuse",) and job.config.stages[-1].name == "fuse"
    spoilt = next(j for j in made if j.name == "json-everywhere").config
    read = {f for s in spoilt.stages for p in (s.records, s.replay) if p for f in p.folders}
    assert read == {"sabotage/json/curated", "sabotage/json/thoughts"}
    alone = next(j for j in made if j.name == "no-replay").config.stages[-1]
    assert alone.replay is None and alone.sft is not None and alone.sft.anchor is None
    held = next(j for j in made if j.name == "no-keep").config.stages
    assert [s.sft.anchor is not None for s in held if s.sft] == [False, True, True]


def test_an_edited_tree_and_an_unknown_commit_are_told(evidence: Evidence, tmp_path: Path) -> None:
    head = "0123456789abcdef" * 2 + "01234567"
    told = (head, head + "+changes", None)
    made = jobs(evidence)[:3]
    for job, git in zip(made, told, strict=True):
        folder = job.work(tmp_path) / "evals" / "m" / "predictions"
        folder.mkdir(parents=True)
        (folder / "run.log.json").write_bytes(msgspec.json.encode({"git": git, "workers": 1}))
    assert commits(made, tmp_path) == (
        "0123456789ab: base 0; 0123456789ab with changes: reference 0; "
        "commit not known: reference 1"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("evidence.until=dpo", "pairs are never spoilt"),
        ("evidence.until=polish", "must be a stage"),
        ("evidence.arm_seeds=[7]", "some of evidence.seeds"),
        ("world.suites={plans: false}", "with plans"),
        ("evaluate.control=no_image", "control none"),
        ("evidence.expected.items_per_second=0", "more than 0 items a second"),
        ("evidence.expected.stages.align=-1", "no negative seconds"),
    ],
)
def test_impossible_evidence_is_refused(change: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        recipes.load(FULL, [change], Evidence)


def test_what_is_left_is_guessed_by_how_wrong_the_guesses_were() -> None:
    # guessed 100 s, took 150 s: 200 guessed seconds take 300, two at once 150
    assert remaining(200.0, 100.0, 150.0, 2) == 150.0
    assert remaining(0.0, 300.0, 450.0, 2) == 0.0


def test_a_dry_run_of_some_parts_lists_those_and_base(evidence: Evidence, tmp_path: Path) -> None:
    head, data, *told, left = preview(evidence, tmp_path, only=["seeds"])
    assert [line.split(":")[0] for line in told] == ["seeds"] * 4 and "base" in told[0]
    everything = preview(evidence, tmp_path)
    assert (head, data) == tuple(everything[:2]) and len(everything) > len(told) + 3
    assert left != everything[-1]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    root = tmp_path_factory.mktemp("toy")
    models.save(tiny.build("qwen3_vl", shape=tiny.SMALL), root / "model")
    steps = [
        f"stages.{i}.{kind}.{value}"
        for i, kind in enumerate(("sft", "sft", "sft", "dpo"))
        for value in ("max_steps=2", "optim.warmup_steps=1", "batch={effective: 2, micro: 2}")
    ]
    return recipes.load(
        FULL,
        [
            f"model={root / 'model'}", "workers=1", "threads=1", *steps,
            "world.homes={homes: 2, views: {close: 3, wide: 1, orbits: 0, turns: 0}}",
            "world.episodes={homes: 1, episodes: {tasks: 2}}",
            "world.suites={per_suite: 2, per_skill: 3, homes: 3, shard_homes: 3,"
            " views: {close: 2, wide: 1, orbits: 1, turns: 1, tours: 1}}",
            "evaluate.max_new_tokens=2",
            "evidence.seeds=[0, 1]", "evidence.side_by_side=2",
            "evidence.controls=[{name: wrong, together: true, drop: [replay], sabotage: [json]}]",
            "evidence.ablations=[{name: trained, change: {freeze: []}}]",
            "evidence.rules={least_items: 2, least_homes: 1}",
        ],
        Evidence,
    )  # fmt: skip


@pytest.mark.slow
def test_the_parts_come_one_by_one_and_the_report_tells_of_what_is_done(
    toy: Evidence, tmp_path: Path
) -> None:
    said: list[str] = []
    out, docs = tmp_path / "run", tmp_path / "docs"
    docs.mkdir()
    run_evidence(toy, out, only=["seeds"], mode="none", say=said.append)
    # data count their own steps alone, then every job done says what is left
    assert next(line for line in said if "Building homes" in line).startswith("[2 of 6")
    (start,) = (line for line in said if " jobs, 2 at once, about " in line)
    assert start.startswith("--- 3 jobs")
    ends = [line for line in said if " of 3 done: " in line]
    assert [line.endswith(" left") for line in ends] == [True, True, False]
    results = msgspec.json.decode((out / "report/results.json").read_bytes(), type=Results)
    assert results.seeds == (0, 1) and results.arm_skill is None
    assert results.missing == ("wrong, seed 0", "trained, seed 0")
    assert results.skill.models[:2] == ("base", "base, wrong pictures")
    assert all(len(row.seeds) == (1 if row.model == "base" else 2) for row in results.plans)
    assert [c.against for c in results.plan_changes] == ["base", "align", "inject", "fuse"]
    text = (out / "report/results.md").read_text(encoding="utf-8")
    assert "NOT RUN YET: wrong, seed 0; trained, seed 0" in text
    assert "Control arms" not in text and str(tmp_path) not in text.replace(toy.model, "")

    everything = {i.id for f in (out / "world/suites").glob("m*-*") for i in read_rows(f, Item)}
    for work in (out / "arms/base/seed-0", out / "arms/reference/seed-1"):
        asked = {s.item for s in scores_of(work, "base" if "base" in str(work) else "dpo")}
        assert asked == everything and any(i.startswith("more-") for i in asked)

    weights = {f: f.stat().st_mtime_ns for f in out.glob("arms/**/model.safetensors")}
    run_evidence(toy, out, publish=docs, mode="none", say=said.append)
    assert {f: f.stat().st_mtime_ns for f in weights} == weights
    whole = msgspec.json.decode((docs / "results.json").read_bytes(), type=Results)
    assert whole.missing == () and [a.name for a in whole.arms] == ["wrong", "trained"]
    assert whole.arm_suite is not None
    assert whole.arm_suite.models == ("base", "reference", "wrong", "trained")
    assert [row["run"] for row in whole.settings] == ["reference", "trained"]
    assert whole.plans == results.plans
    assert all(job in whole.made["seestep"] for job in ("base 0", "reference 1", "trained 0"))
    page = (out / "report/index.html").read_text(encoding="utf-8")
    for word in ("Control arms", "Ablations", "trained", "sabotage json", "no replay"):
        assert word in page
    spoilt = list(read_rows(out / "sabotage/json/curated", Record))
    assert any("sabotage:json" in r.tags for r in spoilt)
    trained = json.loads((out / "arms/wrong/seed-0/train/fuse/plan.json").read_bytes())
    assert trained["steps"] == 2
    lines = preview(toy, out)
    assert lines[-1] == "left to do: about 0.0 minutes"
    assert sum(": done in" in line for line in lines) == 5

    before = (docs / "results.json").read_bytes()
    run_evidence(toy, out, only=["controls"], mode="none", say=said.append)
    assert (out / "report/results.json").read_bytes() == before
