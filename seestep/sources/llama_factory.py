"""LLaMA-Factory's dataset_info.json: what columns and tags of a data file are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seestep.sources.read import json_value

INFO = "dataset_info.json"
ALPACA = {"prompt": "instruction", "query": "input", "response": "output"}
SHAREGPT = {"messages": "conversations"}
SAME = ("system", "history", "images", "videos", "audios", "chosen", "rejected")
ROLES = {
    "user_tag": "human", "assistant_tag": "gpt", "observation_tag": "observation",
    "function_tag": "function_call", "system_tag": "system",
}  # fmt: skip


def described(file: Path) -> Callable[[Any], Any]:
    """What renames a row of ``file`` to the usual names; nothing where no entry is about it.

    An entry without columns and tags leaves the row as it is.
    """
    entry = _entry(file)
    columns, tags = (entry.get(k) or {} for k in ("columns", "tags"))
    if not columns and not tags:
        return lambda row: row
    usual = SHAREGPT if entry.get("formatting") == "sharegpt" else ALPACA
    names = {columns[k]: v for k, v in usual.items() if k in columns}
    names |= {columns[k]: k for k in SAME if k in columns}
    roles = {tags[k]: v for k, v in ROLES.items() if k in tags}
    keys = {tags[k]: v for k, v in (("role_tag", "from"), ("content_tag", "value")) if k in tags}

    def turn(said: Any) -> Any:
        if not isinstance(said, Mapping):
            return said
        renamed = {keys.get(k, k): v for k, v in said.items()}
        if isinstance(role := renamed.get("from"), str):
            renamed["from"] = roles.get(role, role)
        return renamed

    def rename(row: Any) -> Any:
        if not isinstance(row, Mapping):
            return row
        renamed = {k: v for k, v in row.items() if k not in names}
        renamed |= {names[k]: v for k, v in row.items() if k in names}
        for key in ("conversations", "chosen", "rejected") if tags else ():
            said = renamed.get(key)
            if isinstance(said, list):
                renamed[key] = [turn(t) for t in said]
            elif key in renamed:
                renamed[key] = turn(said)
        return renamed

    return rename


def _entry(file: Path) -> Mapping[str, Any]:
    info = file.parent / INFO
    if file.name == INFO or not info.is_file():
        return {}
    known = json_value(info)
    for entry in known.values() if isinstance(known, Mapping) else ():
        if isinstance(entry, Mapping) and entry.get("file_name") == file.name:
            return entry
    return {}
