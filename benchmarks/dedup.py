"""Near duplicates beside py-data-juicer and rensa: time, memory, and what each gets wrong.

    python benchmarks/dedup.py TEXTS [--rows 20000] [--runs 3] [--peers PYTHON] [--only NAME...]
    python benchmarks/dedup.py TEXTS --curve 20000 100000 300000 1000000

TEXTS is a folder with real texts: every string of 20 to 300 signs in its .json, .jsonl and .csv
files. A row is one to three of them; one row in ten is a near copy of another (a typo, a word
less, a polite word more). PYTHON is that of an environment with

    pip install py-data-juicer==1.6.1 rensa aiohttp scipy

(see ``dedup_peers.py`` for how each is called). Every method runs in a process of its own, in turn,
``--runs`` times; the medians are printed, start of the process included.

missed: share of all pairs of Jaccard 0.7 or more of which both rows stay. false: share of what is
removed that has no such partner at all. uncovered: ... that has none among what stays. The pairs
are found exactly, without hashing, by prefixes of the rarest shingles (Bayardo et al. 2007).
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from seestep.curate import kernels
from seestep.curate.near import normalise
from seestep.curate.twins import _points

LEAST = 0.7
HERE = Path(__file__).parent
METHODS = ("seestep", "data-juicer-128", "data-juicer-256", "rensa")


class Taken(NamedTuple):
    wall: float
    cpu: float
    megabytes: float


def sentences(folder: Path) -> list[str]:
    """Every real text below a folder, normalised, each once."""
    found: set[str] = set()
    for file in sorted(folder.rglob("*")):
        if file.suffix not in (".json", ".jsonl", ".csv") or not file.is_file():
            continue
        with open(file, encoding="utf-8", errors="replace") as opened:
            for value in _values(file, opened):
                found.update(_strings(value))
    made = {normalise(t) for t in found}
    return sorted(t for t in made if len(t) >= 20)


def _values(file: Path, opened: Any) -> Iterator[Any]:
    try:
        if file.suffix == ".csv":
            yield from csv.reader(opened)
        elif file.suffix == ".jsonl":
            yield from map(json.loads, opened)
        else:
            yield json.load(opened)
    except ValueError:
        return  # a sample of something else


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if 20 <= len(value) <= 300 and " " in value:
            yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def rows(real: list[str], count: int, seed: int = 0) -> list[str]:
    """``count`` texts in any order; nine in ten are different combinations of real ones."""
    rng = random.Random(seed)
    made: dict[str, None] = {}
    while len(made) < count * 9 // 10:
        made[" ".join(rng.choice(real) for _ in range(rng.choice((1, 2, 2, 3))))] = None
    out = list(made)
    out += [_copied(rng.choice(out), rng) for _ in range(count - len(out))]
    rng.shuffle(out)
    return out


def _copied(text: str, rng: random.Random) -> str:
    words = text.split()
    at = rng.randrange(len(words))
    match rng.randrange(4):
        case 0:
            cut = rng.randrange(len(words[at]))
            words[at] = words[at][:cut] + rng.choice("aeinrst") + words[at][cut + 1 :]
        case 1:
            del words[at]
        case 2:
            words.insert(at, rng.choice(("please", "now", "the", "small")))
        case _:
            words = [*rng.choice(("please tell me", "look at it", "so")).split(), *words]
    return " ".join(words)


@njit(cache=True)
def _jaccard(codes: Any, starts: Any, a: int, b: int) -> Any:
    """Similarity of two rows, by merging their sorted codes."""
    i, end_i, j, end_j = starts[a], starts[a + 1], starts[b], starts[b + 1]
    both = end_i - i + end_j - j
    common = 0
    while i < end_i and j < end_j:
        x, y = codes[i], codes[j]
        common += x == y
        i, j = i + (x <= y), j + (y <= x)
    return common / (both - common)


@njit(cache=True)
def _pairs(codes: Any, ranks: Any, starts: Any, order: Any, least: float) -> Any:
    """All pairs (i, j) with a Jaccard similarity of ``least`` or more.

    ``order`` has rows from short to long. Two such rows share one of the first
    n - ceil(least * n) + 1 shingles of each, whatever the order of shingles; here the rarest first.
    """
    heads = np.full(ranks.max() + 1, -1, dtype=np.int64)
    rows, nexts = [0], [-1]
    rows.pop()
    nexts.pop()
    stamps = np.full(len(starts) - 1, -1, dtype=np.int64)
    found = [(0, 0)]
    found.pop()
    for row in order:
        size = starts[row + 1] - starts[row]
        prefix = size - int(np.ceil(least * size - 1e-9)) + 1
        mine = np.sort(ranks[starts[row] : starts[row + 1]])[:prefix]
        for rank in mine:
            node = heads[rank]
            while node >= 0:
                other = rows[node]
                node = nexts[node]
                if stamps[other] == row:
                    continue
                stamps[other] = row
                if starts[other + 1] - starts[other] < least * size:
                    continue
                if _jaccard(codes, starts, row, other) >= least:
                    found.append((min(row, other), max(row, other)))
        for rank in mine:
            rows.append(row)
            nexts.append(heads[rank])
            heads[rank] = len(rows) - 1
    return found


def true_pairs(texts: list[str]) -> np.ndarray:
    """(pairs, 2) rows of a Jaccard similarity of 0.7 or more, exactly."""
    codes, starts = kernels.shingle_codes(*_points(texts), 5)
    for begin, end in itertools.pairwise(starts.tolist()):
        codes[begin:end].sort()
    _, number, times = np.unique(codes, return_inverse=True, return_counts=True)
    rarity = np.empty(len(times), dtype=np.int64)
    rarity[np.argsort(times, kind="stable")] = np.arange(len(times))
    order = np.argsort(np.diff(starts), kind="stable")
    return np.array(_pairs(codes, rarity[number], starts, order, LEAST)).reshape(-1, 2)


def run(python: str, method: str, file: Path, out: Path) -> tuple[Taken, set[int]]:
    """What a process of its own takes for one method, and which rows it removes."""
    env = os.environ | {"PYTHONPATH": str(HERE.parent) if method == "seestep" else ""}
    line = [python, str(HERE / "dedup_peers.py"), method, str(file), str(out)]
    began = time.perf_counter()
    with open(out.with_suffix(".log"), "wb") as log:
        child = subprocess.Popen(line, env=env, stdout=log, stderr=log)
        _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    if status:
        sys.exit(f"{method} failed: {out.with_suffix('.log').read_text()[-2000:]}")
    scale = 1024 if sys.platform != "darwin" else 1024**2
    taken = Taken(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / scale)
    return taken, set(json.loads(out.read_text()))


def judged(removed: set[int], pairs: np.ndarray, count: int) -> tuple[float, float, float]:
    """Shares of missed pairs, of false and of uncovered removals."""
    gone = np.zeros(count, dtype=bool)
    gone[sorted(removed)] = True
    missed = (~gone[pairs]).all(1).mean()
    partner, covered = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    partner[pairs] = True
    for a, b in ((0, 1), (1, 0)):
        covered[pairs[~gone[pairs[:, b]], a]] = True
    total = max(1, len(removed))
    return float(missed), (gone & ~partner).sum() / total, (gone & ~covered).sum() / total


def curve(real: list[str], counts: list[int]) -> None:
    """What seestep takes for more and more rows."""
    print(f"{'rows':>10}{'wall s':>9}{'cpu s':>9}{'MB':>7}{'us a row':>10}")
    for count in counts:
        with tempfile.TemporaryDirectory() as scratch:
            file = write(rows(real, count), Path(scratch))
            (wall, cpu, size), _ = run(sys.executable, "seestep", file, Path(scratch) / "out.json")
        print(f"{count:10,}{wall:9.2f}{cpu:9.2f}{size:7.0f}{wall / count * 1e6:10.1f}", flush=True)


def write(texts: list[str], folder: Path) -> Path:
    """The rows as JSON lines."""
    file = folder / "in.jsonl"
    with open(file, "w", encoding="utf-8") as sink:
        for text in texts:
            sink.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("texts", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", default="")
    parser.add_argument("--only", nargs="*", default=METHODS)
    parser.add_argument("--curve", nargs="*", type=int, help="rows; what seestep takes, unjudged")
    told = parser.parse_args()
    real = sentences(told.texts)
    if told.curve:
        curve(real, told.curve)
        return
    texts = rows(real, told.rows)
    pairs = true_pairs(texts)
    print(f"{len(texts):,} rows of {len(real):,} real texts, {len(''.join(texts)) / len(texts):.0f}"
          f" signs each, {len(pairs):,} near pairs")  # fmt: skip
    names = [n for n in told.only if n == "seestep" or told.peers]
    taken: dict[str, list[Taken]] = {n: [] for n in names}
    removed: dict[str, set[int]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        file = write(texts, Path(scratch))
        for n in range(told.runs):
            for name in names:
                python = sys.executable if name == "seestep" else told.peers
                used, removed[name] = run(python, name, file, Path(scratch) / f"{name}-{n}.json")
                taken[name].append(used)
    print(f"{'method':16}{'wall s':>9}{'cpu s':>9}{'rows/s':>9}{'MB':>7}{'removed':>9}{'missed':>8}"
          f"{'false':>8}{'uncovered':>11}{'cpu x':>8}{'wall x':>8}")  # fmt: skip
    own = None
    for name in names:
        wall, cpu, size = (statistics.median(column) for column in zip(*taken[name], strict=True))
        own = own or (wall, cpu)
        missed, false, uncovered = judged(removed[name], pairs, len(texts))
        print(
            f"{name:16}{wall:9.2f}{cpu:9.2f}{len(texts) / wall:9,.0f}{size:7.0f}"
            f"{len(removed[name]):9,}{missed:8.4f}{false:8.4f}{uncovered:11.4f}"
            f"{cpu / own[1]:8.1f}{wall / own[0]:8.1f}"
        )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
