"""Words that show how an answer was made: a model that read captions, an assistant's excuses, a
template that nobody filled in.

What a picture itself shows may use the same words (a sign that says sorry), so every pattern is a
phrase. They were held against the 200 answers of LRV-Instruction's evaluation set, many of which a
language model wrote from captions and boxes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

_TOLD = r"captions?|descriptions?|annotations?|bounding box(?:es)?"
_SHOWN = rf"image|picture|scene|photo|text|context|{_TOLD}"
_TEMPLATE: Final = re.compile(
    r"\{[a-z_]{2,}\}|<(?:image|obj|bbox|point)>|^\s*(?:N/?A|null|NaN|undefined)\s*\.?\s*$"
    r"|\[(?:INSERT|YOUR) [A-Z ]+\]"
)
LEAKS: Final = {
    "assistant_talk": re.compile(
        r"\bas an (?:ai|artificial intelligence)\b|\bas a (?:large )?language model\b"
        r"|\bi(?:'m| am) an ai\b|\bno (?:image|picture|photo) (?:was|is|has been) provided\b"
        r"|\bi (?:don't|do not) have access to\b|^\W*sorry,? (?:but )?i (?:can|am|do)"
        r"|\bi(?:'m| am) (?:sorry,? (?:but|i)\b|unable to\b)|\bi apologi[sz]e\b"
        r"|\bi (?:cannot|can't|can not) (?:answer|see|view|determine|help|assist|provide)\b"
        r"|作为(?:一个|一名)?(?:大型|大)?(?:AI|人工智能|语言模型)|(?:很)?抱歉[，,]?(?:但)?我"
        r"|我(?:无法|不能)(?:看到|查看|回答|识别|提供|访问)|没有提供(?:任何)?(?:图片|图像|照片)",
        re.IGNORECASE,
    ),
    "not_in_image": re.compile(
        r"\bno mention of\b|\bno information\b|\bno (?:\w+ ){1,5}mentioned\b"
        r"|(?:\bnot|n't) (?:\w+ly )?(?:mentioned|specified|provided|stated|described)"
        rf"(?: \w+){{0,3}} in (?:the|this|any) (?:\w+ )?(?:{_SHOWN})\b"
        rf"|\b(?:{_SHOWN})s? (?:does|do|did)(?: not|n't) (?:mention|specify|state|say|describe)"
        r"|\bit(?: is|'s) not (?:specified|mentioned|stated)\b"
        r"|\b(?:cannot|can't|can not) (?:be )?determined?\b"
        r"|\bnot (?:enough|sufficient) information\b|\binsufficient information\b"
        r"|\b(?:impossible|not possible) to (?:determine|tell|say|know)\b"
        rf"|\b(?:{_SHOWN})s? (?:does|do|did)(?: not|n't) provide (?:\w+ )?information\b"
        r"|^[^.]{0,60}(?:\bnot|n't) (?:mentioned|specified|stated)\W*$|^\W*unanswerable\W*$"
        r"|(?:图|图片|图像|描述|文中|文字)[中里]?(?:并?没有|并未|未)(?:提到|提及|说明)"
        r"|(?:图|图片|图像|文中|文字)[中里]?(?:并?没有|并未|未)描述"
        r"|(?:没有|缺乏)足够(?:的)?信息|信息不足|无法(?:从图\w{0,2}中?)?(?:确定|判断|得知)",
        re.IGNORECASE,
    ),
    "hidden_caption": re.compile(
        rf"\b(?:based on|according to|as per|(?:un)?clear from"
        rf"|as (?:stated|mentioned|described) in)(?: \w+){{0,2}}? "
        rf"(?:{_TOLD})\b"
        r"|\bfrom the (?:given |provided )?(?:captions?|annotations?|bounding boxes)\b"
        r"|\bfrom the (?:given |provided )?descriptions? (?:of|that)\b"
        r"|\b(?:image|actual|given|provided|bounding box) "
        r"(?:captions?|descriptions?|annotations?)\b"
        r"|\b(?:given|provided|bounding box) info(?:rmation)?\b"
        rf"|\bthe (?:{_TOLD}) (?:says?|states?|mentions?)\b"
        r"|\bis misleading\b|\bmaking (?:it|this \w+) misleading\b"
        r"|\bmisleads? the (?:user|viewer)\b"
        r"|\bX\s*:\s*\d+,?\s*Y\s*:\s*\d+"
        r"|根据(?:\w{0,4}的)?(?:图片|图像|给定|提供|所给)?的?(?:描述|说明文字|标注|字幕|边界框)",
        re.IGNORECASE,
    ),
    "broken_template": _TEMPLATE,
}
# A text that has none of these has no leak either; looking for them is ten times as fast.
HINTS: Final = (
    "as an ai", "language model", "sorry", "unable", "apolog", "cannot", "can't", "can not",
    "mention", "specif", "provided", "stated", "descri", "say", "state", "caption", "annotation",
    "bounding", "information", "mislead", "x:", "x :", "as an art", "m an ai", "access to",
    "possible to", "unanswerable",
)  # fmt: skip
SIGNS: Final = (
    "图", "描述", "文", "作为", "抱歉", "我无法", "我不能", "没有提供", "信息", "无法", "根据",
)  # fmt: skip
IN_QUESTIONS: Final = ("caption", "annotation", "x:", "x :")
APART: Final = "\0"  # between texts; no word has it
EXACT: Final = ("{", "<", "N/A", "NA", "null", "NaN", "undefined", "[INSERT", "[YOUR")
# What a person asks may speak of captions that are to be written, of a region that a box or a
# description points out, and of what he cannot see.
_ASKED: Final = re.compile(
    r"\b(?:based on|according to|as per|as (?:stated|mentioned|described) in)(?: \w+){0,2}? "
    r"(?:captions?|annotations?)\b|\bfrom the (?:given |provided )?(?:captions?|annotations?)\b"
    r"|\bthe (?:captions?|annotations?) (?:says?|states?|mentions?)\b"
    r"|\bX\s*:\s*\d+,?\s*Y\s*:\s*\d+",
    re.IGNORECASE,
)


def leak(text: str) -> tuple[str, str] | None:
    """(kind of leak, the words that show it), None where there is none."""
    if not (
        has_any(text.casefold(), HINTS)
        or has_any(text, EXACT)
        or (not text.isascii() and has_any(text, SIGNS))
    ):
        return None
    for reason, pattern in LEAKS.items():
        if found := pattern.search(text):
            return reason, found.group()
    return None


def leak_in_question(text: str) -> tuple[str, str] | None:
    """The same of what a user says: captions that nobody else sees, unfilled templates."""
    if not has_any(text, EXACT) and not has_any(text.casefold(), IN_QUESTIONS):
        return None
    for reason, pattern in (("hidden_caption", _ASKED), ("broken_template", _TEMPLATE)):
        if found := pattern.search(text):
            return reason, found.group()
    return None


def rows_with(texts: Sequence[str], words: Sequence[str]) -> set[int]:
    """The texts in which one of the words stands, looked for in all of them at once."""
    ends = list(accumulate(len(text) + 1 for text in texts))
    whole = APART.join(texts)
    found = set()
    for word in words:
        at = whole.find(word)
        while at >= 0:
            row = bisect_right(ends, at)
            found.add(row)
            at = whole.find(word, ends[row])
    return found


def rows_with_hints(texts: Sequence[str]) -> set[int]:
    """The texts of which ``leak`` has to be asked: others have none."""
    found = rows_with([text.casefold() for text in texts], HINTS) | rows_with(texts, EXACT)
    foreign = [row for row, text in enumerate(texts) if not text.isascii()]
    return found.union(row for row in foreign if has_any(texts[row], SIGNS))


def has_any(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of the words stands in a text; a loop is half again as fast as ``any``."""
    for word in words:  # noqa: SIM110
        if word in text:
            return True
    return False
