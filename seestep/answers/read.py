"""Reading a choice, a number, a yes or no, or words from a model's output.

Every reader returns the value with the name of the rule that found it, or None. None is never
turned into a default: an output that does not say "A" is not an A.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from seestep.answers.parts import Span, spans
from seestep.geometry.parse import fold_width

T = TypeVar("T")

_LEAD = re.compile(r"[\s*_\"'`(\[{$<#:-]*+([A-Z])(?![A-Za-z0-9'])\s*+([.):,;\]}>*_\"'`$\n-]?)")
_EITHER = re.compile(r"[\s*_\"'`(\[]*+([A-Z])[)\]*]?\s*+(?:or|and|/|,|&|\+)\s*+[(\[*]?([A-Z])\b")
_LETTER = re.compile(r"(?<![A-Za-z0-9'])([A-Z])(?![A-Za-z0-9'])(?=(.?)(.?))", re.DOTALL)
_LOWER = re.compile(r"[\s*_\"'`(\[{$]*+([a-z])[\s*_\"'`)\]}$.:]*+\Z")
_NEGATED = re.compile(r"\bnot\s++(?:option\s++)?[(\"'*]?[A-Z](?![A-Za-z0-9'])", re.IGNORECASE)
_REFUTED = re.compile(
    r"(?<![A-Za-z0-9'])[A-Z]\s++(?:(?:is|was|are|were|does|do|did|can|could)(?:\s*+not\b|n't\b)"
    r"|cannot\b|(?:is|was|are|were)\s++(?:wrong|incorrect|false)\b)"
)
_JOINED = re.compile(r"\s++(?:and|or)\s++(?:option\s++)?[(\"'*]?[A-HJ-Z](?![A-Za-z0-9'])")
_NUMBER = re.compile(
    r"(?<![\w.])[-+\u2212]?+(?:(?:\d{1,3}(?:,\d{3})++(?!\d)|\d++)(?:\.\d++)?+|\.\d++)"
    r"(?:[eE][-+]?+\d++)?+"
)
_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
_LARGER = re.compile(  # words that make another number of the one beside them
    r"\b(?:twenty[\s-]++(?:one|two|three|four|five|six|seven|eight|nine)|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety|hundred|thousand|dozen|half)\b",
    re.IGNORECASE,
)
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
_HAN = dict(zip("零一二三四五六七八九十两", [*range(11), 2], strict=True))
_YES_NO = re.compile(r"\b(?:yes|no)\b|不是|没有|否|是", re.IGNORECASE)
_LEAD_YES = re.compile(r"[\s*_\"'`(\[{$.#-]*+(yes\b|no\b|不是|没有|否|是)", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[^\w\s]|_")
_ARTICLES = re.compile(r"\b(?:the|an?)\b")


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """A value and the rule that found it, such as "answer_line/leading_letter"."""

    value: T
    rule: str


def read_choice(raw: str, options: Sequence[str]) -> Read[int] | None:
    """Index of the chosen option, by: leading letter, the only valid letter, the only option text.

    A letter must be one of the options'. A lone "A" before a lower-case word is an article, and
    one that is refused ("A is wrong") is passed over. Two options named alike ("A or B") are no
    choice, nor is a copy of the list of options: what follows it is read.
    """
    for span in spans(raw):
        found = _choice(span.text, options)
        if found is not None:
            return _read(found[0], span, found[1])
    return None


def read_number(raw: str) -> Read[float] | None:
    """The number stated: "1,200" is 1200, "-3" keeps its sign, "three" and "三" are read.

    After "Answer:", in a tag, in JSON or a box the first number counts ("3 (see frame 7)" is 3);
    in free text only a leading one or the only one.
    """
    for span in spans(raw):
        found = _number(span)
        if found is not None:
            return _read(found[0], span, found[1])
    return None


def read_yes_no(raw: str) -> Read[bool] | None:
    """True for yes, False for no: the leading word, else the only one of the two in the text.

    是 and 否 count as well; "not sure" and "yes or no" are neither.
    """
    for span in spans(raw):
        text = span.text.replace("是否", "")
        words = [_is_yes(m.group()) for m in _YES_NO.finditer(text)]
        if not words:
            continue
        lead = _LEAD_YES.match(text)
        others = _YES_NO.sub("", text).strip(" \n\t.,;:/|*_\"'`()[]").casefold()
        if len(set(words)) == 1:
            return _read(words[0], span, "leading_word" if lead else "unique_word")
        if lead and others not in ("", "or", "and"):
            return _read(_is_yes(lead.group(1)), span, "leading_word")
    return None


def read_text(raw: str) -> Read[str] | None:
    """The answer as words, tags and "Answer:" removed; None when empty."""
    for span in spans(raw):
        if span.text:
            return _read(span.text, span, "text")
    return None


def normal(text: str) -> str:
    """Case, punctuation, articles and spacing removed: how words are compared."""
    plain = _PUNCTUATION.sub(" ", text.casefold())
    return " ".join(_ARTICLES.sub(" ", plain).split())


def _read(value: T, span: Span, rule: str) -> Read[T]:
    return Read(value, f"{span.rule}/{rule}" if span.rule else rule)


def _choice(text: str, options: Sequence[str]) -> tuple[int, str] | None:
    count = len(options)
    text = _REFUTED.sub(" ", _after_list(text, options))
    either = _EITHER.match(text)
    if either and len({_index(either.group(i), count) for i in (1, 2)} - {None}) == 2:
        return None
    lead = _LEAD.match(text)
    if lead:
        at = _index(lead.group(1), count)
        after = text[lead.end() :]
        bare = not lead.group(2) and after
        article = bare and lead.group(1) in "AI" and not after.startswith("is ")
        article = article and not _same_option(after, options, at)
        if at is not None and not article:
            return at, "leading_letter"
    small = _LOWER.match(text)
    if small:
        at = _index(small.group(1).upper(), count)
        if at is not None:
            return at, "leading_letter"
    kept = _NEGATED.sub(" ", text)
    letters = {
        _index(m.group(1), count)
        for m in _LETTER.finditer(kept)
        if not (m.group(1) in "AI" and m.group(2) == " " and m.group(3).islower())
        or _JOINED.match(kept, m.end())
    } - {None}
    if len(letters) == 1:
        return next(i for i in letters if i is not None), "unique_letter"
    if letters:
        return None
    return _option_text(text, options)


def _after_list(text: str, options: Sequence[str]) -> str:
    """What follows a copy of the whole list, "A. ... B. ...", at the start of a text, else all."""
    at = 0
    for i, option in enumerate(options):
        letter = chr(ord("A") + i)
        words = re.escape(fold_width(option.strip()))
        line = re.compile(rf"[\s*_(]*+{letter}[).:][*_]*+\s*+{words}[\s*_.,;]*+")
        found = line.match(text, at)
        if found is None:
            return text
        at = found.end()
    return text[at:]


def _option_text(text: str, options: Sequence[str]) -> tuple[int, str] | None:
    said = f" {normal(text)} "
    plain = [normal(o) for o in options]
    exact = [i for i, o in enumerate(plain) if o and said == f" {o} "]
    if len(exact) == 1:
        return exact[0], "option_text"
    named = [i for i, o in enumerate(plain) if o and f" {o} " in said]
    # "left front" also names "left": the longer one is meant
    named = [
        i for i in named if not any(j != i and f" {plain[i]} " in f" {plain[j]} " for j in named)
    ]
    return (named[0], "option_text") if len(named) == 1 else None


def _same_option(text: str, options: Sequence[str], at: int | None) -> bool:
    return at is not None and bool(normal(text)) and normal(text) == normal(options[at])


def _index(letter: str, count: int) -> int | None:
    index = ord(letter) - ord("A")
    return index if 0 <= index < count else None


def _number(span: Span) -> tuple[float, str] | None:
    found = [(m.start(), _value(m.group())) for m in _NUMBER.finditer(span.text)]
    values = [v for _, v in found if math.isfinite(v)]
    if values:
        if span.declared:
            return values[0], "first_number"
        if not span.text[: found[0][0]].strip(" \n\t*_\"'`([$~"):
            return values[0], "leading_number"
        return (values[0], "unique_number") if len(set(values)) == 1 else None
    if _LARGER.search(span.text):
        return None
    words = [float(_WORDS.index(m.group().lower())) for m in _WORD.finditer(span.text)]
    if not words and len(span.text) <= 8:  # 三个; in longer Chinese text they are parts of words
        words = [float(_HAN[c]) for c in span.text if c in _HAN]
    return (words[0], "number_word") if len(set(words)) == 1 else None


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("\u2212", "-"))


def _is_yes(word: str) -> bool:
    return word.lower() in ("yes", "是")
