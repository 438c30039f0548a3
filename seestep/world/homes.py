"""The stage that builds homes, looks at them and asks about what it sees.

Homes are told apart by their seed, and a seed belongs to one purpose only: see ``seed_range``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep.records import Media, Record, Split, Verdict
from seestep.run import Manifest, Progress, ShardResult, shard_stage
from seestep.world.blocked import leave_out
from seestep.world.protocol import Event
from seestep.world.questions import AskConfig, Look, ask
from seestep.world.questions.draft import LICENCE
from seestep.world.room import RoomSimulator, png_bytes
from seestep.world.scene import Scene, SceneConfig
from seestep.world.views import Shot, ViewConfig, plan_shots

Purpose = Literal["train", "guard", "val", "suite", "base"]
SEEDS_EACH = 1_000_000
PURPOSES: tuple[Purpose, ...] = ("train", "guard", "val", "suite", "base")
SPLITS: dict[str, Split] = {
    "train": "train", "guard": "guard", "val": "val", "suite": "test", "base": "train"
}  # fmt: skip
VERSION = 4


def seed_range(purpose: Purpose) -> range:
    """The seeds of homes for a purpose: a million each, no seed in two ranges.

    ``train``: training records and episodes; ``guard``: the guard sets; ``val``: choosing among
    runs; ``suite``: the mini suites; ``base``: pretraining of the embedded checkpoint.
    """
    start = SEEDS_EACH * (1 + PURPOSES.index(purpose))
    return range(start, start + SEEDS_EACH)


class HomesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which homes, which views of them, which questions."""

    homes: int = 24
    purpose: Purpose = "train"
    first: int = 0  # offset into the purpose's seeds
    seed: int = 0  # of cameras and questions, not of the homes
    shard_homes: int = 4
    clutter: float = 1.0  # times as many small things as a home usually has
    blocked: tuple[int, ...] = ()  # seeds of homes to leave alone, since a benchmark shows them
    views: ViewConfig = ViewConfig()
    scene: SceneConfig = SceneConfig()
    ask: AskConfig = AskConfig()

    def __post_init__(self) -> None:
        if self.homes < 1 or self.shard_homes < 1 or self.clutter <= 0:
            raise ValueError("homes and shard_homes must be at least 1, clutter more than 0")
        if not 0 <= self.first <= SEEDS_EACH - self.homes:
            raise ValueError(f"first + homes must stay within {SEEDS_EACH} seeds of a purpose")

    @property
    def seeds(self) -> range:
        return seed_range(self.purpose)[self.first : self.first + self.homes]


@dataclass(frozen=True, slots=True)
class View:
    """One picture of a home: ``name`` is unique in the home ("close0", "turn0-1")."""

    seed: int
    name: str
    event: Event
    look: Look


def build(
    folder: Path,
    config: HomesConfig,
    *,
    root: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Manifest:
    """Write the run folder of records about homes, with their pictures under ``media/``.

    ``root`` is the directory that the media root "world" stands for; media paths are relative to
    it. It defaults to ``folder`` itself.
    """
    folder = Path(folder)
    inside = folder.resolve().relative_to(root.resolve()).as_posix() if root else ""
    return shard_stage(
        folder,
        stage="world.homes",
        version=VERSION,
        config={"homes": config, "inside": inside},
        inputs=[],
        shards=-(-config.homes // config.shard_homes),
        work=partial(_shard, config, inside),
        workers=workers,
        progress=progress,
    )


def _shard(config: HomesConfig, inside: str, n: int) -> ShardResult:
    every = config.seeds[n * config.shard_homes : (n + 1) * config.shard_homes]
    seeds, verdicts = leave_out(every, config.blocked)
    rows: list[Record] = []
    files: dict[str, bytes] = {}
    for home in look_around(seeds, config, inside=inside):
        for shot in home:
            for view in shot:
                files[media_name(view)] = png_bytes(view.event)
            records, dropped = ask_shot(shot, config)
            rows += records
            verdicts += dropped
    return ShardResult(rows=rows, verdicts=verdicts, files=files)


def ask_shot(shot: list[View], config: HomesConfig) -> tuple[list[Record], list[Verdict]]:
    """Records and verdicts about every view of a shot, and about the shot as a whole."""
    split = SPLITS[config.purpose]
    records: list[Record] = []
    verdicts: list[Verdict] = []
    groups = [[view] for view in shot] + ([shot] if len(shot) > 1 else [])
    for group in groups:
        name = group[0].name if len(group) == 1 else group[0].name.rsplit("-", 1)[0]
        made, dropped = ask(
            [view.look for view in group],
            prefix=f"home:{group[0].seed}-{name}",
            seed=config.seed,
            config=config.ask,
            split=split,
        )
        records += made
        verdicts += dropped
    return records, verdicts


class Watched(Protocol):
    """What decides how homes are looked at; the stages' configurations have it."""

    @property
    def seed(self) -> int: ...
    @property
    def clutter(self) -> float: ...
    @property
    def views(self) -> ViewConfig: ...
    @property
    def scene(self) -> SceneConfig: ...


def look_around(
    seeds: Iterable[int], config: Watched, *, inside: str = ""
) -> Iterator[list[list[View]]]:
    """For each home, its shots as lists of views.

    ``config.seed`` moves the cameras, ``clutter`` multiplies the number of small things, ``scene``
    says what counts as seen; ``inside`` is the run folder's path below the media root.
    """
    views = config.views
    simulator = RoomSimulator(
        views.size, views.size, supersample=views.supersample, fov=views.fov, render=False
    )
    for home in seeds:
        simulator.render = False
        metadata = simulator.reset({"seed": int(home), "clutter": config.clutter}).metadata
        positions = simulator.step("GetReachablePositions").metadata["actionReturn"]
        rng = np.random.default_rng([config.seed, home])
        simulator.render = True
        shots = plan_shots(metadata, positions, rng, views)
        yield [
            list(_take(simulator, home, shot, index, config.scene, inside))
            for index, shot in _numbered(shots)
        ]


def scenes(
    seeds: Iterable[int], config: HomesConfig
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int32], dict[int, dict[str, Any]], list[Record]]]:
    """Views and single-view records without files: (image, instances, objects, records).

    ``image`` is (H, W, 3) uint8; ``instances`` (H, W) int32, 0 for nothing; ``objects`` maps the
    instance number to metadata of what is seen, with "name", "noun", "box_px", "centre_px",
    "pixels" and "cut" added. Several processes may each take a part of the seeds.
    """
    for home in look_around(seeds, config):
        for shot in home:
            for view in shot:
                records, _ = ask_shot([view], config)
                scene = view.look.scene
                number = {oid: i for i, oid in enumerate(view.event.instance_ids, start=1)}
                objects = {
                    number[t.id]: {
                        **t.raw, "name": t.name, "noun": t.noun, "box_px": t.box_px,
                        "centre_px": t.centre_px, "pixels": t.pixels, "cut": t.cut,
                    }
                    for t in scene.glimpsed
                }  # fmt: skip
                yield scene.image, scene.instances, objects, records


def media_name(view: View) -> str:
    """Run-folder-relative path of a view's picture."""
    return f"media/home-{view.seed}-{view.name}.png"


def _numbered(shots: list[Shot]) -> Iterator[tuple[str, Shot]]:
    tally: dict[str, int] = {}
    for shot in shots:
        number = tally.get(shot.kind, 0)
        tally[shot.kind] = number + 1
        yield f"{shot.kind}{number}", shot


def _take(
    simulator: RoomSimulator, home: int, shot: Shot, name: str, scene: SceneConfig, inside: str
) -> Iterator[View]:
    for i, camera in enumerate(shot.cameras):
        event = simulator.step(camera.action, **camera.arguments)
        if not event:
            raise RuntimeError(f"home {home}: {camera} failed: {event.error}")
        full = name if len(shot.cameras) == 1 else f"{name}-{i}"
        path = f"media/home-{home}-{full}.png"
        width, height = event.metadata["screenWidth"], event.metadata["screenHeight"]
        media = Media(
            key=f"home-{home}-{full}",
            path=f"{inside}/{path}" if inside not in ("", ".") else path,
            root="world",
            width=width,
            height=height,
            origins=(f"home:{home}",),
            licence=LICENCE,
        )
        yield View(home, full, event, Look(Scene(event, scene), media))
