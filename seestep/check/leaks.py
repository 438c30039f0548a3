"""Whether a benchmark's own pictures or questions stand in a training file.

Pictures are compared byte by byte and questions word by word: what is found is there, but a
picture that was saved anew or a question in other words is not found.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seestep.answers.read import normal
from seestep.check.rows import LINES
from seestep.disk import sha256_file
from seestep.errors import DataError
from seestep.export.formats import IMAGE

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"})
TABLES = frozenset({".json", ".jsonl", ".ndjson", ".tsv", ".csv", ".parquet"})
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
        name, kind = file.relative_to(folder).as_posix(), file.suffix.lower()
        if kind in PICTURES:
            found.pictures.setdefault(sha256_file(file), name)
        elif kind in TABLES:
            try:
                for text in _questions(file):
                    for shape in shapes(text):
                        found.questions.setdefault(shape, name)
            except (ValueError, OSError, csv.Error, DataError, RecursionError) as error:
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
    for row in _rows(file):
        yield from _strings(row)


def _rows(file: Path) -> Iterator[Any]:
    kind = file.suffix.lower()
    if kind == ".parquet":
        import pyarrow.parquet as pq

        table = pq.ParquetFile(file)
        names = [n for n in table.schema_arrow.names if n in (*KEYS, "conversations", "messages")]
        for batch in table.iter_batches(columns=names):
            yield from batch.to_pylist()
    elif kind in (".csv", ".tsv"):
        with file.open(newline="", encoding="utf-8-sig") as stream:
            csv.field_size_limit(1 << 30)  # some hold pictures in base64
            yield from csv.DictReader(stream, delimiter="\t" if kind == ".tsv" else ",")
    elif kind in LINES:
        with file.open(encoding="utf-8") as stream:
            yield from (json.loads(line) for line in stream if line.strip())
    else:
        yield json.loads(file.read_bytes())


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
