"""Near copies of pictures: found among others, mirrors and crops left alone, text decides."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from seestep import run
from seestep.curate.contamination.looks import look, small
from seestep.curate.engine import CurateConfig, curate
from seestep.curate.near_picture import NearPictures, group, likeness, pack, unpack
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
