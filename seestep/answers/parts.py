"""Where in a model's output its answer stands."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from seestep.geometry.parse import fold_width

_THINK_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_THINK = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_ANSWER = re.compile(r"<(/?)answer>", re.IGNORECASE)
_ENDS = re.compile(r"<\|(?:im_end|endoftext|eot_id)\|>|</s>")
_JSON_TEXT = re.compile(r'"answer"\s*+:\s*+"((?:[^"\\]|\\.)*+)"', re.IGNORECASE | re.DOTALL)
_JSON_BARE = re.compile(r'"answer"\s*+:\s*+([-+\w.]++)', re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\s*+\{(?:\\text\s*+\{)?+([^{}]*+)\}")
_LINE = re.compile(
    r"\banswer(?:\*\*|__)?+\s*+(?:is\b\s*+:?+|:)|答案(?:是|为)?+\s*+:?+|故选|选择:?+",
    re.IGNORECASE,
)
_NOT = re.compile(r"\s*+(?:not|neither|unlikely|unclear|unknown)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sections:
    """An output in its parts. ``rule`` is "answer_tag" when the answer stood in its tag."""

    thinking: str
    answer: str
    rule: str


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text that may hold the answer; ``declared`` when the model said that it does."""

    text: str
    rule: str
    declared: bool


def sections(raw: str) -> Sections:
    """Split off the thinking and the answer tags.

    Thinking ends at the last ``</think>``; its opening tag may have been part of the prompt, and
    a thought that never closes leaves an empty answer (it was cut off). Of several answer tags
    the last counts; one that was never closed runs to the end, one never opened starts at the
    beginning. What follows an end-of-turn token is dropped.
    """
    end = _ENDS.search(raw)
    text = raw[: end.start()] if end else raw
    thinking = ""
    closes = list(_THINK_END.finditer(text))
    if closes:
        thinking, text = text[: closes[-1].start()], text[closes[-1].end() :]
        opened = _THINK.match(thinking.lstrip())
        thinking = thinking.lstrip()[opened.end() :] if opened else thinking
    opened = _THINK.search(text)
    if opened:
        return Sections((thinking + text[opened.end() :]).strip(), "", "unclosed_think")
    tags = list(_ANSWER.finditer(text))
    if not tags:
        return Sections(thinking.strip(), text.strip(), "")
    stop = len(text)
    start = 0
    if tags[-1].group(1):
        stop = tags[-1].start()
        tags.pop()
    if tags and not tags[-1].group(1):
        start = tags[-1].end()
    elif tags:
        start = tags[-1].end()  # a second </answer> without an opening: what lies between
    return Sections(thinking.strip(), text[start:stop].strip(), "answer_tag")


def strip(raw: str) -> tuple[str, str]:
    """(thinking, answer text) of an output, tags removed."""
    parts = sections(raw)
    return parts.thinking, parts.answer


def spans(raw: str) -> Iterator[Span]:
    """Stretches to read, best first: JSON "answer", boxed, after "Answer:", then all the rest.

    The whole is only looked at when nothing was declared: who says "Answer: neither" has answered,
    and a letter found elsewhere is not what they meant.
    """
    parts = sections(raw)
    text = fold_width(parts.answer)
    declared = False
    for rule, found in (
        ("json_answer", _last_json(text)),
        ("boxed", _last(_BOXED, text)),
        ("answer_line", _after_answer(text)),
    ):
        if found is not None:
            declared = True
            yield Span(found.strip(), rule, True)
    if not declared and text:
        yield Span(text, parts.rule, bool(parts.rule))


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = deque(pattern.finditer(text), maxlen=1)
    return found[0].group(1) if found else None


def _last_json(text: str) -> str | None:
    quoted, bare = _last(_JSON_TEXT, text), _last(_JSON_BARE, text)
    if quoted is not None:
        return quoted.replace('\\"', '"').replace("\\n", "\n")
    return bare


def _after_answer(text: str) -> str | None:
    found = None
    for match in _LINE.finditer(text):
        tail = text[match.end() : match.end() + 40].lstrip("*_ ")
        if tail.strip() and not _NOT.match(tail):
            found = match
    return text[found.end() :].lstrip("*_ ") if found else None
