import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
    Qwen2VLImageProcessorPil,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
    smart_resize as theirs,
)

from seestep import families
from seestep.errors import GeometryError
from seestep.geometry.resize import smart_resize

SIDES = st.integers(1, 5000)
CAPS = st.sampled_from([(3136, 1003520), (65536, 16777216), (3136, 12845056), (1024, 9216)])


@given(SIDES, SIDES, st.sampled_from([16, 28, 32]), CAPS)
def test_it_is_the_resize_of_transformers(height, width, factor, caps):
    if max(height, width) > 200 * min(height, width):
        with pytest.raises(GeometryError, match="long and thin"):
            smart_resize(height, width, factor, *caps)
        return
    expected = theirs(height, width, factor=factor, min_pixels=caps[0], max_pixels=caps[1])
    if 0 in expected:  # an image of no pixels there is an error here
        with pytest.raises(GeometryError, match="too small"):
            smart_resize(height, width, factor, *caps)
        return
    assert smart_resize(height, width, factor, *caps) == expected


@given(SIDES, SIDES, st.sampled_from([28, 32]))
def test_sides_are_multiples_of_the_factor_and_the_area_is_capped(height, width, factor):
    if max(height, width) > 200 * min(height, width):
        return
    high, wide = smart_resize(height, width, factor, 3136, 1003520)
    assert high % factor == wide % factor == 0
    assert high * wide <= max(1003520, factor * max(high, wide))  # a side is never below a factor


@pytest.mark.parametrize(("size", "tokens"), [((640, 480), 391), ((1280, 720), 1196)])
def test_qwen2_5_vl_sees_the_published_number_of_tokens(size, tokens):
    assert families.get("qwen2_5_vl").image_tokens(size) == tokens


@pytest.mark.parametrize(("cap", "seen"), [(12845056, (1288, 952)), (1003520, (1148, 840))])
def test_the_pixel_cap_decides_the_size_a_1280x960_image_is_seen_at(cap, seen):
    resize = families.get("qwen2_5_vl").with_processor(max_pixels=cap).resize((1280, 960))
    assert (resize.resized_width, resize.resized_height) == seen


@pytest.mark.parametrize(("name", "size"), [("qwen2_5_vl", (317, 211)), ("qwen3_vl", (503, 640))])
def test_visual_tokens_are_those_of_the_image_processor(name, size):
    from PIL import Image

    family = families.get(name).with_processor(min_pixels=3136, max_pixels=100352)
    processor = Qwen2VLImageProcessorPil(
        patch_size=family.patch,
        merge_size=family.merge,
        size={"shortest_edge": family.min_pixels, "longest_edge": family.max_pixels},
    )
    grid = processor(images=Image.new("RGB", size), return_tensors="np")["image_grid_thw"][0]
    assert int(grid.prod()) // family.merge**2 == family.image_tokens(size)
