"""Pointing at things of LVIS by their outlines."""

from collections.abc import Iterator

from msgspec import convert as typed

from seestep.geometry.frames import same_size
from seestep.geometry.masks import grid_of
from seestep.records import Geometry, Points, Provenance, Record, Verdict
from seestep.sources import lvis
from seestep.sources.lvis_points import Columns, Outline, deep

AT = Provenance(file="lvis_v1_train.json", sha256="0" * 64)
IMAGE = {"id": 9, "width": 100, "height": 80, "coco_url": "http://x/train2017/000000000009.jpg"}
HOOK = [10.0, 10, 60, 10, 60, 20, 20, 20, 20, 70, 10, 70]  # its middle lies outside it


def converted(segmentation: object, **image: object) -> Iterator[Record | Verdict]:
    box = {"image_id": 9, "category_id": 1, "bbox": [10, 10, 50, 60], "area": 1000}
    rows = [{"id": 5, **box}]
    return lvis.convert(
        [typed(IMAGE | image, lvis.Image)],
        typed(rows, list[lvis.Annotation]),
        [lvis.Category(id=1, name="hook")],
        AT,
        [Outline(id=5, segmentation=segmentation)],
    )


def test_point_lies_inside_an_outline_whose_middle_does_not() -> None:
    (point,) = [r for r in converted([HOOK]) if r.id.endswith("-point")]
    assert isinstance(point, Record) and point.answer == Points(geometry="point", region="area")
    x, y = point.find_geometry("point").values
    grid = grid_of(point.find_geometry("area"), same_size((100, 80)))
    assert grid[int(y), int(x)]
    assert not grid[40, 35]


def test_deep_point_of_a_square_is_its_middle() -> None:
    assert deep([10, 20, 30, 20, 30, 60, 10, 60]) == (20, 40)
    assert deep([10, 20, 30, 20, 50, 20]) is None  # no area


def test_widest_ring_of_several_is_pointed_at() -> None:
    small = [80.0, 60, 85, 60, 85, 65, 80, 65]
    (point,) = [r for r in converted([small, HOOK]) if r.id.endswith("-point")]
    assert isinstance(point, Record)
    assert point.find_geometry("area").values == tuple(HOOK)
    assert point.find_geometry("area").rings == (tuple(small),)


def test_outline_that_is_none_leaves_a_verdict_and_the_box() -> None:
    for wrong in (None, [], {"counts": "x", "size": [80, 100]}, [["a"] * 6], [[200.0, 1] * 3]):
        found = {r.id: r for r in converted(wrong)}
        assert isinstance(found["lvis:9-c1-locate"], Record)
        verdict = found["lvis:9-c1-point"]
        assert isinstance(verdict, Verdict) and verdict.check == "source:mask"


def test_thing_of_which_there_may_be_more_is_not_pointed_at() -> None:
    found = [r.id for r in converted([HOOK], not_exhaustive_category_ids=[1])]
    assert found == ["lvis:9-c1-exists", "lvis:9-c1-count"]


def test_columns_give_back_rows_by_image_in_their_order() -> None:
    columns = Columns()
    for image, number in ((7, 1), (3, 2), (7, 3)):
        columns.add(image, (number, 4), (0.5, 1, 2, 3, number))
    columns.sort()
    assert columns.images() == [3, 7]
    assert [whole for whole, _ in columns.of(7)] == [[7, 1, 4], [7, 3, 4]]
    assert [real for _, real in columns.of(3)] == [[0.5, 1, 2, 3, 2]]
    assert list(columns.of(5)) == [] and list(columns.of(1 << 70)) == []


def test_outline_of_a_geometry_needs_three_corners() -> None:
    (point,) = [r for r in converted([[1.0, 2, 3, 4], HOOK]) if r.id.endswith("-point")]
    assert isinstance(point, Record)
    area: Geometry = point.find_geometry("area")
    assert area.rings == ()
