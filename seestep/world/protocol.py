"""What every simulator looks like from outside: actions with AI2-THOR names in, Events out.

The names of actions, metadata keys and error messages are those of AI2-THOR 5.x
(https://ai2thor.allenai.org/ithor/documentation), so that the embedded home and the real
simulator can stand in for one another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Event:
    """What came of one action: pictures and metadata.

    ``frame`` is (H, W, 3) uint8 RGB. ``depth_frame`` is (H, W) float32 metres along the optical
    axis (planar). ``instance_frame`` is (H, W) int32: 0 for nothing, else 1 + the index into
    ``instance_ids`` (objectIds). Pictures are None when the simulator was asked not to render.
    ``metadata`` has the AI2-THOR 5.x keys: objects, agent, cameraPosition, fov, inventoryObjects,
    sceneName, lastAction, lastActionSuccess, errorMessage, errorCode, actionReturn, ...
    """

    metadata: dict[str, Any]
    frame: NDArray[np.uint8] | None = None
    depth_frame: NDArray[np.float32] | None = None
    instance_frame: NDArray[np.int32] | None = None
    instance_ids: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        """True if the last action succeeded, as in AI2-THOR."""
        return bool(self.metadata["lastActionSuccess"])

    @property
    def error(self) -> str:
        """The simulator's own words for why the action failed, "" if it did not."""
        return str(self.metadata.get("errorMessage", ""))

    def object(self, object_id: str) -> dict[str, Any]:
        """Metadata of one object; KeyError if the scene has no such object."""
        for thing in self.metadata["objects"]:
            if thing["objectId"] == object_id:
                return dict(thing)
        raise KeyError(object_id)

    def mask(self, object_id: str) -> NDArray[np.bool_]:
        """(H, W) bool: where the object is seen. All False if it is not in view."""
        if self.instance_frame is None:
            raise ValueError("this event was made without pictures")
        if object_id not in self.instance_ids:
            return np.zeros(self.instance_frame.shape, dtype=np.bool_)
        index = 1 + self.instance_ids.index(object_id)
        mask: NDArray[np.bool_] = self.instance_frame == index
        return mask


class Simulator(Protocol):
    """A world that can be reset to a scene and acted in."""

    @property
    def last_event(self) -> Event: ...

    @property
    def capabilities(self) -> frozenset[str]:
        """Names of the actions that ``step`` understands."""
        ...

    def reset(self, scene: str | int | dict[str, Any], *, seed: int = 0) -> Event:
        """Load a scene (a name, a seed or a scene description) and return its first Event."""
        ...

    def step(self, action: str, **arguments: Any) -> Event:
        """Do one action. A failed action is an Event with lastActionSuccess False, not an error."""
        ...

    def close(self) -> None: ...
