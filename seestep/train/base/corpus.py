"""Views of homes with questions about them, cached as uint8 pictures and plain text."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

IGNORE = -100
HEADS = ("type", "color", "x", "y", "left", "top", "right", "bottom", "depth", "on", "stands_for")
"""What each visual token is taught to tell about the object in it, one head each; "on" is the type
of what it stands on or in. "stands_for" is 1 in one token of each small thing, the nearest to its
middle: who counts these counts things, not tokens."""
DEPTH, ON, STANDS_FOR = (HEADS.index(name) for name in ("depth", "on", "stands_for"))
BINS = 32  # for places; depth uses DEPTH_BINS
DEPTH_BINS = 16
DEPTH_RANGE = (0.4, 8.0)  # metres, log-spaced


class Question(msgspec.Struct, frozen=True):
    """One question as text: the model sees ``prefix + suffix`` and must say ``completion``.

    ``prefix`` ends with the last picture, so all questions with the same views and prefix share
    it. ``gold`` is what the final test needs to score an answer (see ``probe``).
    """

    views: tuple[int, ...]  # pictures, by index in the shot (later: in the corpus)
    prefix: str
    suffix: str
    completion: str
    ability: str
    gold: dict[str, Any] = {}


@dataclass(frozen=True)
class Shot:
    """Some pictures of one home, what every visual token shows, and questions.

    ``pictures`` (n, side, side, 3) uint8; ``cells`` (n, tokens, 11) int16 class of each of
    ``HEADS``, -100 where nothing is taught.
    """

    pictures: NDArray[np.uint8]
    cells: NDArray[np.int16]
    questions: tuple[Question, ...]


@dataclass
class Corpus:
    """All shots together; ``groups`` are questions that share pictures and prefix."""

    pictures: NDArray[np.uint8]
    cells: NDArray[np.int16]
    groups: list[list[Question]] = field(default_factory=list)

    @classmethod
    def join(cls, shots: Iterable[Shot]) -> Corpus:
        """Number the views through and group the questions, in the order of ``shots``."""
        pictures, cells, offset = [], [], 0
        groups: list[list[Question]] = []
        for shot in shots:
            found: dict[tuple[tuple[int, ...], str], list[Question]] = {}
            for q in shot.questions:
                views = tuple(v + offset for v in q.views)
                moved = msgspec.structs.replace(q, views=views)
                found.setdefault((views, q.prefix), []).append(moved)
            groups.extend(found.values())
            pictures.append(shot.pictures)
            cells.append(shot.cells)
            offset += len(shot.pictures)
        return cls(np.concatenate(pictures), np.concatenate(cells), groups)


def label_cells(
    instance: NDArray[np.int32],
    classes: Sequence[tuple[int, int, int] | None],
    depth: NDArray[np.float32] | None,
    grid: int,
    *,
    first: Sequence[bool] = (),
    least: float = 0.06,
) -> NDArray[np.int16]:
    """What each of grid x grid visual tokens shows, (grid * grid, 11) int16 classes of ``HEADS``.

    ``instance`` (H, W): 0 nothing, else 1 + index into ``classes``, which holds (type, color,
    on) or None for things that are not taught. A token shows the object that covers most of it,
    if it covers at least ``least`` of the token; those marked in ``first`` go before all
    others, else the table would stand before the mug on it in nearly every token. type and
    color 0 mean "no object". x and y are those of the centre of the object's visible pixels in
    the whole picture, left to bottom their bounds.
    """
    height, width = instance.shape
    taught = np.array([False, *(c is not None for c in classes)])
    seen = np.where(taught[instance], instance, 0)
    ch, cw = height // grid, width // grid
    tokens = seen.reshape(grid, ch, grid, cw).transpose(0, 2, 1, 3).reshape(grid * grid, -1)
    out = np.full((grid * grid, len(HEADS)), IGNORE, dtype=np.int16)
    out[:, [0, 1, STANDS_FOR]] = 0
    if len(classes):
        counts = np.stack([(tokens == k + 1).sum(1) for k in range(len(classes))], axis=1)
        enough = max(3, least * ch * cw)
        ahead = np.array([*first, *[False] * (len(classes) - len(first))])
        rank = np.where(ahead & (counts >= enough), counts + ch * cw, counts)
        best = np.where(counts.max(1) >= enough, rank.argmax(1), -1)
        for index in sorted({int(i) for i in best} - {-1}):
            kind, mine = classes[index], np.flatnonzero(best == index)
            assert kind is not None
            ys, xs = np.nonzero(seen == index + 1)
            x, y = (xs.mean() + 0.5) / width, (ys.mean() + 0.5) / height
            bounds = xs.min() / width, ys.min() / height, xs.max() / width, ys.max() / height
            out[mine, :8] = (*kind[:2], *(int(v * BINS) for v in (x, y, *bounds)))
            out[mine, ON] = kind[2]
            if ahead[index]:
                far = np.hypot(mine % grid + 0.5 - x * grid, mine // grid + 0.5 - y * grid)
                out[mine[far.argmin()], STANDS_FOR] = 1
    if depth is not None:
        metres = depth.reshape(grid, ch, grid, cw).transpose(0, 2, 1, 3).reshape(grid * grid, -1)
        low, high = np.log(DEPTH_RANGE)
        place = (np.log(np.clip(np.median(metres, axis=1), *DEPTH_RANGE)) - low) / (high - low)
        out[:, DEPTH] = np.minimum((place * DEPTH_BINS).astype(np.int16), DEPTH_BINS - 1)
    return out


def mirrored(
    pictures: NDArray[np.uint8], cells: NDArray[np.int16]
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Pictures (n, side, side, 3) with left and right swapped, and ``cells`` (n, tokens, 11) of
    them: tokens change places, columns count from the other side, to within one of ``BINS``."""
    grid = math.isqrt(cells.shape[1])
    turned = cells.reshape(len(cells), grid, grid, -1)[:, :, ::-1].reshape(cells.shape).copy()
    x, left, right = (HEADS.index(name) for name in ("x", "left", "right"))
    columns = turned[..., [x, right, left]]
    turned[..., [x, left, right]] = np.where(columns == IGNORE, IGNORE, BINS - 1 - columns)
    return pictures[:, :, ::-1], turned


def moved(
    pictures: NDArray[np.uint8], cells: NDArray[np.int16], across: int, down: int
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Pictures (n, side, side, 3) moved by a few of ``BINS``, their edge repeated behind them, and
    ``cells`` (n, tokens, 11) of them: places count from the new corner, tokens keep what they tell.
    """
    side, told = pictures.shape[1], cells.copy()
    for axis, bins, names in (
        (2, across, ("x", "left", "right")),
        (1, down, ("y", "top", "bottom")),
    ):
        at = np.clip(np.arange(side) - bins * side // BINS, 0, side - 1)
        pictures = pictures.take(at, axis=axis)
        columns = told[..., [HEADS.index(name) for name in names]]
        there = np.clip(columns + bins, 0, BINS - 1)
        told[..., [HEADS.index(name) for name in names]] = np.where(
            columns == IGNORE, IGNORE, there
        )
    return pictures, told


def joined(
    pictures: NDArray[np.uint8], cells: NDArray[np.int16], others: NDArray[np.intp], cut: int
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """The first ``cut`` columns of tokens of pictures (n, side, side, 3), right of them what
    ``others`` (n,), indices into the same pictures, show there; ``cells`` (n, tokens, 11) likewise.

    Of a thing that lies on both sides of the seam in its own picture, a part is left: what it is is
    taught there, where it is is not. After CutMix (Yun et al., 2019, arXiv:1905.04899).
    """
    grid, side = math.isqrt(cells.shape[1]), pictures.shape[1]
    left, right = (cells[..., HEADS.index(name)] * grid for name in ("left", "right"))
    halved = (left != IGNORE * grid) & (left < cut * BINS) & (right + grid > cut * BINS)
    told = cells.copy()
    for name in ("x", "y", "left", "top", "right", "bottom", "stands_for"):
        told[..., HEADS.index(name)][halved] = IGNORE
    shown, at = pictures.copy(), cut * side // grid
    shown[:, :, at:] = pictures[others][:, :, at:]
    told = told.reshape(len(told), grid, grid, -1)
    told[:, :, cut:] = told[others][:, :, cut:]
    return shown, told.reshape(cells.shape)


def relit(
    pictures: NDArray[np.uint8], rng: np.random.Generator, light: float, noise: float
) -> NDArray[np.uint8]:
    """Pictures (n, side, side, 3), each up to ``light`` brighter or darker, all with ``noise``
    (standard deviation, of 255)."""
    gain = 1 + light * rng.uniform(-1, 1, (len(pictures), 1, 1, 1)).astype(np.float32)
    grain = noise * rng.standard_normal(pictures.shape, dtype=np.float32)
    out: NDArray[np.uint8] = np.clip(pictures * gain + grain, 0, 255).astype(np.uint8)
    return out


def write_shard(shots: Sequence[Shot]) -> bytes:
    """One cache file: an npz of pictures, cells, shot sizes and the questions as JSON."""
    stream = io.BytesIO()
    text = msgspec.json.encode([shot.questions for shot in shots])
    np.savez(
        stream,
        pictures=np.concatenate([s.pictures for s in shots]),
        cells=np.concatenate([s.cells for s in shots]),
        sizes=np.array([len(s.pictures) for s in shots]),
        questions=np.frombuffer(text, dtype=np.uint8),
    )
    return stream.getvalue()


def read_shard(file: Path) -> Iterator[Shot]:
    """The shots of a cache file."""
    with np.load(file, allow_pickle=False) as data:
        pictures, cells = data["pictures"], data["cells"]
        kind = list[tuple[Question, ...]]
        questions = msgspec.json.decode(data["questions"].tobytes(), type=kind)
        ends = np.cumsum(data["sizes"])
    for start, end, asked in zip([0, *ends[:-1]], ends, questions, strict=True):
        yield Shot(pictures[start:end], cells[start:end], asked)
