"""What pretraining does its own way, beside the usual way: Muon in batches, pictures ahead.

python benchmarks/pretrain_parts.py [runs] [threads]

``Muon``: a step of torch's for the matrices of the embedded model's tower and language model, and
of ours, which takes those of one shape together. ``looks``: the frozen tower at 256 random pictures
of 96 x 96 one by one, as a step meets them, and ahead in batches of 32, both as pretraining runs
it. The two in turn, the median of all runs.
"""

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from seestep.checkup import bf16_is_slow
from seestep.models import TINY
from seestep.models.load import load
from seestep.models.processor import Patches
from seestep.train.base.attention import packed_attention
from seestep.train.muon import BatchedMuon
from seestep.train.optimise import TABLES
from seestep.train.seen import Looks

runs, threads = (
    int(given) if given else usual
    for given, usual in zip((sys.argv[1:3] + [""] * 2)[:2], (7, 2), strict=True)
)
torch.set_num_threads(threads)
loaded = load(TINY)
model = loaded.model.float()
wide = torch.float32 if bf16_is_slow() else torch.bfloat16


def compare(name: str, usual: Callable[[], object], ours: Callable[[], object]) -> None:
    taken: list[tuple[float, float]] = []
    for _ in range(runs + 1):
        marks = [time.perf_counter()]
        for work in (usual, ours):
            work()
            marks.append(time.perf_counter())
        taken.append(((marks[1] - marks[0]) * 1000, (marks[2] - marks[1]) * 1000))
    pairs = taken[1:]  # the first asks for memory
    before, after = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{name:>16} {before:8.1f} ms {after:8.1f} ms {ratio:6.2f} times as fast")


def steps(part: torch.nn.Module) -> tuple[Callable[[], object], Callable[[], object]]:
    matrices = [
        p for n, p in part.named_parameters() if p.dim() == 2 and not any(t in n for t in TABLES)
    ]
    for matrix in matrices:
        matrix.grad = torch.randn_like(matrix)
    told = {"lr": 1e-9, "momentum": 0.95, "adjust_lr_fn": "match_rms_adamw"}
    return torch.optim.Muon(matrices, **told).step, BatchedMuon(matrices, dtype=wide, **told).step


compare("Muon, tower", *steps(model.model.visual))
compare("Muon, language", *steps(model.model.language_model))

model.requires_grad_(False)
pictures = np.random.default_rng(0).integers(0, 256, (256, 96, 96, 3), dtype=np.uint8)
pixels, grids = Patches(loaded.processor.image_processor)(pictures)
each = len(pixels) // len(grids)


def look(together: int) -> None:
    looks = Looks(model.model.visual, 4000)
    with torch.autocast("cpu", torch.bfloat16, enabled=not bf16_is_slow()), torch.no_grad():
        for start in range(0, len(grids), together):
            part = slice(start * each, (start + together) * each)
            view = grids[start : start + together]
            if together > 1:
                looks.ahead(pixels[part], view)
            else:
                looks(pixels[part], grid_thw=view)


with packed_attention(loaded.model):
    compare("256 looks", lambda: look(1), lambda: look(32))
