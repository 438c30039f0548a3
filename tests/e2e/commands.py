"""The real command line in its own process, and what a folder held before and after."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pty
import re
import struct
import subprocess
import sys
import termios
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


def on_a_terminal(*words: str | Path, columns: int = 100) -> tuple[int, str]:
    """Exit code, and the lines that stay on a terminal (VT100 enough for rich's bars)."""
    pid, terminal = pty.fork()
    if pid == 0:
        size = struct.pack("HHHH", 50, columns, 0, 0)
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.chdir(ROOT)
        env = {k: v for k, v in ENV.items() if k != "NO_COLOR"}
        env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        os.execve(sys.executable, command(*words), env)
    data = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not more:
            break
        data += more
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen(data.decode())


def screen(said: str) -> str:
    """What stays when carriage returns, erased lines and moves upwards are obeyed."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", said):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part.endswith("A") and part.startswith("\x1b"):
            row = max(0, row - int(part[2:-1] or 1))
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith("\x1b"):
            line = lines[row].ljust(column)
            lines[row] = line[:column] + part + line[column + len(part) :]
            column += len(part)
    return "\n".join(lines)


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
