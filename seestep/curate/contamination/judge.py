"""Comparing records with benchmarks, one layer after another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep.curate.batch import answer_words, prompt_text
from seestep.curate.contamination import looks
from seestep.curate.contamination.benchmarks import Entry
from seestep.curate.contamination.ids import PICTURES, of_origins
from seestep.curate.contamination.meaning import Meanings, Told, nearest, told_unread
from seestep.curate.contamination.pictures import Found, Seen, Vectors
from seestep.curate.contamination.result import LAYERS, Cell, Known, Leak
from seestep.curate.contamination.texts import Said, Texts, in_order, templates
from seestep.curate.embed import Encoder
from seestep.curate.guard import joined
from seestep.media import Roots
from seestep.records import Choice, Record

Hit: TypeAlias = tuple[str, float, str]  # where in the benchmark, score, evidence


class Row(msgspec.Struct, frozen=True):
    """What is compared of a record."""

    id: str
    source: str
    names: tuple[str, ...]
    pictures: tuple[str, ...]
    told: Told  # for the encoder; "" without one
    said: Said


class Theirs:
    """One benchmark, ready to be compared with."""

    def __init__(self, name: str, found: Found, vectors: Vectors | None = None) -> None:
        self.name, self.found, self.vectors = name, found, vectors
        self.names: dict[str, str] = {}  # -> where it stands first
        for entry in found.entries:
            for full in entry.ids:
                self.names.setdefault(full, entry.where)
        self.collections = sorted({_collection(full) for full in self.names})
        self.asked = [e for e in found.entries if e.asked]
        self.texts = Texts([" ".join(_told(e)) for e in self.asked])

    def known(self) -> Known:
        """What was read of it, for the report."""
        counts = Counter(map(_collection, self.names))
        return Known(
            self.name,
            len(self.asked),
            len(self.found.looks),
            {name: counts[name] for name in self.collections},
            tuple(self.found.unread),
        )


class Judge:
    """All records against all benchmarks.

    ``encoder`` reads texts, or is None; ``vectors`` are those of the records' pictures where
    ``theirs`` have vectors too. ``cosine`` and ``image_cosine`` say from where on they are near.
    """

    def __init__(
        self,
        records: Iterable[Record],
        theirs: Sequence[Theirs],
        seen: Seen,
        roots: Roots,
        *,
        encoder: Encoder | None,
        cosine: float,
        vectors: Vectors | None = None,
        image_cosine: float = 1.0,
    ) -> None:
        self.theirs, self._seen, self._roots = theirs, seen, roots
        self._encoder, self._cosine = encoder, cosine
        self._pictured, self._image_cosine = vectors, image_cosine
        self._with_vector = frozenset(vectors.names) if vectors else frozenset()
        runs: set[int] = set().union(*(t.texts.known() for t in theirs))
        twins: list[tuple[str, ...]] = []  # names that one picture has in several collections
        self.rows = [self._row(record, runs, twins) for record in records]
        if twins:
            self._name_twins(twins)
        self._common = templates(row.said for row in self.rows)
        self._mine: Meanings | None = None
        self._asked: dict[str, Meanings] = {}  # by the name of their benchmark
        self._strange: dict[str, str] = {}  # the script of each record that is not read
        if encoder is not None:
            self._mine = Meanings([row.told for row in self.rows], encoder)
            scripts = zip(self.rows, self._mine.scripts, strict=True)
            self._strange = {row.id: script for row, script in scripts if script}
            self._asked = {t.name: Meanings([_told(e) for e in t.asked], encoder) for t in theirs}

    def _name_twins(self, twins: Sequence[tuple[str, ...]]) -> None:
        """Give each row all names of its pictures: what one record knows of a picture (Visual
        Genome tells COCO's ids) holds for every record that shows it."""
        find = joined(twins)
        groups: dict[str, list[str]] = defaultdict(list)
        for name in sorted({name for group in twins for name in group}):
            groups[find(name)].append(name)
        also = {name: group for group in groups.values() for name in group}
        for n, row in enumerate(self.rows):
            more = [other for name in row.names for other in also.get(name, ())]
            if more:
                names = tuple(dict.fromkeys((*row.names, *more)))
                self.rows[n] = msgspec.structs.replace(row, names=names)

    def _row(self, record: Record, runs: set[int], twins: list[tuple[str, ...]]) -> Row:
        origins = [o for m in record.media for o in m.origins]
        for media in record.media:
            names = tuple(n for n in of_origins(media.origins) if _collection(n) in PICTURES)
            if len(names) > 1:
                twins.append(names)
        options = record.answer.options if isinstance(record.answer, Choice) else ()
        asked = prompt_text(record).removesuffix(" | ".join(options))
        answer = answer_words(record.answer, record)
        return Row(
            record.id,
            record.source,
            tuple(of_origins([*origins, *record.clusters])),
            tuple(key for m in record.media for key in self._seen.keys(m)),
            (asked, in_order(options, answer)) if self._encoder is not None else ("", ""),
            Said.of(f"{asked} {in_order(options, answer)}", runs),
        )

    def leaks(self) -> list[Leak]:
        """Every match, record by record; of one record, benchmark and layer the best alone."""
        found: dict[str, list[Leak]] = defaultdict(list)
        for theirs in self.theirs:
            for layer, hits in zip(LAYERS, self._layers(theirs), strict=True):
                for row, hit in zip(self.rows, hits, strict=True):
                    if hit is not None:
                        leak = Leak(row.id, row.source, theirs.name, layer, *hit)
                        found[row.id].append(leak)
        return [leak for row in self.rows for leak in found[row.id]]

    def _layers(self, theirs: Theirs) -> Iterator[list[Hit | None]]:
        """For each of LAYERS, what is found of every row."""
        yield [self._by_name(row, theirs) for row in self.rows]
        same = self._same_pixels(theirs)
        yield [_first(row, same) for row in self.rows]
        alike = self._alike(theirs, same)
        yield [_first(row, alike) for row in self.rows]
        yield [self._by_words(row, theirs) for row in self.rows]
        yield self._by_meaning(theirs)
        near = self._near(theirs)
        yield [_first(row, near) for row in self.rows]

    def _by_name(self, row: Row, theirs: Theirs) -> Hit | None:
        name = next((n for n in row.names if n in theirs.names), None)
        return (theirs.names[name], 1.0, name) if name is not None else None

    def _same_pixels(self, theirs: Theirs) -> dict[str, Hit]:
        where = {x.sha256: w for x, w in zip(theirs.found.looks, theirs.found.where, strict=True)}
        mine = self._seen.looks.items()
        return {k: (where[x.sha256], 1.0, k) for k, x in mine if x.sha256 in where}

    def _alike(self, theirs: Theirs, same: dict[str, Hit]) -> dict[str, Hit]:
        keys = sorted(k for k in self._seen.looks if k not in same)
        mine = [self._seen.looks[k] for k in keys]
        best: dict[str, Hit] = {}
        opened: dict[str, NDArray[np.uint8]] = {}
        for i, j, views in looks.candidates(mine, theirs.found.looks):
            key = keys[i]
            if key not in opened:
                opened[key] = self._seen.open(key, self._roots)
            score = looks.same(opened[key], theirs.found.copies[j], views)
            if score >= looks.ALIKE and (key not in best or score > best[key][1]):
                best[key] = theirs.found.where[j], score, f"{key} {looks.told(views)}"
        return best

    def _by_words(self, row: Row, theirs: Theirs) -> Hit | None:
        hit = theirs.texts.find(row.said, self._common)
        if hit is None:
            return None
        entry = theirs.asked[hit.row]
        return entry.where, hit.score, entry.asked[:80]

    def _by_meaning(self, theirs: Theirs) -> list[Hit | None]:
        hits: list[Hit | None] = [None] * len(self.rows)
        if self._mine is not None:
            for row, other, cosine in self._mine.near(self._asked[theirs.name], self._cosine):
                entry = theirs.asked[other]
                hits[row] = entry.where, cosine, entry.asked[:80]
        return hits

    def _near(self, theirs: Theirs) -> dict[str, Hit]:
        """Pictures whose vectors lie near one of theirs, by key."""
        mine, other = self._pictured, theirs.vectors
        if mine is None or other is None or not mine.names or not other.names:
            return {}
        return {
            mine.names[one]: (other.names[best], cosine, mine.names[one])
            for one, best, cosine in nearest(mine.vectors, other.vectors, self._image_cosine)
        }

    def cells(self, leaks: Iterable[Leak]) -> list[Cell]:
        """For each source, benchmark and layer how much was compared, and how much matched."""
        matched = Counter((x.source, x.benchmark, x.layer) for x in leaks)
        sources: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            sources[row.source].append(row)
        cells = []
        for source, rows in sorted(sources.items()):
            for theirs in self.theirs:
                for layer in LAYERS:
                    mine, count, why = self._compared(rows, theirs, layer)
                    hits = matched[source, theirs.name, layer]
                    part = self._unread(rows, theirs) if layer == "text_embeddings" else ""
                    cells.append(
                        Cell(source, theirs.name, layer, len(rows), mine, hits, count, why, part)
                    )
        return cells

    def _unread(self, rows: Sequence[Row], theirs: Theirs) -> str:
        """How many of ``rows`` and of what is asked the encoder does not read."""
        if self._mine is None:
            return ""
        strange = (self._strange.get(row.id, "") for row in rows)
        return told_unread(strange, self._asked[theirs.name].scripts)

    def _compared(self, rows: Sequence[Row], theirs: Theirs, layer: str) -> tuple[int, int, str]:
        """How many of ``rows`` were compared with how many of theirs, and why with none."""
        if layer == "ids":
            mine = sum(any(_collection(n) in theirs.collections for n in r.names) for r in rows)
            count, nothing = len(theirs.names), "the benchmark names no known picture or scene"
            missing = f"no record has a name of {', '.join(theirs.collections)}"
        elif layer in ("pixels", "looks"):
            flat = layer == "pixels"  # those that show nothing have pixels, and look like nothing
            shown = {k for k, look in self._seen.looks.items() if flat or not look.flat}
            mine = sum(any(k in shown for k in r.pictures) for r in rows)
            count = sum(flat or not look.flat for look in theirs.found.looks)
            nothing = "no picture of the benchmark is here"
            missing = "no picture of these records is here"
            if not flat and (theirs.found.looks if not count else self._seen.looks):
                nothing = "no picture of the benchmark shows anything"
                missing = "no picture of these records is here that shows anything"
        elif layer == "texts":
            mine = sum(theirs.texts.compares(r.said, self._common) for r in rows)
            count = theirs.texts.checkable
            nothing = "the benchmark asks nothing in words of its own"
            missing = "these records say nothing in words of their own"
        elif layer == "text_embeddings":
            count, nothing = len(theirs.asked), "the benchmark asks nothing"
            mine, missing = 0, "no text encoder was given"
            if self._mine is not None:
                mine = sum(row.id not in self._strange for row in rows)
                missing = self._unread(rows, theirs)
                count = len(self._asked[theirs.name].read)
                nothing = missing if theirs.asked else nothing
        else:
            mine = sum(any(k in self._with_vector for k in r.pictures) for r in rows)
            count = len(theirs.found.looks) if theirs.vectors is None else len(theirs.vectors.names)
            nothing, missing = "no picture of the benchmark is here", "no image encoder was given"
            if theirs.vectors is not None:
                missing = "no picture of these records is here"
        if mine and count:
            return mine, count, ""
        return 0, count, missing if count else nothing

    def blocked(self) -> dict[str, dict[str, list[str]]]:
        """Scenes and videos that benchmarks show: collection -> name -> benchmarks."""
        out: dict[str, dict[str, list[str]]] = {}
        for theirs in self.theirs:
            for full in sorted(theirs.names):
                collection, _, name = full.partition(":")
                if collection not in PICTURES:
                    out.setdefault(collection, {}).setdefault(name, []).append(theirs.name)
        return dict(sorted(out.items()))


def _first(row: Row, hits: dict[str, Hit]) -> Hit | None:
    """What is found of the first of a row's pictures of which anything is."""
    return next((hits[key] for key in row.pictures if key in hits), None)


def _collection(name: str) -> str:
    return name.partition(":")[0]


def _told(entry: Entry) -> Told:
    return entry.asked, in_order(entry.options, entry.answer)
