"""Arrow arrays from buffers are those that pyarrow makes, and pandas stays where it is."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seestep import columns, ledger
from seestep.records import Verdict


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 64, 1001])
def test_arrays_equal_those_of_pyarrow(count):
    some = [None if i % 3 == 0 else i - 2 for i in range(count)]
    words = ["é" * (i % 5) + "\U0001f600" * (i % 2) for i in range(count)]
    made = {
        columns.integers: (some, pa.int64()),
        columns.numbers: ([None if v is None else v / 7 for v in some], pa.float64()),
        columns.texts: (words, pa.string()),
        columns.flags: ([i % 3 == 1 for i in range(count)], pa.bool_()),
    }
    for make, (values, kind) in made.items():
        array = make(values)
        array.validate(full=True)
        assert array.equals(pa.array(values, kind)) and array.null_count == values.count(None)
        for part in (array, array[3:-1], array[3:-1].dictionary_encode()):
            if pa.types.is_dictionary(part.type) and part.null_count:
                continue
            assert columns.listed(part) == part.to_pylist()


@pytest.mark.parametrize(
    ("make", "kind"), [(columns.integers, "int64"), (columns.numbers, "double")]
)
def test_a_column_of_nothing_but_nulls(make, kind):
    array = make([None] * 9)
    array.validate(full=True)
    assert array.equals(pa.nulls(9, kind)) and columns.listed(array) == [None] * 9


def test_a_ledger_that_was_written_before_there_was_a_cost_is_read(tmp_path):
    told = [Verdict(id="a", check="judge", keep=False, reason="r", score=1.0, cost=7)]
    whole = pq.read_table(pa.BufferReader(ledger.encode(["b"], told)))
    pq.write_table(whole, tmp_path / "now.parquet")
    pq.write_table(whole.drop_columns("cost"), tmp_path / "before.parquet")
    passed = (0, Verdict(id="b", check="", keep=True))
    assert [*ledger.read(tmp_path / "now.parquet")] == [passed, (None, told[0])]
    without = msgspec.structs.replace(told[0], cost=None)
    assert [*ledger.read(tmp_path / "before.parquet")] == [passed, (None, without)]


def test_whole_columns_have_no_nulls():
    assert columns.numbers([0.5, 2.0]).null_count == 0


def test_writing_and_reading_a_ledger_imports_no_pandas(tmp_path):
    pytest.importorskip("pandas")
    code = (
        "import sys\n"
        "from seestep.ledger import encode\n"
        "from seestep.records import Verdict\n"
        "from pathlib import Path\n"
        "from seestep.ledger import read\n"
        "told = Verdict(id='a', check='c', keep=True)\n"
        "Path('a.parquet').write_bytes(encode(['a'], [told]))\n"
        "assert [*read(Path('a.parquet'))] == [(0, told)]\n"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0
