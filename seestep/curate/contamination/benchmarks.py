"""Benchmarks as their owners ship them: questions, names of pictures and pictures, whatever format.

A benchmark is a folder. Tables (JSON, JSON lines, TSV, CSV, Parquet) are read row by row; pictures
lie beside them as files or inside them as bytes or base64. Our own run folders of items count too.
"""

from __future__ import annotations

import ast
import base64
import binascii
import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seestep import media
from seestep.answers.read import read_choice
from seestep.curate.batch import answer_words, prompt_text
from seestep.curate.contamination.ids import numbered, of_origins, spelt_in
from seestep.errors import DataError, MediaError
from seestep.records import Choice, Item
from seestep.run import MANIFEST, read_manifest, read_rows

if TYPE_CHECKING:
    from PIL import Image

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"})
LINES = frozenset({".jsonl", ".ndjson"})
TABLES = frozenset({".json", ".tsv", ".csv", ".parquet"}) | LINES
SEALED = frozenset(
    """.zip .tar .gz .tgz .bz2 .xz .zst .7z .rar .arrow .pkl .pickle .h5 .hdf5 .npz .npy .mdb
    .tfrecord .xlsx .xml .yaml .yml .mp4 .mkv .avi .mov .webm .tif .tiff""".split()  # noqa: SIM905
)
"""Files that may hold a part of a benchmark and are not opened: they are told as not read."""
PARTS = frozenset(
    """data image images img imgs frames videos annotations train val test dev""".split()  # noqa: SIM905
)
"""Folders inside a benchmark, none of which is one."""
ASKED = ("question", "query", "prompt", "instruction", "text", "problem")
ANSWERED = ("answer", "gt_answer", "ground_truth", "gt", "label", "golden_choice_idx", "solution")
LISTED = ("options", "choices", "answer_options", "candidates")
LETTERED = re.compile(r"(?:(?:choice|option)_?)?[a-h]", re.IGNORECASE)
UNREADABLE = (ValueError, OSError, csv.Error, DataError, RecursionError)
LONG = 1024  # a string without spaces that is longer holds bytes, not words


@dataclass(frozen=True, slots=True)
class Entry:
    """One question of a benchmark; ``where`` says in which file and row it stands."""

    where: str
    asked: str = ""
    options: tuple[str, ...] = ()
    answer: str = ""
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of a benchmark, opened when it is needed."""

    where: str
    open: Callable[[], Image.Image]


@dataclass
class Benchmark:
    """One folder; ``unread`` names files that could not be read, and why, once it was read."""

    name: str
    folder: Path
    unread: list[str] = field(default_factory=list)

    def read(self) -> Iterator[Entry | Shown]:
        """Every row that asks something or names a known picture, video or scene, and every
        picture, of files and of rows."""
        self.unread.clear()
        if (self.folder / MANIFEST).is_file() and _holds_items(self.folder):
            yield from _items(self.folder)
            return
        for file in files_of(self.folder):
            name, kind = name_of(file, self.folder), file.suffix.lower()
            ids = frozenset(spelt_in(name))
            if ids:
                yield Entry(name, ids=ids)
            if kind in PICTURES:
                yield Shown(name, partial(media.open_image, file))
            elif kind in SEALED:
                self.unread.append(f"{name}: {kind} files are not opened, unpack or convert it")
            elif kind in TABLES:
                try:
                    for number, row in enumerate(rows(file), start=1):
                        yield from _of_row(row, f"{name} row {number}")
                except UNREADABLE as error:
                    self.unread.append(f"{name}: {str(error).splitlines()[0]}")


def find(folders: list[Path]) -> list[Benchmark]:
    """The benchmarks in ``folders``: each folder inside, or the folder itself if it holds files.

    Raises ``DataError`` for a folder that is not there, is empty, or a name that comes twice.
    """
    found: dict[str, Benchmark] = {}
    for folder in folders:
        if not folder.is_dir():
            raise DataError("the folder of benchmarks is not here", file=folder)
        inner = sorted(p for p in folder.iterdir() if p.is_dir() and not _hidden(p.name))
        own = (folder / MANIFEST).is_file() or any(
            p.suffix.lower() in TABLES | PICTURES | SEALED for p in folder.iterdir() if p.is_file()
        )
        own = own or any(p.name.lower() in PARTS for p in inner)
        here = [folder] if own or not inner else inner
        if not files_of(folder):
            raise DataError("this folder of benchmarks is empty", file=folder)
        for one in here:
            if one.name in found:
                raise DataError("two benchmarks have the same name", file=one, got=one.name)
            found[one.name] = Benchmark(one.name, one)
    return list(found.values())


def files_of(folder: Path) -> list[Path]:
    """Files of a benchmark in order, without those of tools (.git, .cache)."""
    return sorted(
        p
        for p in folder.rglob("*")
        if p.is_file() and not any(map(_hidden, p.relative_to(folder).parts))
    )


def _hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def name_of(file: Path, folder: Path) -> str:
    """The name of ``file`` below ``folder``, fit to be written down."""
    return whole(file.relative_to(folder).as_posix())


def whole(text: str) -> str:
    """``text`` with "?" for half characters: lone surrogates, bytes of names that are no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


# --- rows -------------------------------------------------------------------------------------


def rows(file: Path, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """The rows of a table; of a Parquet file only ``columns``, if they are given.

    Raises one of ``UNREADABLE``.
    """
    kind = file.suffix.lower()
    if kind == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.ParquetFile(file)
            names = [n for n in table.schema_arrow.names if columns is None or n in columns]
            for batch in table.iter_batches(batch_size=64, columns=names):
                yield from batch.to_pylist()
        except pa.ArrowException as error:
            raise DataError(f"not a Parquet file: {error}", file=file) from error
    elif kind in (".csv", ".tsv"):
        csv.field_size_limit(1 << 30)  # some hold pictures in base64
        with file.open(newline="", encoding="utf-8-sig") as stream:
            yield from csv.DictReader(stream, delimiter="\t" if kind == ".tsv" else ",")
    elif kind in LINES:
        with file.open(encoding="utf-8-sig") as stream:
            yield from (json.loads(line) for line in stream if line.strip())
    else:
        data = json.loads(file.read_bytes())
        if isinstance(data, dict):  # {"annotations": [...]}, or question id -> row
            lists = [v for v in data.values() if _is_table(v)]
            keyed = [{"id": k, **v} for k, v in data.items() if isinstance(v, dict)]
            whole_row = any(isinstance(data.get(key), str) for key in ASKED)
            data = [data] if whole_row else list(chain(*lists)) or keyed or [data]
        yield from data if isinstance(data, list) else [data]


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _of_row(row: Any, where: str) -> Iterator[Entry | Shown]:
    if not isinstance(row, dict):
        return
    words: list[str] = []
    ids: set[str] = set()
    for path, value in _leaves(row):
        if isinstance(value, bytes):
            yield Shown(whole(f"{where} {path}"), partial(media.open_bytes, value))
        elif isinstance(value, str) and len(value) > LONG and " " not in value[:LONG]:
            yield Shown(whole(f"{where} {path}"), _from_base64(value))
        elif isinstance(value, str):
            words.append(value)
        ids.update(numbered(path, value))
    options = _options(row)
    entry = Entry(
        where,
        asked=whole(_asked(row)),
        options=tuple(map(whole, options)),
        answer=whole(_answer(row, options)),
        ids=frozenset(ids.union(*map(spelt_in, words))),
    )
    if entry.asked or entry.ids:
        yield entry


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, path)
    else:
        yield path, value


def _asked(row: dict[str, Any]) -> str:
    for key in ASKED:
        if isinstance(row.get(key), str) and len(row[key]) <= LONG * 8:
            return str(row[key])
    for key in ("conversations", "messages"):
        turns = row.get(key)
        for turn in turns if isinstance(turns, list) else ():
            said = turn.get("value", turn.get("content")) if isinstance(turn, dict) else None
            if isinstance(said, str) and turn.get("from", turn.get("role")) in ("human", "user"):
                return said
    return ""


def _options(row: dict[str, Any]) -> tuple[str, ...]:
    for key in LISTED:
        value = row.get(key)
        if isinstance(value, str):
            value = _literal(value)
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return tuple(map(str, value))
    named = [v for k, v in row.items() if LETTERED.fullmatch(str(k)) and str(v or "").strip()]
    return tuple(map(str, named)) if len(named) > 1 else ()


def _literal(text: str) -> Any:
    """A list that stands in a cell, as JSON or as Python prints it; None for other text."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def _answer(row: dict[str, Any], options: Sequence[str]) -> str:
    """Words of the answer, where a letter or an index (from 0) names an option."""
    for key in ANSWERED:
        value = row.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        if isinstance(value, int) and 0 <= value < len(options):
            return options[value]
        chosen = read_choice(str(value), options) if options else None
        return options[chosen.value] if chosen else str(value)
    return ""


# --- pictures ---------------------------------------------------------------------------------


def _from_base64(text: str) -> Callable[[], Image.Image]:
    def opened() -> Image.Image:
        try:
            data = base64.b64decode(text.partition("base64,")[2] or text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise MediaError("this is no base64 of a picture") from error
        return media.open_bytes(data)

    return opened


# --- our own items ----------------------------------------------------------------------------


def _holds_items(folder: Path) -> bool:
    return read_manifest(folder).stage == "world.suites"


def _items(folder: Path) -> Iterator[Entry | Shown]:
    shown: set[str] = set()
    for item in read_rows(folder, Item):
        origins = [o for m in item.media for o in m.origins]
        yield Entry(
            item.id,
            asked=prompt_text(item).split("\n")[0],
            options=item.answer.options if isinstance(item.answer, Choice) else (),
            answer=answer_words(item.answer, item),
            ids=frozenset(of_origins([*origins, *item.clusters])),
        )
        for one in item.media:
            for path in (one.path, *one.frames):
                places = (root / path for root in (folder, folder.parent, folder.parent.parent))
                file = next((p for p in places if path and p.is_file()), None)
                if file is not None and path not in shown:
                    shown.add(path)
                    yield Shown(f"{item.id} {path}", partial(media.open_image, file))
