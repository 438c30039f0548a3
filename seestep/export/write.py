"""Write a run folder's records or pairs as a data set of another trainer, with a sidecar."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from itertools import islice
from os.path import isfile
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from seestep.disk import atomic_file, atomic_write, locked
from seestep.errors import DataError, RunError
from seestep.export.formats import FORMATS, Row
from seestep.families import Family
from seestep.media import Roots
from seestep.records import Media, MediaRef, Pair, Record, Split, Verdict, dumps, loads
from seestep.run import MANIFEST, read_rows
from seestep.thought.wire import Style

Asked = TypeVar("Asked", Record, Pair)
DROPPED, DONE = "dropped.jsonl", "export.json"
WRITTEN = ("data.json", "data.jsonl", "dataset_info.json", "sidecar.jsonl", DROPPED)


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """What was written. ``media_missing`` rows name pictures that are not on disk.

    Numbers are in ``frame``, of pictures resized to an area of ``min_pixels`` to ``max_pixels``.
    """

    format: str
    family: str
    frame: str
    min_pixels: int
    max_pixels: int
    rows: int
    dropped: int
    media_missing: int
    file: str


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What the row's format cannot hold; line n belongs to row n."""

    id: str
    record: msgspec.Raw
    media_missing: bool


def export(
    folder: Path,
    out: Path,
    *,
    to: str,
    family: Family,
    roots: Roots,
    kind: type[Asked],
    style: Style = "tags",
    split: Split = "train",
) -> Export:
    """Write ``out``/data.json(l), sidecar.jsonl, dropped.jsonl and export.json; for LLaMA-Factory
    dataset_info.json too, so that ``dataset_dir`` is ``out`` and the data set's name is seestep.
    An earlier export in ``out`` is replaced once every row is written, one at a time; ``RunError``
    if files of these names are no export.

    Pictures are named by their path, never copied. Rows are in the order of the run, but one with a
    picture comes first where the file is read in pieces (``_led``). A record that cannot be written
    for this family (unknown image size, a geometry outside its image, a placeholder in its words)
    or is of another ``split`` (guard sets stay out of training) is left out and dropped.jsonl says
    why.
    """
    if to not in FORMATS:
        raise DataError("unknown export format", wanted=" | ".join(FORMATS), got=to)
    name = "data.json" if to in ("llava", "qwen") else "data.jsonl"
    places = {key: root.absolute() for key, root in roots.items()}
    told: Counter[str] = Counter()

    def row_of(asked: Asked) -> tuple[Row, bool]:
        if asked.split != split:
            raise DataError(f"of the split {asked.split}, not {split}", record=asked.id)
        paths, missing = _pictures(asked, places)
        return FORMATS[to](asked, family, paths, style), missing

    def shows(asked: Asked) -> bool:
        with suppress(DataError):
            return bool(asked.media and row_of(asked)[0].get("images"))
        return False

    def rows(sides: BinaryIO, drops: BinaryIO) -> Iterator[Row]:
        in_order = partial(read_rows, folder, kind)
        for asked in in_order() if name == "data.json" else _led(in_order, shows):
            try:
                row, missing = row_of(asked)
            except DataError as error:
                gone = Verdict(id=asked.id, check="export", keep=False, reason=error.what)
                drops.write(dumps(gone) + b"\n")
                told["dropped"] += 1
                continue
            side = Side(id=asked.id, record=msgspec.Raw(dumps(asked)), media_missing=missing)
            sides.write(msgspec.json.encode(side) + b"\n")
            told["rows"] += 1
            told["media_missing"] += missing
            yield row

    with locked(out):
        _earlier(out)
        with ExitStack() as stack:
            data, sides, drops = (
                stack.enter_context(atomic_file(out / file))
                for file in (name, "sidecar.jsonl", DROPPED)
            )
            data.writelines(_framed(rows(sides, drops), listed=name == "data.json"))
            for file in _earlier(out):  # they may be another export's: its rows are not these
                file.unlink()
            if to == "sharegpt":
                info = json.dumps(dataset_info(name, pairs=kind is Pair), indent=2)
                atomic_write(out / "dataset_info.json", info.encode() + b"\n")
        result = Export(
            format=to,
            family=family.name,
            frame=family.frame,
            min_pixels=family.min_pixels,
            max_pixels=family.max_pixels,
            rows=told["rows"],
            dropped=told["dropped"],
            media_missing=told["media_missing"],
            file=name,
        )
        atomic_write(out / DONE, msgspec.json.encode(result) + b"\n")
    return result


def _earlier(out: Path) -> list[Path]:
    """The files of another export; ``RunError`` if files of these names are anybody else's."""
    there = [out / name for name in WRITTEN if (out / name).exists()]
    if there and not (out / DONE).is_file():
        hint = "choose another --out"
        raise RunError("this file is of no export, and would be lost", file=there[0], hint=hint)
    return there


def records_of(run: Path) -> tuple[Path, dict[str, Path]]:
    """The folder of rows that ``run`` is or has (thoughts, else curated), and the media roots that
    its place tells: "world" beside or below it, and the pictures inside it.

    Raises ``DataError`` where there are no rows.
    """
    places = [run, *(run / name for name in ("thoughts", "curated"))]
    folder = next((p for p in places if (p / MANIFEST).is_file()), None)
    if folder is None:
        raise DataError(
            "no records here",
            file=run,
            wanted="a finished folder of records or pairs, or a run with thoughts or curated",
        )
    roots: dict[str, Path] = {}
    if (folder / "media").is_dir():
        first = _first(folder)
        roots |= (
            {m.root: folder.resolve() / "media" for m in first.media} if first is not None else {}
        )
    worlds = (p / "world" for p in (folder, *list(folder.resolve().parents)[:3]))
    if world := next((w for w in worlds if w.is_dir()), None):
        roots["world"] = world.resolve()
    return folder, roots


def kind_of_rows(folder: Path) -> type[Record] | type[Pair]:
    """Whether a run folder holds records or preference pairs; ``DataError`` if neither."""
    first = _first(folder)
    return type(first) if first is not None else Record


def dataset_info(file: str, *, pairs: bool) -> Row:
    """How LLaMA-Factory finds its way in a ``sharegpt`` file (its data/README.md)."""
    columns = {"messages": "messages", "images": "images"}
    if pairs:
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    tags = {f"{role}_tag": role for role in ("role", "content", "user", "assistant", "system")}
    told: Row = {"file_name": file, "formatting": "sharegpt", "columns": columns, "tags": tags}
    return {"seestep": told | ({"ranking": True} if pairs else {})}


def _first(folder: Path) -> Record | Pair | None:
    """The first row of a run folder; ``DataError`` if it is neither a record nor a pair."""
    for part in sorted(folder.glob("part-*.jsonl")):
        with part.open("rb") as stream:
            line = stream.readline()
        if line.strip():
            is_pair = "chosen" in json.loads(line)
            return loads(line, Pair, file=str(part)) if is_pair else loads(line, Record)
    return None


def _pictures(asked: Record | Pair, roots: Roots) -> tuple[list[str], bool]:
    """Paths in the order the prompt shows them, and whether any is not on disk."""
    shown = [p.media for t in asked.turns for p in t.parts if isinstance(p, MediaRef)]
    paths = [path for key in shown for path in _paths(asked.find_media(key), roots)]
    return paths, not all(isfile(p) for p in paths)


def _paths(media: Media, roots: Roots) -> Sequence[str]:
    root = roots.get(media.root, Path(media.root))
    return [(root / p).as_posix() for p in (media.frames or (media.path,))]


def _led(rows: Callable[[], Iterator[Asked]], shows: Callable[[Asked], bool]) -> Iterator[Asked]:
    """The rows, the first that shows a picture before all others.

    ``datasets`` takes the type of a column from the first 10 MiB of a file; if they held lists of
    nothing only, it would refuse the rest.
    """
    head = next((n for n, asked in enumerate(rows()) if shows(asked)), 0)
    if head:
        yield from islice(rows(), head, head + 1)
    yield from (asked for n, asked in enumerate(rows()) if n != head or not head)


def _framed(rows: Iterable[Row], *, listed: bool) -> Iterator[bytes]:
    """JSON lines, or one JSON list with a row a line."""
    before, after = (b"[\n", b"") if listed else (b"", b"\n")
    for row in rows:
        yield before + json.dumps(row, ensure_ascii=False).encode() + after
        before = b",\n" if listed else b""
    if listed:
        yield (before if before == b"[\n" else b"") + b"\n]\n"
