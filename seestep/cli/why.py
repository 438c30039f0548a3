"""``seestep why``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def why(
    id: str, *, run: Path, json: Annotated[bool, Parameter(negative="")] = False, most: int = 20
) -> None:
    """Tell what every stage decided about the record ID, and where the record is now.

    Parameters
    ----------
    id
        The id of a record, item or pair, or the beginning of several ids.
    run
        A run: every run folder below it is looked at, finished or not.
    json
        Print one JSON object a line instead of text.
    most
        At most so many ids when ID is a beginning.
    """
    import msgspec

    from seestep.lineage import Trace, about, ids_of

    traces = about(id, run)
    ids = ids_of(traces)
    shown = set(ids[:most])
    if json:
        for trace in traces:
            if trace.id in shown:
                print(msgspec.json.encode(trace).decode())
        return

    def line(trace: Trace) -> str:
        if not trace.check:
            return f"  {trace.folder:<28} passed on"
        word = "kept" if trace.keep else "DROPPED"
        score = "" if trace.score is None else f" score {trace.score:g}"
        limit = "" if trace.threshold is None else f" (threshold {trace.threshold:g})"
        price = "" if trace.cost is None else f", {trace.cost:,} tokens"
        tail = "".join(f": {text}" for text in (trace.reason, trace.evidence) if text)
        return f"  {trace.folder:<28} {word:<8} {trace.check}{score}{limit}{price}{tail}"

    for name in ids[:most]:
        mine = [trace for trace in traces if trace.id == name]
        print(name)
        for trace in mine:
            print(line(trace))
        places = dict.fromkeys(f"{t.part}, line {t.line}" for t in mine if t.part)
        print("  is in " + "; ".join(places) if places else "  is in no part file of this run")
    if len(ids) > most:
        print(f"... and {len(ids) - most} more ids that begin with {id!r} (--most {len(ids)})")
