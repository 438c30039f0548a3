"""Selection by task, thought and tag."""

from pathlib import Path

import msgspec
import pytest

from seestep.curate.select import SelectConfig, select
from seestep.errors import DataError
from seestep.records import Freeform, Number, Record, Split, Text, Thought, Turn
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
    select(SelectConfig(**{"folders": ("in",)} | config), run, run / name)  # type: ignore[arg-type]
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


def test_a_limit_holds_for_each_task_and_type_of_answer(run: Path) -> None:
    rows = [record(100 + i, "count") for i in range(6)]
    rows += [msgspec.structs.replace(r, id=f"{r.id}n", answer=Number(value=1.0)) for r in rows[:4]]
    rows += [record(120, "plan")]
    shard_stage(
        run / "more",
        stage="t",
        version=1,
        config={},
        inputs=[],
        shards=1,
        work=lambda _: ShardResult(rows=rows),
    )
    got = picked(run, folders=("more",), limit_each=2)
    words = [i for i in got if not i.endswith("n") and i != "120"]
    numbers = [i for i in got if i.endswith("n")]
    assert (len(words), len(numbers), got.count("120")) == (2, 2, 1)
    assert set(got) < set(picked(run, folders=("more",), limit_each=3))
    assert len(picked(run, folders=("more",), limit_each=2, limit=4)) == 4
    assert len(picked(run, folders=("more",), limit_each=9)) == 11
    # a number of its own for one task: of words and numbers each, the rest as limit_each says
    own = picked(run, folders=("more",), limit_each=1, limits={"count": 3})
    assert len([i for i in own if i.endswith("n")]) == 3
    assert len([i for i in own if not i.endswith("n") and i != "120"]) == 3
    assert own.count("120") == 1
    # without limit_each the other tasks have no limit, and limit counts what is left
    assert len(picked(run, folders=("more", "in"), limits={"count": 1}, tasks=("count",))) == 2
    assert len(picked(run, folders=("more",), limits={"count": 4}, limit=5)) == 5
    assert len(picked(run, limits={"count": 1}, thought="none")) == 4  # 3 plans, 1 count


def test_a_limit_of_a_task_that_is_not_there_is_refused(run: Path) -> None:
    with pytest.raises(DataError, match=r"limits names tasks that no .* has(.|\n)*cuont"):
        picked(run, limits={"count": 1, "cuont": 2})


@pytest.mark.parametrize("name", ["limit", "limit_each"])
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        SelectConfig(folders=("in",), **{name: 0})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="limits must allow at least 1 record"):
        SelectConfig(folders=("in",), limits={"count": 0})


def test_an_empty_selection_is_refused(run: Path) -> None:
    with pytest.raises(DataError, match="no record fits"):
        picked(run, tasks=("path",))
