"""Compiled code is found on disk without what a compilation needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")
MODULE = """
import numpy as np
from seestep.compiled import kernel

@kernel
def squares(values):
    out = np.empty(len(values))
    for i in range(len(values)):
        out[i] = values[i] * values[i]
    return out
"""
MAIN = """
import sys
import numpy as np
import toy
assert toy.squares(np.arange(4.0)).tolist() == [0.0, 1.0, 4.0, 9.0]
assert toy.squares(np.arange(3)).tolist() == [0.0, 1.0, 4.0]  # another signature
print("numba.np.linalg" in sys.modules, sum(toy.squares.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_a_second_process_finds_what_the_first_compiled(tmp_path):
    (tmp_path / "toy.py").write_text(MODULE)
    root = str(Path(__file__).parents[2])
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), root]),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }
    said = [
        subprocess.run(
            [sys.executable, "-c", MAIN], env=env, check=True, capture_output=True, text=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["True", "0"], ["False", "2"]]
