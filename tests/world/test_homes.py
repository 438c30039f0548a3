"""Real homes, rendered small: records agree with the pictures, runs repeat byte for byte."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from seestep.geometry.frames import same_size
from seestep.geometry.masks import contains
from seestep.records import Box, Choice, Points, Record, YesNo
from seestep.run import read_manifest, read_rows, read_verdicts
from seestep.world.homes import (
    PURPOSES,
    HomesConfig,
    build,
    look_around,
    scenes,
    seed_range,
)
from seestep.world.questions import AskConfig
from seestep.world.scene import SceneConfig, free_surface
from seestep.world.views import ViewConfig

pytest.importorskip("mujoco_warp", reason="homes are drawn by mujoco-warp: pip install .[world]")

VIEWS = ViewConfig(size=64, close=2, wide=1, orbits=0, turns=1)
CONFIG = HomesConfig(homes=2, purpose="val", shard_homes=1, views=VIEWS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    build(root / "homes", CONFIG, root=root)
    return root / "homes"


@pytest.fixture(scope="module")
def records(folder):
    return list(read_rows(folder, Record))


def test_no_seed_serves_two_purposes():
    ranges = [seed_range(p) for p in PURPOSES]
    assert all(len(r) == 1_000_000 for r in ranges)
    edges = sorted((r.start, r.stop) for r in ranges)
    assert all(a[1] <= b[0] for a, b in pairwise(edges))


def test_homes_beyond_a_purpose_are_refused():
    with pytest.raises(ValueError, match="1000000"):
        HomesConfig(homes=2, first=999_999)


def test_every_record_shows_a_picture_that_is_there(folder, records):
    assert len(records) > 60
    for record in records:
        for media in record.media:
            with Image.open(folder.parent / media.path) as picture:
                assert picture.size == media.size == (64, 64)
            assert media.origins == record.clusters
            assert media.origins[0] in {f"home:{s}" for s in seed_range("val")[:2]}


def test_ids_are_unique_and_every_drop_has_a_reason(folder, records):
    assert len({r.id for r in records}) == len(records)
    dropped = [v for v in read_verdicts(folder) if not v.keep]
    assert dropped and all(v.reason and v.check.startswith("question:") for v in dropped)
    assert read_manifest(folder).counts["out"] == len(records)


def test_points_lie_in_their_regions_and_boxes_in_the_picture(records):
    size = same_size((64, 64))
    seen = Counter()
    for record in records:
        if isinstance(record.answer, Points):
            point = record.find_geometry(record.answer.geometry)
            region = record.find_geometry(record.answer.region)
            assert point.media == region.media
            assert contains(region, *point.values, size), record.id
            seen["point"] += 1
        elif isinstance(record.answer, Box):
            x0, y0, x1, y1 = record.find_geometry(record.answer.geometry).values
            assert 0 < x0 < x1 < 64 and 0 < y0 < y1 < 64
            seen["box"] += 1
    assert min(seen["point"], seen["box"]) >= 5


def test_no_text_holds_a_coordinate(records):
    for record in records:
        for part in record.turns[0].parts:
            assert not any(c.isdigit() for c in getattr(part, "text", "").replace("image 1", "")
                           .replace("image 2", "").replace("Image 1", ""))  # fmt: skip


def test_the_same_run_gives_the_same_bytes(folder, tmp_path):
    build(tmp_path / "homes", CONFIG, root=tmp_path)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.name not in ("run.log.json",) and path.suffix != ".lock":
            assert (tmp_path / "homes" / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_free_space_is_level_and_on_the_surface():
    found = 0
    for home in look_around(seed_range("val")[2:4], HomesConfig(views=VIEWS)):
        for shot in home:
            scene = shot[0].look.scene
            for place in scene.lone:
                if place.place and place.type in ("DiningTable", "CounterTop", "Desk"):
                    free = free_surface(scene, place)
                    if free.any():
                        heights = scene.room_height[free]
                        assert np.ptp(heights) < 0.06
                        assert abs(float(np.median(heights)) - place.extent_m[4]) < 0.06
                        found += 1
    assert found


def test_the_recipe_says_from_how_many_pixels_on_a_thing_is_seen():
    def smallest(least):
        config = HomesConfig(views=VIEWS, scene=SceneConfig(least_pixels=least))
        (home,) = look_around(seed_range("val")[2:3], config)
        return min(t.pixels for shot in home for view in shot for t in view.look.scene.seen)

    assert 10 <= smallest(10) < 60 <= smallest(60)


def test_scenes_come_without_files():
    image, instances, objects, asked = next(scenes(seed_range("base")[:1], CONFIG))
    assert image.shape == (64, 64, 3) and image.dtype == np.uint8
    assert instances.shape == (64, 64) and asked
    for number, thing in objects.items():
        assert (instances == number).sum() == thing["pixels"]
        assert thing["name"].endswith(thing["noun"])


@pytest.mark.slow
def test_answers_of_many_homes_are_balanced():
    config = HomesConfig(homes=12, purpose="val", first=10, views=VIEWS,
                         ask=AskConfig(per_family=2))  # fmt: skip
    yes, letters, sides = Counter(), Counter(), Counter()
    for *_, asked in scenes(config.seeds, config):
        for record in asked:
            if isinstance(record.answer, YesNo):
                yes[record.answer.yes] += 1
            elif isinstance(record.answer, Choice) and len(record.answer.options) == 2:
                letters[record.answer.letter] += 1
                sides[record.answer.options[record.answer.index]] += 1
    assert 0.42 < yes[True] / yes.total() < 0.58
    assert 0.42 < letters["A"] / letters.total() < 0.58
    assert 0.38 < sides["left"] / (sides["left"] + sides["right"]) < 0.62
