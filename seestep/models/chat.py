"""What a chat shows a model: its pictures in order and size, no control token of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from seestep import media as files
from seestep.errors import DataError
from seestep.media import Roots
from seestep.records import Item, Media, Pair, Record

CONTROL = (
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|endoftext|>",
)


A = TypeVar("A", Record, Pair, Record | Pair)


def with_sizes(asked: A, roots: Roots) -> A:
    """The same with the sizes of its pictures, read from headers where nobody has looked yet."""
    if all(m.size for m in asked.media):
        return asked
    return msgspec.structs.replace(asked, media=tuple(_with_size(m, roots) for m in asked.media))


def stills(asked: Record | Item | Pair, chat: Sequence[dict[str, Any]]) -> list[Media]:
    """The pictures of ``families.prompt.messages`` in the order shown; a frame is a picture.

    Raises ``DataError`` for a video that was not cut into frames.
    """
    shown = [_still(asked, part) for message in chat for part in message["content"]]
    return [picture for picture in shown if picture is not None]


def refuse_control(texts: Iterable[str], record: str) -> None:
    """Text of a data set that holds a control token would open a turn or an image of its own."""
    for text in texts:
        found = [token for token in CONTROL if token in text]
        if found:
            raise DataError(f"the text holds the control token {found[0]}", record=record)


def refuse_control_in(chat: Sequence[dict[str, Any]], record: str) -> None:
    """``refuse_control`` of all texts of a chat."""
    parts = (part for message in chat for part in message["content"])
    refuse_control((part["text"] for part in parts if part["type"] == "text"), record)


def _with_size(item: Media, roots: Roots) -> Media:
    if item.size or item.kind == "video":
        return item
    width, height = files.read_size(files.resolve(item, roots))
    return msgspec.structs.replace(item, width=width, height=height)


def _still(asked: Record | Item | Pair, part: dict[str, Any]) -> Media | None:
    if part["type"] == "text":
        return None
    item = asked.find_media(part["media"])
    if part["type"] != "image":
        raise DataError("a video must be given as frames", record=asked.id, got=item.kind)
    if item.kind == "frames":
        path = item.frames[part["index"]]
        return msgspec.structs.replace(item, kind="image", path=path, frames=())
    return item
