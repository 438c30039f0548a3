"""What an audit found: leaks, and per source, benchmark and layer what was compared at all."""

from __future__ import annotations

import msgspec

LAYERS = ("ids", "pixels", "looks", "texts", "text_embeddings", "image_embeddings")
"""Names of pictures and scenes, equal pixels, the same photograph, the same words, near in the eyes
of a text encoder, and of an image encoder."""


class Leak(msgspec.Struct, frozen=True):
    """One record that stands in a benchmark, by one layer."""

    record: str
    source: str
    benchmark: str
    layer: str
    where: str  # file and row of the benchmark
    score: float
    evidence: str


class Cell(msgspec.Struct, frozen=True):
    """One source against one benchmark in one layer.

    ``matched`` of ``checked`` records stand in it, of ``records`` in all; ``theirs`` is how many
    questions, pictures or names of the benchmark they were compared with. Where nothing could be
    compared ``unchecked`` says why; ``unread`` says what of both an encoder does not read.
    """

    source: str
    benchmark: str
    layer: str
    records: int
    checked: int
    matched: int
    theirs: int
    unchecked: str = ""
    unread: str = ""


class Known(msgspec.Struct, frozen=True):
    """What was read of a benchmark."""

    name: str
    questions: int
    pictures: int
    names: dict[str, int]  # collection -> names in it
    unread: tuple[str, ...] = ()  # files and pictures that could not be read, and why


class Result(msgspec.Struct, frozen=True):
    """``audit.json``. ``blocked`` names the scenes of benchmarks: collection -> name -> benchmarks;
    the world generator and whoever records new episodes must leave them alone."""

    made_from: str
    act: str
    records: int
    leaking: int
    kept: int
    benchmarks: tuple[Known, ...]
    cells: tuple[Cell, ...]
    leaks: tuple[Leak, ...]
    blocked: dict[str, dict[str, list[str]]]
    unread: dict[str, str]  # pictures of the records that could not be read, and why

    @property
    def is_blind(self) -> bool:
        """Whether there are records and none could be compared in any layer."""
        return bool(self.cells) and all(cell.unchecked for cell in self.cells)
