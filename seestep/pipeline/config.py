"""What a whole run is told: every room's own config, composed."""

from __future__ import annotations

from typing import Literal

import msgspec

from seestep.curate.engine import CurateConfig
from seestep.curate.judge.config import Judge
from seestep.curate.select import SelectConfig
from seestep.evals.config import EvalConfig
from seestep.thought.build import BuildConfig
from seestep.train.config import DpoConfig, SftConfig
from seestep.world.homes import HomesConfig
from seestep.world.play import PlayConfig
from seestep.world.suites import SuitesConfig


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the structs below: frozen, keyword-only, unknown keys refused."""


class SourceSpec(Config, frozen=True, kw_only=True):
    """One data set on disk. ``optional`` sources may be absent: the run says so and goes on.

    ``root`` and ``images`` are below the run's ``data`` folder unless they are absolute.
    """

    source: str
    root: str
    images: str | None = None
    limit: int | None = None
    optional: bool = False


class World(Config, frozen=True, kw_only=True):
    """Simulated homes: what to ask in them, what to do in them, what to hold back for suites."""

    homes: HomesConfig | None = None
    episodes: PlayConfig | None = None
    suites: SuitesConfig | None = None
    blocked: str | None = None  # blocked.json of an audit: homes that training leaves alone


class Stage(Config, frozen=True, kw_only=True):
    """One training stage. Exactly one of ``sft`` and ``dpo``; their ``data`` stays empty.

    ``sft.model`` or ``dpo.model`` is a checkpoint folder, "base" or "previous".
    ``records`` name what is learned, ``replay`` what must not be forgotten: ``replay_share`` of
    the samples come from it. DPO learns the pairs of the episodes, and right against wrong answers
    of the questions that ``preferences`` picks.
    """

    name: str
    sft: SftConfig | None = None
    dpo: DpoConfig | None = None
    records: SelectConfig | None = None
    replay: SelectConfig | None = None
    replay_share: float = 0.2
    preferences: SelectConfig | None = None

    def __post_init__(self) -> None:
        if not 0 < self.replay_share < 1:
            raise ValueError(f"stage {self.name!r}: replay_share must lie between 0 and 1")
        if self.preferences is not None and self.dpo is None:
            raise ValueError(f"stage {self.name!r}: preferences are for a DPO stage")
        if (self.sft is None) == (self.dpo is None):
            raise ValueError(f"stage {self.name!r} needs exactly one of sft and dpo")
        if self.sft is not None and self.records is None:
            raise ValueError(f"stage {self.name!r} has no records to learn from")
        if self.dpo is not None and (self.records or self.replay):
            raise ValueError(f"stage {self.name!r} learns from pairs: leave records and replay out")
        if self.sft is not None and self.sft.anchor and self.replay is None:
            raise ValueError(f"stage {self.name!r}: sft.anchor holds what is replayed: add replay")
        if self.config.data.records or self.config.data.replay:
            raise ValueError(f"stage {self.name!r}: name its data under records and replay")

    @property
    def config(self) -> SftConfig | DpoConfig:
        found = self.sft or self.dpo
        assert found is not None  # held by __post_init__
        return found


class ExportSpec(Config, frozen=True, kw_only=True):
    """Write the curated records in another trainer's format."""

    to: Literal["llava", "qwen", "sharegpt", "messages", "swift"]
    family: str


class Pipeline(Config, frozen=True, kw_only=True):
    """A whole run. Sections that are left out are not done, but for ``curate``, which then has its
    defaults.

    ``data`` is the folder below which ``sources`` lie, itself relative to where seestep runs.
    """

    name: str
    title: str = ""
    about: str = ""
    model: str = "embedded"  # the base: a checkpoint folder, or the one that ships with seestep
    seed: int = 0
    workers: int = 1
    threads: int | None = None  # of torch, on CPU; None leaves it alone
    world: World = World()
    data: str = ""
    sources: tuple[SourceSpec, ...] = ()
    curate: CurateConfig = CurateConfig()
    thought: BuildConfig | None = None
    judge: Judge | None = None  # writes the folder "judged", of thoughts where there are any
    export: tuple[ExportSpec, ...] = ()
    selections: dict[str, SelectConfig] = {}  # folders to write below data/, for stage recipes
    stages: tuple[Stage, ...] = ()
    evaluate: EvalConfig | None = None
    wrong_image: bool = False  # evaluate base and last stage with foreign pictures too: a floor
    report: bool = True

    def __post_init__(self) -> None:
        names = [s.name for s in self.stages]
        if len(set(names)) != len(names) or "base" in names:
            raise ValueError(f"stage names must differ from one another and from base: {names}")
        if not self.sources and self.world.homes is None and self.world.episodes is None:
            raise ValueError("neither world nor sources says where records come from")
        if any(s.dpo for s in self.stages) and self.world.episodes is None:
            raise ValueError("a DPO stage needs the pairs of world.episodes")
        if self.evaluate is not None and self.world.suites is None:
            raise ValueError("evaluate needs world.suites")
