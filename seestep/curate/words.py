"""Counting words of any language, and telling scripts."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def count_words(text: str) -> int:
    """Words split at spaces; each Chinese, Japanese or Korean sign counts as one."""
    if text.isascii():
        return len(text.split())
    signs = len(_CJK.findall(text))
    return signs + len(_CJK.sub(" ", text).split())


@cache
def script_of(char: str) -> str:
    """The script of a letter by its Unicode name ("latin", "cjk"); "" for all that is no letter."""
    if not char.isalpha():
        return ""
    name = unicodedata.name(char, "unknown")
    return name.split()[0].split("-")[0].casefold()


def scripts_of(text: str) -> Counter[str]:
    """How many letters of each script a text has."""
    if text.isascii():
        letters = sum(map(str.isalpha, text))
        return Counter({"latin": letters}) if letters else Counter()
    found = Counter(map(script_of, text))
    del found[""]
    return found
