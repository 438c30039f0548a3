"""Near copies of pictures: found among others, mirrors and crops left alone, text decides."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from seestep import run
from seestep.curate.contamination.looks import look, small, tinted_alike
from seestep.curate.engine import CurateConfig, curate
from seestep.curate.near_picture import NEAR, NearPictures, group, pack, unpack
from seestep.records import Freeform, Media, Record, Verdict
from tests.curate.photos import crop, photo, saved
from tests.curate.test_engine import ask, folder_of

ASKED = "What stands on the table in front of the window?"


def again(image: Image.Image, **more) -> Image.Image:
    return Image.open(io.BytesIO(saved(image, "JPEG", **more)))


COPIES = {
    "jpeg": lambda i: again(i, quality=60),
    "half": lambda i: i.resize((i.width // 2, i.height // 2)),
    "larger": lambda i: again(i.resize((i.width * 2, i.height * 2)), quality=80),
    "brighter": lambda i: i.point(lambda v: min(255, int(v * 1.1))),
}
OTHERS = {
    "mirrored": ImageOps.mirror,
    "cropped": lambda i: crop(i, 0.1, 0.1, 0.8),
    "tinted": lambda i: Image.merge("RGB", i.split()[::-1]),
}


def copies(**images: Image.Image) -> dict[str, bytes]:
    return {name: pack(small(image.convert("RGB"))) for name, image in images.items()}


def likeness(one: bytes, other: bytes) -> float:
    """Correlation of grey values, which are kept with mean 0 and length 1."""
    grey = unpack([one, other])[0]
    return float(grey[0] @ grey[1])


def test_copies_are_found_and_mirrors_crops_and_other_colours_are_not():
    photos = {f"p{n:03d}": photo(n) for n in range(60)}
    changed = {f"{k}-{what}": make(i) for k, i in photos.items() for what, make in COPIES.items()}
    foreign = {f"{k}-{what}": make(i) for k, i in photos.items() for what, make in OTHERS.items()}
    made = copies(**photos, **changed, **foreign)
    stands_for = group(made, alike=0.97)
    found = [name for name in changed if stands_for[name] == name.split("-")[0]]
    assert len(found) == len(changed)
    assert [n for n in (*photos, *foreign) if stands_for[n] != n] == []
    assert all(likeness(made[name], made[name.split("-")[0]]) >= 0.97 for name in changed)


def test_the_hash_is_that_of_the_audit_but_for_rounding():
    images = [photo(n) for n in range(40)]
    ours = unpack([pack(small(image)) for image in images])[2]
    theirs = np.array([look(image, small(image)).hashes[0] for image in images])
    assert int(np.bitwise_count(ours ^ theirs).max()) <= 4


def test_a_flat_picture_is_nobodys_copy():
    flat = {f"f{n}": Image.new("RGB", (64, 48), (90 + n, 90, 90)) for n in range(3)}
    stands_for = group(copies(**flat), alike=0.97)
    assert stands_for == {name: name for name in flat}


def test_a_chain_of_copies_stands_for_its_first():
    image = photo(5)
    made = copies(a=image, b=again(image, quality=50), c=image.resize((160, 120)))
    assert group(made, alike=0.97) == {"a": "a", "b": "a", "c": "a"}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, image in {
        "a.png": photo(1), "b.jpg": photo(1), "c.png": photo(2), "d.png": ImageOps.mirror(photo(1)),
    }.items():  # fmt: skip
        image.save(folder / name)
    return folder


def about(key: str, image: str, asked: str = ASKED, said: str = "a white vase") -> Record:
    record = ask(key, asked, Freeform(text=said), task="vqa")
    media = Media(key="v", path=image, root="pics")
    return type(record)(
        **{f: getattr(record, f) for f in record.__struct_fields__} | {"media": (media,)}
    )


def test_the_stage_drops_what_is_said_of_a_copy_and_nothing_else(tmp_path, pictures):
    rows = [
        about("a", "a.png"),
        about("b", "b.jpg"),
        about("near", "b.jpg", asked="what stands on a table in front of the window"),
        about("other", "b.jpg", said="a cat"),
        about("c", "c.png"),
        about("d", "d.png"),
    ]
    made = folder_of(tmp_path / "in", rows)
    config = CurateConfig(near_picture=NearPictures())
    curate([made], tmp_path / "out", config, roots={"pics": pictures}, cache=tmp_path / "cache")
    said = {v.id: v for v in run.read_verdicts(tmp_path / "out") if v.check == "near_picture"}
    gone = {i: v.evidence.split(" jaccard")[0] for i, v in said.items() if not v.keep}
    assert gone == {"t:b": "twin t:a"}
    told = float(said["t:b"].evidence.rpartition(", pictures ")[2].removesuffix(" alike"))
    both = [pack(small(Image.open(pictures / n).convert("RGB"))) for n in ("a.png", "b.jpg")]
    assert told == pytest.approx(likeness(*both), abs=1e-4) and 0.97 <= told < 1
    assert said["t:b"].score == 1.0
    twins = [v for v in run.read_verdicts(tmp_path / "out") if v.reason == "twin"]
    assert [v.id for v in twins if v.check == "near_duplicate"] == ["t:near"]  # of b, before


def test_another_file_under_the_same_name_is_looked_at_anew(tmp_path, pictures):
    made = folder_of(tmp_path / "in", [about("a", "a.png"), about("b", "b.jpg")])

    def drops(out: str) -> int:
        config = CurateConfig(near_picture=NearPictures())
        return curate(
            [made], tmp_path / out, config, roots={"pics": pictures}, cache=tmp_path / "cache"
        ).counts["dropped"]

    assert drops("one") == 1
    photo(9).save(pictures / "b.jpg")
    assert drops("two") == 0


def test_records_without_pictures_stay_and_say_why(tmp_path):
    lone = ask("lone", ASKED, Freeform(text="a vase"))
    lone = type(lone)(
        **{f: getattr(lone, f) for f in lone.__struct_fields__} | {"tags": ("media-missing",)}
    )
    made = folder_of(tmp_path / "in", [lone])
    curate(
        [made], tmp_path / "out", CurateConfig(near_picture=NearPictures()), cache=tmp_path / "c"
    )
    (said,) = (v for v in run.read_verdicts(tmp_path / "out") if v.check == "near_picture")
    assert said == Verdict(
        id="t:lone", check="near_picture", keep=True, evidence="not measured: no picture"
    )


def test_pictures_on_trust_cannot_be_compared():
    with pytest.raises(ValueError, match="look must be probe or decode"):
        CurateConfig(look="trust", near_picture=NearPictures())


def all_against_all(copies: dict[str, bytes], alike: float) -> dict[str, str]:
    """``group`` with every pair of hashes held against each other."""
    names = sorted(copies)
    grey, colors, hashes, flat = unpack([copies[name] for name in names])
    stands_for = {name: name for name in names}
    for a, first in enumerate(names):
        for b, second in enumerate(names[a + 1 :], a + 1):
            settled = stands_for[first] != first or stands_for[second] != second
            if settled or flat[a] or flat[b]:
                continue
            near = (int(hashes[a]) ^ int(hashes[b])).bit_count() <= NEAR
            if near and float(grey[a] @ grey[b]) >= alike and tinted_alike(colors[a], colors[b]):
                stands_for[second] = first
    return stands_for


def test_groups_are_those_of_all_pairs():
    rng = np.random.default_rng(3)
    made = {}
    for n in range(40):
        image = photo(n % 20)
        for k in range(5):  # copies that are damaged more and more, until they are none
            noise = rng.normal(0, 14 * k, (image.height, image.width, 3))
            shaken = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
            made[f"{rng.integers(10**9)}-{n}-{k}"] = pack(small(shaken))
    made |= copies(**{f"flat{n}": Image.new("RGB", (9, 9), (n, n, n)) for n in range(5)})
    for alike in (0.9, 0.97, 0.999):
        found = group(made, alike)
        assert found == all_against_all(made, alike)
        assert 0 < sum(name != first for name, first in found.items()) < len(made)


def test_two_colourings_of_one_grey_picture_are_not_twins(tmp_path, pictures):
    """Each is a copy of the grey one, and so stands for it; they are no copies of each other."""
    base = photo(1)
    base.convert("L").save(pictures / "0.png")
    y, cb, cr = base.convert("YCbCr").split()
    other = Image.merge("YCbCr", (y, cr, cb)).convert("RGB")  # of the same brightness
    other.save(pictures / "z.png")
    other.save(pictures / "z.jpg", quality=90)
    rows = [
        about("grey", "0.png", asked="Is this picture in colour?", said="no"),
        about("one", "a.png"),
        about("two", "z.png"),
        about("two-again", "z.jpg"),
    ]
    made = copies(
        **{row.id: Image.open(pictures / row.media[0].path).convert("RGB") for row in rows}
    )
    assert set(group(made, alike=0.9).values()) == {"t:grey"}
    config = CurateConfig(near_picture=NearPictures(alike=0.9))
    curate(
        [folder_of(tmp_path / "in", rows)], tmp_path / "out", config,
        roots={"pics": pictures}, cache=tmp_path / "cache",
    )  # fmt: skip
    said = {v.id: v for v in run.read_verdicts(tmp_path / "out") if v.check == "near_picture"}
    assert {i: v.evidence.split(" jaccard")[0] for i, v in said.items() if not v.keep} == {
        "t:two-again": "twin t:two"
    }


def test_one_flat_picture_is_itself(tmp_path, pictures):
    """Shown twice under one hash it is alike to the last bit, though it has no features."""
    Image.new("RGB", (1, 1), "red").save(pictures / "f.png")
    made = folder_of(tmp_path / "in", [about("a", "f.png"), about("b", "f.png")])
    config = CurateConfig(near_picture=NearPictures(), exact=None, near=None)
    curate([made], tmp_path / "out", config, roots={"pics": pictures}, cache=tmp_path / "cache")
    gone = [v for v in run.read_verdicts(tmp_path / "out") if not v.keep]
    assert [v.evidence.rpartition(", ")[2] for v in gone] == ["pictures 1.0000 alike"]
