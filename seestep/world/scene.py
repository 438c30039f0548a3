"""The facts of one view: what is seen, how it is called, where it is, and how far away.

Conventions, used by every question:
- a thing is *seen* from ``least_pixels`` mask pixels on; fewer than that but more than
  ``ghost_pixels`` is a *glimpse*: never asked about, but it spoils the uniqueness of a name;
- a thing is *cut* when its mask touches the border of the picture;
- a *place* is furniture and the like: it cannot be picked up;
- a thing is called by colour and noun ("red mug"), a place by its noun ("fridge") and by its
  colour too only where that tells it from another in view, as ``act.names`` does;
- left/right compare mask centroids, near/far the median planar depth of the mask, both with a
  margin; above/below compare heights in the room, not rows of the picture;
- coordinates are pixels of the picture, origin at its top-left corner.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seestep.act.vocabulary import CONTAINERS, words
from seestep.geometry.masks import deepest
from seestep.world.protocol import Event

Mask = NDArray[np.bool_]


class SceneConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as seen and as different. Pixels are those of the picture the model gets."""

    least_pixels: int = 120  # 11 x 11 of 96 x 96; of 12 things of 80 to 110 a reader named 9
    ghost_pixels: int = 6
    side_margin: float = 0.06  # of the width, between centroids
    depth_margin_m: float = 0.15
    height_margin_m: float = 0.05
    unasked: tuple[str, ...] = ("Floor", "Wall", "Ceiling", "StoveKnob", "Window")


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing in view. ``box_px`` is tight with exclusive right and bottom edges."""

    id: str
    type: str
    noun: str  # "mug"
    name: str  # "red mug"
    color: str
    size: str
    pixels: int
    box_px: tuple[float, float, float, float]
    centre_px: tuple[float, float]  # centroid of the mask
    depth_m: float
    cut: bool
    place: bool
    parents: tuple[str, ...]
    raw: dict[str, Any] = field(repr=False)

    @property
    def extent_m(self) -> tuple[float, float, float, float, float, float]:
        """Lowest x, y, z and highest x, y, z of its axis-aligned box; y is up."""
        box = self.raw["axisAlignedBoundingBox"]
        c, s = box["center"], box["size"]
        x, y, z = (s[axis] / 2 for axis in "xyz")
        return c["x"] - x, c["y"] - y, c["z"] - z, c["x"] + x, c["y"] + y, c["z"] + z


class Scene:
    """An Event as questions see it."""

    def __init__(self, event: Event, config: SceneConfig | None = None) -> None:
        if event.frame is None or event.depth_frame is None or event.instance_frame is None:
            raise ValueError("a scene needs an event with pictures, depth and instances")
        self.event, self.config = event, config or SceneConfig()
        self.image = event.frame
        self.depth = event.depth_frame
        self.instances = event.instance_frame
        self.height, self.width = self.instances.shape
        self.objects: dict[str, dict[str, Any]] = {
            o["objectId"]: o for o in event.metadata["objects"]
        }

    @cached_property
    def glimpsed(self) -> list[Seen]:
        """Everything with more than ``ghost_pixels`` pixels, in order of id."""
        counts = np.bincount(self.instances.ravel(), minlength=len(self.event.instance_ids) + 1)
        things = []
        for index in np.flatnonzero(counts > self.config.ghost_pixels):
            if index == 0 or index > len(self.event.instance_ids):
                continue
            raw = self.objects.get(self.event.instance_ids[index - 1])
            if raw is None or raw["objectType"] in self.config.unasked:
                continue
            things.append(self._measure(raw, self.instances == index))
        nouns = Counter(t.noun for t in things)
        plain = [replace(t, name=t.noun) if t.place and nouns[t.noun] == 1 else t for t in things]
        return sorted(plain, key=lambda t: t.id)

    @cached_property
    def seen(self) -> list[Seen]:
        """What is seen well enough to be talked about."""
        return [t for t in self.glimpsed if t.pixels >= self.config.least_pixels]

    @cached_property
    def names(self) -> Counter[str]:
        """How many things in view, glimpses included, each name and each noun fits."""
        names: Counter[str] = Counter()
        for thing in self.glimpsed:
            names.update({name_of(thing.raw)[0], thing.noun})
        return names

    @cached_property
    def traces(self) -> frozenset[str]:
        """Names and nouns of everything with at least one pixel in view."""
        ids = self.event.instance_ids
        found = [self.objects.get(ids[i - 1]) for i in np.unique(self.instances) if i > 0]
        pairs = [name_of(raw) for raw in found if raw is not None]
        return frozenset(name for pair in pairs for name in pair)

    @cached_property
    def lone(self) -> list[Seen]:
        """Seen things whose name fits nothing else in view."""
        return [t for t in self.seen if self.names[t.name] == 1]

    @cached_property
    def whole(self) -> list[Seen]:
        """Lone things that are not cut by the border."""
        return [t for t in self.lone if not t.cut]

    def clear(self, things: Iterable[Seen]) -> bool:
        """Whether all are well seen and none is cut by the border: else nobody counts for sure."""
        return all(t.pixels >= self.config.least_pixels and not t.cut for t in things)

    def things(self, among: Iterable[Seen] | None = None) -> list[Seen]:
        """Lone, uncut things that can be picked up or moved about: no places."""
        return [t for t in (self.whole if among is None else among) if not t.place]

    def mask(self, thing: Seen) -> Mask:
        """(H, W) bool mask of a thing."""
        return self.event.mask(thing.id)

    @cached_property
    def room_height(self) -> NDArray[np.float32]:
        """(H, W) height above the floor, in metres, of what each pixel shows."""
        meta = self.event.metadata
        tan = math.tan(math.radians(meta["fov"]) / 2)
        rows = (1 - 2 * (np.arange(self.height) + 0.5) / self.height) * tan  # up in camera units
        pitch = math.radians(_horizon(meta))
        up = rows * math.cos(pitch) - math.sin(pitch)
        camera = meta["cameraPosition"]["y"]
        heights: NDArray[np.float32] = (camera + self.depth * up[:, None]).astype(np.float32)
        return heights

    @cached_property
    def level(self) -> Mask:
        """(H, W) pixels whose neighbours show what is less than 12 mm higher or lower."""
        from scipy import ndimage

        steps = np.maximum(
            np.abs(ndimage.sobel(self.room_height, axis=0, mode="nearest")),
            np.abs(ndimage.sobel(self.room_height, axis=1, mode="nearest")),
        )
        # a Sobel filter sums eight times the step per pixel
        return np.asarray(steps / 8 < 0.012, dtype=np.bool_)

    @cached_property
    def tops(self) -> list[tuple[Seen, Mask]]:
        """Lone places that things stand on in the open, and the free surface of each."""
        open_tops = [t for t in self.lone if t.place and t.raw["receptacle"]]
        return [(t, free_surface(self, t)) for t in open_tops if not t.raw["openable"]]

    def left_of(self, a: Seen, b: Seen) -> bool | None:
        """True if a is left of b in the picture, False if right, None if too close to tell."""
        gap = b.centre_px[0] - a.centre_px[0]
        return None if abs(gap) < self.config.side_margin * self.width else gap > 0

    def closer(self, a: Seen, b: Seen) -> bool | None:
        """True if a is closer to the camera than b, None if within the margin."""
        gap = b.depth_m - a.depth_m
        return None if abs(gap) < self.config.depth_margin_m else gap > 0

    def above(self, a: Seen, b: Seen) -> bool | None:
        """True if a's underside is over b's top and a is higher in the picture; None if neither."""
        for upper, lower, answer in ((a, b, True), (b, a, False)):
            gap = upper.extent_m[1] - lower.extent_m[4]
            rise = lower.centre_px[1] - upper.centre_px[1]
            if gap >= self.config.height_margin_m and rise >= self.config.side_margin * self.width:
                return answer
        return None

    def support(self, thing: Seen) -> tuple[str, Seen] | None:
        """("on" or "in", what directly bears or holds the thing), if that is seen too."""
        for parent in self.lone:
            if parent.id in thing.parents and not _outer(self, parent, thing):
                return ("in" if parent.type in CONTAINERS else "on"), parent
        return None

    def _measure(self, raw: dict[str, Any], mask: Mask) -> Seen:
        ys, xs = np.nonzero(mask)
        x0, x1, y0, y1 = (
            int(xs.min()),
            int(xs.max()) + 1,
            int(ys.min()),
            int(ys.max()) + 1,
        )
        return Seen(
            id=raw["objectId"],
            type=raw["objectType"],
            noun=name_of(raw)[1],
            name=name_of(raw)[0],
            color=raw.get("color") or "",
            size=raw.get("size") or "",
            pixels=len(xs),
            box_px=(float(x0), float(y0), float(x1), float(y1)),
            centre_px=(float(xs.mean()) + 0.5, float(ys.mean()) + 0.5),
            depth_m=float(np.median(self.depth[ys, xs])),
            cut=x0 == 0 or y0 == 0 or x1 == self.width or y1 == self.height,
            place=not raw["pickupable"],
            parents=tuple(raw.get("parentReceptacles") or ()),
            raw=raw,
        )


def name_of(raw: dict[str, Any]) -> tuple[str, str]:
    """("red mug", "mug"): how metadata of an object is called, with its colour and without."""
    color, noun = raw.get("color") or "", words(raw["objectType"])
    return (f"{color} {noun}" if color else noun), noun


def free_surface(scene: Scene, place: Seen, *, margin: int = 2) -> Mask:
    """(H, W) pixels of the empty, level top of ``place``, ``margin`` pixels from anything else.

    Level: the height of what neighbouring pixels show differs by less than 12 mm, and is within
    20 mm of the height that most level pixels of the place have. Only visible surface counts.
    """
    from scipy import ndimage

    height, level = scene.room_height, scene.mask(place) & scene.level
    if not level.any():
        return level
    bins = np.round(height[level] / 0.02).astype(int)
    top = Counter(bins.tolist()).most_common(1)[0][0] * 0.02
    level &= np.abs(height - top) < 0.02
    return np.asarray(ndimage.binary_erosion(level, iterations=margin), dtype=np.bool_)


def inner_point(mask: Mask) -> tuple[float, float]:
    """The centre (x, y) of the pixel of ``mask`` farthest from its edge, as ``masks.anchor``."""
    row, column = deepest(mask)
    return column + 0.5, row + 0.5


def _horizon(meta: dict[str, Any]) -> float:
    """Degrees the camera looks down."""
    view = meta.get("view")
    return float(view["horizon"] if view else meta["agent"]["cameraHorizon"])


def _outer(scene: Scene, parent: Seen, thing: Seen) -> bool:
    """True if ``parent`` also holds another parent of ``thing``: not its direct support."""
    others = (scene.objects.get(p) for p in thing.parents if p != parent.id)
    return any(o is not None and parent.id in (o.get("parentReceptacles") or ()) for o in others)
