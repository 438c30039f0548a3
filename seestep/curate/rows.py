"""Duplicates among the rows of any JSON lines: another tool's training file, or no training file.

Two rows are twins when they show the same pictures and their texts, normalised and joined, are
equal or near. The best row of each star stays, every other names the kept row it is a twin of and
how similar the two are. Rows are copied as they stand, byte for byte.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from seestep import disk, ledger
from seestep.columns import flags, known
from seestep.curate.near import normalise_all, same_words
from seestep.curate.twins import Shingle, Twins, sweep
from seestep.errors import DataError, RunError, need
from seestep.heap import unswept
from seestep.jsonl import each_block, read_objects_lenient
from seestep.progress import Progress
from seestep.records import Verdict

KEPT, REMOVED, LEFT_OUT = "kept.jsonl", "removed.jsonl", "unreadable.jsonl"
LEDGER, SUMMARY = "ledger.parquet", "summary.json"
CHECK = "duplicate"
NO_TEXT = "no text: compared with nothing"
_KEPT, _REMOVED, _UNREAD = range(3)
PIECE = 1 << 16  # rows of the ledger that are held at a time
BETWEEN = "\x1f"  # between two fields: no shingle of one is a shingle of the other's words
Tier = Literal["exact", "simhash", "minhash", "group"]


class RowsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a row is compared, and how.

    Fields are dotted: "conversations.1.value" is the value of the second turn. Rows with the
    higher number in ``best`` stay, else those that come first. ``same_words`` as in
    ``NearDuplicates``: left of the mug is no twin of right of the mug.
    """

    text_fields: tuple[str, ...]
    image_field: str = ""
    best: str = ""
    threshold: float = 0.7
    same_words: bool = False
    shingle: str = "char:5"
    permutations: int = 252
    band: int = 6
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.text_fields or not all(self.text_fields):
            raise ValueError("text_fields must name at least one field")
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1], got {self.threshold}")
        if self.band < 1 or self.permutations < self.band:
            raise ValueError(f"{self.permutations} permutations make no band of {self.band}")
        Shingle.parse(self.shingle)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """``summary.json``: rows = kept + removed + unreadable."""

    file: str
    sha256: str
    config: RowsConfig
    images: str | None
    rows: int
    kept: int
    removed: dict[Tier, int]
    unreadable: int
    no_text: int  # kept, and compared with nothing
    no_picture_file: int  # pictures known by their name alone, since no file was found


class Twin(NamedTuple):
    """The kept row that another is a twin of."""

    row: int
    similarity: float
    tier: Tier


@dataclass
class _Columns:
    """Of every readable row: its line, text, pictures and score."""

    lines: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    bad: list[Verdict] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    names: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)


def dedup_rows(
    file: Path,
    out: Path,
    config: RowsConfig,
    *,
    images: Path | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Write the kept and the removed rows of ``file`` below ``out``, with a ledger and a summary.

    ``images`` is a folder that pictures are looked for in: a picture is then known by what its file
    holds, and one file under two names is one picture.

    Raises ``DataError`` for a file that cannot be read or has none of the fields, ``RunError`` for
    a folder in which something else was made.
    """
    need("numba", "curate")
    progress = progress or Progress(mode="none")
    with disk.locked(out), unswept():
        sha256 = disk.sha256_file(file)
        folder = None if images is None else str(images)
        done = _done(out, sha256, config, folder)
        if done is not None:
            return done
        columns = _read(file, config, images, progress)
        twins = find(columns.texts, columns.images, columns.scores, config, progress)
        removed = Counter(t.tier for t in twins if t is not None)
        _write(file, out, columns, twins, config, progress)
        summary = Summary(
            file=file.name,
            sha256=sha256,
            config=config,
            images=folder,
            rows=len(columns.lines) + len(columns.bad),
            kept=twins.count(None),
            removed=dict(sorted(removed.items())),
            unreadable=len(columns.bad),
            no_text=columns.texts.count(""),
            no_picture_file=len(columns.lost),
        )
        disk.atomic_write(out / SUMMARY, msgspec.json.format(msgspec.json.encode(summary)) + b"\n")
    return summary


def find(
    texts: Sequence[str],
    images: Sequence[str],
    scores: Sequence[float],
    config: RowsConfig,
    progress: Progress | None = None,
) -> list[Twin | None]:
    """For each normalised text the kept row it is a twin of, None where it is kept itself.

    Equal texts first: only one of them goes through the search. A text of nothing is no twin.
    """
    keys = list(zip(images, texts, strict=True))
    rows = [row for row, text in enumerate(texts) if text]
    first: dict[tuple[str, str], int] = {}
    for row in sorted(rows, key=scores.__getitem__, reverse=True):  # of equals the first
        first.setdefault(keys[row], row)
    alone = list(first.values())  # best first
    search = Twins(
        [texts[row] for row in alone],
        [images[row] for row in alone],
        least=config.threshold,
        shingle=Shingle.parse(config.shingle),
        permutations=config.permutations,
        band=config.band,
        seed=config.seed,
    )

    def same(row: int, other: int) -> bool:
        return same_words(texts[alone[row]], texts[alone[other]])

    out: list[Twin | None] = [None] * len(texts)
    for at, twin in sweep(search, range(len(alone)), same if config.same_words else None):
        if twin is not None:
            out[alone[at]] = Twin(alone[twin.row], twin.similarity, twin.tier)
        if progress is not None and at % 4096 == 0:
            progress.update(at, len(alone), "rows compared")
    if len(alone) < len(rows):
        for row in rows:
            equal = first[keys[row]]
            if equal != row:
                out[row] = out[equal] or Twin(equal, 1.0, "exact")
    return out


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """What a dotted field holds; None where the row has none. A key with dots is taken as it is."""
    if path in row:
        return row[path]
    here: Any = row
    for part in path.split("."):
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here


# --- reading ----------------------------------------------------------------------------------


def _read(file: Path, config: RowsConfig, images: Path | None, progress: Progress) -> _Columns:
    columns: _Columns = _Columns()
    known: dict[str, str] = {}
    wanted = [*config.text_fields, *filter(None, (config.image_field, config.best))]
    for numbers, rows in read_objects_lenient(file, bad=columns.bad):
        columns.names.update(*rows)
        values = {name: _column(rows, name) for name in wanted}
        for name, column in values.items():
            columns.missing[name] += column.count(None)
        texts = [normalise_all(list(map(_words, values[name]))) for name in config.text_fields]
        columns.lines += numbers
        columns.texts += texts[0] if len(texts) == 1 else map(_joined, *texts)
        for value in values.get(config.image_field, ()):
            shown = _names(value)
            for name in shown:
                if name not in known:
                    known[name] = _identity(name, images, columns.lost)
            columns.images.append("+".join(known[name] for name in shown))
        for number, value in zip(numbers, values.get(config.best, ()), strict=False):
            columns.scores.append(_score(value, config, file, number))
        progress.update(len(columns.lines), None, "rows read")
    if not columns.lines:
        raise DataError("there is no row to compare", file=file, wanted="one JSON object a line")
    for name in wanted:
        if columns.missing[name] == len(columns.lines):
            _no_such_field(name, columns.names, file)
    columns.images = columns.images or [""] * len(columns.lines)
    columns.scores = columns.scores or [0.0] * len(columns.lines)
    return columns


def _column(rows: list[dict[str, Any]], path: str) -> list[Any]:
    """``value_at`` of every row."""
    if "." in path:
        return [value_at(row, path) for row in rows]
    return [row.get(path) for row in rows]


def _joined(*texts: str) -> str:
    return BETWEEN.join(texts) if any(texts) else ""


def _no_such_field(name: str, names: set[str], file: Path) -> None:
    close = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.6)
    guess = f"did you mean {close[0]}?" if close else "a field inside another is a.b, in a list a.0"
    raise DataError(
        f"no row has the field {name!r}",
        file=file,
        wanted="a field that is there: " + ", ".join(sorted(names)[:12]),
        hint=guess,
    )


def _words(value: Any) -> str:
    """A text as it is; a list's words one after another, an object's values as well."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(filter(None, map(_words, value)))
    if isinstance(value, dict):
        return " ".join(filter(None, map(_words, value.values())))
    return str(value)


def _names(value: Any) -> list[str]:
    """Names of a row's pictures: one, several, or objects with a path or a url."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [name for part in value for name in _names(part)]
    if isinstance(value, dict):
        return _names(next((value[k] for k in ("path", "url", "image") if k in value), str(value)))
    return [str(value)]


def _identity(name: str, images: Path | None, lost: set[str]) -> str:
    if images is None:
        return name
    path = images / name
    if not path.is_file():
        lost.add(name)
        return name
    return disk.sha256_file(path)


def _score(value: Any, config: RowsConfig, file: Path, number: int) -> float:
    if value is None:
        return float("-inf")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(
            f"{config.best!r} is no number",
            file=file,
            record=f"line {number}",
            wanted="a number, the higher the better",
            got=repr(value)[:80],
        )
    return float(value)


# --- writing ----------------------------------------------------------------------------------


def _done(out: Path, sha256: str, config: RowsConfig, images: str | None) -> Summary | None:
    file = out / SUMMARY
    if file.is_file():
        found = msgspec.json.decode(file.read_bytes(), type=Summary)
        if (found.sha256, found.config, found.images) == (sha256, config, images):
            return found
    elif not any((out / name).exists() for name in (KEPT, LEDGER)):
        return None
    elif not any(p.name not in (KEPT, REMOVED, LEFT_OUT, LEDGER) for p in out.glob("[!.]*")):
        return None  # stopped while it was written
    raise RunError(
        "something else was made in this folder",
        file=out,
        hint="choose another --out, or delete this folder",
    )


def _write(
    file: Path,
    out: Path,
    columns: _Columns,
    twins: Sequence[Twin | None],
    config: RowsConfig,
    progress: Progress,
) -> None:
    last = columns.lines[-1]
    fates = np.full(last + 1, _UNREAD, dtype=np.uint8)  # by the number of a line
    fates[columns.lines] = [_KEPT if twin is None else _REMOVED for twin in twins]
    with (
        disk.atomic_file(out / KEPT) as kept,
        disk.atomic_file(out / REMOVED) as removed,
        disk.atomic_file(out / LEFT_OUT) as left_out,
    ):
        for first, _, lines in each_block(file):
            if not lines[-1].endswith(b"\n"):
                lines[-1] += b"\n"
            fate = fates[first : first + len(lines)].tolist()
            fate += [_UNREAD] * (len(lines) - len(fate))
            for to, which in ((kept, _KEPT), (removed, _REMOVED), (left_out, _UNREAD)):
                mine: Iterator[bytes] = compress(lines, map(which.__eq__, fate))
                if which == _UNREAD:  # blank lines are nowhere
                    mine = (line for line in mine if line.strip())
                to.write(b"".join(mine))
            progress.update(min(first + len(lines), last), last, "rows written")
    progress.update(last, last, "rows written")
    with disk.atomic_file(out / LEDGER) as sink:
        ledger.write(sink, _told(file, columns, twins, config))


def _told(
    file: Path, columns: _Columns, twins: Sequence[Twin | None], config: RowsConfig
) -> Iterator[ledger.Columns]:
    """The ledger in the order of the file, unreadable lines last."""
    lines, at = columns.lines, 0
    for start in range(0, len(lines), PIECE):
        some = twins[start : start + PIECE]
        texts = columns.texts[start : start + PIECE]
        gone = np.fromiter(map(bool, some), np.bool_, len(some))
        places = at + np.cumsum(~gone) - 1
        score = np.fromiter((t.similarity if t else 0.0 for t in some), np.float64, len(some))
        yield {
            "row": known(places, ~gone),
            "id": [f"{file.name}:{line}" for line in lines[start : start + PIECE]],
            "check": [CHECK] * len(some),
            "keep": flags(~gone),
            "reason": [
                t.tier if t else "" if x else NO_TEXT for t, x in zip(some, texts, strict=True)
            ],
            "score": known(score, gone),
            "threshold": known(np.full(len(some), config.threshold)),
            "evidence": [
                f"twin {file.name}:{lines[t.row]} jaccard {t.similarity:.6f}" if t else ""
                for t in some
            ],
            "cost": [None] * len(some),
        }
        at = int(places[-1]) + 1
    if columns.bad:
        yield ledger.columns_of([(None, verdict) for verdict in columns.bad])
