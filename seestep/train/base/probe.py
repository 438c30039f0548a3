"""What the base can do in homes it never saw: greedy answers, each scored and kept.

Answers are made the way any user would make them: the saved checkpoint, its processor and
``generate``. The wrong-image control asks the same questions about pictures of another home, which
is what a model reaches that reads but does not see.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from seestep.answers import read_number, read_place, read_text
from seestep.errors import DataError
from seestep.geometry.boxes import iou
from seestep.geometry.frames import same_size
from seestep.models.load import Loaded
from seestep.train.base.asked import TURN_END
from seestep.train.base.corpus import Question, Shot
from seestep.train.base.reading import OPTION, answer_of, is_native

UNIT = same_size((1, 1))  # places are read as fractions of the picture
SAME_BOX = 0.5
SAME_PLACE = 0.05  # of the side: how near a point must be where no region is known
BATCH = 128
SPARE = 8  # tokens an answer may be longer than the right one


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One question of the test: what was said, what it is worth, and what guessing is worth."""

    home: str
    ability: str  # the family of questions
    form: Literal["native", "benchmark"]  # who words the form of the answer
    asked: str
    gold: str
    said: str
    blind: str  # what was said about another home's pictures
    score: float
    control: float  # score of ``blind``
    chance: float
    formed: bool  # the right tags around the answer


class _Case(msgspec.Struct, frozen=True):
    home: str
    question: Question
    views: tuple[int, ...]  # among all pictures
    others: tuple[int, ...]  # as many, of another home


@torch.no_grad()
def probe(
    loaded: Loaded,
    homes: Sequence[tuple[str, Shot]],
    *,
    most: int = 600,
    batch: int = BATCH,
    note: Callable[[int, int], None] = lambda done, total: None,
) -> list[Tried]:
    """Ask at most ``most`` questions an ability, evenly over the homes; right and wrong pictures.

    ``note`` is told how many of the answers there are. Raises ``DataError`` for a single home,
    which leaves no other one for the control.
    """
    pictures, cases = _cases(homes, most)
    prompts = [c.question.prefix + c.question.suffix for c in cases]
    lengths = [len(loaded.tokenizer(c.question.completion).input_ids) for c in cases]
    wanted = [(i, views) for i, c in enumerate(cases) for views in (c.views, c.others)]
    # like with like: little padding, and short answers do not wait for long ones
    order = sorted(range(len(wanted)), key=lambda k: _size(wanted[k], prompts, lengths))
    said = [""] * len(wanted)
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        texts = [prompts[wanted[k][0]] for k in part]
        shown = [Image.fromarray(pictures[v]) for k in part for v in wanted[k][1]]
        limits = [lengths[wanted[k][0]] + SPARE for k in part]
        for k, text in zip(part, _reply(loaded, texts, shown, limits), strict=True):
            said[k] = text
        note(min(start + batch, len(order)), len(order))
    chances = _chances([c.question for c in cases])
    return [
        Tried(
            home=case.home,
            ability=case.question.ability,
            form="native" if is_native(case.question, loaded.family) else "benchmark",
            asked=case.question.suffix.split(TURN_END)[0],
            gold=case.question.completion,
            said=right,
            blind=wrong,
            score=score(case.question, right),
            control=score(case.question, wrong),
            chance=guess,
            formed=answer_of(right) is not None,
        )
        for case, right, wrong, guess in zip(cases, said[::2], said[1::2], chances, strict=True)
    ]


def score(question: Question, text: str) -> float:
    """1 for a right answer: equal text or number, a point inside the region, a box of IoU 0.5."""
    said, gold = answer_of(text), question.gold
    if said is None or not gold:
        return 0.0
    if "text" in gold:
        words = read_text(said)
        return float(words is not None and words.value.lower() == str(gold["text"]).lower())
    if "number" in gold:
        number, true = read_number(said), gold["number"]
        return float(number is not None and abs(number.value - true) <= 0.1 * abs(true))
    want = "box" if "box" in gold else "point"
    place = read_place(said, want, gold.get("frame") or "permille", UNIT)
    if place is None:
        return 0.0
    if want == "box":
        return float(iou(place.values, gold["box"]) >= SAME_BOX)
    x, y = place.pairs[0]
    if "point" in gold:
        return float(math.dist((x, y), gold["point"]) <= SAME_PLACE)
    mask = _mask(question)
    height, width = mask.shape
    column, row = int(x * width), int(y * height)
    return float(0 <= column < width and 0 <= row < height and mask[row, column])


def _chances(questions: Sequence[Question]) -> list[float]:
    """What guessing is worth: one of the options, yes or no, a place anywhere in the picture; for
    words, numbers and boxes the one answer that is right most often in its ability."""
    pools: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for q in questions:
        pools[q.ability, _kind(q)].append(q)
    constant = {}
    for key, pool in pools.items():
        if key[1] == "constant":
            answers = {q.completion for q in pool}
            constant[key[0]] = max(sum(score(q, a) for q in pool) for a in answers) / len(pool)
    return [_chance(q, constant.get(q.ability, 0.0)) for q in questions]


def _chance(question: Question, constant: float) -> float:
    kind = _kind(question)
    if kind == "options":
        return 1 / len(OPTION.findall(question.suffix))
    if kind == "yes_no":
        return 0.5
    if kind == "region":
        return float(_mask(question).mean())
    return math.pi * SAME_PLACE**2 if kind == "place" else constant


def _kind(question: Question) -> str:
    gold = question.gold
    if "mask" in gold:
        return "region"
    if "point" in gold:
        return "place"
    if gold.get("text") in ("yes", "no"):
        return "yes_no"
    return "options" if OPTION.search(question.suffix) else "constant"


def _mask(question: Question) -> NDArray[np.bool_]:
    height, width = question.gold["size"]
    bits = np.frombuffer(bytes.fromhex(question.gold["mask"]), dtype=np.uint8)
    return np.unpackbits(bits)[: height * width].reshape(height, width).astype(bool)


def _cases(homes: Sequence[tuple[str, Shot]], most: int) -> tuple[NDArray[np.uint8], list[_Case]]:
    """All pictures, and the questions that are asked with their right and wrong pictures."""
    if len(homes) < 2:
        raise DataError("the wrong-image control needs a second home", got=f"{len(homes)} home")
    starts = np.cumsum([0, *(len(shot.pictures) for _, shot in homes)])
    found: dict[str, list[tuple[int, Question]]] = defaultdict(list)
    for i, (_, shot) in enumerate(homes):
        for q in shot.questions:
            found[q.ability].append((i, q))
    cases = []
    for _, asked in sorted(found.items()):
        for k in range(min(most, len(asked))):
            i, q = asked[k * len(asked) // min(most, len(asked))]
            views = tuple(int(starts[i]) + v for v in q.views)
            cases.append(_Case(homes[i][0], q, views, _others(homes, starts, i, q.views)))
    return np.concatenate([shot.pictures for _, shot in homes]), cases


def _others(
    homes: Sequence[tuple[str, Shot]], starts: NDArray[np.int64], here: int, views: Sequence[int]
) -> tuple[int, ...]:
    """As many views of another home, half the list further on: the same ones where it has them."""
    count, ranks = len(homes), {v: r for r, v in enumerate(sorted(views))}
    for step in range(count):
        there = (here + count // 2 + step) % count
        spare = len(homes[there][1].pictures) - len(views)
        if there != here and spare >= 0:
            return tuple(int(starts[there]) + min(v, spare + ranks[v]) for v in views)
    raise DataError("no other home has as many views", record=homes[here][0])


def _size(
    wanted: tuple[int, tuple[int, ...]], prompts: Sequence[str], lengths: Sequence[int]
) -> tuple[int, int, int]:
    i, views = wanted
    return len(views), lengths[i], len(prompts[i])


def _reply(
    loaded: Loaded,
    texts: Sequence[str],
    pictures: Sequence[Image.Image],
    limits: Sequence[int],
) -> list[str]:
    processor = loaded.processor
    inputs = processor(
        text=list(texts),
        images=list(pictures),
        return_tensors="pt",
        padding=True,
        padding_side="left",
    ).to(loaded.model.device)
    out = loaded.model.generate(**inputs, max_new_tokens=max(limits), do_sample=False)
    rows = out[:, inputs["input_ids"].shape[1] :].tolist()
    cut = [row[:limit] for row, limit in zip(rows, limits, strict=True)]
    return [text.split(TURN_END)[0] for text in processor.tokenizer.batch_decode(cut)]
