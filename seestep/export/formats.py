"""One function a format: a record or pair in, one JSON row out.

Every row is built from ``families.prompt.messages`` and ``thought.wire.completion``, so numbers
and answers are those that our own training and evaluation use. What a format cannot hold goes to
the sidecar (see ``write``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any, TypeAlias

from seestep.errors import DataError
from seestep.families import Family
from seestep.families.prompt import messages
from seestep.records import Pair, Record
from seestep.sources.rows import IMAGE
from seestep.thought.wire import Style, completion

Row: TypeAlias = dict[str, Any]
Format: TypeAlias = Callable[[Record | Pair, Family, Sequence[str], Style], Row]

TAGS = (IMAGE, "<video>", "<audio>")
"""What readers of plain strings replace by a picture, a video or a sound."""


def llava(asked: Record | Pair, family: Family, images: Sequence[str], style: Style) -> Row:
    """LLaVA: id, image, conversations. ``image`` is one path, or a list of several."""
    row = qwen(asked, family, images, style)
    if len(images) == 1:  # LLaVA's own reader opens it as a path
        row["image"] = images[0]
    return row


def qwen(asked: Record | Pair, family: Family, images: Sequence[str], style: Style) -> Row:
    """Qwen-VL fine-tune JSON: LLaVA's, ``image`` always a list. No form for pairs or system turns.

    Without a picture there is no ``image``: readers open what it names. The line break after a
    placeholder is the documented form; the reader strips it.
    """
    if isinstance(asked, Pair):
        raise DataError(
            "the LLaVA format has no preference pairs", record=asked.id, hint="--to sharegpt"
        )
    turns = _flat(asked, family, style, after="\n")
    if turns[0]["role"] == "system":  # Qwen's reader would train on it as an answer
        raise DataError("the LLaVA format has no system turn", record=asked.id)
    names = {"user": "human", "assistant": "gpt"}
    conversations = [{"from": names[t["role"]], "value": t["content"]} for t in turns]
    shown: Row = {"image": list(images)} if images else {}
    return {"id": asked.id, **shown, "conversations": conversations}


def sharegpt(asked: Record | Pair, family: Family, images: Sequence[str], style: Style) -> Row:
    """LLaMA-Factory's messages layout (formatting: sharegpt), with chosen/rejected for pairs."""
    row: Row = {"messages": _flat(asked, family, style), "images": list(images)}
    if isinstance(asked, Pair):
        for key, said in zip(("chosen", "rejected"), _said(asked, family, style), strict=True):
            row[key] = {"role": "assistant", "content": said}
    return row


def trl(asked: Record | Pair, family: Family, images: Sequence[str], style: Style) -> Row:
    """TRL's conversational prompt/completion, or prompt/chosen/rejected, with an images column."""
    prompt = [
        {
            "role": m["role"],
            "content": [
                {"type": "image"}
                if _is_image(p, asked)
                else {"type": "text", "text": _safe(p["text"], asked, family)}
                for p in m["content"]
            ],
        }
        for m in messages(asked, family)
    ]
    row: Row = {"prompt": prompt, "images": list(images)}
    keys = ("chosen", "rejected") if isinstance(asked, Pair) else ("completion",)
    for key, said in zip(keys, _said(asked, family, style), strict=True):
        row[key] = [{"role": "assistant", "content": [{"type": "text", "text": said}]}]
    return row


def swift(asked: Record | Pair, family: Family, images: Sequence[str], style: Style) -> Row:
    """ms-swift: messages with the answer last; ``rejected_response`` for pairs."""
    turns = _flat(asked, family, style)
    row: Row = {"messages": turns, "images": list(images)}
    if isinstance(asked, Pair):
        chosen, row["rejected_response"] = _said(asked, family, style)
        turns.append({"role": "assistant", "content": chosen})
    return row


FORMATS: dict[str, Format] = {
    "llava": llava,
    "qwen": qwen,
    "sharegpt": sharegpt,
    "messages": trl,
    "swift": swift,
}


def _flat(
    asked: Record | Pair, family: Family, style: Style, *, after: str = ""
) -> list[dict[str, str]]:
    """Turns as plain strings with image placeholders; a record's answer is the last one.

    Nothing stands between a placeholder and the words but ``after``, as in our own prompts.
    """
    turns = []
    for message in messages(asked, family):
        text = ""
        for part in message["content"]:
            text += IMAGE + after if _is_image(part, asked) else _safe(part["text"], asked, family)
        turns.append({"role": message["role"], "content": text})
    roles = [turn["role"] for turn in turns]
    talk = roles[1:] if roles[:1] == ["system"] else roles
    if talk != ["user", *["assistant", "user"] * (len(talk) // 2)]:
        raise DataError("user and assistant do not take turns, the user first", record=asked.id)
    if isinstance(asked, Record):
        turns.append({"role": "assistant", "content": _said(asked, family, style)[0]})
    return turns


def _is_image(part: dict[str, Any], asked: Record | Pair) -> bool:
    if part["type"] == "video":
        raise DataError(
            "a video must be given as frames", record=asked.id, hint="extract its frames first"
        )
    return bool(part["type"] == "image")


def _said(asked: Record | Pair, family: Family, style: Style) -> list[str]:
    """What the model is to say: a record's answer; a pair's chosen, then its rejected."""
    if isinstance(asked, Record):
        told = [completion(asked.answer, asked, family, asked.thought, style)]
    else:
        told = [
            completion(asked.chosen, asked, family, asked.chosen_thought, style),
            completion(asked.rejected, asked, family, asked.rejected_thought, style),
        ]
        if told[0] == told[1]:  # a thought, or less than a unit of the frame, was the difference
            raise DataError("the better and the worse answer are written alike", record=asked.id)
    return [_safe(text, asked, family) for text in told]


def _safe(text: str, asked: Record | Pair, family: Family) -> str:
    if tag := next((tag for tag in TAGS if tag in text), None):
        raise DataError(
            f"the text holds the placeholder {tag}, which would be read as a picture, "
            "a video or a sound",
            record=asked.id,
        )
    if token := next((token for token in astuple(family.tokens) if token in text), None):
        raise DataError(f"the text holds the control token {token}", record=asked.id)
    return text
