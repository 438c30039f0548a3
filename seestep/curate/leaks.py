"""Words that show how an answer was made: a model that read captions, an assistant's excuses, a
template that nobody filled in.

What a picture itself shows may use the same words (a sign that says sorry), so every pattern is a
phrase. They were held against the 200 answers of LRV-Instruction's evaluation set, many of which a
language model wrote from captions and boxes.
"""

from __future__ import annotations

import re
from typing import Final

_TOLD = r"captions?|descriptions?|annotations?|bounding box(?:es)?"
_SHOWN = rf"image|picture|scene|photo|text|context|{_TOLD}"
LEAKS: Final = {
    "assistant_talk": re.compile(
        r"\bas an ai\b|\bas a (?:large )?language model\b"
        r"|\bi(?:'m| am) (?:sorry,? (?:but|i)\b|unable to\b)|\bi apologi[sz]e\b"
        r"|\bi (?:cannot|can't|can not) (?:answer|see|view|determine|help|assist|provide)\b",
        re.IGNORECASE,
    ),
    "not_in_image": re.compile(
        r"\bno mention of\b|\bno information\b|\bno (?:\w+ ){1,5}mentioned\b"
        r"|(?:\bnot|n't) (?:\w+ly )?(?:mentioned|specified|provided|stated|described)"
        rf"(?: \w+){{0,3}} in (?:the|this|any) (?:\w+ )?(?:{_SHOWN})\b"
        rf"|\b(?:{_SHOWN})s? (?:does|do|did)(?: not|n't) (?:mention|specify|state|say|describe)"
        r"|\bit(?: is|'s) not (?:specified|mentioned|stated)\b"
        r"|\b(?:cannot|can't|can not) (?:be )?determined?\b"
        r"|(?:图|图片|图像|描述|文中|文字)[中里]?(?:没有|并未|未)(?:提到|提及|说明|描述)",
        re.IGNORECASE,
    ),
    "hidden_caption": re.compile(
        rf"\b(?:based on|according to|as (?:stated|mentioned|described) in)(?: \w+){{0,2}}? "
        rf"(?:{_TOLD})\b"
        r"|\bfrom the (?:given |provided )?(?:captions?|annotations?|bounding boxes)\b"
        r"|\bfrom the (?:given |provided )?descriptions? (?:of|that)\b"
        r"|\b(?:image|actual|given|provided|bounding box) "
        r"(?:captions?|descriptions?|annotations?)\b"
        r"|\b(?:given|provided|bounding box) info(?:rmation)?\b"
        rf"|\bthe (?:{_TOLD}) (?:says?|states?|mentions?)\b"
        r"|\bis misleading\b|\bmaking (?:it|this \w+) misleading\b"
        r"|\bmisleads? the (?:user|viewer)\b"
        r"|\bX\s*:\s*\d+,?\s*Y\s*:\s*\d+",
        re.IGNORECASE,
    ),
    "broken_template": re.compile(
        r"\{[a-z_]{2,}\}|<(?:image|obj|bbox|point)>|^\s*(?:N/?A|null|NaN)\s*\.?\s*$"
    ),
}
# A text that has none of these has no leak either; looking for them is ten times as fast.
HINTS: Final = (
    "as an ai", "language model", "sorry", "unable", "apolog", "cannot", "can't", "can not",
    "mention", "specif", "provided", "stated", "descri", "say", "state", "caption", "annotation",
    "bounding", "information", "mislead", "x:", "x :", "图", "描述", "文",
)  # fmt: skip
EXACT: Final = ("{", "<", "N/A", "NA", "null", "NaN")


def leak(text: str) -> tuple[str, str] | None:
    """(kind of leak, the words that show it), None where there is none."""
    folded = text.casefold()
    if not has_any(folded, HINTS) and not has_any(text, EXACT):
        return None
    for reason, pattern in LEAKS.items():
        if found := pattern.search(text):
            return reason, found.group()
    return None


def has_any(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of the words stands in a text; a loop is half again as fast as ``any``."""
    for word in words:  # noqa: SIM110
        if word in text:
            return True
    return False
