"""Scores of records by a reward model, as a measure: ``curate.reward`` decides by them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seestep.curate.batch import Batch
from seestep.curate.reward import Reward
from seestep.errors import DataError, RunError, need
from seestep.media import Roots
from seestep.models.fingerprint import weights_fingerprint

if TYPE_CHECKING:
    import pyarrow as pa

    from seestep.models.value_head import RewardModel


@dataclass(frozen=True)
class RewardMeasure:
    """The measure that ``config`` asks for: columns ``reward`` (null if unscored) and ``why``.

    The model is loaded at the first call and stays in the process.
    A score depends on its record alone but for the last digits, in which a pass of other rows,
    another device or another ``batch_tokens`` may differ; those are no parameters.
    """

    config: Reward

    name = Reward.name
    version = Reward.version
    reads = ("json",)
    loads_model = True

    def parameters(self) -> Any:
        """The weights by their hash, the precision as it is here, and the caps."""
        folder = find_model(self.config.model)
        return {
            "model": _fingerprint(folder, _stamp(folder)),
            "precision": place(self.config)[1],
            "max_pixels": self.config.max_pixels,
            "longest": self.config.longest,
        }

    def __call__(self, batch: Batch, roots: Roots) -> pa.Table:
        """One row a record, in the order of ``batch``."""
        import pyarrow as pa

        need("transformers", "train")
        from seestep.models.reader import Reader

        told, folder = self.config, find_model(self.config.model)
        reader = Reader(
            _load(folder, *place(told), _stamp(folder)),
            roots,
            longest=told.longest,
            batch_tokens=told.batch_tokens,
            max_pixels=told.max_pixels,
        )
        found = reader.score(batch.records)
        return pa.table(
            {
                "reward": pa.array([score for score, _ in found], pa.float64()),
                "why": pa.array([why for _, why in found], pa.string()),
            }
        )


def find_model(name: str) -> Path:
    """The folder of a model: a path, or a name of the local hub cache. Nothing is downloaded."""
    if (Path(name) / "config.json").is_file():
        return Path(name)
    need("transformers", "train")
    from transformers.utils.hub import cached_file

    try:
        found = cached_file(name, "config.json", local_files_only=True)
    except (OSError, ValueError):
        found = None
    if found is None:
        raise DataError(
            "no reward model here",
            file=name,
            wanted="a folder with config.json, or a name of the local hub cache",
            hint="hf download Skywork/Skywork-VL-Reward-7B",
        )
    return Path(found).parent


def place(config: Reward) -> tuple[str, str]:
    """Device and precision; torch is asked only for what "auto" stands for here."""
    device, precision = config.device, str(config.precision)
    if "auto" in (device, precision):
        need("torch", "train")
        import torch

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if precision == "auto":
            half = device.startswith("cuda") and torch.cuda.is_bf16_supported()
            precision = "bfloat16" if half else "float32"
    return device, precision


@lru_cache(maxsize=1)
def _load(folder: Path, device: str, precision: str, stamp: object) -> RewardModel:
    import torch

    from seestep.models.value_head import load_reward_model

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise RunError("there is no CUDA device here", got=device, hint="reward.device=cpu")
    return load_reward_model(folder, device=device, precision=precision)


@lru_cache(maxsize=8)
def _fingerprint(folder: Path, stamp: object) -> str:
    return weights_fingerprint(folder)


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of a folder's files: what tells that it is another one now."""
    stats = ((path.name, path.stat()) for path in sorted(folder.iterdir()) if path.is_file())
    return tuple((name, told.st_size, told.st_mtime_ns) for name, told in stats)
