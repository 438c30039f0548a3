"""Which frame does a checkpoint speak? Never trust the documents: measure.

Ask the model for boxes or points whose truth is known, hand what it wrote to ``fit``, and keep
the winner in the checkpoint's card. Fifty images of different sizes settle it; images of one
square size cannot tell a permille from a pixel of a 1000-pixel image, and ``clear`` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from seestep.errors import DataError
from seestep.families.base import Family
from seestep.geometry.convert import rescale
from seestep.geometry.parse import Order, parse
from seestep.records import FRAMES

ORDERS: tuple[Order, ...] = ("xy", "yx")


@dataclass(frozen=True, slots=True)
class Probe:
    """One question's outcome: what the model wrote and where the thing is.

    ``truth`` is a point (x, y) or box (x0, y0, x1, y1) in pixels of the upright original, whose
    ``size`` is (width, height).
    """

    text: str
    truth: tuple[float, ...]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fit:
    """One hypothesis: the median distance to the truth, in image diagonals."""

    frame: str
    order: Order
    error: float


@dataclass(frozen=True, slots=True)
class Finding:
    """All hypotheses, best first, over ``read`` of ``asked`` outputs that held coordinates."""

    fits: tuple[Fit, ...]
    read: int
    asked: int

    @property
    def best(self) -> Fit:
        """The hypothesis with the smallest error."""
        return self.fits[0]

    @property
    def clear(self) -> bool:
        """Whether the best is right (a tenth of the diagonal) and twice as near as the next."""
        return self.best.error < 0.1 and self.fits[1].error > 2 * self.best.error + 1e-6

    def agrees(self, family: Family) -> bool:
        """Whether the measured frame is the declared one, x first."""
        return self.clear and (self.best.frame, self.best.order) == (family.frame, "xy")


def fit(probes: Sequence[Probe] | Iterable[Probe], family: Family) -> Finding:
    """Compare every frame and order on what a model wrote; ties go to the family's own frame.

    Raises:
        DataError: none of the texts holds coordinates, so there is nothing to fit.
    """
    probes = list(probes)
    errors: dict[tuple[str, Order], list[float]] = {(f, o): [] for f in FRAMES for o in ORDERS}
    for probe in probes:
        for (frame, order), found in errors.items():
            error = _error(probe, frame, order, family)
            if error is not None:
                found.append(error)
    read = max(len(found) for found in errors.values())
    if not read:
        raise DataError(
            "no probe answer holds coordinates",
            wanted="at least one of " + str(len(probes)),
            hint="look at the raw outputs: the prompt may not ask for coordinates",
        )
    fits = [Fit(f, o, median(found)) for (f, o), found in errors.items() if found]
    fits.sort(key=lambda h: (h.error, h.frame != family.frame, h.order != "xy"))
    return Finding(tuple(fits), read, len(probes))


def _error(probe: Probe, frame: str, order: Order, family: Family) -> float | None:
    want = "box" if len(probe.truth) == 4 else "point"
    parsed = parse(probe.text, want, frame=frame, order=order)
    if parsed is None:
        return None
    width, height = probe.size
    placed = rescale(parsed.positions, frame, "pixel", family.resize(probe.size))
    pairs = zip(_corners(placed), _corners(probe.truth), strict=True)
    gaps = [((a - c) ** 2 + (b - d) ** 2) ** 0.5 for (a, b), (c, d) in pairs]
    return float(sum(gaps) / len(gaps) / (width**2 + height**2) ** 0.5)


def _corners(values: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(values[::2], values[1::2], strict=True))
