"""What the base can do on homes it never saw: greedy answers, scored by ability.

Answers are made the way any user would make them: the saved checkpoint, its processor and
``generate``. The wrong-image control asks the same questions about another picture, which is what
a model reaches that reads but does not see.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from PIL import Image

from seestep.answers import read_number, read_place, read_text
from seestep.geometry.boxes import iou
from seestep.geometry.frames import same_size
from seestep.models.load import Loaded
from seestep.models.tiny.config import PretrainConfig
from seestep.models.tiny.corpus import Corpus, Question

UNIT = same_size((1, 1))  # places are read as fractions of the picture
SAME_BOX = 0.5
SAME_PLACE = 0.05  # of the side: how near a point must be where no region is known


def probe(
    loaded: Loaded, corpus: Corpus, *, most: int = 200, batch: int = 64
) -> dict[str, dict[str, Any]]:
    """n, score, wrong_image and format (share with the right tags) of every ability.

    Questions are taken evenly over the homes, at most ``most`` an ability.
    """
    found: dict[str, list[Question]] = defaultdict(list)
    for group in corpus.groups:
        for q in group:
            found[q.ability].append(q)
    table: dict[str, dict[str, Any]] = {}
    for ability, questions in sorted(found.items()):
        picked = questions[:: max(1, len(questions) // most)][:most]
        right = [_reply(loaded, corpus, picked[i : i + batch], 0)
                 for i in range(0, len(picked), batch)]  # fmt: skip
        wrong = [_reply(loaded, corpus, picked[i : i + batch], 97)
                 for i in range(0, len(picked), batch)]  # fmt: skip
        said = [text for part in right for text in part]
        blind = [text for part in wrong for text in part]
        table[ability] = {
            "n": len(picked),
            "score": _mean([score(q, t) for q, t in zip(picked, said, strict=True)]),
            "wrong_image": _mean([score(q, t) for q, t in zip(picked, blind, strict=True)]),
            "format": _mean([float(answer_of(t) is not None) for t in said]),
            "example": {"asked": picked[0].suffix, "said": said[0], "gold": picked[0].completion},
        }
    return table


def answer_of(text: str) -> str | None:
    """What stands in the answer tags, None if they are not there."""
    _, start, rest = text.partition("<answer>")
    inside, end, _ = rest.partition("</answer>")
    return inside.strip() if start and end else None


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
    height, width = gold["size"]
    bits = np.frombuffer(bytes.fromhex(gold["mask"]), dtype=np.uint8)
    mask = np.unpackbits(bits)[: height * width].reshape(height, width)
    column, row = int(x * width), int(y * height)
    return float(0 <= column < width and 0 <= row < height and mask[row, column])


@torch.no_grad()
def _reply(loaded: Loaded, corpus: Corpus, questions: Sequence[Question], shift: int) -> list[str]:
    processor = loaded.processor
    total = len(corpus.pictures)
    pictures = [
        Image.fromarray(corpus.pictures[(v + shift) % total]) for q in questions for v in q.views
    ]
    texts = [q.prefix + q.suffix for q in questions]
    inputs = processor(
        text=texts, images=pictures, return_tensors="pt", padding=True, padding_side="left"
    )
    longest = max(len(processor.tokenizer(q.completion).input_ids) for q in questions)
    out = loaded.model.generate(**inputs, max_new_tokens=longest + 8, do_sample=False)
    texts = processor.tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :])
    return [t.split("<|im_end|>")[0] for t in texts]


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 3) if values else 0.0


def write_model_card(
    folder: Path,
    loaded: Loaded,
    config: PretrainConfig,
    scores: dict[str, dict[str, Any]],
    *,
    minutes: float | None,
) -> None:
    """``MODEL_CARD.md``: what the checkpoint is, how it was made, and what it can do."""
    model = loaded.model
    total = sum(p.numel() for p in model.parameters())
    vision = sum(p.numel() for p in model.model.visual.parameters())
    tested = config.data.probe
    seen = "; ".join(
        f"{part.homes} homes (seeds {part.seeds.start} to {part.seeds.stop - 1})"
        for part in config.data.parts.values()
    )
    took = f"{minutes:.0f} minutes on {config.threads} threads" if minutes else "not recorded"
    rows = [
        f"| {name} | {s['n']} | {s['score']:.3f} | {s['wrong_image']:.3f} | {s['format']:.3f} |"
        for name, s in scores.items()
    ]
    recipe = msgspec.yaml.encode(config).decode()
    side = int(loaded.family.min_pixels**0.5)
    (folder / "MODEL_CARD.md").write_text(f"""\
# The embedded tiny base

A {config.family} ({type(model).__name__}) with {total:,} parameters, {vision:,} of them in the
vision tower, and a tokenizer of {len(loaded.tokenizer)} entries. Pictures are seen at
{side}x{side} pixels as {loaded.family.image_tokens((side, side))} visual tokens. Weights are
float16 in safetensors. It exists so that every method can be tried in minutes on a CPU; it knows
nothing but the rendered homes of this package.

- **Data**: {seen}, rendered by
  `seestep.world`, questions answered by their own geometry. No home of a suite is among them.
- **Recipe**: `recipes/tiny/base.yaml`, from random weights in two stages: visual tokens learn the
  type, colour, place and distance of what they show (those heads are thrown away), then questions
  are answered in the form `<think></think><answer>...</answer>`.
- **Time**: {took}; rendering counts only where the cache of views was empty.
- **Licence**: Apache-2.0, weights and data.

## What it can do

Greedy answers on {tested.homes} homes it never saw (seeds {tested.seeds.start} to
{tested.seeds.stop - 1}); one seed. *Wrong image* asks the same about another picture: what reading
alone gives. *Format* is the share of answers inside the right tags. Points count when they hit the
region, boxes from IoU 0.5, numbers within a tenth.

| ability | n | score | wrong image | format |
|---|---|---|---|---|
{chr(10).join(rows)}

## The recipe, resolved

```yaml
{recipe}```
""")
