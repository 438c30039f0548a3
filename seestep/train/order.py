"""Which sample is seen when: a function of (seed, epoch, data) only, never of ranks or workers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Schedule:
    """The samples of a whole run: ``effective`` consecutive indices make an optimiser step.

    Index i < ``main`` is a record of the main data, the rest are replay.
    """

    indices: NDArray[np.int64]
    main: int
    effective: int
    steps: int
    per_epoch: int

    def epoch_of(self, step: int) -> float:
        """Epochs finished after ``step`` optimiser steps."""
        return step * self.effective / self.per_epoch


def fingerprint(ids: Sequence[str]) -> str:
    """Short hash of the samples in order."""
    digest = hashlib.sha256()
    for i in ids:
        digest.update(i.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def schedule(
    lengths: Sequence[int],
    *,
    main: int,
    replay_share: float,
    effective: int,
    micro: int,
    epochs: float,
    max_steps: int | None,
    seed: int,
    data: str,
) -> Schedule:
    """Plan a run over ``len(lengths)`` samples: ``main`` of its own first, replay after them.

    Every epoch shows each main sample once and replay in ``replay_share`` of the places, evenly
    spread. The run is whole steps: the last one is filled from the following epoch. Inside a step
    samples are sorted by length, so micro-batches pad little and ranks finish together; the
    gradient of a step does not change by that.
    """
    replay = len(lengths) - main
    extra = round(main * replay_share / (1 - replay_share)) if replay else 0
    per_epoch = main + extra
    steps = max_steps or max(1, math.ceil(epochs * per_epoch / effective))
    needed = steps * effective
    found: list[NDArray[np.int64]] = []
    have, epoch = 0, 0
    while have < needed:
        found.append(_epoch(seed, epoch, data, main, replay, extra))
        have += per_epoch
        epoch += 1
    flat = np.concatenate(found)[:needed]
    sizes = np.asarray(lengths, dtype=np.int64)
    blocks = flat.reshape(steps, effective)
    if effective > micro:
        by_length = np.argsort(-sizes[blocks], axis=1, kind="stable")
        blocks = np.take_along_axis(blocks, by_length, axis=1)
    return Schedule(blocks.reshape(-1), main, effective, steps, per_epoch)


def _epoch(
    seed: int, epoch: int, data: str, main: int, replay: int, extra: int
) -> NDArray[np.int64]:
    own = _generator(seed, epoch, data, "main").permutation(main)
    if not extra:
        return own
    # Replay goes on where the epoch before stopped, so that all of it is seen before any twice.
    first, last = epoch * extra, (epoch + 1) * extra
    rounds = range(first // replay, (last - 1) // replay + 1)
    pool = np.concatenate([_generator(seed, r, data, "replay").permutation(replay) for r in rounds])
    skip = first - rounds[0] * replay
    again = main + pool[skip : skip + extra]
    out = np.empty(main + extra, dtype=np.int64)
    places = (np.arange(extra) * (main + extra)) // extra
    mask = np.zeros(main + extra, dtype=bool)
    mask[places] = True
    out[mask], out[~mask] = again, own
    return out


def _generator(seed: int, epoch: int, data: str, what: str) -> np.random.Generator:
    key = hashlib.sha256(f"{seed}:{epoch}:{data}:{what}".encode()).digest()
    return np.random.default_rng(int.from_bytes(key[:8], "little"))
