"""Statistics of scores that come in clusters (several items of one home, image or video).

Everything is seeded and pure; an item's score is a number in [0, 1]. Sources: Miller 2024,
arXiv 2411.00640 (cluster and pair); Korn & Graubard 1998 (effective sample size of a clustered
proportion); Wilson 1927; Clopper & Pearson 1934; Holm 1979; Zou 2007 (MOVER).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

DRAWS = 10_000
FEW = 10  # with fewer clusters that moved a bootstrap is too narrow: most of its draws see the same


@dataclass(frozen=True)
class Interval:
    """A mean with its two-sided 95 % interval."""

    mean: float
    low: float
    high: float
    n: int
    clusters: int
    method: str


@dataclass(frozen=True)
class Paired:
    """Change of the same items from one run to another."""

    change: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    gained: int  # items whose score rose
    lost: int  # items whose score fell
    mde: float  # smallest change found with 80 % power at this size and spread
    method: str


def interval(values: Sequence[float], clusters: Sequence[str], *, seed: int = 0) -> Interval:
    """95 % interval of the mean.

    Scores that are all 0 or 1 get a Wilson interval at the effective sample size
    n / max(1, design effect); graded scores get a percentile bootstrap over clusters. Where a
    bootstrap has nothing to draw from (one cluster, or clusters that are all alike) the interval
    reaches as far as an exact bound on clusters that were not seen.
    """
    x, labels = _arrays(values, clusters)
    sums, counts = _by_cluster(x, labels)
    n, k, mean = len(x), len(sums), float(x.mean())
    if np.isin(x, (0.0, 1.0)).all():
        low, high = wilson(mean, n / design_effect(x, labels))
        return Interval(mean, low, high, n, k, "wilson")
    if _alike(sums, counts):
        room = _unseen(k)
        return Interval(mean, max(0.0, mean - room), min(1.0, mean + room), n, k, "exact bound")
    picks = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), size=DRAWS)
    means = (picks @ sums) / (picks @ counts)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(mean, float(low), float(high), n, k, "cluster bootstrap")


def wilson(p: float, n: float, *, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson score interval of a proportion ``p`` seen on ``n`` (effective) trials."""
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def design_effect(values: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Variance of the clustered mean over that of independent items, at least 1.

    Linearised (ratio) estimator of the clustered variance with the k/(k-1) correction.
    """
    sums, counts = _by_cluster(values, labels)
    n, k, mean = len(values), len(sums), float(values.mean())
    plain = mean * (1 - mean) / n
    if k < 2 or plain == 0:
        return float(max(1.0, counts.max())) if k < 2 else 1.0
    clustered = k / (k - 1) * float(((sums - mean * counts) ** 2).sum()) / n**2
    return max(1.0, clustered / plain)


def paired(
    before: Sequence[float], after: Sequence[float], clusters: Sequence[str], *, seed: int = 0
) -> Paired:
    """Change from ``before`` to ``after`` on the same items, in the same order.

    The interval is a percentile bootstrap over clusters. Where fewer than ``FEW`` clusters moved
    it also reaches as far as exact (Clopper-Pearson) bounds on the shares of clusters that would
    fall and rise, by as much as those seen did and at least by one item; where all moved alike,
    which a bootstrap takes for certainty too, wholly. So does the smallest change. The p-value is
    the exact McNemar test where scores are 0/1 and every cluster holds one item, else a sign-flip
    permutation test over clusters (which that test is the special case of), exact up to 12
    non-zero clusters.
    """
    x, labels = _arrays(before, clusters)
    y, _ = _arrays(after, clusters)
    gain = y - x
    sums, counts = _by_cluster(gain, labels)
    n, k = len(gain), len(sums)
    rng = np.random.default_rng(seed)
    alike = _alike(sums, counts)
    size = _size(gain, sums)
    if not alike:
        picks = rng.multinomial(k, np.full(k, 1 / k), size=DRAWS)
        low, high = np.quantile((picks @ sums) / (picks @ counts), [0.025, 0.975])
        fell, rose = int((sums < -1e-12).sum()), int((sums > 1e-12).sum())
        if fell + rose < FEW:
            low = min(low, max(-1.0, gain.mean() - size * _unseen(k, fell)))
            high = max(high, min(1.0, gain.mean() + size * _unseen(k, rose)))
    else:  # k clusters that moved alike still leave room for some that would not
        room = size * _unseen(k)
        low, high = max(-1.0, float(gain.mean()) - room), min(1.0, float(gain.mean()) + room)
    gained, lost = int((gain > 0).sum()), int((gain < 0).sum())
    if k == n and np.isin(gain, (-1.0, 0.0, 1.0)).all():
        p, method = mcnemar(gained, lost), "exact McNemar"
    else:
        p, method = _sign_flip(sums, rng), "cluster sign-flip"
    spread = math.sqrt(k / max(1, k - 1) * float(((sums - gain.mean() * counts) ** 2).sum())) / n
    mde = (
        size * _unseen(k) if alike else float(stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * spread
    )
    return Paired(float(gain.mean()), float(low), float(high), p, n, k, gained, lost, mde, method)


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact McNemar p-value of the discordant counts; 1 when there are none."""
    if gained + lost == 0:
        return 1.0
    return float(stats.binomtest(gained, gained + lost, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def macro(
    parts: Sequence[tuple[float, float, float]], correlation: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Mean of group means with its interval, from each group's (mean, low, high).

    MOVER with correlations (Zou 2007): distances to the groups' own limits add as standard errors
    do, so a group whose items all agree still adds the uncertainty that its interval has, and
    groups that ask the same homes add what they share. ``correlation`` is of the groups' means.
    """
    if not parts:
        raise ValueError("no groups, so there is no mean")
    means, lows, highs = np.asarray(parts, dtype=np.float64).T
    mean = float(means.mean())
    below, above = means - lows, highs - means
    low = mean - math.sqrt(max(0.0, float(below @ correlation @ below))) / len(parts)
    high = mean + math.sqrt(max(0.0, float(above @ correlation @ above))) / len(parts)
    return mean, low, high


def correlations(
    groups: Sequence[tuple[Sequence[float], Sequence[str]]],
) -> NDArray[np.float64]:
    """Correlation of the means of ``groups``, each its values and their clusters.

    A mean moves with a cluster by the sum of what the cluster's items are above it (linearised);
    groups without a cluster in common are uncorrelated, a group that has no spread with all.
    """
    every = sorted({label for _, labels in groups for label in labels})
    index = {label: i for i, label in enumerate(every)}
    pulls = np.zeros((len(groups), len(index)))
    for row, (values, labels) in zip(pulls, groups, strict=True):
        x = np.asarray(values, dtype=np.float64)
        np.add.at(row, [index[label] for label in labels], x - x.mean())
    size = np.sqrt((pulls**2).sum(axis=1))
    pulls /= np.where(size < 1e-12, np.inf, size)[:, None]
    made: NDArray[np.float64] = pulls @ pulls.T
    np.fill_diagonal(made, 1.0)
    return made


def _arrays(
    values: Sequence[float], clusters: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} scores but {len(clusters)} cluster labels")
    if not len(values):
        raise ValueError("no scores, so there is nothing to estimate")
    _, labels = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    return np.asarray(values, dtype=np.float64), labels.astype(np.int64)


def _by_cluster(
    values: NDArray[np.float64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sums = np.bincount(labels, weights=values).astype(np.float64)
    return sums, np.bincount(labels).astype(np.float64)


def _alike(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> bool:
    """Whether every cluster has the same mean, so that resampling them shows no spread."""
    return bool(np.ptp(sums / counts) < 1e-12)


def _size(gain: NDArray[np.float64], sums: NDArray[np.float64]) -> float:
    """What a share of clusters that move is worth in the mean of all items: at least one item each.

    Clusters of n / k items move by that many at most; where all moved alike nothing less is known.
    """
    one = len(sums) / len(gain)
    if not gain.any():
        return one
    moves = np.abs(sums[np.abs(sums) > 1e-12])
    return one * max(1.0, float(moves.mean())) if 0 < len(moves) < len(sums) else 1.0


def _unseen(k: int, seen: int = 0) -> float:
    """How far above ``seen`` of ``k`` clusters their true share may lie (97.5 %, exact)."""
    return float(stats.beta.ppf(0.975, seen + 1, k - seen)) - seen / k if seen < k else 0.0


def _sign_flip(sums: NDArray[np.float64], rng: np.random.Generator) -> float:
    moved = sums[np.abs(sums) > 1e-12]
    if not len(moved):
        return 1.0
    seen = abs(float(moved.sum())) - 1e-9
    if len(moved) <= 12:
        bits = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1
        flipped = (bits * 2 - 1) @ moved
        return float((np.abs(flipped) >= seen).mean())
    signs = rng.integers(0, 2, size=(DRAWS, len(moved))) * 2 - 1
    return float(((np.abs(signs @ moved) >= seen).sum() + 1) / (DRAWS + 1))
