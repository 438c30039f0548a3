"""``seestep check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def check(
    data: Path,
    *,
    model: str,
    family: str | None = None,
    images: Path | None = None,
    benchmarks: Path | None = None,
    cutoff: int = 2048,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Look for what is wrong with a training file, as it is; nothing is written.

    Reads LLaVA and Qwen fine-tune JSON, LLaMA-Factory (ShareGPT, Alpaca), ms-swift, OpenAI messages
    and TRL, as a JSON list or JSON lines. The exit code is 1 if there is a fault.

    Parameters
    ----------
    data
        The training file.
    model
        A checkpoint folder, or a family: qwen2.5-vl, qwen3-vl, robobrain2.
    family
        The family of a checkpoint folder whose config.json does not tell (RoboBrain 2).
    images
        The folder that picture paths are below; the file's own is looked in as well.
    benchmarks
        A folder of benchmark files, to look for their pictures and questions.
    cutoff
        The most tokens of a sample that the trainer keeps.
    json
        Print one JSON object instead of the page.
    """
    import msgspec

    from seestep.check.model import find
    from seestep.check.page import lines
    from seestep.check.run import check as look_at
    from seestep.progress import Progress
    from seestep.terminal import look_of

    progress = Progress(data.name, mode="none" if json else "auto")
    with progress:
        report = look_at(
            data,
            find(model, family=family),
            images=images,
            benchmarks=benchmarks,
            cutoff=cutoff,
            progress=progress,
        )
    if json:
        print(msgspec.json.encode({"faults": report.faults, "report": report}).decode())
    else:
        for line in lines(report, look_of()):
            print(line)
    return 1 if report.faults else 0
