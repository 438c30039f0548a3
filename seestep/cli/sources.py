"""``seestep sources``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from seestep.sources.catalog import Source
    from seestep.sources.found import Found
    from seestep.terminal import Look

INDENT = 16


def sources(
    data: Path | None = None, *, json: Annotated[bool, Parameter(negative="")] = False
) -> None:
    """List the data sets that can be read, and which of them lie under a folder.

    Parameters
    ----------
    data
        A folder to look in, at most two folders deep.
    json
        Print one JSON object instead of lines.
    """
    import msgspec

    from seestep.sources.catalog import SOURCES
    from seestep.sources.found import look
    from seestep.terminal import look_of

    found = look(data) if data is not None else []
    if json:
        rows = [
            {
                "name": s.name,
                "title": s.title,
                "teaches": s.teaches,
                "licence": s.licence,
                "layout": s.layout,
                "get": s.get,
                "found": [
                    {"root": str(f.root), "files": f.files, "bytes": f.bytes}
                    for f in found
                    if f.source == s.name
                ],
            }
            for s in SOURCES.values()
        ]
        print(msgspec.json.encode({"sources": rows}).decode())
        return
    screen = look_of()
    for line in _lines(SOURCES.values(), found, looked=data is not None, screen=screen):
        print(line)
    here = {f.source for f in found}
    if data is None:
        print("\nWhat is on disk: seestep sources DIR")
        return
    print(f"\n{len(here)} of {len(SOURCES)} found under {data}.")
    if found:
        first = found[0]
        print(f"Read one: seestep convert {first.source} {first.root} --out runs/{first.source}")


def _lines(
    every: Iterable[Source], found: list[Found], *, looked: bool, screen: Look
) -> Iterator[str]:
    for source in every:
        here = [f for f in found if f.source == source.name]
        mark = screen.paint("found", "green") if here else screen.paint("-", "dim")
        tail = f"  {mark}" if looked else ""
        yield f"{screen.paint(f'{source.name:<{INDENT}}', 'bold')}{source.title}{tail}"
        told = [("teaches", source.teaches), ("licence", source.licence)]
        if here:
            told += [("found", f"{f.root}: {_files(f.files)}, {_size(f.bytes)}") for f in here]
        else:
            told += [("files", ", ".join(_short(source.layout))), ("get it", source.get)]
        for name, text in told:
            lines = wrap(text, screen.width - INDENT - 9, break_long_words=False) or [""]
            yield f"{'':<{INDENT}}{screen.paint(f'{name:<9}', 'dim')}{lines[0]}"
            yield from (f"{'':<{INDENT + 9}}{line}" for line in lines[1:])


def _short(layout: tuple[str, ...]) -> tuple[str, ...]:
    """File names alone where one name is looked for in several folders."""
    return tuple(dict.fromkeys(p.rsplit("/", 1)[-1] for p in layout)) if len(layout) > 4 else layout


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"
