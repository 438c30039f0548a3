"""How much of a run was start-up: the process, its workers, imports and the renderer's kernel.

python benchmarks/startup.py RUN        shares, from the times that the run noted
python benchmarks/startup.py --parts    CPU seconds of each part, each measured in a new process

Start-up of a run is the time from the start of its process to its first step, and its steps
"Starting up" and "Loading torch"; nothing else of a run imports much.
"""

import json
import subprocess
import sys
from pathlib import Path

PARTS = {
    "command line": "import seestep.cli.app, seestep.cli.run, seestep.pipeline",
    "worker: homes": "import seestep.world.homes, seestep.world.play, seestep.world.suites",
    "worker: renderer": "from seestep.world.room import warm_up; warm_up(quiet=True)",
    "curation": "import seestep.curate.engine",
    "torch alone": "import torch",
    "trainer and models": "import seestep.pipeline.models",
    "report": "import seestep.report.build",
}
START = ("Starting up", "Warming up the renderer", "Loading torch")


def shares(run: Path) -> None:
    told = json.loads((run / "timings.json").read_bytes())
    steps = {name: step["seconds"] for name, step in told["steps"].items()}
    rows = {"process": told.get("start_s", 0.0)} | {n: s for n, s in steps.items() if n in START}
    total = told.get("start_s", 0.0) + sum(steps.values())
    for name, seconds in (rows | {"start-up": sum(rows.values()), "whole run": total}).items():
        print(f"{name:28} {seconds:8.1f} s {100 * seconds / total:6.1f} %")


def parts() -> None:
    print(f"{'part':24} {'CPU s':>8}   (of a fresh process, its interpreter left out)")
    empty = cpu_s("pass")
    for name, code in PARTS.items():
        print(f"{name:24} {cpu_s(code) - empty:8.2f}")


def cpu_s(code: str) -> float:
    said = f"import time\n{code}\nprint(time.process_time())"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    parts() if sys.argv[1:] == ["--parts"] else shares(Path(sys.argv[1]))
