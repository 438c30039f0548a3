"""Whether a benchmark's own pictures or questions stand in a training file.

Pictures are compared byte by byte and questions word by word: what is found is there, but a
picture that was saved anew or a question in other words is not found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seestep.answers.read import normal
from seestep.curate.contamination.benchmarks import PICTURES, TABLES, UNREADABLE, name_of, rows
from seestep.disk import sha256_file
from seestep.errors import DataError
from seestep.sources.rows import IMAGE

KEYS = ("question", "query", "prompt", "instruction", "text")
WORDS = 6  # shorter questions are told by nobody's wording


@dataclass
class Benchmarks:
    """Hashes of pictures and normalised questions, each with the file it is of."""

    pictures: dict[str, str] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    files: int = 0
    unread: list[str] = field(default_factory=list)

    def picture(self, file: Path) -> str | None:
        """The benchmark picture that ``file`` is a copy of."""
        return self.pictures.get(sha256_file(file))

    def question(self, asked: str) -> str | None:
        """The benchmark file that asks the same."""
        for text in shapes(asked):
            if text in self.questions:
                return self.questions[text]
        return None


def load(folder: Path) -> Benchmarks:
    """Everything below ``folder``; files that cannot be read are named, never passed over."""
    if not folder.is_dir():
        raise DataError("the folder of benchmarks is not here", file=folder)
    found = Benchmarks()
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        name, kind = name_of(file, folder), file.suffix.lower()
        if kind in PICTURES:
            found.pictures.setdefault(sha256_file(file), name)
        elif kind in TABLES:
            try:
                for text in _questions(file):
                    for shape in shapes(text):
                        found.questions.setdefault(shape, name)
            except UNREADABLE as error:
                found.unread.append(f"{name}: {str(error).splitlines()[0]}")
                continue
        else:
            continue
        found.files += 1
    return found


def shapes(text: str) -> Iterator[str]:
    """A question as compared: whole, and without its last line (which tells how to answer)."""
    lines = [line for line in text.replace(IMAGE, "\n").splitlines() if line.strip()]
    for part in (lines, lines[:-1]):
        said = normal(" ".join(part))
        if len(said.split()) >= WORDS:
            yield said


def _questions(file: Path) -> Iterator[str]:
    for row in rows(file, (*KEYS, "conversations", "messages")):
        yield from _strings(row)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in (*KEYS, "value", "content") and isinstance(inner, str):
                yield inner
            else:
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
