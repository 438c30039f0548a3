from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the real Qwen3-VL architecture that has learnt nothing."""
    from seestep.models.load import save
    from seestep.models.tiny.build import build

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model") / "tiny"
    save(build("qwen3_vl"), folder)
    return folder
