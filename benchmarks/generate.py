"""Seconds of CPU that the local engine takes to answer, beside transformers' own ``generate``.

python benchmarks/generate.py SUITES [items] [runs] [max_new_tokens] [batch_size] [checkpoint]

SUITES is a folder of suites such as RUN/world/suites. One thread, the two in turn, the median of
all runs; the answers must be the same. CPU time, so that other work on the machine counts little.
"""

import statistics
import sys
import time
from pathlib import Path

import torch

from seestep.evals.config import EvalConfig
from seestep.evals.engines.local import LocalEngine
from seestep.evals.run import asks_of, item_folders, load_items
from seestep.models import TINY
from seestep.models.load import load

suites = Path(sys.argv[1])
count, runs, tokens, batch = (
    int(given) if given else usual
    for given, usual in zip((sys.argv[2:6] + [""] * 4)[:4], (96, 3, 200, 64), strict=True)
)
torch.set_num_threads(1)
loaded = load(sys.argv[6] if len(sys.argv) > 6 else TINY)
items = load_items(item_folders([suites]))
items = items[:: max(1, len(items) // count)][:count]  # of every suite

engines = {name: LocalEngine(loaded, batch_size=batch) for name in ("generate", "engine")}
engines["generate"].obstacle = "measured as it is"
start = time.process_time()
asks = asks_of(items, engines["engine"], EvalConfig(), {"world": suites.parent})
print(f"{len(asks)} asks with {sum(len(a.images) for a in asks)} pictures, opened in", end=" ")
print(f"{time.process_time() - start:.2f} s")

taken: dict[str, list[float]] = {name: [] for name in engines}
said = {}
for _ in range(runs):
    for name, engine in engines.items():
        start = time.process_time()
        said[name] = engine.generate(asks, max_new_tokens=tokens)
        taken[name].append(time.process_time() - start)
seconds = {name: statistics.median(times) for name, times in taken.items()}
for name, times in taken.items():
    spoken = sum(reply.completion_tokens for reply in said[name])
    print(f"{name:>9} {seconds[name]:8.2f} s  {spoken / seconds[name]:8.0f} tokens/s  of {times}")
same = sum(a.text == b.text for a, b in zip(*said.values(), strict=True))
print(f"{seconds['generate'] / seconds['engine']:.2f} times as fast, {same}/{len(asks)} the same")
