"""Rules, quality and ledger: records a second of one core, and the whole stage.

    python benchmarks/curate.py [--rows 20000] [--runs 3] [--profile]

The records are made up in the shapes of the sources: choices, counts, yes or no, points and boxes
on pictures, free answers, plans. CPU seconds of this process, the median of the runs; pictures are
taken on trust, since what they cost is their decoding.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from seestep import ledger, run
from seestep.curate.engine import CurateConfig, check_records, curate
from seestep.records import (
    Box,
    Choice,
    Entity,
    Form,
    Freeform,
    Geometry,
    Media,
    MediaRef,
    Number,
    Plan,
    Points,
    Record,
    Step,
    Text,
    Turn,
    YesNo,
)

THINGS = "mug bowl plate lamp book chair fork knife apple towel pan bottle phone kettle".split()  # noqa: SIM905
COLOURS = "red green blue white black yellow brown grey".split()  # noqa: SIM905
PLACES = "table shelf counter bed sofa fridge sink floor".split()  # noqa: SIM905
SHARD = 2000


def made(number: int, rng: random.Random) -> Record:
    """One record of any kind."""
    a, b = (f"{rng.choice(COLOURS)} {rng.choice(THINGS)}" for _ in range(2))
    place, kind = rng.choice(PLACES), number % 7
    media = Media(
        key="v", path=f"{number // 5:06d}.jpg", root="made", width=640, height=480,
        sha256=f"{number // 5:064x}",
    )  # fmt: skip
    x, y = rng.uniform(20, 400), rng.uniform(20, 300)
    box = Geometry(key="g", kind="box", media="v", frame="pixel", values=(x, y, x + 90, y + 70))
    point = Geometry(key="g", kind="point", media="v", frame="pixel", values=(x, y), label=a)
    names = (Entity(id="o1", name=a), Entity(id="o2", name=place))
    steps = (Step(do=("pick", "o1")), Step(do=("goto", "o2")), Step(do=("put", "o1", "o2")))
    task, asked, answer, geometry, form = (
        ("relation", f"Is the {a} left of the {b}, or right?",
         Choice(options=("left", "right"), index=number % 2), (), "choice"),
        ("count", f"How many things are on the {place} beside the {a}?",
         Number(value=number % 6), (), "number"),
        ("exists", f"Is there a {a} on the {place}?", YesNo(yes=bool(number % 2)), (), "yes_no"),
        ("point", f"Point to the {a} on the {place}.", Points(geometry="g"), (point,), "point"),
        ("locate", f"Where is the {a}? Answer with a box.", Box(geometry="g"), (box,), "box"),
        ("vqa", f"What stands between the {a} and the {b} on the {place}?",
         Freeform(text=f"A {rng.choice(THINGS)} stands between them, close to the wall."), (),
         "text"),
        ("plan", f"Bring the {a} to the {place}.", Plan(steps=steps, entities=names), (), "plan"),
    )[kind]  # fmt: skip
    return Record(
        id=f"made:{number:07d}",
        source=f"made{number % 11}",
        task=task,
        media=(media,),
        turns=(Turn(role="user", parts=(MediaRef(media="v"), Text(text=asked))),),
        answer=answer,
        geometry=geometry,
        form=Form(kind=form),  # type: ignore[arg-type]
        clusters=(f"scene:{number // 20}",),
    )


def part(n: int, *, rows: list[Record]) -> run.ShardResult:
    return run.ShardResult(rows=rows[n * SHARD : (n + 1) * SHARD])


def cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    told = parser.parse_args()
    rng = random.Random(0)
    rows = [made(n, rng) for n in range(told.rows)]
    config = CurateConfig(look="trust")
    slices = [rows[i : i + SHARD] for i in range(0, len(rows), SHARD)]
    found = [check_records(some, config, {}) for some in slices]

    def rules() -> None:
        for some in slices:
            check_records(some, config, {})

    def written() -> None:
        for kept, verdicts in found:
            ledger.encode([r.id for r in kept], verdicts)

    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "in"
        run.shard_stage(
            source, stage="made", version=1, config={}, inputs=[], shards=len(slices),
            work=partial(part, rows=rows),
        )  # fmt: skip
        outs = iter(range(10**6))

        def whole() -> None:
            curate([source], Path(scratch) / f"out{next(outs)}", config)

        works = {"rules and quality": rules, "ledger": written, "the whole stage": whole}
        whole()  # compiled kernels are loaded once
        if told.profile:
            with cProfile.Profile() as profile:
                rules()
                written()
            pstats.Stats(profile).sort_stats("tottime").print_stats(35)
        times = {name: [cpu(work) for _ in range(told.runs)] for name, work in works.items()}
    times["rules, quality, ledger"] = [
        a + b for a, b in zip(times["rules and quality"], times["ledger"], strict=True)
    ]
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:24}{median:8.2f} s cpu {len(rows) / median:10,.0f} records/s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MB, {sum(len(k) for k, _ in found):,} of {len(rows):,} kept")


if __name__ == "__main__":
    main()
