"""``seestep diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seestep.flow import Move, Parted


def diff(
    before: Path,
    after: Path,
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
    most: int = 3,
) -> None:
    """Show which records the run AFTER kept or dropped other than the run BEFORE, and why.

    Parameters
    ----------
    before, after
        Two runs, or two run folders. Folders of the same name are compared.
    json
        Print every record that moved, one JSON object a line.
    most
        At most so many examples of each kind of move.
    """
    import msgspec

    from seestep.flow import parted

    for one in parted(before, after):
        if json:
            for move in one.moves:
                told = {"folder": one.folder} | msgspec.to_builtins(move)
                print(msgspec.json.encode(told).decode())
            for id in one.rewritten:
                told = {"folder": one.folder, "id": id, "before": "kept", "after": "rewritten"}
                print(msgspec.json.encode(told).decode())
        else:
            for line in _lines(one, most):
                print(line)


def _lines(one: Parted, most: int) -> Iterator[str]:
    yield f"{one.folder}: {one.kept[0]:,} kept before, {one.kept[1]:,} after"
    for setting in one.settings:
        yield f"  setting: {setting}"
    kinds: dict[tuple[str, str], list[Move]] = {}
    for move in one.moves:
        kinds.setdefault((move.before, move.after), []).append(move)
    for (old, new), moves in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        yield f"  {len(moves):>8,}  {old} -> {new}"
        for move in moves[:most]:
            yield f"{'':12}{move.id}" + (f": {move.why}" if move.why else "")
    if one.rewritten:
        yield f"  {len(one.rewritten):>8,}  kept by both, written otherwise"
        for id in one.rewritten[:most]:
            yield f"{'':12}{id}"
    if not one.moves and not one.rewritten:
        yield "  the same records"
