"""Homes that a benchmark shows are left alone, and the ledger says so."""

import json

import pytest

from seestep.cli import main
from seestep.errors import DataError
from seestep.records import Record
from seestep.run import read_rows, read_verdicts
from seestep.world import homes, play
from seestep.world.blocked import CHECK, leave_out, read_blocked
from seestep.world.episodes import EpisodesConfig
from seestep.world.homes import HomesConfig, seed_range
from seestep.world.views import ViewConfig

VIEWS = ViewConfig(size=64, close=1, wide=1, orbits=0, turns=0)
FIRST = seed_range("val")[0]


def test_the_list_of_an_audit_is_read(tmp_path):
    file = tmp_path / "blocked.json"
    file.write_text(json.dumps({"home": {"4000007": ["a"], "12": ["a", "b"]}, "thor": {"x": []}}))
    assert read_blocked(file) == (12, 4000007)
    file.write_text("{}")
    assert read_blocked(file) == ()


@pytest.mark.parametrize("text", ["", "[1]", '{"home": {"kitchen": ["a"]}}', '{"home": ["4"]}'])
def test_what_is_no_such_list_is_an_error(tmp_path, text):
    file = tmp_path / "blocked.json"
    file.write_text(text)
    with pytest.raises(DataError, match="blocked scenes"):
        read_blocked(file)
    with pytest.raises(DataError, match="cannot be read"):
        read_blocked(tmp_path / "none.json")


def test_each_home_left_out_has_a_verdict():
    seeds, verdicts = leave_out(range(5, 9), (7, 99))
    assert seeds == [5, 6, 8]
    assert [(v.id, v.check, v.keep) for v in verdicts] == [("home:7", CHECK, False)]


def test_no_question_is_asked_in_a_blocked_home(tmp_path):
    pytest.importorskip("mujoco_warp")
    config = HomesConfig(homes=2, purpose="val", shard_homes=2, views=VIEWS, blocked=(FIRST,))
    manifest = homes.build(tmp_path, config)
    assert manifest.drops[f"{CHECK}:a benchmark shows this home"] == 1
    seen = {c for r in read_rows(tmp_path, Record) for c in r.clusters if c.startswith("home:")}
    assert seen == {f"home:{FIRST + 1}"}
    assert any(v.id == f"home:{FIRST}" for v in read_verdicts(tmp_path))


def test_nothing_is_played_in_a_blocked_home(tmp_path):
    pytest.importorskip("mujoco_warp")
    made = play.build(
        tmp_path,
        play.PlayConfig(homes=1, purpose="val", blocked=(FIRST,), episodes=EpisodesConfig(tasks=1)),
    )
    assert made.manifest.counts == {"in": 1, "out": 0, "dropped": 1}
    assert made.pairs_manifest.counts["out"] == 0


@pytest.mark.slow
def test_a_recipe_names_the_list_and_the_run_obeys(tmp_path):
    pytest.importorskip("mujoco_warp")
    pytest.importorskip("torch")
    file = tmp_path / "blocked.json"
    file.write_text(json.dumps({"home": {str(seed_range("train")[1]): ["some-benchmark"]}}))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: small\nmodel: embedded\nworkers: 1\nworld:\n  blocked: {file}\n"
        "  homes: {homes: 2, views: {size: 64, close: 1, wide: 1, orbits: 0, turns: 0}}\n"
    )
    assert main(["run", str(recipe), "--out", str(tmp_path / "run"), "--json"]) == 0
    made = list(read_rows(tmp_path / "run" / "world" / "homes", Record))
    assert made and {r.clusters[0] for r in made} == {f"home:{seed_range('train')[0]}"}
