"""What an output is worth: one function a scorer, all with the same signature.

An unread answer is worth 0 and says so (``parsed`` False); values lie in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from seestep.act import wire
from seestep.act.judge import judge_plan
from seestep.answers.parts import sections
from seestep.answers.places import Place, frame_of, read_place
from seestep.answers.read import normal, read_choice, read_number, read_text, read_yes_no
from seestep.errors import DataError
from seestep.families import Family
from seestep.families.prompt import Sizes, number_text, resize_of
from seestep.geometry.boxes import iou
from seestep.geometry.convert import to_pixels
from seestep.geometry.frames import Resize
from seestep.geometry.masks import bounds, contains
from seestep.records import (
    Answer,
    Box,
    Choice,
    Freeform,
    Geometry,
    Item,
    Number,
    Path,
    Plan,
    Points,
    Score,
    YesNo,
)


class Judged(Protocol):
    """What a plan judge finds; ``act.judge.Judged`` is one."""

    @property
    def parsed(self) -> bool: ...
    @property
    def value(self) -> float: ...
    @property
    def reason(self) -> str: ...


_A = TypeVar("_A", bound=Answer)
PlanJudge: TypeAlias = Callable[[Mapping[str, Any], str], Judged]  # (Item.context, answer text)
Scorer: TypeAlias = Callable[[Item, str, Family, Sizes | None], Score]

IOU_HIT = 0.5
PATH_REACH = 0.2
"""A path off by this share of the image's diagonal is worth 0."""

_STEP = (0.95 - 0.5) / 9  # numpy.linspace(.5, .95, 10), as VSI-Bench's eval computes it
MRA_THRESHOLDS = (*(0.5 + i * _STEP for i in range(9)), 0.95)


def score(
    item: Item,
    raw: str,
    family: Family,
    *,
    plan_judge: PlanJudge = judge_plan,
    sizes: Sizes | None = None,
) -> Score:
    """Score ``raw``, the untouched output, by the scorer that ``item`` names.

    Args:
        plan_judge: executes a plan answer; by default the symbolic executor of ``act``.
        sizes: (width, height) by media key where the item does not know them.

    Raises:
        DataError: the item names no known scorer, or its gold does not fit the scorer. Never for
            anything a model wrote.
    """
    if item.scorer == "plan":
        return plan(item, raw, family, sizes, plan_judge)
    if item.scorer not in SCORERS:
        raise DataError(
            "unknown scorer", record=item.id, wanted=" | ".join(SCORERS), got=item.scorer
        )
    return SCORERS[item.scorer](item, raw, family, sizes)


def choice(item: Item, raw: str, family: Family, sizes: Sizes | None = None) -> Score:
    """1 for the right option."""
    gold = _gold(item, Choice)
    read = read_choice(raw, gold.options)
    if read is None:
        return _unparsed(item, gold.letter)
    letter = chr(ord("A") + read.value)
    return _scored(item, float(read.value == gold.index), read.rule, letter, gold.letter)


def number(item: Item, raw: str, family: Family, sizes: Sizes | None = None) -> Score:
    """1 for exactly the right number."""
    gold = _gold(item, Number)
    read = read_number(raw)
    if read is None:
        return _unparsed(item, number_text(gold.value))
    return _scored(
        item,
        float(read.value == gold.value),
        read.rule,
        number_text(read.value),
        number_text(gold.value),
    )


def mra(item: Item, raw: str, family: Family, sizes: Sizes | None = None) -> Score:
    """VSI-Bench's mean relative accuracy.

    Mean over t = .5, .55 ... .95 of [|read - gold| / |gold| <= 1 - t], with the very floats of
    its official code. For gold 0, where that divides by zero, 1 for exactly 0 and else 0.
    """
    gold = _gold(item, Number)
    read = read_number(raw)
    if read is None:
        return _unparsed(item, number_text(gold.value))
    value = mean_relative_accuracy(read.value, gold.value)
    return _scored(item, value, read.rule, number_text(read.value), number_text(gold.value))


def yes_no(item: Item, raw: str, family: Family, sizes: Sizes | None = None) -> Score:
    """1 for the right one of yes and no."""
    gold = _gold(item, YesNo)
    read = read_yes_no(raw)
    right = "yes" if gold.yes else "no"
    if read is None:
        return _unparsed(item, right)
    return _scored(
        item, float(read.value == gold.yes), read.rule, "yes" if read.value else "no", right
    )


def text(item: Item, raw: str, family: Family, sizes: Sizes | None = None) -> Score:
    """1 for the same words, case, punctuation, articles and spacing aside."""
    gold = _gold(item, Freeform)
    read = read_text(raw)
    if read is None:
        return _unparsed(item, gold.text)
    same = normal(read.value) == normal(gold.text)
    return _scored(item, float(same), read.rule, read.value[:200], gold.text)


def points_in_mask(item: Item, raw: str, family: Family, sizes: Sizes | None = None) -> Score:
    """Share of the stated points that lie in the region (Where2Place, RefSpatial, RoboSpatial).

    The mean over all points, so naming many places does not pay. Points outside the image miss.
    """
    return _points(item, raw, family, sizes, first=False)


def points_first(item: Item, raw: str, family: Family, sizes: Sizes | None = None) -> Score:
    """1 if the first stated point lies in the region (RoboSpatial's own rule)."""
    return _points(item, raw, family, sizes, first=True)


def box_iou(item: Item, raw: str, family: Family, sizes: Sizes | None = None) -> Score:
    """1 if the stated box has an intersection over union with the gold of at least 0.5."""
    gold = item.find_geometry(_gold(item, Box).geometry)
    resize = resize_of(item, gold.media, family, sizes)
    box = bounds(gold, resize) if gold.kind == "mask" else to_pixels(gold, resize=resize)
    place = read_place(raw, "box", frame_of(item, family), resize)
    if place is None:
        return _unparsed(item, _shown(box))
    overlap = iou(place.values, box)
    return _scored(
        item,
        float(overlap >= IOU_HIT),
        place.rule,
        _shown(place.values),
        _shown(box),
        f"iou {overlap:.3f}",
    )


def path(item: Item, raw: str, family: Family, sizes: Sizes | None = None) -> Score:
    """1 - d / 0.2, at least 0, for the discrete Frechet distance d in image diagonals.

    A path that strays by a tenth of the diagonal at its worst is worth a half.
    """
    gold = item.find_geometry(_gold(item, Path).geometry)
    resize = resize_of(item, gold.media, family, sizes)
    truth = to_pixels(gold, resize=resize)
    place = read_place(raw, "path", frame_of(item, family), resize)
    if place is None:
        return _unparsed(item, _shown(truth))
    diagonal = (resize.width**2 + resize.height**2) ** 0.5
    stray = frechet(place.pairs, list(zip(truth[::2], truth[1::2], strict=True))) / diagonal
    return _scored(
        item,
        max(0.0, 1.0 - stray / PATH_REACH),
        place.rule,
        _shown(place.values),
        _shown(truth),
        f"frechet {stray:.3f} of the diagonal",
    )


def plan(
    item: Item,
    raw: str,
    family: Family,
    sizes: Sizes | None = None,
    plan_judge: PlanJudge = judge_plan,
) -> Score:
    """1 if the plan executes from the item's start state and reaches its goal."""
    said = sections(raw)
    judged = plan_judge(item.context, said.answer)
    gold = wire.write(item.answer) if isinstance(item.answer, Plan) else ""
    notes = (judged.reason,) if judged.reason else ()
    if not judged.parsed:
        return _unparsed(item, gold, *notes)
    rule = f"{said.rule}/plan" if said.rule else "plan"
    return _scored(item, judged.value, rule, said.answer[:2000], gold, *notes)


SCORERS: dict[str, Scorer] = {
    "choice": choice,
    "number": number,
    "mra": mra,
    "yes_no": yes_no,
    "text": text,
    "points_in_mask": points_in_mask,
    "points_first": points_first,
    "box_iou": box_iou,
    "path": path,
    "plan": plan,
}
"""Scorer names of ``Item.scorer``."""


def mean_relative_accuracy(read: float, gold: float) -> float:
    """VSI-Bench's MRA of one number; see ``mra``."""
    if gold == 0:
        return float(read == 0)
    error = abs(read - gold) / abs(gold)
    return sum(error <= 1 - t for t in MRA_THRESHOLDS) / len(MRA_THRESHOLDS)


def frechet(a: Sequence[tuple[float, float]], b: Sequence[tuple[float, float]]) -> float:
    """Discrete Frechet distance of two paths (Eiter and Mannila, 1994), in their unit."""
    above: list[float] = []
    for x, y in a:
        row: list[float] = []
        for j, (u, v) in enumerate(b):
            gap = ((x - u) ** 2 + (y - v) ** 2) ** 0.5
            ways = [w[k] for w, k in ((above, j), (above, j - 1), (row, j - 1)) if 0 <= k < len(w)]
            row.append(max(gap, min(ways)) if ways else gap)
        above = row
    return above[-1]


def points_value(region: Geometry, place: Place, resize: Resize, *, first: bool = False) -> float:
    """Share of ``place``'s points inside ``region``, or whether its first one is."""
    pairs = place.pairs[:1] if first else place.pairs
    return sum(contains(region, x, y, resize) for x, y in pairs) / len(pairs)


def region_of(item: Item) -> Geometry:
    """The mask, box or polygon that a pointing answer must hit."""
    answer = _gold(item, Points)
    region = item.find_geometry(answer.region or answer.geometry)
    if region.kind not in ("mask", "box", "polygon"):
        raise DataError(
            "a pointing item needs a region to hit",
            record=item.id,
            wanted="mask, box or polygon",
            got=region.kind,
        )
    return region


def _points(item: Item, raw: str, family: Family, sizes: Sizes | None, *, first: bool) -> Score:
    region = region_of(item)
    resize = resize_of(item, region.media, family, sizes)
    gold = f"in {region.kind} {region.key}"
    place = read_place(raw, "points", frame_of(item, family), resize)
    if place is None:
        return _unparsed(item, gold)
    value = points_value(region, place, resize, first=first)
    return _scored(item, value, place.rule, _shown(place.values), gold)


def _gold(item: Item, kind: type[_A]) -> _A:
    if not isinstance(item.answer, kind):
        raise DataError(
            f"scorer {item.scorer} does not fit the item's answer",
            record=item.id,
            wanted=kind.__name__,
            got=type(item.answer).__name__,
        )
    return item.answer


def _shown(values: Sequence[float]) -> str:
    """Pixels of the original, as a reader of the report would want them."""
    text = ", ".join(f"{v:.1f}" for v in values[:40])
    return f"[{text}{', ...' if len(values) > 40 else ''}] px"


def _scored(item: Item, value: float, rule: str, answer: str, gold: str, *notes: str) -> Score:
    return Score(
        item=item.id,
        suite=item.suite,
        skill=item.skill,
        value=value,
        parsed=True,
        rule=rule,
        answer=answer,
        gold=gold,
        clusters=item.clusters,
        notes=notes,
    )


def _unparsed(item: Item, gold: str, *notes: str) -> Score:
    return Score(
        item=item.id,
        suite=item.suite,
        skill=item.skill,
        value=0.0,
        parsed=False,
        rule="",
        gold=gold,
        clusters=item.clusters,
        notes=notes,
    )
