"""Imports go one way, stay light, and name only packages that pyproject.toml declares."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "seestep"

# Left to right: each may import what stands before it. Names in one tuple are one level.
FOUNDATION = (
    ("__init__", "errors"),
    ("records",),
    ("act",),
    ("yamls", "fit"),
    ("recipe",),
    ("stopping", "terminal"),
    ("disk", "progress", "gitinfo", "heap", "twice", "columns", "compiled", "outcome"),
    ("jsonl", "ledger"),
    ("shards",),
    ("run", "workers"),
    ("cluster",),
    ("lineage", "checkup"),
    ("flow",),
    ("media",),
    ("geometry",),
    ("families",),
    ("answers",),
    ("endpoint",),
    ("bench",),
)
ROOMS = (
    "sources",
    "curate",
    "thought",
    "world",
    "export",
    "models",
    "check",
    "train",
    "evals",
    "study",
    "report",
    "studio",
)
JOIN = ("pipeline", "loop", "cli", "__main__")

LEVEL = {name: i for i, names in enumerate(FOUNDATION) for name in names}
LEVEL |= {name: len(FOUNDATION) + i for i, name in enumerate(ROOMS)}
LEVEL |= {name: len(FOUNDATION) + len(ROOMS) for name in JOIN}
ONLY_FOR_ACT = {"errors", "records", "act", "__init__"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """(absolute module name, line) of every import, inside functions too."""
    package = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = (node.module or "").split(".") if node.module else []
            if node.level:
                base = [*package[: len(package) - node.level], *base]
            for alias in node.names:
                yield ".".join([*base, alias.name]), node.lineno


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def wrong_imports(path: Path) -> list[str]:
    room = room_of(path)
    wrong = []
    for name, line in imported(path):
        parts = name.split(".")
        if parts[0] != "seestep":
            continue
        target = parts[1] if len(parts) > 1 and parts[1] in LEVEL else "__init__"
        allowed = LEVEL[target] <= LEVEL[room] if room != target else True
        if room == "act":
            allowed = target in ONLY_FOR_ACT
        if not allowed:
            wrong.append(f"{path.relative_to(ROOT)}:{line} imports {target}, which is to its right")
    return wrong


def test_every_module_has_a_place_in_the_order():
    assert sorted({room_of(path) for path in MODULES} - LEVEL.keys()) == []


def test_imports_go_one_way():
    assert [line for path in MODULES for line in wrong_imports(path)] == []


def test_the_rule_sees_an_import_to_the_right(tmp_path, monkeypatch):
    bad = tmp_path / "seestep" / "geometry" / "x.py"
    bad.parent.mkdir(parents=True)
    bad.write_text("def f():\n    from seestep.train import trainer\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "seestep")
    assert len(wrong_imports(bad)) == 1


HEAVY = ("numpy", "torch", "pyarrow", "transformers", "PIL", "scipy", "mujoco", "starlette")
LIGHT = (
    "import seestep, seestep.errors, seestep.records, seestep.recipe, seestep.run, seestep.media, "
    "seestep.lineage, seestep.checkup, seestep.cli"
)


@pytest.mark.parametrize(
    "code",
    [LIGHT, "from seestep.cli import main; main(['--help'])", "import seestep.cli.doctor"],
)
def test_light_modules_and_help_load_nothing_heavy(code):
    look = f"{code}\nimport sys; sys.stderr.write(' '.join(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", look], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_third_party_import_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.split(r"[\[<>=;! ]", need)[0].lower() for group in groups for need in group}
    owners = {
        module: {re.sub(r"[_.]", "-", dist.lower()) for dist in dists}
        for module, dists in metadata.packages_distributions().items()
    }
    for path in MODULES:
        for name, line in imported(path):
            top = name.split(".")[0]
            if top == "seestep" or top in sys.stdlib_module_names:
                continue
            if (
                top in owners
            ):  # a package of an extra that is not installed here cannot be looked up
                assert owners[top] & declared, f"{path}:{line} imports {top}, declared nowhere"
