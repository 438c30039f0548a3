from importlib.metadata import EntryPoint

import pytest

from seestep import families
from seestep.errors import GeometryError, SeestepError
from seestep.families.base import KINDS, Family
from seestep.geometry.render import NOTATIONS


def test_each_family_speaks_its_documented_frame():
    frames = {name: f.frame for name, f in families.known().items()}
    assert frames["qwen2_5_vl"] == "pixel_resized"
    assert frames["qwen3_vl"] == "permille"
    assert frames["robobrain2"] == "pixel_resized"
    assert "probe" in families.get("robobrain2").frame_source


def test_each_family_writes_every_kind_in_a_known_notation():
    for family in families.known().values():
        assert all(family.notations[kind] in NOTATIONS for kind in KINDS)


def test_the_factor_is_28_for_qwen2_5_vl_and_32_for_qwen3_vl():
    assert families.get("qwen2_5_vl").factor == families.get("robobrain2").factor == 28
    assert families.get("qwen3_vl").factor == 32


def test_a_family_is_found_by_the_model_type_of_a_config():
    assert families.for_model_type("qwen3_vl").name == "qwen3_vl"
    assert families.for_model_type("qwen2_5_vl").name == "qwen2_5_vl"
    with pytest.raises(SeestepError, match=r"no family.*qwen3_vl.*got llama"):
        families.for_model_type("llama")
    with pytest.raises(SeestepError, match="unknown model family"):
        families.get("qwen9")


def test_a_tiny_processor_changes_how_it_sees_and_not_how_it_speaks():
    whole = families.get("qwen3_vl")
    tiny = whole.with_processor(patch=8, merge=2, min_pixels=96 * 96, max_pixels=96 * 96)
    assert (tiny.frame, tiny.notations) == (whole.frame, whole.notations)
    assert tiny.image_tokens((96, 96)) == 36
    assert tiny.resize((192, 192)).extent("pixel_resized") == (96, 96)


def test_another_package_may_add_a_family(monkeypatch):
    point = EntryPoint("mine", "tests_family:FAMILY", families.GROUP)
    mine = families.get("qwen3_vl").with_frame("percent", "measured")
    mine = Family(**{f: getattr(mine, f) for f in mine.__slots__} | {"name": "mine"})
    monkeypatch.setattr(EntryPoint, "load", lambda self: mine)
    monkeypatch.setattr(families, "entry_points", lambda group: [point])
    families.known.cache_clear()
    try:
        assert families.get("mine").frame == "percent"
        monkeypatch.setattr(EntryPoint, "load", lambda self: families.get)
        families.known.cache_clear()
        with pytest.raises(SeestepError, match="is no Family"):
            families.known()
    finally:
        families.known.cache_clear()


def test_an_impossible_family_is_refused():
    whole = families.get("qwen3_vl")
    with pytest.raises(GeometryError, match="image limits"):
        whole.with_processor(min_pixels=100, max_pixels=50)
    with pytest.raises(GeometryError, match="unknown frame"):
        whole.with_frame("inches", "a guess")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("qwen2.5-vl", "qwen2_5_vl"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2_5_vl"),
        ("Qwen3_VL", "qwen3_vl"),
        ("Qwen3-VL-8B", "qwen3_vl"),
        ("RoboBrain2.0-7B", "robobrain2"),
        ("robobrain2", "robobrain2"),
        ("RoboBrain2.5-8B", None),  # another base, other coordinates
        ("qwen", None),
        ("", None),
    ],
)
def test_a_family_is_found_however_its_name_is_written(name, found):
    family = families.like(name)
    assert (family.name if family else None) == found
