"""Instruction preferences: the right answer of a question against a wrong one, as pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from seestep.records import Pair, Record, Verdict
from seestep.run import Manifest, ShardResult, read_rows, shard_stage
from seestep.world.pairs import from_question

VERSION: Final = 2


def build(folder: Path, records: Path, *, seed: int = 0) -> Manifest:
    """Pairs of every record whose answer can be contradicted; verdicts for the others."""

    def work(_: int) -> ShardResult:
        pairs: list[Pair] = []
        verdicts: list[Verdict] = []
        for record in read_rows(records, Record):
            made = from_question(record, seed)
            if made is not None:
                pairs.append(made)
                continue
            reason = f"a {record.task} answer has no wrong neighbour of its own form"
            verdicts.append(Verdict(id=record.id, check="preference", keep=False, reason=reason))
        return ShardResult(rows=pairs, verdicts=verdicts)

    return shard_stage(
        folder,
        stage="world.preferences",
        version=VERSION,
        config={"seed": seed},
        inputs=[records],
        shards=1,
        work=work,
    )
