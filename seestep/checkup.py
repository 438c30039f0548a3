"""What a machine has and lacks for seestep, and the line that installs each missing thing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal

import msgspec

from seestep import __version__
from seestep.errors import RecipeError

State = Literal["ok", "missing", "fault"]
_CHECKOUT = Path(__file__).parent.parent
_REQUIRED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?\s*(?:>=\s*([0-9.]+))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w-]+)['\"]")
LEAST_PYTHON = (3, 11)
MIN_FREE_GB, MIN_MEMORY_GB = 5, 4


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at. "missing" is optional and absent; "fault" stops seestep here."""

    name: str
    state: State
    detail: str
    fix: str = ""


def check(recipe: Path | None = None) -> list[Finding]:
    """Everything about this machine; ``recipe`` adds the data folders it names."""
    return [
        _python(),
        *_extras(),
        _torch(),
        _gpu(),
        *_bf16(),
        _disk(),
        _memory(),
        *_roots(recipe),
    ]


def works(findings: list[Finding]) -> bool:
    """Whether nothing found stops seestep."""
    return all(found.state != "fault" for found in findings)


def _python() -> Finding:
    machine = f"{platform.system()} {platform.machine()}"
    detail = f"{platform.python_version()}, seestep {__version__}, {machine}"
    if tuple(sys.version_info[:2]) < LEAST_PYTHON:  # started from a checkout, pip never asked
        wanted = ".".join(map(str, LEAST_PYTHON))
        return Finding("python", "fault", detail, f"install Python {wanted} or newer")
    return Finding("python", "ok", detail)


def _extras() -> Iterator[Finding]:
    for extra, needs in requirements().items():
        lacking = [text for name, least in needs if (text := _lacks(name, least))]
        title = f"extra {extra}" if extra else "core"
        if not lacking:
            yield Finding(title, "ok", f"{len(needs)} packages")
            continue
        state: State = "missing" if extra else "fault"
        yield Finding(title, state, "lacks " + ", ".join(lacking), install_line(extra))


def requirements() -> dict[str, list[tuple[str, str]]]:
    """Extra ("" for the core, "all" left out) -> [(distribution, least version)], as declared."""
    try:
        declared = metadata.requires("seestep") or []
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        declared = _declared_in_checkout()
    found: dict[str, list[tuple[str, str]]] = {}
    for line in declared:
        extra = _EXTRA.search(line)
        match = _REQUIRED.match(line)
        if match is None or match[1].lower() == "seestep" or (extra and extra[1] == "all"):
            continue
        found.setdefault(extra[1] if extra else "", []).append((match[1], match[2] or ""))
    return found


def _declared_in_checkout() -> list[str]:
    import tomllib

    path = _CHECKOUT / "pyproject.toml"
    if not path.exists():
        return []
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [
        *project["dependencies"],
        *(f"{need}; extra == '{extra}'" for extra, needs in extras.items() for need in needs),
    ]


def install_line(extra: str) -> str:
    """The pip line for an extra, as it is typed where this package came from."""
    want = f"[{extra}]" if extra else ""
    if (_CHECKOUT / "pyproject.toml").exists():
        return f"pip install -c constraints.txt -e '.{want}'"
    return f"pip install 'seestep{want}'"


def _lacks(name: str, least: str) -> str:
    """Empty when the distribution is there and new enough, else what is wrong with it."""
    try:
        have = metadata.version(name)
    except metadata.PackageNotFoundError:
        return name
    return f"{name}>={least} (has {have})" if _numbers(have) < _numbers(least) else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0])[:3])


def _torch() -> Finding:
    try:
        import torch
    except ImportError as error:
        return Finding("torch", "missing", f"not importable: {error}", install_line("train"))
    return Finding("torch", "ok", f"{torch.__version__}, {torch.get_num_threads()} threads")


def _gpu() -> Finding:
    try:
        import torch

        if torch.cuda.is_available():
            names = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
            said = ", ".join(f"{p.name} {p.total_memory / 2**30:.0f} GiB" for p in names)
            return Finding("gpu", "ok", f"{said}, CUDA {torch.version.cuda}")
    except ImportError:
        pass  # said by the torch line
    if shutil.which("nvidia-smi"):
        try:
            done = subprocess.run(
                ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True
            )
            seen = len(done.stdout.strip().splitlines())
            if seen:
                return Finding(
                    "gpu",
                    "missing",
                    f"{seen} in this machine, but this torch cannot use it",
                    "install a CUDA build of torch of the version in constraints.txt",
                )
        except (OSError, subprocess.SubprocessError) as error:
            return Finding("gpu", "missing", f"nvidia-smi fails: {error}")
    return Finding("gpu", "missing", "none; the quickstart needs none, a 7B model does")


def bf16_is_slow() -> bool:
    """Whether training in bf16 would run on a CPU that has no instructions for it: one step of a
    small vision tower then takes 18 times as long as in fp32 (Zen 3, torch 2.13)."""
    import torch

    if torch.cuda.is_available() or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return not torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _bf16() -> Iterator[Finding]:
    try:
        if bf16_is_slow():
            detail = "this CPU has no instructions for it: a step takes 10 to 20 times as long"
            yield Finding("bf16", "missing", detail, "train with precision=fp32 here")
    except ImportError:
        pass  # said by the torch line


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    detail = f"{free:.0f} GB free here"
    if free < MIN_FREE_GB:
        return Finding("disk", "missing", detail, f"the quickstart wants {MIN_FREE_GB} GB")
    return Finding("disk", "ok", detail)


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    detail = f"{total:.0f} GiB in all, {os.cpu_count()} cores"
    if total < MIN_MEMORY_GB:
        return Finding("memory", "missing", detail, f"the quickstart wants {MIN_MEMORY_GB} GiB")
    return Finding("memory", "ok", detail)


def _roots(recipe: Path | None) -> Iterator[Finding]:
    if recipe is None:
        yield Finding("data", "ok", "none needed by the quickstart; --recipe FILE checks its roots")
        return
    from seestep.recipe import read

    roots = read(recipe).get("roots") or {}
    if not isinstance(roots, dict):
        raise RecipeError(
            "roots must be a mapping of names to folders", file=recipe, record="roots"
        )
    for name, folder in roots.items():
        path = Path(str(folder)).expanduser()
        there = path.is_dir() and os.access(path, os.R_OK | os.X_OK)
        yield Finding(
            f"data {name}",
            "ok" if there else "missing",
            str(path) if there else f"{path} is not a folder that can be read",
            "" if there else f"fetch the data, then give roots.{name}=FOLDER",
        )
