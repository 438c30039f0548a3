"""One question to a model: what is said and shown, and what an answer must look like."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from seestep.endpoint.config import EndpointConfig

PICTURE_TOKENS = 1500  # of one picture, or those of its pixels if they are more
PIXELS_A_TOKEN = 576  # servers take 784 (Qwen2.5-VL), 1024 (Qwen3-VL) or more
TURN_TOKENS = 16  # around what a turn says


class Picture(msgspec.Struct, frozen=True):
    """An encoded picture as it is sent. ``pixels`` bounds what it may cost."""

    data: bytes
    kind: Literal["jpeg", "png", "webp"] = "jpeg"
    pixels: int = 0

    def url(self) -> str:
        return f"data:image/{self.kind};base64,{base64.b64encode(self.data).decode()}"


Part: TypeAlias = str | Picture


class Said(msgspec.Struct, frozen=True):
    """One turn: texts and pictures in their order."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A question. ``answer`` is the struct that the reply must be as JSON, None for free text.

    ``version`` is that of the prompt: another one is another question, though its words be equal.
    """

    id: str
    turns: tuple[Said, ...]
    version: str
    answer: type | None = None

    def messages(self) -> list[dict[str, Any]]:
        """The turns as the protocol wants them."""
        return [{"role": turn.role, "content": _content(turn.parts)} for turn in self.turns]

    def most_tokens(self) -> int:
        """A bound on its prompt: a token has at least one byte of text."""
        parts = [part for turn in self.turns for part in turn.parts]
        text = sum(len(p.encode()) for p in parts if isinstance(p, str))
        shown = [p for p in parts if isinstance(p, Picture)]
        seen = sum(max(PICTURE_TOKENS, p.pixels // PIXELS_A_TOKEN) for p in shown)
        return text + seen + TURN_TOKENS * len(self.turns)

    def key(self, config: EndpointConfig) -> str:
        """sha256 of all that the answer depends on, a picture by its bytes."""
        told = {
            "model": config.model,
            "version": self.version,
            "parameters": parameters(self, config),
            "turns": [[turn.role, [_known(p) for p in turn.parts]] for turn in self.turns],
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def parameters(ask: Ask, config: EndpointConfig) -> dict[str, Any]:
    """The request's body, but for model and messages."""
    out: dict[str, Any] = {"temperature": config.temperature}
    if "max_completion_tokens" not in config.extra:  # models that reason know only the new name
        out["max_tokens"] = config.max_tokens
    if config.seed is not None:
        out["seed"] = config.seed
    if ask.answer is not None and config.schema != "words":
        out["response_format"] = _format(ask.answer, config.schema)
    return out | config.extra


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON schema of a struct as strict servers take it: nothing optional, nothing more."""
    (found,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    name = str(found["$ref"]).rsplit("/", 1)[-1]
    strict = {key: _strict(part) for key, part in parts.items()}
    root: dict[str, Any] = strict.pop(name)
    return root | ({"$defs": strict} if strict else {})


def _strict(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") != "object":
        return part
    fields = {
        name: {key: value for key, value in field.items() if key != "default"}
        for name, field in part.get("properties", {}).items()
    }
    return part | {"properties": fields, "required": list(fields), "additionalProperties": False}


def _format(kind: type, how: str) -> dict[str, Any]:
    if how == "object":
        return {"type": "json_object"}
    named = {"name": kind.__name__.lower(), "strict": True, "schema": schema_of(kind)}
    return {"type": "json_schema", "json_schema": named}


def _content(parts: Sequence[Part]) -> str | list[dict[str, Any]]:
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts))
    return [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image_url", "image_url": {"url": part.url()}}
        for part in parts
    ]


def _known(part: Part) -> str | list[str]:
    return part if isinstance(part, str) else [part.kind, hashlib.sha256(part.data).hexdigest()]
