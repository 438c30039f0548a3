"""What the base can do on homes it never saw: greedy answers, scored by ability.

Answers are made the way any user would make them: the saved checkpoint, its processor and
``generate``. The wrong-image control asks the same questions about another picture, which is what
a model reaches that reads but does not see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from PIL import Image

from seestep.geometry.parse import parse
from seestep.models.load import Loaded
from seestep.models.tiny.config import PretrainConfig
from seestep.models.tiny.corpus import Corpus, Question

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
        said = said.removeprefix("Answer:").strip()
        return float(said.lower() == str(gold["text"]).lower())
    if "number" in gold:
        try:
            return float(abs(float(said) - gold["number"]) <= 0.1 * abs(gold["number"]))
        except ValueError:
            return 0.0
    want = "box" if "box" in gold else "point"
    frame = gold.get("frame") or "permille"
    read = parse(said, want, frame=frame)
    if read is None:
        return 0.0
    values = np.array(read.values) / (1.0 if frame == "unit" else 1000.0)
    if want == "box":
        return float(_iou(values, np.array(gold["box"])) >= 0.5)
    if "point" in gold:
        return float(np.hypot(*(values[:2] - np.array(gold["point"]))) <= SAME_PLACE)
    height, width = gold["size"]
    bits = np.frombuffer(bytes.fromhex(gold["mask"]), dtype=np.uint8)
    mask = np.unpackbits(bits)[: height * width].reshape(height, width)
    x, y = int(values[0] * width), int(values[1] * height)
    return float(0 <= x < width and 0 <= y < height and mask[y, x])


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


def _iou(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    wide = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.maximum(wide, 0)))
    areas = float(np.prod(np.maximum(a[2:] - a[:2], 0)) + np.prod(b[2:] - b[:2]))
    return shared / (areas - shared)


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
    homes, tested = config.data.homes, config.data.probe
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

- **Data**: {homes.homes} homes (seeds {homes.seeds.start} to {homes.seeds.stop - 1}) rendered by
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
