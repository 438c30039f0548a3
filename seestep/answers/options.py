"""Options as they are written in a question: "A. red", "(b) blue", "1) green", "C、白".

One a line, or several in one line. Labels of options count up from A, a or 1. Numbers, and letters
before a colon in running text, also number steps, people and scenes, so they are options only
where the question asks to choose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from seestep.geometry.parse import fold_width

_LABEL = r"\(?(?P<label>[A-Za-z]|\d{1,2}(?=[.):]\)?(?!\d)))(?P<mark>[.):])\)?"
_MARK = re.compile(r"\w[.):．）：、]")  # most questions have none
_LINE = re.compile(rf"^[ \t]*{_LABEL}[ \t]*(?=\S)", re.MULTILINE)
_INLINE = re.compile(rf"(?:^|(?<=[\s?.!,;:。，；]))(?<!\w\.){_LABEL}[ \t]*(?=\S)", re.MULTILINE)
_CHOOSE = re.compile(r"\b(?:which|choose|choices?|select|options?|pick)\b|哪|选", re.IGNORECASE)
_QUESTION_AFTER = re.compile(r"[.!;。；]\s*\S[^?]*\?")
_ADVICE = re.compile(
    r"[.;。；,，]?\s+(?:please|answer|choose|select|reply|respond|only|give)\b.*|[.。；]?\s*请.*",
    re.IGNORECASE,
)
_BETWEEN = " \t?？,，;；"


class Option(NamedTuple):
    """One option: its label, and its words as they stand there."""

    label: str
    text: str


def options_in(question: str) -> tuple[Option, ...]:
    """The options that a question lists, in order; empty where it lists fewer than two."""
    if not _MARK.search(question):
        return ()
    folded = fold_width(question.replace("、", "."))
    lines = _run(_LINE.finditer(folded))
    if len(lines) > 1 and _are_options(lines, folded, folded[lines[-1].end() :]):
        ends = [folded.find("\n", found.end()) % (len(folded) + 1) for found in lines]
        return tuple(
            Option(found["label"], question[found.end() : end].strip())
            for found, end in zip(lines, ends, strict=True)
        )
    run = _run(_INLINE.finditer(folded))
    if len(run) < 2:
        return ()
    tail = folded[run[-1].end() :].partition("\n")[0]
    if _QUESTION_AFTER.search(tail) or not _are_options(run, folded, tail):
        return ()
    tail = _ADVICE.sub("", tail)
    ends = [after.start() for _, after in pairwise(run)] + [run[-1].end() + len(tail)]
    texts = [question[found.end() : end] for found, end in zip(run, ends, strict=True)]
    return tuple(
        Option(found["label"], _alone(text)) for found, text in zip(run, texts, strict=True)
    )


def _alone(text: str) -> str:
    """The words of an option without what leads to the next one: ", or"."""
    words = text.partition("\n")[0].rstrip(_BETWEEN)
    return words.removesuffix(" or").removesuffix(" and").rstrip(_BETWEEN)


def _run(found: Iterable[re.Match[str]]) -> list[re.Match[str]]:
    """The longest of those whose labels count up; what stands between is passed over."""
    runs: dict[str, list[re.Match[str]]] = {"A": [], "a": [], "1": []}
    best: list[re.Match[str]] = []
    for one in found:
        label = one["label"]
        kind = "1" if label.isdigit() else "A" if label.isupper() else "a"
        if label == kind:
            runs[kind] = []
        if label == _counted(kind, len(runs[kind])):
            runs[kind] = [*runs[kind], one]
            best = max(best, runs[kind], key=len)
    return best


def _counted(first: str, n: int) -> str:
    return str(n + 1) if first == "1" else chr(ord(first) + n)


def _are_options(run: list[re.Match[str]], folded: str, after: str) -> bool:
    plain = run[0]["label"].isalpha() and not (run[0]["mark"] == ":" and run[0].re is _INLINE)
    asks = _CHOOSE.search(folded[: run[0].start()])
    return plain or (asks is not None and "?" not in after.rstrip("? "))
