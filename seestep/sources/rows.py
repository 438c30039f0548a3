"""Rows of training files as other tools write them, brought into one shape without changing them.

Known are LLaVA and Qwen fine-tune JSON (conversations), LLaMA-Factory's ShareGPT and Alpaca
layouts, ms-swift (messages, query/response), OpenAI messages and TRL's prompt columns; of pairs
chosen/rejected and rejected_response. A row that is none of them is kept with what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seestep.errors import DataError
from seestep.jsonl import read_jsonl_lenient
from seestep.records import Verdict
from seestep.sources.bad import with_bad
from seestep.sources.llama_factory import described
from seestep.sources.read import json_items, parquet_all

LINES = (".jsonl", ".ndjson")
BOX = "<bbox>"  # placeholder of ms-swift: one a box in the column "objects"
IMAGE = "<image>"  # placeholder of LLaVA, LLaMA-Factory and ms-swift: one a picture
ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant",
    "system": "system", "tool": "tool", "observation": "tool", "function_call": "assistant",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One sample. ``turns`` are (role, text) with one ``<image>`` where a picture is placed."""

    number: int  # from 1, of the file's rows
    id: str = ""
    layout: str = ""
    turns: tuple[tuple[str, str], ...] = ()
    images: tuple[str, ...] = ()  # paths or addresses as written; "" for embedded bytes
    rejected: str | None = None  # of a pair: the worse answer; the better one is the last turn
    boxes: tuple[tuple[float, ...], ...] = ()  # of ms-swift's "objects": corners, or points
    box_frame: str = "real"  # pixels of the picture; norm1: fractions; norm1000
    videos: int = 0
    sounds: int = 0
    wrong: str = ""  # why nothing of it can be used
    notes: tuple[str, ...] = field(default=())

    @property
    def asked(self) -> str:
        """Everything that is no answer of the assistant."""
        return "\n".join(text for role, text in self.turns if role != "assistant")

    @property
    def answers(self) -> tuple[str, ...]:
        """What the model learns to say."""
        return tuple(text for role, text in self.turns if role == "assistant")

    @property
    def answer(self) -> str:
        """The last answer."""
        return self.answers[-1] if self.answers else ""


def read(file: Path) -> Iterator[Row]:
    """Every row of a JSON list, of JSON lines or of a Parquet file, in order.

    Where LLaMA-Factory's dataset_info.json beside the file names its columns and tags, these count.
    Raises ``DataError`` where the file itself cannot be read; a bad line or row is yielded with
    what is wrong.
    """
    known = described(file)
    if file.suffix.lower() in LINES:
        yield from _lines(file, known)
        return
    if file.suffix.lower() == ".parquet":
        for number, cells in enumerate(parquet_all(file), 1):
            yield of(number, known({k: v for k, v in cells.items() if v is not None}))
        return
    if file.suffix.lower() != ".json":
        raise DataError(
            "this kind of file is not read",
            file=file,
            wanted=".json (a list), .jsonl or .parquet",
            hint="datasets.load_dataset(...).to_json writes JSON lines",
        )
    for number, value in enumerate(with_bad(json_items(file), "", most=1.0), 1):
        if isinstance(value, Verdict):
            yield Row(number, wrong=f"{value.reason} ({value.evidence})")
        else:
            yield of(number, known(value))


def _lines(file: Path, known: Callable[[Any], Any]) -> Iterator[Row]:
    bad: list[Verdict] = []
    number = told = 0
    for value in read_jsonl_lenient(file, dict, bad=bad, max_bad=1.0):
        for verdict in bad[told:]:
            number += 1
            yield Row(number, wrong=f"{verdict.reason} ({verdict.evidence})")
        told = len(bad)
        number += 1
        yield of(number, known(value))
    for verdict in bad[told:]:
        number += 1
        yield Row(number, wrong=f"{verdict.reason} ({verdict.evidence})")


def of(number: int, value: Any) -> Row:
    """One value of a file as a row."""
    if not isinstance(value, Mapping):
        return Row(number, wrong=f"not an object but {type(value).__name__}")
    try:
        layout, turns, rejected = _turns(value)
        inside: list[str] = []
        shown = tuple((_role(t), _text(_said(t), inside)) for t in turns)
        images = _images(value) or tuple(inside)
        boxes, frame = _objects(value)
        videos, sounds = (_many(value, shown, kind) for kind in ("video", "audio"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Row(number, id=str(value.get("id") or ""), wrong=_why(error))
    return Row(
        number,
        id=str(value.get("id") or ""),
        layout=layout,
        turns=shown,
        images=images,
        rejected=rejected,
        boxes=boxes,
        box_frame=frame,
        videos=videos,
        sounds=sounds,
    )


def _objects(value: Mapping[str, Any]) -> tuple[tuple[tuple[float, ...], ...], str]:
    """Boxes and points of ms-swift's column "objects", and what their numbers count."""
    told = value.get("objects")
    if not isinstance(told, Mapping):
        return (), "real"
    boxes = tuple(tuple(float(v) for v in box) for box in told.get("bbox") or ())
    return boxes, str(told.get("bbox_type") or "real")


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return str(error) if type(error) is ValueError else f"as in no known layout: {error}"


# --- layouts ----------------------------------------------------------------------------------


def _turns(value: Mapping[str, Any]) -> tuple[str, list[Any], str | None]:
    """(layout, turns as written, worse answer)"""
    layout, turns, worse = _said_last(value)
    return layout, _said_first(value, turns) + turns, worse


def _said_first(value: Mapping[str, Any], turns: list[Any]) -> list[Any]:
    """What the columns "system" and "history" (question and answer pairs) put before ``turns``."""
    first: list[Any] = []
    system = value.get("system")
    if system and not any(isinstance(t, Mapping) and t.get("role") == "system" for t in turns):
        first += _as_turns(system, "system")
    for asked, answered in value.get("history") or ():
        first += _as_turns(asked, "user") + _as_turns(answered, "assistant")
    return first


def _said_last(value: Mapping[str, Any]) -> tuple[str, list[Any], str | None]:
    if "conversations" in value or "messages" in value:
        key = "messages" if "messages" in value else "conversations"
        turns, layout = list(value[key]), key
    elif "prompt" in value and ("completion" in value or "chosen" in value):
        turns, layout = _as_turns(value["prompt"], "user"), "prompt"
        if "completion" in value:
            turns += _as_turns(value["completion"], "assistant")
    elif "instruction" in value and ("output" in value or "chosen" in value):
        asked = "\n".join(str(value[k]) for k in ("instruction", "input") if value.get(k))
        turns, layout = _as_turns(asked, "user"), "alpaca"
        if "output" in value:
            turns += _as_turns(value["output"], "assistant")
    elif "query" in value and "response" in value:
        turns = _as_turns(value["query"], "user") + _as_turns(value["response"], "assistant")
        layout = "query"
    elif "chosen" in value and "rejected" in value:  # TRL's implicit prompt: whole conversations
        turns, layout = _as_turns(value["chosen"], "assistant"), "pair"
        return layout, turns, _last(value["rejected"])
    else:
        raise ValueError(
            "none of the known layouts; its keys are " + ", ".join(map(str, sorted(value)[:8]))
        )
    if "chosen" in value and layout in ("conversations", "messages", "prompt", "alpaca"):
        turns = turns + _as_turns(value["chosen"], "assistant")
    worse = value.get("rejected", value.get("rejected_response", value.get("rejected_messages")))
    return layout, turns, None if worse is None else _last(worse)


def _as_turns(said: Any, role: str) -> list[Any]:
    if isinstance(said, str):
        return [{"role": role, "content": said}]
    if isinstance(said, Mapping):
        return [said]
    return list(said)


def _last(said: Any) -> str:
    turns = _as_turns(said, "assistant")
    return _text(_said(turns[-1]), []) if turns else ""


def _role(turn: Mapping[str, Any]) -> str:
    name = str(turn["role"] if "role" in turn else turn["from"])
    if name not in ROLES:
        raise ValueError(f"unknown role {name!r}")
    return ROLES[name]


def _said(turn: Mapping[str, Any]) -> Any:
    return turn["content"] if "content" in turn else turn["value"]


def _text(said: Any, images: list[str]) -> str:
    """Text with ``<image>`` for every picture part; paths inside parts go to ``images``."""
    if isinstance(said, str):
        return said
    if said is None:
        raise ValueError("a turn says nothing (null)")
    text = ""
    for part in said:
        kind = part.get("type") or ("text" if "text" in part else "image")
        if kind == "text":
            text += str(part["text"])
        elif kind in ("image", "image_url"):
            text += IMAGE
            images.extend(_paths(part.get("image_url") or part.get("image")))
        elif kind in ("video", "video_url"):
            text += "<video>"
        elif kind in ("audio", "input_audio"):
            text += "<audio>"
        else:
            raise ValueError(f"unknown kind of content {kind!r}")
    return text


def _many(value: Mapping[str, Any], turns: Sequence[tuple[str, str]], kind: str) -> int:
    """Videos or sounds of a row: those listed, or as many as its texts have places for."""
    listed = value.get(f"{kind}s", value.get(kind)) or ()
    count = len(listed) if isinstance(listed, list | tuple) else 1
    return max(count, sum(text.count(f"<{kind}>") for _, text in turns))


def _images(value: Mapping[str, Any]) -> tuple[str, ...]:
    for key in ("images", "image"):
        if value.get(key):
            return tuple(_paths(value[key]))
    return ()


def _paths(said: Any) -> Sequence[str]:
    if not said:
        return ()
    if isinstance(said, str):
        return (said,)
    if isinstance(said, Mapping):
        return (str(said.get("path") or said.get("url") or ""),)
    return tuple(p for one in said for p in (_paths(one) or ("",)))
