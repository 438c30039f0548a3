from __future__ import annotations

import os
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from seestep import media
from seestep.errors import MediaError
from seestep.records import Media

RED, WHITE = (255, 0, 0), (255, 255, 255)


def picture(width: int = 40, height: int = 20) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def saved(folder: Path, image: Image.Image, name: str = "x.png", **options) -> Path:
    path = folder / name
    image.save(path, **options)
    return path


def shot(path: str = "x.png", **more) -> Media:
    return Media(key="m", path=path, root="r", **more)


def bomb(folder: Path, width: int, height: int) -> Path:
    """A PNG of a few bytes whose header claims any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path = folder / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )
    return path


def test_a_whole_picture_is_read_as_it_is(tmp_path):
    image = picture()
    path = saved(tmp_path, image)
    read = media.open_image(path)
    assert read.mode == "RGB"
    assert np.array_equal(np.asarray(read), np.asarray(image))
    assert media.read_size(path) == (40, 20)


@pytest.mark.parametrize(("name", "cut"), [("x.jpg", 0.5), ("x.jpg", 0.95), ("x.png", 0.5)])
def test_a_cut_off_picture_is_refused_never_half_grey(tmp_path, name, cut):
    path = saved(tmp_path, picture(200, 200), name)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    assert media.read_size(path) == (200, 200)  # the header alone looks well
    with pytest.raises(MediaError, match=r"x\.\w+: this picture is damaged or cut off"):
        media.open_image(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of metadata it cannot read
def test_changed_bytes_give_a_picture_or_a_media_error_and_nothing_else(tmp_path, kind):
    rng = random.Random(0)
    path = tmp_path / "x"
    exif = Image.Exif()
    exif[0x0112] = 6
    picture().save(path, kind, **({} if kind in ("GIF", "BMP") else {"exif": exif}))
    whole = path.read_bytes()
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(min(300, len(data)))] = rng.randrange(256)
        path.write_bytes(data)
        for read in (media.open_image, media.read_size):
            try:
                read(path)
            except MediaError:
                refused += 1
    assert refused


def test_the_size_of_a_png_is_read_without_decoding_it(tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, picture(), exif=exif)
    data = path.read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    late = tmp_path / "late.png"  # the same EXIF, after the pixels
    late.write_bytes(data[:start] + data[end:-12] + data[start:end] + data[-12:])
    assert media.read_size(late) == media.open_image(late).size == (20, 40)

    def fail(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    assert media.read_size(path) == (20, 40)


def test_what_is_no_picture_is_refused(tmp_path):
    for data in (b"", b"hello", b"\x89PNG\r\n\x1a\n"):
        (tmp_path / "x.png").write_bytes(data)
        with pytest.raises(MediaError):
            media.open_image(tmp_path / "x.png")
        with pytest.raises(MediaError):
            media.read_size(tmp_path / "x.png")


@pytest.mark.parametrize("size", [(9000, 9000), (12000, 12000), (30000, 30000), (2**31 - 1, 2)])
def test_a_bomb_is_refused_from_its_header(tmp_path, size):
    path = bomb(tmp_path, *size)
    with pytest.raises(MediaError, match="too large"):
        media.open_image(path)
    with pytest.raises(MediaError, match="too large"):
        media.read_size(path)


def test_the_cap_can_be_set(tmp_path):
    path = saved(tmp_path, picture(40, 20))
    with pytest.raises(MediaError, match=r"wanted at most 799 pixels, got 40x20"):
        media.open_image(path, max_pixels=799)
    assert media.open_image(path, max_pixels=800).size == (40, 20)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_stands_upright(tmp_path, orientation):
    """The eight EXIF orientations, against the turns that the standard names."""
    stored = picture()
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, stored, exif=exif)
    a = np.asarray(stored)
    turned = {
        1: a,
        2: a[:, ::-1],
        3: a[::-1, ::-1],
        4: a[::-1],
        5: a.transpose(1, 0, 2),
        6: np.rot90(a, -1),
        7: a[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(a, 1),
    }[orientation]
    read = media.open_image(path)
    assert np.array_equal(np.asarray(read), turned)
    assert media.read_size(path) == read.size


def test_grey_palette_and_cmyk_pictures_become_rgb(tmp_path):
    for mode, name in (("L", "x.png"), ("P", "x.png"), ("1", "x.png"), ("CMYK", "x.jpg")):
        path = saved(tmp_path, Image.new("RGB", (8, 8), RED).convert(mode), name)
        assert media.open_image(path).mode == "RGB"
    path = saved(tmp_path, Image.new("RGB", (8, 8), RED).convert("P"))
    assert media.open_image(path).getpixel((0, 0)) == RED


def test_what_is_seen_through_is_laid_on_white(tmp_path):
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert media.open_image(saved(tmp_path, clear)).getpixel((0, 0)) == WHITE
    grey = Image.new("LA", (4, 4), (0, 0))
    assert media.open_image(saved(tmp_path, grey)).getpixel((0, 0)) == WHITE
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 255))
    assert media.open_image(saved(tmp_path, half)).getpixel((0, 0)) == RED
    indexed = Image.new("P", (4, 4), 1)
    indexed.putpalette([0, 0, 0, 9, 9, 9])
    path = saved(tmp_path, indexed, "x.gif", transparency=1)
    assert media.open_image(path).getpixel((0, 0)) == WHITE


def test_floats_have_no_range_to_be_shown_in(tmp_path):
    path = tmp_path / "depth.tiff"
    Image.fromarray(np.array([[0.0, 0.5, 1.0]], dtype=np.float32)).save(path)
    for read in (media.open_image, media.read_size):
        with pytest.raises(media.MediaError, match=r"depth\.tiff.*8 or 16 bits.*32-bit floats"):
            read(path)


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    deep = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    path = saved(tmp_path, Image.fromarray(deep))
    read = np.asarray(media.open_image(path))
    assert read[0, :, 0].tolist() == [0, 1, 128, 255]


def test_an_animation_gives_its_first_frame(tmp_path):
    first, second = Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), WHITE)
    path = saved(tmp_path, first, "x.gif", save_all=True, append_images=[second])
    assert media.open_image(path).getpixel((0, 0)) == RED


# --- where files lie --------------------------------------------------------------------------


def test_a_media_is_found_below_its_root(tmp_path):
    saved(tmp_path, picture())
    assert media.resolve(shot(), {"r": tmp_path}) == tmp_path / "x.png"
    assert media.open_image(shot(), {"r": tmp_path}).size == (40, 20)


def test_frames_are_found_one_by_one(tmp_path):
    saved(tmp_path, picture(), "b.png")
    clip = Media(key="m", kind="frames", frames=("a.png", "b.png"), root="r")
    assert media.resolve(clip, {"r": tmp_path}, frame=1) == tmp_path / "b.png"
    with pytest.raises(MediaError, match=r"a\.png: this file cannot be found"):
        media.resolve(clip, {"r": tmp_path})


def test_a_missing_file_or_root_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"x\.png: this file cannot be found"):
        media.open_image(shot(), {"r": tmp_path})
    with pytest.raises(MediaError, match="m: no folder is given for media root 'r'"):
        media.open_image(shot(), {"other": tmp_path})
    with pytest.raises(MediaError, match="has no path"):
        media.open_image(shot(""), {"r": tmp_path})


def test_a_fifo_a_folder_and_a_device_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for name, kind in (("pipe.png", "a FIFO"), ("folder.png", "a folder")):
        with pytest.raises(MediaError, match=f"not a regular file .*got {kind}"):
            media.open_image(shot(name), {"r": tmp_path})
    with pytest.raises(MediaError, match="got a device"):
        media.open_image(Path("/dev/zero"))


def test_a_link_may_lead_elsewhere_below_the_root_but_not_out_of_it(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    saved(tmp_path, picture(), "secret.png")
    saved(root, picture(), "x.png")
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    (root / "in.png").symlink_to(root / "x.png")
    assert media.open_image(shot("in.png"), {"r": root}).size == (40, 20)
    with pytest.raises(MediaError, match=r"out\.png: this link leads out of its root"):
        media.open_image(shot("out.png"), {"r": root})


def test_a_root_may_itself_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    saved(tmp_path / "real", picture())
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert media.open_image(shot(), {"r": tmp_path / "link"}).size == (40, 20)


# --- hashes and probing -----------------------------------------------------------------------


def test_pixels_hash_alike_in_any_lossless_format(tmp_path):
    a = media.open_image(saved(tmp_path, picture(), "a.png"))
    b = media.open_image(saved(tmp_path, picture(), "b.bmp"))
    assert media.pixel_sha256(a) == media.pixel_sha256(b)
    assert media.pixel_sha256(a) != media.pixel_sha256(a.resize((20, 40)))
    flat = Image.new("RGB", (4, 2))
    assert media.pixel_sha256(flat) != media.pixel_sha256(Image.new("RGB", (2, 4)))


def test_probing_fills_in_size_and_hash(tmp_path):
    path = saved(tmp_path, picture())
    probed = media.probe(shot(), {"r": tmp_path})
    assert (probed.size, probed.sha256) == ((40, 20), media.sha256_file(path))
    assert media.probe(probed, {"r": tmp_path}) == probed


def test_probing_finds_another_file_or_another_size(tmp_path):
    saved(tmp_path, picture())
    with pytest.raises(MediaError, match="not the one the record was made from"):
        media.probe(shot(sha256="0" * 64), {"r": tmp_path})
    with pytest.raises(MediaError, match=r"another size .*wanted 20x40, got 40x20"):
        media.probe(shot(width=20, height=40), {"r": tmp_path})


def test_probing_frames_hashes_all_of_them(tmp_path):
    clip = Media(key="m", kind="frames", frames=("a.png", "b.png"), root="r")
    saved(tmp_path, picture(), "a.png")
    saved(tmp_path, picture(), "b.png")
    first = media.probe(clip, {"r": tmp_path})
    saved(tmp_path, picture(41, 20), "b.png")
    assert first.size == (40, 20)
    assert media.probe(clip, {"r": tmp_path}).sha256 != first.sha256
