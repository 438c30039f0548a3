"""Counting words and repeats of any language, and telling scripts."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def count_words(text: str) -> int:
    """Words split at spaces; each Chinese, Japanese or Korean sign counts as one."""
    if text.isascii():
        return len(text.split())
    signs = len(_CJK.findall(text))
    return signs + len(_CJK.sub(" ", text).split())


@lru_cache(1 << 10)  # a rule and the quality ask it of the same texts
def repeated_share(text: str) -> float:
    """Share of the 3-word phrases of a text that occurred before in it; 0 when too short.

    Of Chinese, Japanese and Korean the phrases are of 6 signs. In a list with semicolons a
    phrase that comes back only once is no repeat.
    """
    words, size = text.casefold().split(), 3
    if not text.isascii():
        signs = _CJK.findall(text)
        if len(signs) > len(words):
            words, size = signs, 6
    if len(words) <= size:
        return 0.0
    grams = Counter(zip(*(words[k:] for k in range(size)), strict=False))
    free = 2 if ";" in text or "；" in text else 1
    repeats = sum(n - 1 for n in grams.values() if n > free)
    return repeats / grams.total()


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
