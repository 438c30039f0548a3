import random

import pytest

from seestep import families
from seestep.errors import DataError
from seestep.families.probe import Probe, fit
from seestep.geometry.convert import rescale
from seestep.geometry.render import render
from seestep.records import FRAMES

FAMILY = families.get("qwen2_5_vl").with_processor(max_pixels=300_000)
SIZES = [(640, 480), (1280, 720), (500, 900), (1000, 1000), (333, 777)]


def spoken(frame, order, kind="point", noise=0.01, seed=1):
    """What a model that speaks ``frame`` and ``order`` would write about random places."""
    rng = random.Random(seed)
    probes = []
    for size in SIZES * 4:
        resize = FAMILY.resize(size)
        truth = [rng.uniform(0.1, 0.5) * size[i % 2] for i in range(2 if kind == "point" else 4)]
        if kind == "box":
            truth[2:] = [truth[0] + 0.3 * size[0], truth[1] + 0.4 * size[1]]
        said = [v + rng.gauss(0, noise) * size[i % 2] for i, v in enumerate(truth)]
        values = rescale(said, "pixel", frame, resize)
        if order == "yx":
            values = [v for i in range(0, len(values), 2) for v in values[i : i + 2][::-1]]
        text = render(kind, values, frame, "tuple" if kind == "point" else "bracket_box")
        probes.append(Probe(text, tuple(truth), size))
    return probes


@pytest.mark.parametrize("order", ["xy", "yx"])
@pytest.mark.parametrize("frame", FRAMES)
def test_the_spoken_frame_and_order_are_found(frame, order):
    for kind in ("point", "box"):
        finding = fit(spoken(frame, order, kind), FAMILY)
        assert (finding.best.frame, finding.best.order) == (frame, order)
        assert finding.clear
        assert finding.agrees(FAMILY) == ((frame, order) == ("pixel_resized", "xy"))


def test_images_that_the_model_does_not_resize_settle_nothing():
    probes = [Probe("(140, 70)", (140.5, 70.5), (280, 280))]
    finding = fit(probes, FAMILY)
    assert not finding.clear  # pixels of the original and of the resized image are the same
    assert finding.best.frame == FAMILY.frame


def test_a_blind_model_speaks_no_frame():
    rng = random.Random(0)
    probes = [
        Probe(f"({rng.random():.3f}, {rng.random():.3f})", (rng.random() * 640, 240), (640, 480))
        for _ in range(40)
    ]
    assert not fit(probes, FAMILY).clear


def test_outputs_without_coordinates_are_counted_and_cannot_all_be_empty():
    finding = fit([*spoken("unit", "xy"), Probe("no idea", (1, 2), (640, 480))], FAMILY)
    assert (finding.read, finding.asked) == (20, 21)
    with pytest.raises(DataError, match="no probe answer"):
        fit([Probe("no idea", (1, 2), (640, 480))], FAMILY)
