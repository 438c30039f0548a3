"""BridgeData V2 as its owners' scripts convert it: out.npy, and out.tfrecord made of that.

<lab>/<env>/<task>/<id>/<train|val>/. data_processing/bridgedata_raw_to_numpy.py of
github.com/rail-berkeley/bridge_data_v2 writes a pickled list of trajectories (dicts of
observations, next_observations, actions, terminals); bridgedata_numpy_to_tfrecord.py beside it one
Example a trajectory with serialised tensors. Pictures are arrays, 128 x 128 by default, and are
kept as PNG. Instructions are there only from later versions ("language": a list of lines).
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep.errors import DataError
from seestep.records import Provenance
from seestep.sources import bad, bridge, make, pickles
from seestep.sources.bridge_numbers import table
from seestep.sources.read import open_regular, tf_example, tfrecords
from seestep.sources.tensors import tensor

SPLITS: Final = ("train", "val")
UNSAID: Final = "its file holds no language: the script that wrote it leaves it out"
_KEPT = re.compile(r"observations/(?:state|images[0-3])|actions|language")


class Pixels(Sequence[bytes]):
    """Pictures (height, width, 3) uint8 of one camera by step, each a PNG when it is asked for."""

    def __init__(self, steps: Sequence[Any] | NDArray[Any]) -> None:
        for i, step in enumerate(steps):
            good = isinstance(step, np.ndarray) and step.dtype == np.uint8 and step.ndim == 3
            if not good or step.shape[2] != 3 or not step.size:
                got = f"{step.shape} {step.dtype}" if isinstance(step, np.ndarray) else "no array"
                raise DataError(
                    f"the picture of step {i}", wanted="(height, width, 3) uint8", got=got
                )
        self._steps = steps

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, step: int) -> bytes: ...
    @overload
    def __getitem__(self, step: slice) -> Sequence[bytes]: ...
    def __getitem__(self, step: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(step, slice):
            return Pixels(self._steps[step])
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(self._steps[step])).save(file, "PNG")
        return file.getvalue()


def read(files: Sequence[Path], at: Callable[[Path], Provenance]) -> bridge.Rows:
    """Records of the trajectories in ``files``, one in memory at a time.

    One that cannot be read is counted as a bad row, as is the rest of a file that is cut off; one
    whose motion was there before is left out. Wrong options are the instructions of all.
    """
    with bad.unheard():
        known = sorted({said[0] for path in files for said in _instructions(path) if said})
    seen: set[str] = set()
    for path in files:
        for row, stored in enumerate(_whole(path)):
            place = f"trajectory {row}"
            try:
                ep = episode(path, parts(stored))
                where = msgspec.structs.replace(at(path), row=str(row))
            except (DataError, OSError) as error:
                bad.skip(error, path, place)
                continue
            if ep.key in seen:
                id = f"bridge:{path.parent.name}/{path.name} {place}"
                yield make.dropped(id, "repeat", bridge.REPEAT, ep.key)
                continue
            seen.add(ep.key)
            yield from bridge.records(ep, where, known)


def episode(path: Path, found: Mapping[str, Any]) -> bridge.Episode:
    """A trajectory: ``observations/state`` and ``actions`` (T, 7), ``observations/images<K>``.

    Raises ``DataError`` where something is missing or of another length.
    """
    try:
        state = table(found["observations/state"], "observations/state")
        action = table(found["actions"], "actions")
        cameras = {k: Pixels(found[k]) for k in found if k.startswith("observations/images")}
    except KeyError as error:
        raise DataError(f"there is no {error}", got=", ".join(sorted(found))[:200]) from error
    if not cameras:
        raise DataError("there are no pictures", wanted="observations/images0")
    lengths = {"state": len(state), "actions": len(action)}
    lengths |= {name: len(pictures) for name, pictures in cameras.items()}
    if len(set(lengths.values())) > 1 or not len(state):
        raise DataError(
            "its parts have other lengths than each other",
            got=", ".join(f"{name} {length}" for name, length in lengths.items()),
        )
    said = _said(found["language"]) if "language" in found else ()
    return bridge.Episode(
        key=bridge.motion(state, action),
        instruction=said[0] if said else "",
        state=state,
        action=action,
        frames={f"image_{k[-1]}": pictures for k, pictures in sorted(cameras.items())},
        split=path.parent.name if path.parent.name in SPLITS else "",
        said=said[1:],
        unsaid=bridge.UNSAID if "language" in found else UNSAID,
    )


def parts(stored: Any, only: str = "") -> dict[str, Any]:
    """What a stored trajectory holds, under the names that it has in TFRecords: arrays, or a list
    with an array a step. With ``only`` no other part than that. Raises ``DataError``."""
    if isinstance(stored, bytes):
        return _of_example(stored, only)
    if not isinstance(stored, dict):
        raise DataError("a trajectory that is no dict", got=type(stored).__name__)
    found: dict[str, Any] = {
        k: stored[k] for k in ("actions", "language") if k in stored and k == (only or k)
    }
    if only:
        return found
    steps = stored.get("observations")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise DataError("observations that are no list of dicts")
    for name in steps[0] if steps else ():
        if _KEPT.fullmatch(f"observations/{name}"):
            if not all(name in step for step in steps):
                raise DataError(f"a step has no {name}")
            found[f"observations/{name}"] = [step[name] for step in steps]
    return found


def _of_example(payload: bytes, only: str) -> dict[str, Any]:
    found = {}
    try:
        features = tf_example(payload, (only,) if only else None)
    except (KeyError, ValueError) as error:
        raise DataError(f"not a tf.train.Example: {error}") from error
    for name, values in features.items():
        if not _KEPT.fullmatch(name):
            continue
        if not isinstance(values, list) or len(values) != 1:
            raise DataError(f"{name} is no serialised tensor")
        try:
            found[name] = tensor(values[0])
        except DataError as error:
            raise DataError(f"{name}: {error.what}", wanted=error.wanted, got=error.got) from error
    return found


def _whole(path: Path) -> Iterator[Any]:
    """Every trajectory that can be got out of a file; where that ends too early it is noted."""
    row = 0
    try:
        for stored in _stored(path):
            row += 1
            yield stored
    except (DataError, OSError) as error:
        bad.skip(error, path, f"after {row} trajectories")


def _stored(path: Path) -> Iterator[Any]:
    if path.suffix != ".npy":
        yield from tfrecords(path)
        return
    with open_regular(path) as stream:
        yield from pickles.elements(stream, path)


def _instructions(path: Path) -> Iterator[tuple[str, ...]]:
    """Those of every trajectory; a file whose first one has none is not read on."""
    for stored in _whole(path):
        try:
            found = parts(stored, only="language")
        except DataError:
            continue
        if "language" not in found:
            return
        with contextlib.suppress(DataError):
            yield _said(found["language"])


def _said(value: Any) -> tuple[str, ...]:
    """The instructions of a trajectory: a text, or a list or array of texts."""
    texts = value.ravel().tolist() if isinstance(value, np.ndarray) else value
    texts = texts if isinstance(texts, list) else [texts]
    try:
        every = [t.decode("utf-8") if isinstance(t, bytes) else t for t in texts]
    except UnicodeDecodeError as error:
        raise DataError("its language is not UTF-8") from error
    if not all(isinstance(text, str) for text in every):
        raise DataError("its language is no text")
    return bridge.lines("\n".join(every))
