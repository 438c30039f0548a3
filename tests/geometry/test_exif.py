import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from seestep.errors import GeometryError
from seestep.geometry.exif import to_stored, to_upright, upright_size


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """What PIL shows of a raster stored with this orientation."""
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, "png", exif=exif)
    return np.asarray(ImageOps.exif_transpose(Image.open(file)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_point_follows_its_pixel(orientation):
    width, height = 7, 5
    for x, y in ((0, 0), (6, 0), (2, 3), (6, 4)):
        stored = np.zeros((height, width), np.uint8)
        stored[y, x] = 255
        upright = turned(stored, orientation)
        row, column = (int(v) for v in np.argwhere(upright)[0])
        at = to_upright((x + 0.5, y + 0.5), "point", (width, height), orientation)
        assert at == (column + 0.5, row + 0.5)
        assert upright_size((width, height), orientation) == upright.shape[::-1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_follows_its_pixels_and_stays_ordered(orientation):
    stored = np.zeros((50, 70), np.uint8)
    stored[10:20, 30:65] = 255
    rows, columns = np.nonzero(turned(stored, orientation))
    box = to_upright((30, 10, 65, 20), "box", (70, 50), orientation)
    assert box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@given(st.tuples(st.floats(0, 70), st.floats(0, 50)), st.integers(1, 8), st.sampled_from(["point"]))
def test_turning_back_restores_it(at, orientation, kind):
    back = to_stored(to_upright(at, kind, (70, 50), orientation), kind, (70, 50), orientation)
    assert back == pytest.approx(at, abs=1e-9)


def test_an_unknown_orientation_is_refused():
    with pytest.raises(GeometryError, match="1 to 8"):
        to_upright((1, 2), "point", (7, 5), 9)
