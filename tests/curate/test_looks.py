"""Changed copies of a picture are found by their looks; unrelated pictures are let be."""

import io

from PIL import Image, ImageOps

from seestep.curate.contamination.looks import ALIKE, candidates, same, small
from seestep.curate.contamination.looks import look as look_at
from tests.curate.photos import crop, photo, saved


def look(image):
    return look_at(image, small(image))


def variants(image):
    yield "smaller", image.resize((150, 112), Image.Resampling.LANCZOS)
    yield "saved anew", Image.open(io.BytesIO(saved(image, "JPEG", quality=40))).convert("RGB")
    yield "mirrored", ImageOps.mirror(image)
    yield "cropped", crop(image, 0.1, 0.1, 0.8)
    yield "cropped in a corner", crop(image, 0, 0.3, 0.7)
    yield "cropped between", crop(image, 0.07, 0.16, 0.77)
    yield "cropped to half", crop(image, 0.22, 0.31, 0.62)
    yield "made square", image.crop((30, 0, 270, 240))
    yield "made wide", ImageOps.mirror(image.crop((0, 40, 320, 220)))
    yield "mirrored and cropped", ImageOps.mirror(crop(image, 0.05, 0.05, 0.9))
    yield "brighter", image.point(lambda v: min(255, int(v * 1.2)))


def test_every_variant_of_a_picture_is_found_from_either_side():
    for seed in range(8):
        image = photo(seed)
        for what, other in variants(image):
            for one, two in ((image, other), (other, image)):
                found = list(candidates([look(one)], [look(two)]))
                assert len(found) == 1, (seed, what)
                assert same(small(one), small(two), found[0][2]) >= ALIKE, (seed, what)


def test_unrelated_pictures_are_not_taken_for_each_other():
    """80 x 80 pairs of other pictures, in all their crops and mirror images."""
    mine, theirs = [photo(s) for s in range(80)], [photo(1000 + s) for s in range(80)]
    found = candidates([look(x) for x in mine], [look(x) for x in theirs])
    alike = [(i, j) for i, j, v in found if same(small(mine[i]), small(theirs[j]), v) >= ALIKE]
    assert alike == []


def test_the_same_shapes_in_other_colours_are_another_picture():
    for seed in range(8):
        image = photo(seed)
        red, green, blue = image.split()
        grey = image.convert("L").convert("RGB")
        warmer = Image.merge("RGB", (red.point(lambda v: min(255, v * 1.1)), green, blue))
        swapped = Image.merge("RGB", (blue, green, red))
        # as bright everywhere, so that grey values cannot tell them apart
        y, cb, cr = image.convert("YCbCr").split()
        other = Image.merge("YCbCr", (y, cr, cb)).convert("RGB")
        for copy, known in ((grey, True), (warmer, True), (other, False), (swapped, False)):
            found = list(candidates([look(image)], [look(copy)]))
            score = max((same(small(image), small(copy), v) for *_, v in found), default=0.0)
            assert (score >= ALIKE) == known, (seed, score)
            mirror = ImageOps.mirror(copy)
            found = list(candidates([look(image)], [look(mirror)]))
            score = max((same(small(image), small(mirror), v) for *_, v in found), default=0.0)
            assert (score >= ALIKE) == known, (seed, score, "mirrored")


def test_a_flat_wall_is_nobodys_copy():
    grey = [Image.new("RGB", (64, 64), (v, v, v)) for v in (100, 102)]
    assert list(candidates([look(grey[0])], [look(grey[1])])) == []
