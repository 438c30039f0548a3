"""All measures over all shards of a folder: from the cache, else made by the workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from seestep import run
from seestep.curate.batch import Batch, make_batch
from seestep.curate.measure import Column, Measure, file_of, join, kept, must_take_files, take
from seestep.disk import atomic_write
from seestep.media import Roots
from seestep.progress import Progress
from seestep.records import Record, Verdict
from seestep.workers import spread

if TYPE_CHECKING:
    import pyarrow as pa


class Operator(Protocol):
    """A check that measures before it decides; a recipe holds its thresholds.

    ``decide`` brings one verdict a row from what was measured (rows of ``batch``, in its order) and
    nothing else, so that another threshold needs no other measuring.
    """

    @property
    def name(self) -> str: ...
    def decide(self, batch: Batch, table: pa.Table, *, seed: int = 0) -> list[Verdict]: ...


@runtime_checkable
class Measuring(Operator, Protocol):
    """An operator that knows its measure; that of another needs a room to the right."""

    def measure(self) -> Measure: ...


def measure_parts(
    folder: Path,
    measures: Sequence[Measure],
    roots: Roots,
    cache: Path,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Column]:
    """What every measure says of the records in the closed run folder ``folder``, by its name."""
    if not measures:
        return {}
    batches: list[Batch] = []
    files: dict[tuple[int, int], Path] = {}
    for n in range(run.read_manifest(folder).shards):
        batch = _part(folder, n)
        batches.append(batch.columns_only())
        files |= {(n, i): file_of(m, batch, cache) for i, m in enumerate(measures)}
    todo = [job for job, file in files.items() if kept(file, len(batches[job[0]])) is None]
    done = len(files) - len(todo)
    for folder_of_values in sorted({files[job].parent for job in todo}):
        must_take_files(folder_of_values, cache)
    work = partial(_measure, folder=folder, measures=tuple(measures), roots=roots)
    for i, measure in enumerate(measures):
        jobs = [job for job in todo if job[1] == i]
        # a model is loaded once here, or once in every process of a cluster
        for job, data in spread(work, jobs, 1 if measure.loads_model else workers):
            atomic_write(files[job], data)
            done += 1
            if progress is not None:
                progress.update(done, len(files), measure.name)
    return {
        measure.name: join(batches, [take(files[n, i], len(b)) for n, b in enumerate(batches)])
        for i, measure in enumerate(measures)
    }


def _measure(
    job: tuple[int, int], *, folder: Path, measures: Sequence[Measure], roots: Mapping[str, Path]
) -> tuple[tuple[int, int], bytes]:
    from seestep.curate.measure import measure_rows, sealed

    n, i = job
    return job, sealed(measure_rows(measures[i], _part(folder, n), roots))


def _part(folder: Path, n: int) -> Batch:
    return make_batch(list(run.read_part(folder, n, Record)))
