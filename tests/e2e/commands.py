"""The real command line in its own process, and what a folder held before and after."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRESS = re.compile(r"^[\w-]+: \d+/\d+")
ENV = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "seestep", *map(str, words)]


def seestep(
    *words: str | Path, cwd: Path = ROOT, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), capture_output=True, text=True, cwd=cwd, env=ENV, preexec_fn=before
    )


def refused(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """The one sentence on stderr of a command that did not work."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [text for text in done.stderr.splitlines() if not PROGRESS.match(text)]
    assert line.startswith("seestep: ")
    return line


def hashes(folder: Path, *without: str) -> dict[str, str]:
    """sha256 of every file below ``folder``, except where a part of its path is in ``without``."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not set(without) & set(path.relative_to(folder).parts)
    }
