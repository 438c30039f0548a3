"""Which commit of the code is running, for logs."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit_of_code() -> str | None:
    """The git commit of the checkout this package lies in, "+changes" when edited, else None."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        dirty = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None  # no git here: the log says null, nothing else depends on it
    return head + ("+changes" if dirty else "")


def _git(root: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *args],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return done.stdout.strip()
