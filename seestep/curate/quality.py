"""Quality from 1 to 6 over instruction, input and output: five open questions, one point each.

A record starts at 1 and earns a point for each yes. A score says how much a record can teach,
not whether its answer is true: truth is the business of checks and judges.
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

from seestep.curate.batch import Batch
from seestep.curate.leaks import has_any
from seestep.curate.near import FILLERS, normalise
from seestep.curate.rules import format_faults, shown
from seestep.curate.words import count_words, repeated_share
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
        verdicts = []
        for row, id in enumerate(batch.ids):
            earned = points(batch, row)
            score = 1.0 + sum(earned)
            keep = score >= self.least
            verdicts.append(
                Verdict(
                    id=id,
                    check=self.name,
                    keep=keep,
                    reason="" if keep else "below_least",
                    score=score,
                    threshold=self.least,
                    evidence=_told(earned),
                )
            )
        return verdicts


QUESTIONS = ("ask", "input", "form", "match", "teach")


@cache
def _told(earned: tuple[bool, ...]) -> str:
    return " ".join(f"{'-+'[yes]}{what}" for what, yes in zip(QUESTIONS, earned, strict=True))


def points(batch: Batch, row: int) -> tuple[bool, bool, bool, bool, bool]:
    """The answers to the five ``QUESTIONS`` for one row."""
    record, prompt, output = batch.records[row], batch.prompts[row], batch.outputs[row]
    hedges = isinstance(record.answer, Freeform) and _is_vague(output)
    return (
        3 <= count_words(prompt) <= 80 + 40 * isinstance(record.answer, Choice)
        and ("?" in prompt or bool(_ASKS.search(prompt)))
        and not _is_vague(prompt),
        _input_is_known(record),
        format_faults(batch)[row] is None and repeated_share(output) <= 0.3 and not hedges,
        _is_about(record, prompt, output),
        _teaches(record, output),
    )


def _is_vague(text: str) -> bool:
    return has_any(text.casefold(), _VAGUE_HINTS) and bool(_VAGUE.search(text))


def _input_is_known(record: Record) -> bool:
    if not record.media:
        return isinstance(record.answer, Plan)
    seen = shown(record)
    if len(record.media) == 1:
        return record.media[0].key in seen and record.media[0].size is not None
    return all(m.key in seen and m.size is not None for m in record.media)


def _is_about(record: Record, prompt: str, output: str) -> bool:
    answer = record.answer
    if isinstance(answer, Choice):
        return len(answer.options) >= 2
    if isinstance(answer, Number | YesNo):
        return True  # a bare value has no words; whether it is the right one is for the checks
    if isinstance(answer, Points | Box | Path):
        label = record.find_geometry(answer.geometry).label
        words = _content(label) if label else set()
        return not words or bool(words & _content(prompt))
    asked = _content(prompt)
    if isinstance(answer, Plan):
        return bool({w for e in answer.entities for w in _content(e.name)} & asked)
    said = normalise(output)
    return (
        bool(_content(output) & asked)
        or bool({"yes", "no"} & set(said.split()))
        or said.startswith(("是", "不是", "否", "有", "没有"))
    )


def _teaches(record: Record, output: str) -> bool:
    answer = record.answer
    if record.thought is not None or isinstance(answer, Points | Box | Path | Number):
        return True
    if isinstance(answer, Plan):
        return len(answer.steps) >= 3
    if isinstance(answer, Choice):
        return len(answer.options) >= 3
    return isinstance(answer, Freeform) and count_words(output) >= 8


def _content(text: str) -> set[str]:
    """Content words, singular where English makes that easy; of Chinese, two signs at a time."""
    words = set(normalise(text).split()) - FILLERS
    if not text.isascii():
        runs = [run for word in words for run in _SIGNS.findall(word)]
        words = {part for word in words for part in _SIGNS.sub(" ", word).split()}
        words |= {run[i : i + 2] for run in runs for i in range(max(1, len(run) - 1))} - _COMMON
    return {w.removesuffix("s") if len(w) > 3 else w for w in words}
