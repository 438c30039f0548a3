"""What a recipe says about a judge (import-light)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias, get_args

import msgspec

from seestep.endpoint.config import EndpointConfig

CheckName = Literal["quality", "consistency", "redundancy", "plan", "pair"]
CHECKS: tuple[CheckName, ...] = get_args(CheckName)
Policy: TypeAlias = Literal["hold", "keep"]
# what changes how fast and how dearly questions are answered, but no answer
SPEED = (
    "base_url",
    "key_env",
    "timeout_s",
    "tries",
    "tries_in_a_row",
    "wait_s",
    "longest_wait_s",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "price_in",
    "price_out",
    "budget_tokens",
    "budget_cost",
)


class Least(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lowest grade of 1 to 6 that is kept."""

    quality: int = 3
    consistency: int = 4
    redundancy: int = 3

    def __post_init__(self) -> None:
        for name in ("quality", "consistency", "redundancy"):
            if not 1 <= getattr(self, name) <= 6:
                raise ValueError(f"least.{name} is a grade of 1 to 6")


class Judge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who judges, what is asked, and what it takes to be believed.

    ``undecided`` has no default, since someone must answer for it: what the judge could not say is
    held back in a folder of its own ("hold") or passed on with the tag "judge-undecided" ("keep").

    checks: of a record "quality" (instruction, input and output), "consistency" (its thought),
        "redundancy" (its free text and thought), "plan" (its plan); of a pair "pair", in both
        orders. A check that does not fit a record is not asked.
    gold: JSON lines of what people said (see ``gold``). A check may drop records only if the lower
        end of the 95 % interval of its quadratic-weighted kappa with them reaches ``least_kappa``,
        on ``least_gold`` labels or more. Any other check advises, and drops nothing.
    ungated: let checks that have no gold labels drop all the same.
    canaries: known bad content that tells the judge to pass it, so many for each check; a check
        that passes more than ``most_fooled`` of those it answered may drop nothing, gold or not.
    pixels: a picture is scaled down to so many; 0 shows no picture (for models that see none).
    """

    endpoint: EndpointConfig
    undecided: Policy
    checks: tuple[CheckName, ...] = CHECKS
    least: Least = Least()
    gold: Path | None = None
    least_kappa: float = 0.5
    least_gold: int = 30
    ungated: bool = False
    canaries: int = 20
    most_fooled: float = 0.05
    pixels: int = 1_003_520  # 1280 tokens of 28 x 28 pixels
    picture: Literal["jpeg", "png"] = "jpeg"
    most_pictures: int = 8  # of a video's frames so many are shown; a record with more stills waits
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.checks or len(set(self.checks)) != len(self.checks):
            raise ValueError("checks names each check once, and at least one")
        if not -1 <= self.least_kappa <= 1:
            raise ValueError("least_kappa is between -1 and 1")
        if not 0 <= self.most_fooled < 1:
            raise ValueError("most_fooled is a share of 0 to less than 1")
        if self.least_gold < 2:
            raise ValueError("least_gold must be at least 2")
        if self.canaries < 1 and not self.ungated:
            raise ValueError("a judge without canaries may decide only where ungated is true")
        if self.pixels < 0 or 0 < self.pixels < 784:
            raise ValueError("pixels is 0 for no pictures, else at least 784")
        if self.most_pictures < 1:
            raise ValueError("most_pictures must be at least 1")


def settled(config: Judge) -> Judge:
    """The config with the settings of ``SPEED`` as they are by default, and no path of a gold file:
    two that are equal ask the same questions and believe the same answers."""
    plain = EndpointConfig(base_url="", model="")
    same = {name: getattr(plain, name) for name in SPEED}
    endpoint = msgspec.structs.replace(config.endpoint, **same)
    return msgspec.structs.replace(config, endpoint=endpoint, gold=None)


class JudgeRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recipe of ``seestep judge``. ``roots``: where the pictures of a media root lie."""

    judge: Judge
    roots: dict[str, str] = {}
