"""Counting words of any language."""

from __future__ import annotations

import re

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def count_words(text: str) -> int:
    """Words split at spaces; each Chinese, Japanese or Korean sign counts as one."""
    if text.isascii():
        return len(text.split())
    signs = len(_CJK.findall(text))
    return signs + len(_CJK.sub(" ", text).split())
