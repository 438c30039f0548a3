"""The audit as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from seestep.curate.contamination.result import LAYERS, Cell, Known, Leak, Result
from seestep.terminal import Look

SHOWN = 3  # leaks of a benchmark and layer
NAMES = ("names", "pixels", "looks", "words", "meaning", "likeness")
MEANS = {
    "names": "names of pictures, videos and scenes",
    "pixels": "equal pixels",
    "looks": "the same picture scaled, saved anew, mirrored or cropped",
    "words": "question, options and answer without their templates",
    "meaning": "question, options and answer near in a text encoder's eyes",
    "likeness": "pictures near in an image encoder's eyes",
}


def lines(result: Result, look: Look) -> Iterator[str]:
    """The whole page."""
    share = f"{result.leaking:,} of {result.records:,} records"
    fate = {"remove": "left out", "tag": "tagged"}[result.act]
    if result.is_blind:
        yield look.paint(f"nothing was compared: {result.records:,} records", "bold", "yellow")
    elif result.leaking:
        yield look.paint(f"{share} stand in a benchmark and are {fate}", "bold", "red")
    else:
        yield look.paint(f"no match among {result.records:,} records", "bold")
    blind = sum(bool(c.unchecked) for c in result.cells)
    if blind:
        yield f"{blind:,} of {len(result.cells):,} comparisons could not be made: they are no proof"
    if result.unread:
        key, why = next(iter(result.unread.items()))
        yield look.paint(f"{len(result.unread):,} pictures not read, {key}: {why}", "yellow")
    yield "matched / compared, by source and its number of records; a dash: not checked"
    for known in result.benchmarks:
        cells = [c for c in result.cells if c.benchmark == known.name]
        yield ""
        yield from _benchmark(known, cells, look)
        leaks = [x for x in result.leaks if x.benchmark == known.name]
        for layer in LAYERS:
            yield from _examples([x for x in leaks if x.layer == layer], look)
    yield ""
    for name, means in MEANS.items():
        yield look.paint(f"{name:<8} {means}", "dim")
    scenes = sum(map(len, result.blocked.values()))
    if scenes:
        kinds = ", ".join(f"{len(v):,} {k}" for k, v in result.blocked.items())
        yield ""
        yield f"{scenes:,} scenes of benchmarks in blocked.json ({kinds}), to keep out of new data"


def _benchmark(known: Known, cells: Sequence[Cell], look: Look) -> Iterator[str]:
    names = ", ".join(f"{n:,} {k}" for k, n in known.names.items()) or "no known names"
    yield look.paint(known.name, "bold") + (
        f"  {known.questions:,} questions, {known.pictures:,} pictures, {names}"
    )
    sources = dict.fromkeys((c.source, f"{c.source} {c.records:,}") for c in cells)
    wide = max(len(name) for _, name in [("", "source"), *sources])
    yield f"  {'source':<{wide}}" + "".join(f"{name:>15}" for name in NAMES)
    for source, name in sources:
        row = f"  {name:<{wide}}"
        for layer in LAYERS:
            (cell,) = (c for c in cells if (c.source, c.layer) == (source, layer))
            text = "-" if cell.unchecked else f"{cell.matched:,} / {cell.checked:,}"
            row += look.paint(f"{text:>15}", *(("bold", "red") if cell.matched else ()))
        yield row
    why = dict.fromkeys(
        f"{NAMES[LAYERS.index(c.layer)]}: {c.unchecked}" for c in cells if c.unchecked
    )
    for reason in why:
        yield look.paint(f"  not checked, {reason}", "dim")
    for cell in cells:
        if cell.unread and not cell.unchecked:
            name = NAMES[LAYERS.index(cell.layer)]
            yield look.paint(f"  not checked, {name} of {cell.source}: {cell.unread}", "yellow")
    for fault in known.unread[:SHOWN]:
        yield look.paint(f"  not read, {fault}", "yellow")
    if len(known.unread) > SHOWN:
        yield look.paint(f"  and {len(known.unread) - SHOWN:,} more not read", "yellow")


def _examples(leaks: Sequence[Leak], look: Look) -> Iterator[str]:
    for leak in leaks[:SHOWN]:
        name = NAMES[LAYERS.index(leak.layer)]
        text = f"{leak.record} = {leak.where}, {leak.score:.2f}: {leak.evidence}"
        for number, line in enumerate(wrap(f"{name} {text}", look.width - 4)):
            yield look.paint("  " + ("  " if number else "") + line, "dim")
    if len(leaks) > SHOWN:
        yield look.paint(f"  and {len(leaks) - SHOWN:,} more in audit.json", "dim")
