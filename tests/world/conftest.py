"""A home's view painted by hand: rectangles at known depths, with metadata to match."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seestep.records import Media
from seestep.world.protocol import Event
from seestep.world.questions.draft import Look
from seestep.world.scene import Scene

SIZE = 96


def thing(
    kind: str,
    color: str,
    box: tuple[int, int, int, int],
    depth: float = 1.0,
    *,
    on: str = "",
    at: tuple[float, float, float] = (0.0, 0.8, 1.0),
    number: int = 1,
    extent: tuple[float, float, float] = (0.1, 0.1, 0.1),
    **more: Any,
) -> dict[str, Any]:
    """Metadata of an object that fills ``box`` (x0, y0, x1, y1) of the picture at ``depth``."""
    raw: dict[str, Any] = {
        "objectId": f"{kind}|{number}",
        "objectType": kind,
        "color": color,
        "pickupable": True,
        "receptacle": False,
        "openable": False,
        "toggleable": False,
        "sliceable": False,
        "isOpen": False,
        "isToggled": False,
        "isSliced": False,
        "isInteractable": True,
        "isPickedUp": False,
        "parentReceptacles": [on] if on else [],
        "axisAlignedBoundingBox": {
            "center": dict(zip("xyz", at, strict=True)),
            "size": dict(zip("xyz", extent, strict=True)),
        },
    }
    return {**raw, **more, "_box": box, "_depth": depth}


def paint(things: list[dict[str, Any]], *, rotation: float = 0.0, **agent: Any) -> Event:
    """An Event whose pictures show the things, later ones in front of earlier ones."""
    frame = np.full((SIZE, SIZE, 3), 200, np.uint8)
    depth = np.full((SIZE, SIZE), 5.0, np.float32)
    instance = np.zeros((SIZE, SIZE), np.int32)
    for index, raw in enumerate(things, start=1):
        x0, y0, x1, y1 = raw["_box"]
        frame[y0:y1, x0:x1] = 20 * index % 255
        depth[y0:y1, x0:x1] = raw["_depth"]
        instance[y0:y1, x0:x1] = index
    objects = [{k: v for k, v in raw.items() if not k.startswith("_")} for raw in things]
    metadata = {
        "objects": objects,
        "agent": {"rotation": {"x": 0.0, "y": rotation, "z": 0.0}, "cameraHorizon": 0.0},
        "cameraPosition": {"x": 0.0, "y": 1.5, "z": 0.0},
        "fov": 60.0,
        "screenWidth": SIZE,
        "screenHeight": SIZE,
        "lastActionSuccess": True,
        "errorMessage": "",
        **agent,
    }
    ids = tuple(o["objectId"] for o in objects)
    return Event(metadata, frame, depth, instance, ids)


@pytest.fixture
def look_at() -> Callable[..., Look]:
    def look(things: list[dict[str, Any]], key: str = "v0", **more: Any) -> Look:
        media = Media(
            key=key, path=f"{key}.png", width=SIZE, height=SIZE, origins=("home:1",), root="world"
        )
        return Look(Scene(paint(things, **more)), media)

    return look


@pytest.fixture
def make() -> Callable[..., dict[str, Any]]:
    return thing


@pytest.fixture
def table() -> list[dict[str, Any]]:
    """A table with a red mug left and near, a blue bowl right and far, a green apple between."""
    top = thing("DiningTable", "brown", (0, 40, 96, 96), 2.0, pickupable=False, receptacle=True,
                at=(0.0, 0.35, 1.5), extent=(2.0, 0.7, 1.0))  # fmt: skip
    on = top["objectId"]
    return [
        top,
        thing("Mug", "red", (10, 60, 24, 76), 1.2, on=on, at=(-0.5, 0.75, 1.2), receptacle=True),
        thing("Bowl", "blue", (70, 44, 86, 54), 1.9, on=on, at=(0.5, 0.75, 1.9), receptacle=True),
        thing("Apple", "green", (43, 51, 55, 63), 1.55, on=on, at=(0.0, 0.75, 1.55)),
    ]
