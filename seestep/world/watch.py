"""What the agent sees of a task: the pictures shown with a plan question, and boxes in them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep.records import Entity, Geometry, Media, Plan
from seestep.world.protocol import Event, Simulator


class WatchConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures of a task. Sizes in pixels of the picture that is kept."""

    size: int = 96  # side of the picture
    supersample: int = 2  # drawn this many times finer, then averaged down
    fov: float = 60.0
    least_pixels: int = 12  # a thing with fewer is not seen,
    clear_pixels: int = 80  # and one with as many needs no other camera
    views: int = 2  # most pictures of one observation
    poses: int = 3  # most cameras tried for each thing
    near_m: float = 1.2  # free cameras stand this far away,
    far_m: float = 2.4  # to this
    licence: str = "Apache-2.0"


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: its Event, its key, and what it shows (objectId -> pixels)."""

    key: str
    event: Event
    seen: dict[str, int]


@contextmanager
def blind(simulator: Simulator) -> Iterator[None]:
    """Act without drawing, where the simulator can be told so by its ``render`` attribute."""
    if not getattr(simulator, "render", False):
        yield
        return
    vars(simulator)["render"] = False
    try:
        yield
    finally:
        vars(simulator)["render"] = True


def observe(
    simulator: Simulator, things: Sequence[str], key: str, config: WatchConfig
) -> tuple[list[Shot], list[str]]:
    """Few pictures, at most ``config.views``, that together show all of ``things``.

    Also returns the things that none of them shows. Candidates are the present view and, for each
    thing, free cameras near and far where the simulator has them (``LookAt``), else the agent at
    poses from which it could act; then the agent ends at the last of them. No camera is tried for
    what an earlier one shows clearly. The simulator must render at the size that is to be kept.
    """
    events = [simulator.step("Done")]
    counts = [_pixels(events[0], things, config.least_pixels)]
    free = "LookAt" in simulator.capabilities
    for thing in things:
        cameras = iter(_cameras(config) if free else stands(simulator, thing, config.poses))
        while not any(c.get(thing, 0) >= config.clear_pixels for c in counts):
            camera = next(cameras, None)
            if camera is None:
                break
            aim = {"objectId": thing} if free else {}
            event = simulator.step("LookAt" if free else "TeleportFull", **aim, **camera)
            if event:
                events.append(event)
                counts.append(_pixels(event, things, config.least_pixels))
    if free:
        with blind(simulator):
            simulator.step("LookAt")
    shots: list[Shot] = []
    left = set(things)
    while left and len(shots) < config.views:
        best = max(range(len(events)), key=lambda i: (_worth(counts[i], left), -i))
        gained = left & counts[best].keys()
        if not gained:
            break
        shots.append(Shot(f"{key}-v{len(shots)}", events[best], counts[best]))
        left -= gained
    return shots, sorted(left)


def shot(event: Event, things: Iterable[str], key: str, config: WatchConfig) -> Shot:
    """The picture of one Event as it is."""
    return Shot(key, event, _pixels(event, things, config.least_pixels))


def media(
    shots: Sequence[Shot], folder: str, root: str, config: WatchConfig, origin: str
) -> tuple[tuple[Media, ...], dict[str, bytes]]:
    """Media and PNG files (path below the run folder -> bytes) of pictures."""
    out, files = [], {}
    for one in shots:
        frame = one.event.frame
        assert frame is not None
        path = f"media/{one.key}.png"
        files[path] = png(frame)
        out.append(
            Media(
                key=one.key,
                path=f"{folder}/{path}" if folder else path,
                root=root,
                width=frame.shape[1],
                height=frame.shape[0],
                sha256=hashlib.sha256(files[path]).hexdigest(),
                origins=(origin,),
                licence=config.licence,
            )
        )
    return tuple(out), files


def grounded(plan: Plan, shots: Sequence[Shot]) -> tuple[Plan, tuple[Geometry, ...]]:
    """The plan with its entities boxed in the first picture that shows them.

    Boxes are tight, in pixels of that picture, right and bottom edges exclusive.
    """
    entities: list[Entity] = []
    boxes: list[Geometry] = []
    for entity in plan.entities:
        where = next((s for s in shots if entity.sim in s.seen), None)
        if where is None:
            entities.append(entity)
            continue
        key = f"{where.key}-{entity.id}"
        boxes.append(
            Geometry(
                key=key,
                kind="box",
                media=where.key,
                frame="pixel",
                values=tight_box(where.event.mask(entity.sim)),
                label=entity.name,
            )
        )
        entities.append(msgspec.structs.replace(entity, media=where.key, geometry=key))
    return msgspec.structs.replace(plan, entities=tuple(entities)), tuple(boxes)


def tight_box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """(x0, y0, x1, y1) around the True pixels of an (H, W) mask, x1 and y1 exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def png(frame: NDArray[np.uint8]) -> bytes:
    """An (H, W, 3) RGB picture as PNG bytes; the same picture gives the same bytes."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(frame).save(out, format="PNG", compress_level=6)
    return out.getvalue()


def _pixels(event: Event, things: Iterable[str], least: int) -> dict[str, int]:
    if event.instance_frame is None:
        raise ValueError("watching needs a simulator that renders")
    counts = np.bincount(event.instance_frame.ravel(), minlength=len(event.instance_ids) + 1)
    index = {name: i + 1 for i, name in enumerate(event.instance_ids)}
    found = {t: int(counts[index[t]]) for t in things if t in index}
    return {t: n for t, n in found.items() if n >= least}


def _worth(seen: dict[str, int], left: set[str]) -> tuple[int, float]:
    """How many still unseen things a picture shows, then how large the smallest of them is."""
    fresh = [seen[t] for t in left if t in seen]
    return len(fresh), float(min(fresh, default=0))


def _cameras(config: WatchConfig) -> list[dict[str, Any]]:
    """Arguments of LookAt: from near to far, swinging from side to side."""
    steps = max(config.poses - 1, 1)
    return [
        {
            "distance": config.near_m + (config.far_m - config.near_m) * i / steps,
            "azimuth": 25.0 * (-1) ** i,
            "elevation": 35.0,
        }
        for i in range(config.poses)
    ]


def stands(simulator: Simulator, thing: str, count: int) -> list[dict[str, Any]]:
    """``count`` of the poses from which the thing can be acted on, spread over all of them."""
    answer = simulator.step("GetInteractablePoses", objectId=thing)
    poses: list[dict[str, Any]] = list(answer.metadata["actionReturn"] or []) if answer else []
    if len(poses) <= count:
        return poses
    return [poses[i * (len(poses) - 1) // max(count - 1, 1)] for i in range(count)]
