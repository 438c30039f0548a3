"""The stages that play episodes in many homes: a folder of plan records, and one of pairs.

A home yields records and pairs at once. The records' folder keeps the pairs as side files under
the same hashes, and the pairs' folder is made from those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from seestep.records import Pair, Record, Verdict, dumps, loads
from seestep.run import Manifest, Progress, ShardResult, shard_stage
from seestep.world.blocked import leave_out
from seestep.world.episodes import EpisodesConfig, HomeWorker
from seestep.world.homes import SPLITS, Purpose, seed_range
from seestep.world.pairs import CHECK

VERSION: Final = 3
PAIRS: Final = "pairs"


class PlayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which homes to play in. ``episodes`` says what of each; its seed and folder are set here."""

    homes: int = 24
    purpose: Purpose = "train"
    first: int = 0  # offset into the purpose's seeds
    blocked: tuple[int, ...] = ()  # seeds of homes to leave alone, since a benchmark shows them
    episodes: EpisodesConfig = EpisodesConfig()

    def __post_init__(self) -> None:
        if self.homes < 1 or self.first < 0:
            raise ValueError("homes must be at least 1 and first at least 0")
        if self.first + self.homes > len(seed_range(self.purpose)):
            raise ValueError("first + homes leaves the seeds of this purpose")


@dataclass(frozen=True)
class Played:
    """The two folders, and their manifests."""

    records: Path
    pairs: Path
    manifest: Manifest
    pairs_manifest: Manifest


@dataclass
class _Work:
    """One home: its records as rows, its pairs in a side file. Simulators live in the worker."""

    config: EpisodesConfig
    blocked: tuple[int, ...] = ()
    worker: HomeWorker | None = field(default=None, compare=False)

    def __call__(self, shard: int) -> ShardResult:
        seeds, verdicts = leave_out([self.config.first_seed + shard], self.blocked)
        if not seeds:
            return ShardResult(
                rows=[], verdicts=verdicts, files={_pairs_name(shard): b"", _said_name(shard): b""}
            )
        if self.worker is None:
            self.worker = HomeWorker(self.config)
        made = self.worker(shard)
        records = [row for row in made.rows if isinstance(row, Record)]
        lines = [dumps(row) for row in made.rows if isinstance(row, Pair)]
        said = [dumps(v) for v in made.verdicts if v.check == CHECK]
        return ShardResult(
            rows=records,
            verdicts=[v for v in made.verdicts if v.check != CHECK],
            files=made.files | {_pairs_name(shard): _lines(lines), _said_name(shard): _lines(said)},
        )

    def __getstate__(self) -> dict[str, object]:
        return {"config": self.config, "blocked": self.blocked, "worker": None}


def build(
    folder: Path,
    config: PlayConfig,
    *,
    root: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Played:
    """Play every home into ``folder``/records and ``folder``/pairs.

    ``root`` is the directory that the media root "world" stands for; ``folder`` if None.
    """
    records, pairs = folder / "records", folder / PAIRS
    inside = records.resolve().relative_to((root or folder).resolve()).as_posix()
    episodes = msgspec.structs.replace(
        config.episodes,
        first_seed=seed_range(config.purpose)[config.first],
        folder=inside,
        root="world",
        split=SPLITS[config.purpose],
    )
    manifest = shard_stage(
        records,
        stage="world.episodes",
        version=VERSION,
        config={"play": config, "episodes": episodes},
        inputs=[],
        shards=config.homes,
        work=_Work(episodes, config.blocked),
        workers=workers,
        progress=progress,
    )
    pairs_manifest = shard_stage(
        pairs,
        stage="world.pairs",
        version=VERSION,
        config={},
        inputs=[records],
        shards=config.homes,
        work=partial(_pairs_of, records),
    )
    return Played(records, pairs, manifest, pairs_manifest)


def _pairs_of(records: Path, shard: int) -> ShardResult:
    found = {
        kind: [
            loads(line, kind, file=str(path), row=str(row))
            for row, line in enumerate(path.read_bytes().splitlines(), 1)
        ]
        for kind, path in (
            (Pair, records / _pairs_name(shard)),
            (Verdict, records / _said_name(shard)),
        )
    }
    return ShardResult(rows=found[Pair], verdicts=found[Verdict])  # type: ignore[arg-type]


def _pairs_name(shard: int) -> str:
    return f"pairs/home-{shard:05d}.jsonl"


def _said_name(shard: int) -> str:
    return f"pairs/verdicts-{shard:05d}.jsonl"


def _lines(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
