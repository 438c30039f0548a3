"""What a question lets one choose from, and whether an answer in words is one of those."""

from __future__ import annotations

import re

from seestep.answers.options import options_in
from seestep.answers.read import normal, read_choice
from seestep.curate.words import count_words
from seestep.geometry.parse import fold_width
from seestep.records import Record, Text

YES_OR_NO = re.compile(
    r"(?<!not )(?<!n't )(?<!not just )(?<!n't just )(?<!not only )"
    r"\b(?:answer|reply|respond)\b[^.?\n]{0,200}\byes or no\b(?!,? or\b)"
    r"|回答[^。？\n]{0,100}(?:是或否|是还是否|是或不是|是还是不是)",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"\(?([A-Za-z]|\d{1,2})(?:[).:]+\s*(.*)|\W*)", re.DOTALL)
_LISTED = re.compile(r"\b(?:options|choices)\s*:\s*([^\n.?]+)", re.IGNORECASE)


def asked_last(record: Record) -> str:
    """The words of the last user's turn, which is what the answer answers."""
    for turn in reversed(record.turns):
        if turn.role == "user":
            return " ".join(p.text.strip() for p in turn.parts if isinstance(p, Text))
    return ""


def options_of(prompt: str) -> dict[str, str]:
    """The options that are written in a question, by their label: A, b or 1 and on, or by
    themselves where they are listed ("Options: red, blue")."""
    if found := options_in(prompt):
        return dict(found)
    if listed := _LISTED.search(prompt):
        names = [n.strip() for n in re.split(r",|\bor\b", listed[1]) if n.strip()]
        return {name: name for name in names}
    return {}


def is_option(said: str, options: dict[str, str]) -> bool:
    """Whether a scorer reads one of the options in an answer, and a label and the words behind it
    are of the same one; of listed ones any sentence will do."""
    said = fold_width(said.replace("、", "."))
    if labelled := _LABELLED.fullmatch(said):
        labels = {label.casefold(): text for label, text in options.items()}
        words = labels.get(labelled[1].casefold())
        return words is not None and normal(labelled[2] or words).startswith(normal(words))
    if read_choice(said, list(options.values())) is not None:
        return True
    return list(options) == list(options.values()) and count_words(said) > 3
