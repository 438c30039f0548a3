"""Agreement of two raters beyond chance, and shares, each with its 95 % interval.

Quadratic-weighted kappa: Cohen 1968, "Weighted kappa". Wilson score interval: Wilson 1927.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
Z = 1.959963984540054


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """``count`` of ``n``; share and interval are None of none."""

    count: int
    n: int
    share: float | None
    low: float | None
    high: float | None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far two raters agree: ``table`` counts rows (the reference) by columns (the judge).

    ``kappa`` is None where it is not defined: no ratings, or all of them alike.
    """

    n: int
    labels: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    kappa: float | None
    low: float | None
    high: float | None
    equal: Share


def share(count: int, n: int) -> Share:
    """A share of independent trials with its Wilson interval."""
    if not n:
        return Share(count=0, n=0, share=None, low=None, high=None)
    p = count / n
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return Share(
        count=count, n=n, share=p, low=max(0.0, centre - half), high=min(1.0, centre + half)
    )


def agreement(
    reference: Sequence[int],
    judged: Sequence[int],
    labels: Sequence[str],
    *,
    groups: Sequence[Any] | None = None,
    seed: int = 0,
) -> Agreement:
    """Agreement of ratings, given as positions in the ordered ``labels``.

    The interval is a percentile bootstrap over ``groups`` (ratings that are not independent, such
    as those of one pair in two orders; each rating its own by default). Where nobody disagrees a
    bootstrap would see certainty: the lower end is then that of the largest share of groups that
    may be rated by chance though none was seen (exact 97.5 % bound).
    """
    size, n = len(labels), len(reference)
    if n != len(judged):
        raise ValueError(f"{n} reference ratings but {len(judged)} of the judge")
    cells = np.asarray(reference, dtype=np.int64) * size + np.asarray(judged, dtype=np.int64)
    table = np.bincount(cells, minlength=size * size).reshape(size, size)
    value = float(kappas(table[None])[0]) if n else math.nan
    low = high = math.nan
    if not math.isnan(value):
        names = list(groups) if groups is not None else list(range(n))
        places: dict[Any, int] = {}
        rows = np.array([places.setdefault(name, len(places)) for name in names])
        per = np.zeros((len(places), size * size))
        np.add.at(per, (rows, cells), 1.0)
        low, high = _interval(per, size, value, seed)
    return Agreement(
        n=n,
        labels=tuple(labels),
        table=tuple(tuple(int(v) for v in row) for row in table),
        kappa=_known(value),
        low=_known(low),
        high=_known(high),
        equal=share(int(np.trace(table)), n),
    )


def kappas(tables: NDArray[Any]) -> NDArray[np.float64]:
    """Quadratic-weighted kappa of each of (m, k, k) tables; NaN where chance leaves no room."""
    tables = tables.astype(np.float64)
    size = tables.shape[-1]
    place = np.arange(size)
    weight = (place[:, None] - place[None, :]) ** 2.0
    total = tables.sum((1, 2))
    expected = tables.sum(2)[:, :, None] * tables.sum(1)[:, None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = (expected * weight).sum((1, 2)) / total
        return np.where(chance > 0, 1 - (tables * weight).sum((1, 2)) / chance, np.nan)


def _interval(per: NDArray[np.float64], size: int, value: float, seed: int) -> tuple[float, float]:
    groups = len(per)
    if value == 1.0:
        return 0.025 ** (1 / groups), 1.0
    rng = np.random.default_rng(seed)
    picks = rng.multinomial(groups, np.full(groups, 1 / groups), size=DRAWS)
    drawn = kappas((picks @ per).reshape(DRAWS, size, size))
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return math.nan, math.nan
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
