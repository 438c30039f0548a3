"""Homes that a benchmark shows, as an audit lists them: no question or episode is made there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from seestep.errors import DataError
from seestep.records import Verdict

CHECK = "home:blocked"


def read_blocked(file: Path) -> tuple[int, ...]:
    """Seeds of homes in the ``blocked.json`` of an audit, in order.

    Other collections in it name scenes that no generator of ours can make. Raises ``DataError``.
    """
    try:
        told = msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, list[str]]])
        return tuple(sorted(int(seed) for seed in told.get("home", {})))
    except OSError as error:
        raise DataError(f"the list of blocked scenes cannot be read: {error}", file=file) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise DataError(
            f"not a list of blocked scenes: {error}",
            file=file,
            wanted='{"home": {"4000007": ["mini-plan"]}}',
            hint="seestep audit RUN --benchmarks DIR --out DIR writes one",
        ) from error


def leave_out(seeds: Sequence[int], blocked: Sequence[int]) -> tuple[list[int], list[Verdict]]:
    """The seeds that may be used, and a verdict for each of the others."""
    shown = set(blocked)
    verdicts = [
        Verdict(id=f"home:{seed}", check=CHECK, keep=False, reason="a benchmark shows this home")
        for seed in seeds
        if seed in shown
    ]
    return [seed for seed in seeds if seed not in shown], verdicts
