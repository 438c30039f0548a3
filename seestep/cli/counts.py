"""What a stage that reads data says when it is done."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import msgspec

from seestep.records import Pair, Record
from seestep.run import Manifest, read_rows, read_verdicts
from seestep.sources.pictures import MISSING

UNREADABLE = "source:unreadable"
SHOWN = 3  # places of rows that cannot be read


def said_of(
    out: Path, manifest: Manifest, *, json: bool, kind: type[Record] | type[Pair] = Record
) -> str:
    """Counts by task and by drop reason, as lines or as one JSON object."""
    tasks: Counter[str] = Counter()
    missing = 0
    for row in read_rows(out, kind):
        tasks[row.task] += 1
        missing += MISSING in row.tags
    if json:
        found = {
            "records": manifest.counts["out"],
            "dropped": manifest.counts["dropped"],
            "tasks": tasks,
            "drops": manifest.drops,
            "media_missing": missing,
        }
        return msgspec.json.encode(found).decode()
    lines = [f"{manifest.counts['out']} {kind.__name__.lower()}s in {out}"]
    lines += [f"  {count:>8}  {task}" for task, count in tasks.most_common()]
    if missing:
        lines.append(f"  {missing:>8}  of them without their pictures on disk; "
                     "once they are there, write into another folder")  # fmt: skip
    if manifest.drops:
        lines.append(f"{manifest.counts['dropped']} left out:")
        drops = sorted(manifest.drops.items(), key=lambda kv: -kv[1])
        lines += [f"  {count:>8}  {reason}" for reason, count in drops]
    if any(reason.startswith(UNREADABLE) for reason in manifest.drops):
        unread = (v for v in read_verdicts(out) if v.check == UNREADABLE)
        lines += [f"  where: {v.id}: {v.reason}" for v in islice(unread, SHOWN)]
        lines.append("  mend them in the file or leave them out; the ledger names every one")
    if not manifest.counts["in"]:
        lines.append("the files are there and hold no row that tells anything: are they empty, or "
                     "the part whose answers are kept back?")  # fmt: skip
    return "\n".join(lines)
