"""Pixels of drawn pictures."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from seestep.geometry.frames import same_size
from seestep.geometry.masks import encode
from seestep.records import Geometry
from seestep.report import draw

BLUE = (10, 20, 200)


def shown(source: str) -> Image.Image:
    head, _, data = source.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def blue(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), BLUE)


def box(values: tuple[float, ...], frame: str = "pixel") -> Geometry:
    return Geometry(key="g", kind="box", media="im", frame=frame, values=values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "frame"),
    [
        ((24, 24, 72, 48), "pixel"),
        ((0.25, 0.25, 0.75, 0.5), "unit"),
        ((250, 250, 750, 500), "permille"),
    ],
)
def test_a_box_lands_where_it_should_in_every_frame(values: tuple[float, ...], frame: str) -> None:
    image = blue(96, 96)
    got = shown(draw.picture(image, same_size(image.size), [box(values, frame)]))
    assert got.size == (288, 288)
    for x, y in (
        (72, 100),
        (216, 100),
        (150, 72),
        (150, 144),
    ):  # its sides, x 3
        assert got.getpixel((x, y)) == draw.WANTED
    for x, y in ((60, 100), (150, 100), (150, 160), (230, 100)):
        assert got.getpixel((x, y)) == BLUE


def test_points_are_dots_and_those_outside_are_rings_at_the_edge() -> None:
    image = blue(96, 48)
    got = shown(draw.picture(image, same_size(image.size), [], [(48.0, 24.0), (500.0, 24.0)]))
    assert got.getpixel((144, 72)) == draw.GIVEN
    assert got.getpixel((287, 72)) == BLUE  # hollow
    assert draw.GIVEN in {got.getpixel((x, 72)) for x in range(280, 288)}


def test_a_mask_is_tinted_and_its_border_is_plain() -> None:
    grid = np.zeros((96, 96), dtype=bool)
    grid[30:60, 20:70] = True
    rle, size = encode(grid)
    mask = Geometry(key="g", kind="mask", media="im", frame="pixel", rle=rle, rle_size=size)
    got = shown(draw.picture(blue(96, 96), same_size((96, 96)), [mask]))
    assert got.getpixel((61, 120)) == draw.WANTED
    assert got.getpixel((50, 120)) == BLUE
    inside = got.getpixel((130, 130))
    assert inside not in (BLUE, draw.WANTED)


def test_large_pictures_are_shrunk_and_small_ones_enlarged_by_whole_numbers() -> None:
    wide = shown(
        draw.picture(blue(4000, 1000), same_size((4000, 1000)), [box((1000, 250, 3000, 750))])
    )
    assert wide.size == (640, 160)
    assert wide.getpixel((160, 80)) == draw.WANTED
    assert shown(draw.picture(blue(50, 20), same_size((50, 20)))).size == (300, 120)
    assert shown(draw.picture(blue(3000, 2), same_size((3000, 2)))).size == (640, 1)


def test_every_ring_of_a_polygon_and_every_point_of_a_path_is_drawn() -> None:
    rings = Geometry(
        key="g",
        kind="polygon",
        media="im",
        frame="pixel",
        values=(10, 10, 30, 10, 30, 30),
        rings=((60, 60, 80, 60, 80, 80),),
    )
    path = Geometry(key="p", kind="path", media="im", frame="pixel", values=(10, 90, 90, 90))
    got = shown(draw.picture(blue(96, 96), same_size((96, 96)), [rings, path]))
    for x, y in ((60, 30), (210, 180), (150, 270)):
        assert draw.WANTED in {got.getpixel((x, y + d)) for d in (-1, 0, 1)}
