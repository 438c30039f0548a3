"""BridgeData V2 as it was recorded: a folder of pictures, pickles and words for each trajectory.

<lab>/<env>/<task>/<id>/<date>/raw/traj_group<N>/traj<M>/ with images<K>/im_<T>.jpg, obs_dict.pkl
(full_state), policy_out.pkl (a list of actions, or of dicts with them) and, of some, lang.txt. What
of them is an episode follows the owners' script, data_processing/bridgedata_raw_to_numpy.py of
github.com/rail-berkeley/bridge_data_v2: of T + 1 states and pictures the first T go with the T
actions; recorded before 2021-07-23, when pictures came one step late, the first state and picture
and the last action are left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from seestep.errors import DataError
from seestep.records import Provenance
from seestep.sources import bad, bridge, make, pickles
from seestep.sources.bridge_numbers import table
from seestep.sources.read import open_regular

STATES: Final = "obs_dict.pkl"
ACTIONS: Final = "policy_out.pkl"
WORDS: Final = "lang.txt"
PROMPT: Final = datetime(2021, 7, 23)  # from here on pictures are not late
LONG: Final = 1 << 16  # bytes that words may have
_CAMERA = re.compile(r"images([0-3])")
_PICTURE = re.compile(r"im_(0|[1-9]\d{0,5})\.jpg")


def read(root: Path, folders: Sequence[Path], at: Callable[[Path], Provenance]) -> bridge.Rows:
    """Records of the trajectories in ``folders`` below ``root``.

    One that cannot be read is counted as a bad row; one whose motion was there before is left out.
    Wrong options are the instructions of all.
    """
    known = sorted({said[0] for folder in folders if (said := words(root, folder)[0])})
    seen: set[str] = set()
    for folder in folders:
        place = folder.relative_to(root).as_posix()
        if "lmdb" in _dated(folder):
            yield make.dropped(f"bridge:{place}", "lmdb", "the owners' script leaves lmdb out")
            continue
        try:
            ep = episode(root, folder)
            where = at(folder / STATES)
        except (DataError, OSError) as error:
            bad.skip(error, folder, place)
            continue
        if ep.key in seen:
            yield make.dropped(f"bridge:{place}", "repeat", bridge.REPEAT, ep.key)
            continue
        seen.add(ep.key)
        yield from bridge.records(ep, where, known)


def episode(root: Path, folder: Path) -> bridge.Episode:
    """The trajectory in ``folder``. Raises ``DataError`` where it is not as it was recorded."""
    late = recorded(folder) < PROMPT
    states = _states(root, folder / STATES)
    actions = _actions(root, folder / ACTIONS)
    cameras = _cameras(folder)
    pictures = len(cameras[min(cameras)])
    steps = min(pictures, len(states)) - 1
    if len(actions) != steps:
        raise DataError(
            "actions do not go with pictures and states",
            file=folder / ACTIONS,
            wanted=f"{steps}, as there are {pictures} pictures and {len(states)} states",
            got=str(len(actions)),
        )
    first = int(late)
    if steps - first < 1:
        raise DataError("no step is left", file=folder / STATES, got=f"{len(states)} states")
    said, unsaid = words(root, folder)
    below = folder.relative_to(root)
    state, action = states[first:steps], actions[: steps - first]
    return bridge.Episode(
        key=bridge.motion(state, action),
        instruction=said[0] if said else "",
        state=state,
        action=action,
        frames={
            f"image_{k}": bridge.Files(
                root, tuple((below / f"images{k}" / n).as_posix() for n in names[first:steps])
            )
            for k, names in cameras.items()
        },
        split="",
        said=said[1:],
        unsaid=unsaid,
    )


def recorded(folder: Path) -> datetime:
    """When a trajectory was recorded: the name of the folder three above its own."""
    name = _dated(folder)
    try:
        return datetime.strptime(name, "%Y-%m-%d_%H-%M-%S")
    except ValueError:
        raise DataError(
            "it is not known when this was recorded",
            file=folder,
            wanted="<YYYY-mm-dd_HH-MM-SS>/raw/traj_group<N>/traj<M>",
            got=name,
            hint="keep the folders as they are in the archive",
        ) from None


def _dated(folder: Path) -> str:
    parts = folder.resolve().parts
    return parts[-4] if len(parts) > 4 else ""


def words(root: Path, folder: Path) -> tuple[tuple[str, ...], str]:
    """What the robot was told, in several people's words, and if nothing, why."""
    path = folder / WORDS
    if not os.path.lexists(path):
        return (), "there is no lang.txt"
    try:
        with _opened(root, path) as stream:
            text = stream.read(LONG + 1)
    except (DataError, OSError):
        return (), "lang.txt cannot be opened"
    if len(text) > LONG:
        return (), f"lang.txt has more than {LONG:,} bytes"
    try:
        told = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        return (), "lang.txt is not UTF-8"
    if said := bridge.lines(told):
        return said, ""
    return (), "lang.txt tells confidence alone" if told.strip() else "lang.txt is empty"


def _states(root: Path, path: Path) -> Any:
    value = _pickle(root, path)
    if not isinstance(value, dict) or "full_state" not in value:
        raise DataError("there is no full_state", file=path, wanted="a dict with full_state")
    return _table(value["full_state"], "full_state", path)


def _actions(root: Path, path: Path) -> Any:
    value = _pickle(root, path)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        if not all(isinstance(step, dict) and "actions" in step for step in value):
            raise DataError("a step has no actions", file=path)
        value = [step["actions"] for step in value]
    return _table(value, "actions", path)


def _table(value: Any, what: str, path: Path) -> Any:
    try:
        return table(value, what)
    except DataError as error:
        raise DataError(error.what, file=path, wanted=error.wanted, got=error.got) from error


def _pickle(root: Path, path: Path) -> Any:
    with _opened(root, path) as stream:
        return pickles.load(stream, path)


def _opened(root: Path, path: Path) -> BufferedReader:
    """A regular file; by a link only one below ``root``: no other gets into records."""
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        raise DataError("this link leads out of its root", file=path)
    return open_regular(path)


def _cameras(folder: Path) -> dict[int, list[str]]:
    """Picture names by camera and step. images0 to images3: few trajectories have more.

    Every camera must have what the first has; more than it has is not looked at, as by the owners.
    """
    found = {}
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        match = _CAMERA.fullmatch(entry.name)
        if match and entry.is_dir(follow_symlinks=False):
            names = (_PICTURE.fullmatch(e.name) for e in os.scandir(entry.path))
            found[int(match[1])] = {int(name[1]) for name in names if name}
    if not found:
        raise DataError("there are no pictures", file=folder, wanted="images0/im_0.jpg and so on")
    count = len(found[min(found)])
    for camera, steps in sorted(found.items()):
        lacks = next((t for t in range(count) if t not in steps), None)
        if lacks is not None or not count:
            raise DataError(
                "a picture is missing", file=folder / f"images{camera}" / f"im_{lacks or 0}.jpg"
            )
    return {camera: [f"im_{t}.jpg" for t in range(count)] for camera in found}
