from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import torch

Once: TypeAlias = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def tiny_model(once: Once) -> Path:
    """A checkpoint of the real Qwen3-VL architecture that has learnt nothing."""
    from seestep.models.load import save
    from seestep.models.tiny.build import build

    def make(folder: Path) -> None:
        torch.manual_seed(0)
        save(build("qwen3_vl"), folder)

    return once("tiny", make)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """``once(name, make)``: a folder that ``make`` fills once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with open(shared / f"{name}.guard", "w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return made
