"""A step of the vision tower as pretraining takes it, beside transformers' own.

python benchmarks/tower.py [pictures] [steps] [runs] [threads]

Forward and backward of the embedded model's tower over random pictures of 96 x 96 under bfloat16
autocast, the two in turn, the median of all runs. ``differ`` is the greatest difference between the
two gradients of a weight, as a part of that gradient's greatest entry, without autocast.
"""

import statistics
import sys
import time

import numpy as np
import torch

from seestep.models import TINY
from seestep.models.load import load
from seestep.models.processor import Patches
from seestep.train.base.attention import packed_attention

count, steps, runs, threads = (
    int(given) if given else usual
    for given, usual in zip((sys.argv[1:5] + [""] * 4)[:4], (32, 20, 5, 2), strict=True)
)
torch.set_num_threads(threads)
loaded = load(TINY)
tower = loaded.model.model.visual.train()
pictures = np.random.default_rng(0).integers(0, 256, (count, 96, 96, 3), dtype=np.uint8)
pixels, grid = Patches(loaded.processor.image_processor)(pictures)


def step() -> None:
    tower.zero_grad()
    tower(pixels, grid_thw=grid).pooler_output.square().mean().backward()


def gradients() -> dict[str, torch.Tensor]:
    step()
    return {n: p.grad.clone() for n, p in tower.named_parameters() if p.grad is not None}


def milliseconds() -> float:
    with torch.autocast("cpu", torch.bfloat16):
        step()  # the first one asks for memory
        start = time.perf_counter()
        for _ in range(steps):
            step()
    return (time.perf_counter() - start) * 1000 / steps


taken: dict[str, list[float]] = {"transformers": [], "seestep": []}
for _ in range(runs):
    taken["transformers"].append(milliseconds())
    with packed_attention(loaded.model):
        taken["seestep"].append(milliseconds())
usual = gradients()
with packed_attention(loaded.model):
    ours = gradients()
differ = max(float((usual[n] - ours[n]).abs().max() / usual[n].abs().max()) for n in usual)
for name, times in taken.items():
    print(f"{name:>12} {statistics.median(times):7.1f} ms of {[round(t, 1) for t in times]}")
ratio = statistics.median(a / b for a, b in zip(*taken.values(), strict=True))
print(f"{ratio:.2f} times as fast, {count} pictures on {threads} threads, differ {differ:.1e}")
