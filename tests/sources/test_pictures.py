"""Pictures that are damaged, and pictures that EXIF turns, in the convert stage."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seestep.errors import RunError
from seestep.geometry import masks
from seestep.records import Geometry, Record
from seestep.run import read_rows, read_verdicts
from seestep.sources.convert import ConvertConfig, convert
from seestep.sources.pictures import UNSURE, turned

SIZE = (64, 48)  # of the stored raster
SPOT = (10, 6, 20, 12)  # a red box on it, x0 y0 x1 y1


def share_root(folder: Path, *, told: tuple[int, int] | None, points: list[list[int]]) -> Path:
    (folder / "trajectory/images").mkdir(parents=True)
    meta = {"original_width": told[0], "original_height": told[1]} if told else {}
    rows = [{"id": 1, "meta_data": meta, "instruction": "reach", "points": points}]
    (folder / "trajectory/trajectory.json").write_text(json.dumps(rows))
    return folder


def picture(root: Path, orientation: int) -> Path:
    pixels = np.full((SIZE[1], SIZE[0], 3), 255, dtype=np.uint8)
    x0, y0, x1, y1 = SPOT
    pixels[y0:y1, x0:x1] = (255, 0, 0)
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = orientation
    path = root / "trajectory/images/1.png"
    image.save(path, exif=exif)
    return path


def upright(path: Path) -> np.ndarray:
    from seestep.media import open_image

    return np.asarray(open_image(path))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_places_on_the_stored_raster_are_turned_with_the_picture(tmp_path, orientation):
    root = share_root(tmp_path / "root", told=SIZE, points=[[15, 9], [40, 30]])
    path = picture(root, orientation)
    convert(ConvertConfig(source="sharerobot"), root, tmp_path / "out")
    (record,) = read_rows(tmp_path / "out", Record)
    assert record.media[0].size == (48, 64)
    (x, y), _ = record.geometry[0].pairs
    assert tuple(upright(path)[int(y), int(x)]) == (255, 0, 0)
    assert record.provenance.transforms[-1] == f"exif {orientation}"


def test_places_that_are_upright_already_stay(tmp_path):
    root = share_root(tmp_path / "root", told=(48, 64), points=[[40, 10], [1, 60]])
    picture(root, 6)
    convert(ConvertConfig(source="sharerobot"), root, tmp_path / "out")
    (record,) = read_rows(tmp_path / "out", Record)
    assert record.geometry[0].values == (40, 10, 1, 60)
    assert not any(t.startswith("exif") for t in record.provenance.transforms)


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_where_the_size_cannot_tell_the_record_is_dropped(tmp_path, orientation):
    root = share_root(tmp_path / "root", told=SIZE, points=[[15, 9], [40, 30]])
    picture(root, orientation)
    convert(ConvertConfig(source="sharerobot"), root, tmp_path / "out")
    assert not list(read_rows(tmp_path / "out", Record))
    (verdict,) = read_verdicts(tmp_path / "out")
    assert verdict.reason == UNSURE


def test_what_was_made_without_its_pictures_is_not_taken_for_done(tmp_path):
    root = share_root(tmp_path / "root", told=SIZE, points=[[15, 9], [40, 30]])
    config, out = ConvertConfig(source="sharerobot"), tmp_path / "out"
    convert(config, root, out)
    (tmp_path / "pics").mkdir()
    with pytest.raises(RunError, match="images was None, now 'pics'"):
        convert(config, root, out, images=tmp_path / "pics")
    assert convert(config, root, out).counts["out"] == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_kind_of_geometry_turns_like_the_picture(tmp_path, orientation):
    from PIL import ImageOps

    x0, y0, x1, y1 = SPOT
    grid = np.zeros((SIZE[1], SIZE[0]), dtype=np.uint8)
    grid[y0:y1, x0:x1] = 1
    image = Image.fromarray(grid * 255)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "m.png", exif=exif)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "m.png"))) > 0

    rle, size = masks.encode(grid)
    mask = Geometry(key="m", kind="mask", media="a", frame="pixel", rle=rle, rle_size=size)
    got = turned(mask, SIZE, orientation)
    assert np.array_equal(masks.decode(got.rle, got.rle_size), wanted)

    ys, xs = np.nonzero(wanted)
    edges = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    box = Geometry(key="b", kind="box", media="a", frame="pixel", values=SPOT)
    assert turned(box, SIZE, orientation).values == edges

    high, wide = wanted.shape
    unit = (x0 / SIZE[0], y0 / SIZE[1], x1 / SIZE[0], y1 / SIZE[1])
    box = Geometry(key="u", kind="box", media="a", frame="unit", values=unit)
    shares = [e / n for e, n in zip(edges, (wide, high, wide, high), strict=True)]
    assert turned(box, SIZE, orientation).values == pytest.approx(shares)


@pytest.mark.parametrize("verify", [False, True])
def test_a_cut_off_picture_is_found_by_verify_alone(tmp_path, verify):
    root = share_root(tmp_path / "root", told=SIZE, points=[[15, 9], [40, 30]])
    whole = root / "trajectory/images/1.jpg"
    Image.effect_noise(SIZE, 50).convert("RGB").save(whole)
    cut = root / "trajectory/images/1.png"
    cut.write_bytes(whole.read_bytes()[:1000])
    whole.unlink()
    manifest = convert(ConvertConfig(source="sharerobot", verify=verify), root, tmp_path / "out")
    assert manifest.counts["out"] == (not verify)
    if verify:
        (verdict,) = read_verdicts(tmp_path / "out")
        assert "cut off" in verdict.reason and verdict.evidence == "trajectory/images/1.png"
