"""Right against wrong answers, one pair a question that has a wrong neighbour."""

from pathlib import Path

from seestep.records import Freeform, Number, Pair, Record, Text, Turn, YesNo
from seestep.run import ShardResult, read_rows, read_verdicts, shard_stage
from seestep.world import preferences


def question(i: int, answer: YesNo | Number | Freeform) -> Record:
    return Record(
        id=f"t:{i}",
        source="t",
        task="count",
        media=(),
        turns=(Turn(role="user", parts=(Text(text="How many?"),)),),
        answer=answer,
    )


def test_each_question_becomes_a_pair_or_a_verdict(tmp_path: Path) -> None:
    rows = [
        question(0, YesNo(yes=True)),
        question(1, Number(value=0)),
        question(2, Freeform(text="x")),
    ]
    shard_stage(
        tmp_path / "in",
        stage="t",
        version=1,
        config={},
        inputs=[],
        shards=1,
        work=lambda _: ShardResult(rows=rows),
    )
    manifest = preferences.build(tmp_path / "out", tmp_path / "in")
    yes, count = read_rows(tmp_path / "out", Pair)
    assert (yes.chosen, yes.rejected) == (YesNo(yes=True), YesNo(yes=False))
    assert isinstance(count.rejected, Number) and count.rejected.value in (1, 2)
    (refused,) = read_verdicts(tmp_path / "out")
    assert refused.id == "t:2" and "no wrong neighbour" in refused.reason
    assert manifest.counts == {"in": 3, "out": 2, "dropped": 1}
