"""Quality from 1 to 6 over instruction, input and output: five open questions, one point each.

A record starts at 1 and earns a point for each yes. A score says how much a record can teach,
not whether its answer is true: truth is the business of checks and judges.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

import msgspec

from seestep.curate.batch import Batch
from seestep.curate.leaks import rows_with
from seestep.curate.near import FILLERS, normal_words
from seestep.curate.rules import format_faults, shown_in
from seestep.curate.words import repeated_share
from seestep.records import (
    Box,
    Choice,
    Freeform,
    Number,
    Path,
    Plan,
    Points,
    Record,
    Verdict,
    YesNo,
)

_BARE, _PLACES, _SAYS_MUCH = (Number, YesNo), (Points, Box, Path), (Points, Box, Path, Number)
_ASKS = re.compile(
    r"[?\uff1f]|\b(?:what|which|where|how|who|when|why|is|are|does|do|can|point|locate|find|mark|box|"
    r"count|list|name|plan|put|place|pick|move|bring|go|turn|open|close|clean|heat|cool|slice|"
    r"describe|choose|select|answer|give|show|look|examine|identify|trace|draw|wash|take)\b"
    r"|请|什么|哪|谁|多少|几|吗|是否|如何|怎么|怎样|为何|指出|描述|标出|找|数|列出|放|拿|打开|关上",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"\b(?:something|stuff|whatever|maybe|perhaps|might be|could be|unclear|not sure|etc)\b"
    r"|也许|大概|或许|不确定|不清楚|某些东西",
    re.I,
)
_VAGUE_HINTS = (  # a text that has none of these has none of those either, and this is fast
    "something", "stuff", "whatever", "maybe", "perhaps", "might be", "could be", "unclear",
    "not sure", "etc", "也许", "大概", "或许", "不确定", "不清楚", "某些",
)  # fmt: skip

_SIGNS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_COMMON = frozenset(
    ("图中", "图片", "一个", "什么", "哪里", "有什", "请指", "指出", "这个", "是什")
)


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Score every record, and drop those below ``least`` (1 keeps all).

    ask: the instruction asks for something, in 3 to 80 words and without vague words.
    input: every picture is shown and its size known (text-only tasks earn it with a plan).
    form: the output is of the form asked for, does not repeat itself and does not hedge.
    match: the output is about the instruction: the thing it places is named in the question,
        its options differ, its plan's things are asked about, its words share a content word.
    teach: the output holds more than a guess: a place, a quantity, a thought, three steps, an
        option out of three or more, or 8 words.
    """

    least: float = 1.0

    name = "quality"

    def __post_init__(self) -> None:
        if not 1 <= self.least <= 6:
            raise ValueError(f"quality is a score of 1 to 6, least cannot be {self.least}")

    def __call__(self, batch: Batch) -> list[Verdict]:
        """One verdict a row: score, threshold, and the points earned as evidence."""
        return [
            Verdict(
                id=id,
                check=self.name,
                keep=score >= self.least,
                reason="" if score >= self.least else "below_least",
                score=score,
                threshold=self.least,
                evidence=_told(earned),
            )
            for id, earned in zip(batch.ids, points(batch), strict=True)
            if (score := 1.0 + sum(earned))
        ]


QUESTIONS = ("ask", "input", "form", "match", "teach")


@cache
def _told(earned: tuple[bool, ...]) -> str:
    return " ".join(f"{'-+'[yes]}{what}" for what, yes in zip(QUESTIONS, earned, strict=True))


def points(batch: Batch) -> list[tuple[bool, ...]]:
    """The answers to the five ``QUESTIONS`` for each row."""
    shows, faults = shown_in(batch), format_faults(batch)
    vague, hedging = _vague(batch.prompts), _vague(batch.outputs)
    earned: list[tuple[bool, ...]] = []
    for row, record in enumerate(batch.records):
        prompt, output, answer = batch.prompts[row], batch.outputs[row], record.answer
        words = batch.output_words[row]
        asks = (
            3 <= batch.prompt_words[row] <= (120 if isinstance(answer, Choice) else 80)
            and ("?" in prompt or bool(_ASKS.search(prompt)))
            and not vague[row]
        )
        fits = (
            faults[row] is None
            and (words < 4 or repeated_share(output) <= 0.3)
            and not (hedging[row] and isinstance(answer, Freeform))
        )
        known = _input_is_known(record, shows[row])
        about = _is_about(record, prompt, output)
        earned.append((asks, known, fits, about, _teaches(record, words)))
    return earned


def _vague(texts: Sequence[str]) -> list[bool]:
    found = [False] * len(texts)
    for row in rows_with([text.casefold() for text in texts], _VAGUE_HINTS):
        found[row] = bool(_VAGUE.search(texts[row]))
    return found


def _input_is_known(record: Record, seen: set[str]) -> bool:
    if not record.media:
        return isinstance(record.answer, Plan)
    if len(record.media) == 1:
        return record.media[0].key in seen and record.media[0].size is not None
    return all(m.key in seen and m.size is not None for m in record.media)


def _is_about(record: Record, prompt: str, output: str) -> bool:
    answer = record.answer
    if isinstance(answer, Choice):
        return len(answer.options) >= 2
    if isinstance(answer, _BARE):
        return True  # a bare value has no words; whether it is the right one is for the checks
    if isinstance(answer, _PLACES):
        label = record.find_geometry(answer.geometry).label
        words = _content_of_name(label) if label else None
        return not words or not words.isdisjoint(_content(prompt))
    asked = _content(prompt)
    if isinstance(answer, Plan):
        return any(not _content_of_name(e.name).isdisjoint(asked) for e in answer.entities)
    said = normal_words(output)
    return (
        not _telling(said, plain=output.isascii()).isdisjoint(asked)
        or "yes" in said
        or "no" in said
        or (bool(said) and said[0].startswith(("是", "不是", "否", "有", "没有")))
    )


def _teaches(record: Record, words: int) -> bool:
    answer = record.answer
    if record.thought is not None or isinstance(answer, _SAYS_MUCH):
        return True
    if isinstance(answer, Plan):
        return len(answer.steps) >= 3
    if isinstance(answer, Choice):
        return len(answer.options) >= 3
    return isinstance(answer, Freeform) and words >= 8


def _content(text: str) -> set[str]:
    """Content words, singular where English makes that easy; of Chinese, two signs at a time."""
    return _telling(normal_words(text), plain=text.isascii())


@lru_cache(1 << 14)  # the same things come again and again
def _content_of_name(name: str) -> frozenset[str]:
    return frozenset(_content(name))


def _telling(words: list[str], *, plain: bool) -> set[str]:
    """Those of the words of one text that tell something; ``plain`` if the text is ASCII."""
    if plain:
        return {w[:-1] if len(w) > 3 and w[-1] == "s" else w for w in words if w not in FILLERS}
    telling = set(words) - FILLERS
    runs = [run for word in telling for run in _SIGNS.findall(word)]
    telling = {part for word in telling for part in _SIGNS.sub(" ", word).split()}
    telling |= {run[i : i + 2] for run in runs for i in range(max(1, len(run) - 1))} - _COMMON
    return {w.removesuffix("s") if len(w) > 3 else w for w in telling}
