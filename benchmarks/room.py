"""Milliseconds a home and a view of the embedded simulator, pictures with masks and depth included.

python benchmarks/room.py [homes]
"""

import sys
import time

import numpy as np

from seestep.world.room import RoomSimulator, warm_up

HOMES = int(sys.argv[1]) if len(sys.argv) > 1 else 12
print(f"kernel ready after {warm_up(quiet=True):.1f} s")
print(f"{'picture':>16} {'home ms':>9} {'view ms':>9}")
for size, supersample in ((0, 1), (96, 1), (96, 2), (128, 1), (192, 1), (336, 1)):
    simulator = RoomSimulator(size or 96, size or 96, supersample=supersample, render=size > 0)
    simulator.reset(10_000)
    homes, views = [], []
    for seed in range(HOMES):
        start = time.perf_counter()
        simulator.reset(seed)
        homes.append(time.perf_counter() - start)
        for _ in range(4):
            start = time.perf_counter()
            simulator.step("RotateRight", degrees=90)
            views.append(time.perf_counter() - start)
    label = f"{size} px, {supersample}x" if size else "none"
    print(f"{label:>16} {np.median(homes) * 1e3:9.1f} {np.median(views) * 1e3:9.1f}")
