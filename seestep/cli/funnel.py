"""``seestep funnel``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

MOST = 5  # reasons of a check that are told apart

if TYPE_CHECKING:
    from seestep.flow import Funnel
    from seestep.terminal import Look


def funnel(
    run: Path,
    *,
    by_source: Annotated[bool, Parameter(negative="")] = False,
    svg: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Show how many records came to each check of a run, and how many went there and why.

    Parameters
    ----------
    run
        A run: every run folder below it is shown, in the order the data flowed.
    by_source
        Each source apart.
    svg
        Draw it into this file as well.
    json
        Print one JSON object a folder instead of text.
    """
    import msgspec

    from seestep.disk import atomic_write
    from seestep.flow import funnels
    from seestep.terminal import look_of

    found = funnels(run, by_source=by_source)
    if svg is not None:
        from seestep.report.plots import funnel as draw

        bars = []
        for f in found:
            before = f"{f.source or f.folder}: " if len(found) > 1 else ""
            bars.append((f"{before}in", f.taken, 0))
            for c in f.checks:
                if c.taken != c.passed or c is f.checks[-1]:
                    bars.append((f"{before}{c.name}", c.passed, c.taken - c.passed))
        atomic_write(svg, draw(bars, alone=True).encode())
    if json:
        for one in found:
            print(msgspec.json.encode(one).decode())
        return
    look = look_of()
    for one in found:
        for line in _lines(one, look):
            print(line)
    if svg is not None:
        print(f"drawn in {svg}")


def _lines(one: Funnel, look: Look) -> list[str]:
    share = one.kept / one.taken if one.taken else 0.0
    title = " ".join(filter(None, (one.folder, one.source and f"({one.source})")))
    lines = [look.paint(title, "bold") + f": {one.taken:,} in, {one.kept:,} kept ({share:.0%})"]
    wide = max((len(c.name) for c in one.checks), default=0)
    for check in one.checks:
        gone = check.taken - check.passed
        bar = "█" * round(24 * check.passed / one.taken) + "░" * round(24 * gone / one.taken)
        told = f"-{gone:,}" if gone else ""
        lines.append(f"  {check.name:<{wide}}  {check.passed:>10,}  {told:>9}  {bar}")
        reasons = list(check.gone.items())
        if len(reasons) > MOST:
            reasons = [*reasons[:MOST], ("other reasons", sum(n for _, n in reasons[MOST:]))]
        for reason, n in reasons:
            told = f"  {'':<{wide}}  {'':>10}  {n:>9,}  {reason or 'no reason told'}"
            lines.append(look.paint(told, "dim"))
    return lines
