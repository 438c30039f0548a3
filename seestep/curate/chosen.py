"""What a question lets one choose from, and whether an answer in words is one of those."""

from __future__ import annotations

import re

from seestep.answers.options import options_in
from seestep.curate.words import count_words
from seestep.geometry.parse import fold_width
from seestep.records import Record, Text

YES_OR_NO = re.compile(
    r"(?<!not )(?<!n't )(?<!not just )(?<!n't just )(?<!not only )"
    r"\b(?:answer|reply|respond)\b[^.?\n]{0,200}\byes or no\b(?!,? or\b)"
    r"|回答[^。？\n]{0,100}(?:是或否|是还是否|是或不是|是还是不是)",
    re.IGNORECASE,
)
YES = re.compile(r"\W*(?:(?:yes|no)\b|是|否|不是)", re.IGNORECASE)
_HEAD = re.compile(r"\(?([A-Za-z]|\d{1,2})[).:]\)?\s*(.*)", re.DOTALL)
_NAMED = re.compile(
    r"(?:(?:the )?(?:correct |right )?(?:answer|option|choice)(?: is)?|答案是?|选项?)\s*:?\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
_STOPS = " .,;()*`\"'。，；（）"
_LISTED = re.compile(r"\b(?:options|choices)\s*:\s*([^\n.?]+)", re.IGNORECASE)


def asked_last(record: Record) -> str:
    """The words of the last user's turn, which is what the answer answers."""
    for turn in reversed(record.turns):
        if turn.role == "user":
            return " ".join(p.text.strip() for p in turn.parts if isinstance(p, Text))
    return ""


def options_of(prompt: str) -> dict[str, str]:
    """The options that are written in a question, folded, by their label: A, b or 1 and on, or by
    themselves where they are listed ("Options: red, blue")."""
    if found := options_in(prompt):
        return {label: _folded(text) for label, text in found}
    if listed := _LISTED.search(prompt):
        names = [_folded(n) for n in re.split(r",|\bor\b", listed[1]) if n.strip()]
        return {name: name for name in names}
    return {}


def _folded(text: str) -> str:
    return text.strip(_STOPS).casefold()


def is_option(said: str, options: dict[str, str]) -> bool:
    """An option's label, its text, or both of one option; of listed ones, any sentence too."""
    said = fold_width(said.replace("、", "."))
    folded = _folded(said)
    labels = {label.casefold(): text for label, text in options.items()}
    if folded in labels or folded in labels.values():
        return True
    if (head := _HEAD.match(said)) and head[1].casefold() in labels:
        text = _folded(head[2])
        return not text or text.startswith(labels[head[1].casefold()])
    named = _NAMED.match(folded)
    if named and _folded(named[1]) in (*labels, *labels.values()):
        return True
    return list(options) == list(options.values()) and count_words(said) > 3
