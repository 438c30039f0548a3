"""What a failed call says: try again and when, give this question up, or stop the whole run."""

from __future__ import annotations

import email.utils
import random
import time
from typing import Any, Literal, NamedTuple

AGAIN = (408, 409, 425, 429)  # and all from 500 on
NO_QUESTION = (401, 402, 403, 404, 405)  # whatever is asked
NO_QUOTA = ("insufficient_quota", "Arrearage", "billing_hard_limit_reached")


class Fault(NamedTuple):
    """``wait_s``: how long the server wants to be left alone; ``crowded``: it had too much;
    ``billed``: it may have answered, and charged for it, though nothing came."""

    what: Literal["again", "refused", "stop"]
    reason: str
    wait_s: float = 0.0
    crowded: bool = False
    billed: bool = False


def of_status(status: int, body: Any, headers: Any) -> Fault:
    """What an HTTP status of 400 or more means."""
    said = _said(body)
    reason = f"HTTP {status}{': ' + said if said else ''}"
    if status in NO_QUESTION or any(word in str(body) for word in NO_QUOTA):
        return Fault("stop", reason)
    if status in AGAIN or status >= 500:
        return Fault("again", reason, retry_after(headers), crowded=status in (429, 503))
    return Fault("refused", reason)


def retry_after(headers: Any) -> float:
    """Seconds of Retry-After (a number or a date, RFC 9110 10.2.3), 0 if it says nothing."""
    value = str(headers.get("retry-after") or "").strip()
    if not value:
        return 0.0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def backoff(attempt: int, first: float, longest: float, rng: random.Random) -> float:
    """Seconds before try ``attempt`` + 1: any up to ``first`` x 2^attempt ("full jitter"; Brooker
    2015, "Exponential backoff and jitter")."""
    return rng.uniform(0.0, min(longest, first * 2.0**attempt))


def _said(body: Any) -> str:
    found = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(found, dict):
        found = found.get("message") or found.get("code") or ""
    return str(found or "").strip()[:200]
