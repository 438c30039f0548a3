"""``MODEL_CARD.md`` of the embedded base: what it is, how it was made, and what it can do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import msgspec

from seestep.models.load import Loaded
from seestep.pipeline.abilities import Ability, Part
from seestep.train.base.config import PretrainConfig
from seestep.world.homes import HomesConfig, seed_range

COLUMNS = (
    "n", "score", "95 %", "chance", "wrong image", "95 %", "20 above", "own form",
    "benchmark form", "tags",
)  # fmt: skip


def model_card(
    loaded: Loaded,
    config: PretrainConfig,
    groups: Sequence[Ability],
    families: Sequence[Ability],
    *,
    weights: str,
    minutes: float | None,
) -> str:
    """The card as Markdown. ``weights`` is their sha256, ``minutes`` of rendering and training."""
    model, tested = loaded.model, config.data.probe
    total = sum(p.numel() for p in model.parameters())
    vision = sum(p.numel() for p in model.model.visual.parameters())
    side = int(loaded.family.min_pixels**0.5)
    took = "not recorded here" + (", told in the note" if config.notes else "")
    if minutes:
        took = f"{minutes:.0f} minutes, rendering included"
    learnt = "\n".join(f"  - {n}: {_seeds(h)}" for n, h in config.data.parts.items())
    suites = seed_range("suite")
    notes = "".join(f"- **Note**: {_filled(note)}\n" for note in config.notes)
    vision_stage, joint, settle = config.vision, config.joint, config.settle
    after = ""
    if settle is not None:
        after = f",\n  and {settle.steps} of {settle.batch} without what only leads there"
    return f"""\
# The embedded tiny base

A {config.family} ({type(model).__name__}) with {total:,} parameters, {vision:,} of them in the
vision tower, and a tokenizer of {len(loaded.tokenizer)} entries. {_layers(model)}
Pictures are seen at {side}x{side} pixels as {loaded.family.image_tokens((side, side))} visual
tokens. Weights are float16 in safetensors, `weights_sha256`
{weights}.
It exists so that every method can be tried in minutes on a CPU; it knows nothing but the rendered
homes of this package.

- **Data**: homes rendered by `seestep.world`, with questions their own geometry answers. Seeds:
{learnt}
  - test below: {_seeds(tested)}
  - suites: {suites.start} to {suites.stop - 1}, no home of which is among the others; no base was
    chosen by them.
- **Recipe**: `recipes/tiny/base.yaml` (`seestep pretrain`), from random weights, stage by stage:
  {vision_stage.steps} steps of {vision_stage.batch} pictures in which visual tokens learn the
  type, colour, place and distance of what they show and what that stands on (those heads are
  thrown away), then
  {joint.steps} steps of {joint.batch} looks with up to {config.questions} questions each, answered
  in the form `<think></think><answer>...</answer>`{after}.
- **Time**: {took}; {config.data.workers} processes rendered, {config.threads} threads trained.
{notes}- **Licence**: Apache-2.0, weights and data.

## What it can do

Greedy answers in {tested.homes} homes it never saw; one seed of training. Options stand in a drawn
order. *Chance* is one over the number of options, a half for yes or no, the share of the picture
that is right for points, and for words, numbers and boxes the one answer that is right most often.
*Wrong image* asks the same about pictures of another home: what reading alone gives. *20 above*
says whether the score is 20 points or more over it. Intervals take a home as a cluster. *Own form*
and *benchmark form* are the scores (and numbers) of questions whose answer is asked for in the
model family's own words and in those of a benchmark; both count. *Tags* is the share of answers
inside the right tags. Points count when they hit the region, boxes from IoU 0.5, numbers within a
tenth.

### By group

{_table(groups, bars=True)}

### By family of questions

{_table(families, bars=False)}

{_notes(groups, families)}
## The recipe, resolved

```yaml
{msgspec.yaml.encode(config).decode()}```
"""


def _filled(text: str) -> str:
    """Lines as wide as those of the card, indented as an item's."""
    return textwrap.fill(" ".join(text.split()), 100, initial_indent=" " * 12,
                         subsequent_indent="  ").lstrip()  # fmt: skip


def _layers(model: Any) -> str:
    text, seen = model.config.text_config, model.config.vision_config
    return (
        f"Language: {text.num_hidden_layers} layers of width {text.hidden_size}; vision:"
        f" {seen.depth} of {seen.hidden_size}, patches of {seen.patch_size} pixels."
    )


def _seeds(homes: HomesConfig) -> str:
    return f"{homes.homes} homes, seeds {homes.seeds.start} to {homes.seeds.stop - 1}"


def _table(lines: Sequence[Ability], *, bars: bool) -> str:
    columns = ("group", *COLUMNS, "required", "reached") if bars else ("family", *COLUMNS)
    out = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for a in lines:
        cells = [
            a.name,
            f"{a.n} in {a.homes} homes",
            f"{a.score:.3f}",
            f"{a.low:.2f} to {a.high:.2f}",
            f"{a.chance:.3f}",
            f"{a.control:.3f}",
            f"{a.control_low:.2f} to {a.control_high:.2f}",
            _yes(a.sees),
            *(f"{p.score:.3f} ({p.n})" if p.score is not None else "-" for p in _parts(a)),
            f"{a.formed:.3f}",
        ]
        if bars:
            bar = "as high as it gets" if a.bar is None else f">= {a.bar:.2f}"
            cells += [bar, "" if a.passed is None else _yes(a.passed)]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out)


def _parts(a: Ability) -> tuple[Part, Part]:
    return a.native, a.benchmark


def _yes(truth: bool) -> str:
    return "yes" if truth else "**no**"


def _notes(groups: Sequence[Ability], families: Sequence[Ability]) -> str:
    """What the tables do not show: abilities at chance, and those with few questions."""
    lines = []
    for what, those in (("group", groups), ("family", families)):
        for a in those:
            if a.at_chance:
                lines.append(
                    f"- {what} *{a.name}* is at chance ({a.score:.3f} against {a.chance:.3f}):"
                    " not yet a test of forgetting."
                )
            if a.n < 200:
                lines.append(f"- {what} *{a.name}* has {a.n} questions, fewer than 200.")
    return "### Read with care\n\n" + "\n".join(lines) + "\n" if lines else ""
