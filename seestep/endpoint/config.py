"""Which server is asked, and how hard (import-light)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class EndpointConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model behind an OpenAI-compatible server: DashScope, vLLM, any other.

    The key is read from the environment variable ``key_env``; a server that wants none gets a word
    in its place. Prices are for a million tokens, in the currency of ``budget_cost``. ``schema``
    says how JSON is demanded: by its schema, as any object, or by the words of the prompt alone,
    for servers that know no better.
    """

    base_url: str
    model: str
    key_env: str = "OPENAI_API_KEY"
    temperature: float = 0.0
    max_tokens: int = 512
    seed: int | None = None
    extra: dict[str, Any] = {}  # more of the request's body, such as {"enable_thinking": false}
    schema: Literal["schema", "object", "words"] = "schema"
    timeout_s: float = 120.0
    tries: int = 6  # calls that may fail for one answer
    tries_in_a_row: int = 200  # that may fail whatever is asked, before the run is stopped
    wait_s: float = 1.0  # before the second try at most; doubles with each
    longest_wait_s: float = 60.0
    concurrency: int = 32  # calls at a time, at most; how many it is shows itself
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    price_in: float = 0.0
    price_out: float = 0.0
    budget_tokens: int | None = None
    budget_cost: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_tokens", "tries", "tries_in_a_row", "concurrency"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        for name in ("requests_per_minute", "tokens_per_minute", "budget_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, or null for no limit")
        for name in ("timeout_s", "wait_s", "longest_wait_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        if self.price_in < 0 or self.price_out < 0:
            raise ValueError("prices must be 0 or more")
        if self.budget_cost is not None and not (self.price_in or self.price_out):
            raise ValueError("budget_cost needs price_in or price_out, or nothing would be counted")

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6
