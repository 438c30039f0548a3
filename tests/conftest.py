"""One torch thread a test process, no deadline for property tests, GPU tests only with a GPU."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch or numpy is first imported

import pytest
from hypothesis import settings

settings.register_profile("seestep", deadline=None)
settings.load_profile("seestep")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needing = [item for item in items if item.get_closest_marker("gpu")]
    if not needing:
        return
    import torch

    if not torch.cuda.is_available():
        for item in needing:
            item.add_marker(pytest.mark.skip(reason="there is no CUDA device"))
