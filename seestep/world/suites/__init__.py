"""The mini suites: small copies of the 17 benchmarks, asked about homes no training sees.

Each has the answer types, the prompt form and the scorer of its benchmark (``bench``), and is
called "mini-..." so that nobody takes it for the real set. Two steps: ``pool`` renders the homes
of the suites once and drafts candidates for all; ``build`` then chooses each suite's items.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from seestep.bench import BENCHES
from seestep.errors import DataError
from seestep.records import Item
from seestep.run import Progress, ShardResult, read_rows, shard_stage
from seestep.world.homes import SEEDS_EACH, SPLITS, Purpose, View, look_around, media_name
from seestep.world.homes import seed_range as seeds_of
from seestep.world.questions import AskConfig, drafts
from seestep.world.questions.things import with_options
from seestep.world.room import png_bytes
from seestep.world.scene import SceneConfig
from seestep.world.suites import planning
from seestep.world.suites.items import MORE, choose, more_of_skills, to_item
from seestep.world.suites.mix import MIXES, Part
from seestep.world.views import ViewConfig

POOL_VERSION = 3
SUITE_VERSION = 3
PLAN = "mini-plan"
MINIS: tuple[str, ...] = tuple(bench.mini for bench in BENCHES.values())

_VIEWS = ViewConfig(close=4, wide=2, orbits=2, turns=2, tours=1)


class SuitesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many questions of how many homes.

    ``sizes`` gives single suites another number of questions than ``per_suite``: a skill that few
    questions of few suites measure needs more of those. ``purpose`` "guard" makes guard sets by
    the same code, from the guard homes. ``plans`` adds the suite "mini-plan" of judged plans,
    which mirrors no benchmark.

    ``per_skill`` makes every skill group large enough to tell whether an ability was lost: where
    the suites hold fewer questions of a skill (judged plans count as one), a folder "more-<skill>"
    brings the rest, asked in the forms of the suites that have that skill. It belongs to no
    suite's score. ``skill_sizes`` gives single skills another number: where an answer is right or
    wrong by a hair (a point in free space), as many questions tell less.
    """

    per_suite: int = 32
    sizes: dict[str, int] = {}  # suite -> questions
    per_skill: int = 0
    skill_sizes: dict[str, int] = {}  # skill -> questions
    homes: int = 32
    clutter: float = 1.5  # times as many small things as a home usually has
    suites: tuple[str, ...] = MINIS
    plans: bool = True
    purpose: Purpose = "suite"
    first: int = 0  # offset into the purpose's seeds
    seed: int = 0
    shard_homes: int = 4
    views: ViewConfig = _VIEWS
    scene: SceneConfig = SceneConfig()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.suites) - set(MINIS))
        if unknown:
            raise ValueError(f"unknown suites: {', '.join(unknown)}; there are {', '.join(MINIS)}")
        if self.per_suite < 1 or self.homes < 1 or self.clutter <= 0:
            raise ValueError("per_suite and homes must be at least 1, clutter more than 0")
        stray = sorted(set(self.sizes) - set(self.wanted))
        if stray or any(size < 1 for size in self.sizes.values()):
            what = ", ".join(stray) or "a number below 1"
            raise ValueError(f"sizes names {what}; it gives wanted suites at least 1 question")
        strange = sorted(set(self.skill_sizes) - self.skills)
        if strange or any(size < 1 for size in self.skill_sizes.values()):
            what = ", ".join(strange) or "a number below 1"
            raise ValueError(
                f"skill_sizes names {what}; it gives at least 1 question to some of the skills of "
                f"wanted suites: {', '.join(sorted(self.skills))}"
            )
        if not 0 <= self.first <= SEEDS_EACH - self.homes:
            raise ValueError(f"first + homes must stay within {SEEDS_EACH} seeds of a purpose")

    @property
    def seeds(self) -> range:
        return seeds_of(self.purpose)[self.first : self.first + self.homes]

    @property
    def tasks(self) -> int:
        """Tasks played in each home: twice what its suites need, since not all can be."""
        played = max(self.of_skill("plan"), self.of_skill("planning"))
        most = max(self.size(PLAN), self.size(planning.EGOPLAN), played)
        return min(6, -(-2 * most // self.homes))

    @property
    def wanted(self) -> tuple[str, ...]:
        """Names of the suites to be written."""
        return (*self.suites, PLAN) if self.plans else self.suites

    @property
    def skills(self) -> set[str]:
        """Skills of the wanted suites; judged plans are one, "plan"."""
        skills = {s for suite in self.suites for s in BENCHES[suite.removeprefix("mini-")].skills}
        return skills | {"plan"} if self.plans else skills

    def size(self, suite: str) -> int:
        """How many questions a suite has."""
        return self.sizes.get(suite, self.per_suite)

    def of_skill(self, skill: str) -> int:
        """How many questions a skill has at least, over all suites."""
        return self.skill_sizes.get(skill, self.per_skill)

    @property
    def fills_skills(self) -> bool:
        """Whether skills are brought to a number of questions."""
        return self.per_skill > 0 or bool(self.skill_sizes)


def build(
    folder: Path,
    config: SuitesConfig,
    *,
    root: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Path]:
    """Write ``folder``/pool and one run folder of Items per suite; suite name -> its folder.

    ``root`` is the directory that the media root "world" stands for, ``folder`` by default.
    Raises DataError when the homes do not give enough questions for a suite.
    """
    folder = Path(folder)
    pool = folder / "pool"
    home = (root or folder).resolve()
    inside = pool.resolve().relative_to(home).as_posix()
    shard_stage(
        pool,
        stage="world.suites.pool",
        version=POOL_VERSION,
        config={"suites": config, "inside": inside},
        inputs=[],
        shards=-(-config.homes // config.shard_homes),
        work=partial(_pool, config, inside),
        workers=workers,
        progress=progress,
    )
    by_suite: dict[str, list[Item]] = {name: [] for name in config.wanted}
    for item in read_rows(pool, Item):
        by_suite[item.suite].append(item)
    wanted = {
        name: choose(items, config.size(name), config.seed) for name, items in by_suite.items()
    }
    lots = {name: (items, config.size(name)) for name, items in wanted.items()}
    if config.fills_skills:
        rest = more_of_skills(by_suite, wanted, config.of_skill, config.seed)
        lots |= {name: (items, lack) for name, (items, lack) in rest.items()}
    return {
        name: _suite(folder, pool, name, items, count, config)
        for name, (items, count) in lots.items()
    }


def written(folder: Path, config: SuitesConfig) -> dict[str, Path]:
    """What ``build`` returned for this ``folder`` and ``config``."""
    more = sorted(p.name for p in folder.glob(f"{MORE}*")) if config.fills_skills else []
    return {name: folder / name for name in (*config.wanted, *more)}


def _suite(
    folder: Path, pool: Path, name: str, items: list[Item], count: int, config: SuitesConfig
) -> Path:
    if len(items) < count:
        raise DataError(
            f"{config.homes} homes give only {len(items)} questions for {name}",
            file=pool,
            wanted=str(count),
            hint="ask for more homes or for fewer questions per suite and skill",
        )
    out = folder / name
    shard_stage(
        out,
        stage="world.suites",
        version=SUITE_VERSION,
        config={"suite": name, "suites": config},
        inputs=[pool],
        shards=1,
        work=lambda _: ShardResult(rows=items),
    )
    return out


def _pool(config: SuitesConfig, inside: str, n: int) -> ShardResult:
    seeds = config.seeds[n * config.shard_homes : (n + 1) * config.shard_homes]
    rows: list[Item] = []
    files: dict[str, bytes] = {}
    for home in look_around(seeds, config, inside=inside):
        shown: set[str] = set()
        for shot in home:
            for item in _items(shot, config):
                rows.append(item)
                shown.update(media.key for media in item.media)
        for view in (view for shot in home for view in shot):
            if view.look.media.key in shown:
                files[media_name(view)] = png_bytes(view.event)
    for seed in seeds:
        played, pictures = planning.items(
            seed,
            config.wanted,
            inside,
            SPLITS[config.purpose],
            tasks=config.tasks,
            clutter=config.clutter,
        )
        rows += played
        files.update(pictures)
    return ShardResult(rows=rows, files=files)


def _items(shot: list[View], config: SuitesConfig) -> Iterator[Item]:
    """Candidates for every suite from one shot."""
    name = shot[0].name.split("-")[0]
    kind = name.rstrip("0123456789")
    prefix = f"home-{shot[0].seed}-{name}"
    looks = [view.look for view in shot]
    for suite in config.suites:
        bench = BENCHES[suite.removeprefix("mini-")]
        for part in MIXES.get(bench.name, ()):
            if kind not in part.shots or not _in_split(bench.name, shot[0].seed):
                continue
            for family in part.families:
                asking = AskConfig(families=(family,), per_family=2)
                seed = zlib.crc32(f"{config.seed}/{suite}".encode())
                rng = np.random.default_rng([seed, zlib.crc32(f"{prefix}/{family}".encode())])
                for draft in drafts(looks, prefix=prefix, seed=seed, config=asking):
                    made = with_options(draft, rng) if part.count_options else draft
                    if made.kind not in {ask.kind for ask in bench.asks}:
                        continue  # a family that answers in words or options: only one fits
                    yield to_item(
                        made,
                        looks,
                        bench,
                        family=family,
                        prefix=prefix,
                        split=SPLITS[config.purpose],
                    )


def _in_split(bench: str, seed: int) -> bool:
    """The two OmniSpatial splits share no home: even seeds train, odd seeds test."""
    if bench == "omnispatial-train":
        return seed % 2 == 0
    return seed % 2 == 1 if bench == "omnispatial-test" else True


__all__ = ["MINIS", "MIXES", "MORE", "PLAN", "Part", "SuitesConfig", "build", "written"]
