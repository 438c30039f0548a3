"""Which official forms of BridgeData V2 lie below a folder, and reading one of them.

The forms hold the same episodes, so that two in one root would count them twice: the first of
``FORMS`` that is there is read, and what is not read is told. Each is found by its file names, at
any depth, in one walk that does not go into folders of pictures (the whole set has ten million) nor
through links to folders.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from seestep.records import Provenance
from seestep.sources import bad, bridge, bridge_numpy, bridge_raw, make
from seestep.sources.read import tf_example, tfrecords

LAYOUT: Final = (
    "**/bridge_dataset-*.tfrecord-*",
    "**/obs_dict.pkl",
    "**/out.tfrecord",
    "**/out.npy",
)
"""In the order of ``FORMS``; of a trajectory as it was recorded the file with its states."""
FORMS: Final = {
    "RLDS": "it has its owners' train and val episodes apart",
    "raw": "it has the pictures in full and the instructions",
    "TFRecord": "it holds no pickles",
    "numpy": "",
}
"""Name -> why it is read rather than those after it."""
_INSTRUCTION: Final = frozenset({"steps/language_instruction"})
_PASSED = re.compile(r"(depth_)?images\d+")


@dataclass
class Forms:
    """What was found: files by form (of raw the folders of the trajectories), sorted; what was
    passed by (links to folders, files that are none, folders that cannot be opened) and why."""

    found: dict[str, list[Path]] = field(default_factory=lambda: {form: [] for form in FORMS})
    passed: list[tuple[Path, str]] = field(default_factory=list)


def look(root: Path) -> Forms:
    """The forms below ``root``, which may be a link itself."""
    forms = Forms()
    if os.path.lexists(root / bridge_raw.STATES):
        forms.found["raw"].append(root)
    else:
        _walk(root, forms)
    for paths in forms.found.values():
        paths.sort()
    forms.passed.sort()
    return forms


def files(root: Path) -> list[Path]:
    """The regular files that will be read, sorted."""
    found = look(root).found
    form = _first(found)
    if form is None:
        return []
    paths = found[form]
    if form == "raw":
        names = (bridge_raw.STATES, bridge_raw.ACTIONS, bridge_raw.WORDS)
        paths = [folder / name for folder in paths for name in names]
    return sorted(path for path in paths if path.is_file())


def read(root: Path, at: Callable[[Path], Provenance]) -> bridge.Rows:
    """Records of one form below ``root``, and verdicts that tell what else is there."""
    forms = look(root)
    form = _first(forms.found)
    for path, reason in forms.passed:
        yield make.dropped(f"bridge:{_place(path, root)}", "path", reason, _place(path, root))
    for other, paths in forms.found.items():
        if form is None or other == form or not paths:
            continue
        yield make.dropped(
            f"bridge:{other}",
            "form",
            f"{other} ({_count(other, paths)}) is not read where there is {form} too, as both hold "
            f"the same episodes: {FORMS[form]}",
            f"{_place(paths[0], root)} and on; to read them name a folder that has no {form}",
        )
    if form == "RLDS":
        yield from _rlds(forms.found[form], at)
    elif form == "raw":
        yield from bridge_raw.read(root, forms.found[form], at)
    elif form is not None:
        yield from bridge_numpy.read(forms.found[form], at)


def _rlds(paths: Sequence[Path], at: Callable[[Path], Provenance]) -> bridge.Rows:
    """A shard is read twice: for its instructions, then for its episodes, one in memory."""
    for path in paths:
        with bad.unheard():
            told = {
                bridge.instruction_of(tf_example(payload, _INSTRUCTION))
                for payload in tfrecords(path)
            }
        episodes = (bridge.episode(tf_example(payload)) for payload in tfrecords(path))
        yield from bridge.convert(episodes, at(path), told - {""})


def _first(found: dict[str, list[Path]]) -> str | None:
    return next((form for form in FORMS if found[form]), None)


def _count(form: str, paths: Sequence[Path]) -> str:
    what = "folder" if form == "raw" else "file"
    return f"1 {what}" if len(paths) == 1 else f"{len(paths):,} {what}s"


def _place(path: Path, root: Path) -> str:
    name = path.relative_to(root).as_posix()
    return name.encode("utf-8", "backslashreplace").decode()


def _walk(root: Path, forms: Forms) -> None:
    todo = [root]
    while todo:
        folder = todo.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            if folder == root:
                raise
            forms.passed.append((folder, f"this folder cannot be opened: {error.strerror}"))
            continue
        for entry in entries:
            path = folder / entry.name
            if not _utf8(entry.name):
                forms.passed.append((path, "its name is not UTF-8, as the names in records are"))
            elif entry.is_dir(follow_symlinks=False):
                if _trajectory(path):
                    forms.found["raw"].append(path)
                elif not _PASSED.fullmatch(entry.name):
                    todo.append(path)
            elif entry.is_dir():
                forms.passed.append((path, "a link to a folder is not followed; name that folder"))
            elif (form := _form(entry.name)) is not None:
                if entry.is_file():
                    forms.found[form].append(path)
                else:
                    forms.passed.append((path, "not a regular file"))


def _utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _trajectory(path: Path) -> bool:
    return path.name.startswith("traj") and path.parent.resolve().name.startswith("traj_group")


def _form(name: str) -> str | None:
    if fnmatchcase(name, "bridge_dataset-*.tfrecord-*"):
        return "RLDS"
    return {"out.tfrecord": "TFRecord", "out.npy": "numpy"}.get(name)
