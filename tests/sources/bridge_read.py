"""What the converter of BridgeData V2 makes of a folder, without what moves."""

import re
from pathlib import Path

from seestep.records import Provenance, Record, Verdict
from seestep.run import read_rows, read_verdicts
from seestep.sources import catalog
from seestep.sources.convert import ConvertConfig, convert

ASKED_OF_ALL = ("instruction", "gripper")  # what moves is asked in test_bridge_motion.py
MOTION = re.compile(r"-(movement|plan|next\d+)$")


def read(root: Path, *, every: bool = False) -> tuple[dict[str, Record], list[Verdict]]:
    records, verdicts = {}, []
    for found in catalog.get("bridge").read(root, lambda p: Provenance(file=p.name)):
        row = found[0] if isinstance(found, tuple) else found
        if isinstance(row, Verdict):
            verdicts.append(row)
        else:
            assert row.id not in records
            records[row.id] = row
    return (records, verdicts) if every else _of_all(records, verdicts)


def _of_all(
    records: dict[str, Record], verdicts: list[Verdict]
) -> tuple[dict[str, Record], list[Verdict]]:
    kept = {id: r for id, r in records.items() if r.task in ASKED_OF_ALL}
    return kept, [v for v in verdicts if not MOTION.search(v.id)]


def run(root: Path, out: Path) -> tuple[dict[str, Record], list[Verdict]]:
    convert(ConvertConfig(source="bridge", verify=True), root, out)
    return _of_all({r.id: r for r in read_rows(out, Record)}, list(read_verdicts(out)))
