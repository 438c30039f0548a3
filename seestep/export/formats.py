"""One function a format: a record or pair in, one JSON row out.

Every row is built from ``families.prompt.messages`` and ``thought.wire.completion``, so numbers
and answers are those that our own training and evaluation use. What a format cannot hold goes to
the sidecar (see ``write``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from seestep.errors import DataError
from seestep.families import Family
from seestep.families.prompt import messages
from seestep.records import Pair, Record
from seestep.sources.rows import IMAGE
from seestep.thought.wire import Style, completion

Row: TypeAlias = dict[str, Any]
Format: TypeAlias = Callable[[Record | Pair, Family, Sequence[str], Style], Row]


def llava(asked: Record | Pair, family: Family, images: Sequence[str], style: Style) -> Row:
    """LLaVA / Qwen-VL fine-tune JSON: id, image, conversations. Has no form for pairs."""
    if isinstance(asked, Pair):
        raise DataError(
            "the LLaVA format has no preference pairs", record=asked.id, hint="--to sharegpt"
        )
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    turns = _flat(asked, family, style)
    conversations = [{"from": names[t["role"]], "value": t["content"]} for t in turns]
    return {"id": asked.id, "image": list(images), "conversations": conversations}


def sharegpt(asked: Record | Pair, family: Family, images: Sequence[str], style: Style) -> Row:
    """LLaMA-Factory's messages layout (formatting: sharegpt), with chosen/rejected for pairs."""
    turns = _flat(asked, family, style)
    row: Row = {"messages": turns, "images": list(images)}
    if isinstance(asked, Pair):
        row["chosen"] = {"role": "assistant", "content": _said(asked, family, style)}
        row["rejected"] = {"role": "assistant", "content": _said(asked, family, style, bad=True)}
    return row


def trl(asked: Record | Pair, family: Family, images: Sequence[str], style: Style) -> Row:
    """TRL's conversational prompt/completion, or prompt/chosen/rejected, with an images column."""
    prompt = [
        {
            "role": m["role"],
            "content": [
                {"type": "image"} if _is_image(p, asked) else {"type": "text", "text": p["text"]}
                for p in m["content"]
            ],
        }
        for m in messages(asked, family)
    ]
    row: Row = {"prompt": prompt, "images": list(images)}
    if isinstance(asked, Pair):
        row["chosen"] = _answer(_said(asked, family, style))
        row["rejected"] = _answer(_said(asked, family, style, bad=True))
    else:
        row["completion"] = _answer(_said(asked, family, style))
    return row


def swift(asked: Record | Pair, family: Family, images: Sequence[str], style: Style) -> Row:
    """ms-swift: messages with the answer last; ``rejected_response`` for pairs."""
    turns = _flat(asked, family, style)
    row: Row = {"messages": turns, "images": list(images)}
    if isinstance(asked, Pair):
        turns.append({"role": "assistant", "content": _said(asked, family, style)})
        row["rejected_response"] = _said(asked, family, style, bad=True)
    return row


FORMATS: dict[str, Format] = {
    "llava": llava,
    "qwen": llava,
    "sharegpt": sharegpt,
    "messages": trl,
    "swift": swift,
}


def _flat(asked: Record | Pair, family: Family, style: Style) -> list[dict[str, str]]:
    """Turns as plain strings with image placeholders; a record's answer is the last one."""
    turns = []
    for message in messages(asked, family):
        text = ""
        for part in message["content"]:
            text += f"{IMAGE}\n" if _is_image(part, asked) else _safe(part["text"], asked.id)
        turns.append({"role": message["role"], "content": text})
    if isinstance(asked, Record):
        turns.append({"role": "assistant", "content": _said(asked, family, style)})
    return turns


def _is_image(part: dict[str, Any], asked: Record | Pair) -> bool:
    if part["type"] == "video":
        raise DataError(
            "a video must be given as frames", record=asked.id, hint="extract its frames first"
        )
    return bool(part["type"] == "image")


def _said(asked: Record | Pair, family: Family, style: Style, *, bad: bool = False) -> str:
    if isinstance(asked, Record):
        text = completion(asked.answer, asked, family, asked.thought, style)
    elif bad:
        text = completion(asked.rejected, asked, family, asked.rejected_thought, style)
    else:
        text = completion(asked.chosen, asked, family, asked.chosen_thought, style)
    return _safe(text, asked.id)


def _safe(text: str, id: str) -> str:
    if IMAGE in text:
        raise DataError(
            f"the text holds the placeholder {IMAGE}, which would be read as a picture", record=id
        )
    return text


def _answer(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": [{"type": "text", "text": text}]}]
