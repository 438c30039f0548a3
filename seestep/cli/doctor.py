"""``seestep doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def doctor(
    *, recipe: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False
) -> int:
    """Look at this machine: Python, torch, GPU, disk, memory, extras, data folders.

    What is missing comes with the line that installs it. The exit code is 1 when seestep itself
    cannot work here; an extra that is not installed is no fault.

    Parameters
    ----------
    recipe
        Also check the data folders (``roots``) that this recipe names.
    json
        Print one JSON object instead of lines.
    """
    import msgspec

    from seestep.checkup import check, works

    findings = check(recipe)
    if json:
        print(msgspec.json.encode({"works": works(findings), "findings": findings}).decode())
    else:
        marks = {"ok": "ok     ", "missing": "missing", "fault": "FAULT  "}
        for found in findings:
            print(f"{marks[found.state]}  {found.name:<14} {found.detail}")
            if found.fix:
                print(f"{'':<25}{found.fix}")
    return 0 if works(findings) else 1
