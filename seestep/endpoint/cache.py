"""Answers and what they cost, in one SQLite file that outlives the process.

A valid answer is kept for every later run. What a run spent, and which of its questions ended
without an answer, is kept for that run alone: it goes on within its budget and pays nothing twice.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from seestep.errors import RunError

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, at REAL NOT NULL, tokens INTEGER
);
CREATE TABLE IF NOT EXISTS unanswered (
    run TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, problem TEXT NOT NULL,
    tokens INTEGER,
    PRIMARY KEY (run, key)
);
CREATE TABLE IF NOT EXISTS calls (
    run TEXT NOT NULL, key TEXT NOT NULL, at REAL NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL, cost REAL NOT NULL
);
DROP INDEX IF EXISTS calls_of_run;
CREATE INDEX IF NOT EXISTS calls_of_question ON calls (run, key);
"""


class Spent(NamedTuple):
    """What a run's calls have taken."""

    calls: int = 0
    tokens: int = 0
    cost: float = 0.0


class Known(NamedTuple):
    """What came of a question: its valid answer, or the last text and the ``problem`` with it.

    ``tokens`` is what all calls for it took in the run that got it; None where it was kept
    before they were counted.
    """

    text: str
    problem: str = ""
    tokens: int | None = None


class Cache:
    """One file, read and written by one process at a time or by several; not on NFS (SQLite)."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        try:
            self._base = sqlite3.connect(file, isolation_level=None, timeout=60.0)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.executescript(_TABLES)
            for table in ("answers", "unanswered"):
                self._count_tokens(table)
        except sqlite3.DatabaseError as error:
            raise RunError(
                f"no cache of answers: {error}", file=file, hint="move it away to begin a new one"
            ) from error

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._base.close()

    def _count_tokens(self, table: str) -> None:
        """The column of tokens in a file that was begun before there was one."""
        names = {row[1] for row in self._base.execute(f"PRAGMA table_info({table})")}
        if "tokens" not in names:
            try:
                self._base.execute(f"ALTER TABLE {table} ADD COLUMN tokens INTEGER")
            except sqlite3.OperationalError as error:
                if "duplicate column" not in str(error):  # another process was faster
                    raise

    def answer(self, key: str) -> Known | None:
        """A valid answer, None if there is none yet."""
        row = self._base.execute(
            "SELECT text, '', tokens FROM answers WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else Known(*row)

    def unanswered(self, run: str, key: str) -> Known | None:
        """A question that this run has given up."""
        row = self._base.execute(
            "SELECT text, problem, tokens FROM unanswered WHERE run = ? AND key = ?", (run, key)
        ).fetchone()
        return None if row is None else Known(*row)

    def keep(self, run: str, key: str, text: str) -> None:
        """A valid answer, with what this run's calls for it took."""
        self._base.execute(
            "INSERT OR REPLACE INTO answers (key, text, at, tokens) VALUES (?, ?, ?, ?)",
            (key, text, time.time(), self.tokens(run, key)),
        )

    def give_up(self, run: str, key: str, text: str, problem: str) -> None:
        """No valid answer, however often the question was asked."""
        self._base.execute(
            "INSERT OR REPLACE INTO unanswered (run, key, text, problem, tokens)"
            " VALUES (?, ?, ?, ?, ?)",
            (run, key, text, problem, self.tokens(run, key)),
        )

    def paid(self, run: str, key: str, tokens_in: int, tokens_out: int, cost: float) -> None:
        """A call that the server answered."""
        told = (run, key, time.time(), tokens_in, tokens_out, cost)
        self._base.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?)", told)

    def tokens(self, run: str, key: str) -> int:
        """What a run's calls for one question have taken, whichever process made them."""
        (found,) = self._base.execute(
            "SELECT COALESCE(SUM(tokens_in + tokens_out), 0) FROM calls WHERE run = ? AND key = ?",
            (run, key),
        ).fetchone()
        return int(found)

    def spent(self, run: str) -> Spent:
        """All that a run's calls have taken so far."""
        row = self._base.execute(
            "SELECT COUNT(*), COALESCE(SUM(tokens_in + tokens_out), 0), COALESCE(SUM(cost), 0)"
            " FROM calls WHERE run = ?",
            (run,),
        ).fetchone()
        return Spent(int(row[0]), int(row[1]), float(row[2]))
