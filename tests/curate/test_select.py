"""Selection by task, thought and tag."""

from pathlib import Path

import pytest

from seestep.curate.select import SelectConfig, select
from seestep.errors import DataError
from seestep.records import Freeform, Record, Split, Text, Thought, Turn
from seestep.run import ShardResult, read_rows, shard_stage


def record(
    i: int,
    task: str,
    *,
    thinks: bool = False,
    tags: tuple[str, ...] = (),
    split: Split = "train",
) -> Record:
    return Record(
        id=f"t:{i}",
        source="t",
        task=task,
        media=(),
        turns=(Turn(role="user", parts=(Text(text="?"),)),),
        answer=Freeform(text="!"),
        thought=Thought(entities=(), steps=(), next=("done",)) if thinks else None,
        tags=tags,
        split=split,
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rows = [record(i, "count" if i % 2 else "plan", thinks=i > 5) for i in range(10)]
    rows.append(record(10, "count", tags=("media-missing",)))
    rows.append(record(11, "count", split="val"))
    shard_stage(
        tmp_path / "in",
        stage="t",
        version=1,
        config={},
        inputs=[],
        shards=1,
        work=lambda _: ShardResult(rows=rows),
    )
    return tmp_path


def picked(run: Path, **config: object) -> list[str]:
    name = "out" + str(sorted(config.items()))
    select(SelectConfig(folders=("in",), **config), run, run / name)  # type: ignore[arg-type]
    return [r.id.removeprefix("t:") for r in read_rows(run / name, Record)]


def test_tasks_and_thoughts_are_filters(run: Path) -> None:
    assert picked(run) == [str(i) for i in range(10)]
    assert picked(run, tasks=("count",)) == ["1", "3", "5", "7", "9"]
    assert picked(run, without_tasks=("plan",)) == ["1", "3", "5", "7", "9"]
    assert picked(run, thought="only") == ["6", "7", "8", "9"]
    assert picked(run, thought="none", tasks=("plan",)) == ["0", "2", "4"]


def test_held_out_splits_are_picked_only_when_named(run: Path) -> None:
    assert picked(run, splits=("val",)) == ["11"]


def test_a_larger_limit_adds_to_a_smaller_one(run: Path) -> None:
    assert set(picked(run, limit=3)) < set(picked(run, limit=6))


def test_an_empty_selection_is_refused(run: Path) -> None:
    with pytest.raises(DataError, match="no record fits"):
        picked(run, tasks=("path",))
