"""The one place where coordinate frames meet: MuJoCo's, AI2-THOR's and the picture's.

MuJoCo: right-handed, z up, yaw counter-clockwise seen from above. AI2-THOR (Unity): left-handed,
y up, ``rotation.y`` clockwise seen from above, 0 looks along +z. Swapping y and z takes one to
the other (a swap of two axes also swaps the handedness), and turns yaw into its negative.
Inside this room everything is MuJoCo's; only metadata and action arguments are AI2-THOR's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from seestep.world.protocol import Event

Vec = NDArray[np.float64]


def to_thor(point: Sequence[float] | Vec) -> dict[str, float]:
    """MuJoCo (x, y, z) -> {"x", "y", "z"} of AI2-THOR, rounded to a tenth of a millimetre."""
    x, y, z = (round(float(v), 4) + 0.0 for v in point)
    return {"x": x, "y": z, "z": y}


def from_thor(point: dict[str, float]) -> Vec:
    """{"x", "y", "z"} of AI2-THOR -> MuJoCo (x, y, z)."""
    return np.array([point["x"], point["z"], point["y"]], dtype=np.float64)


def to_thor_rotation(yaw_deg: float) -> float:
    """MuJoCo yaw (counter-clockwise, degrees) -> AI2-THOR rotation.y in [0, 360)."""
    return round(-yaw_deg, 3) % 360.0


def yaw_matrix(yaw_deg: float) -> Vec:
    """3x3 rotation about MuJoCo's z axis."""
    c, s = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def camera_matrix(rotation_deg: float, horizon_deg: float) -> Vec:
    """Camera axes as columns (right, up, backward) in MuJoCo's frame.

    ``rotation_deg`` and ``horizon_deg`` are AI2-THOR's: clockwise, and positive looking down.
    """
    r, h = math.radians(rotation_deg), math.radians(horizon_deg)
    forward = np.array([math.sin(r) * math.cos(h), math.cos(r) * math.cos(h), -math.sin(h)])
    right = np.array([math.cos(r), -math.sin(r), 0.0])
    return np.stack([right, np.cross(right, forward), -forward], axis=1)


def camera_pose(metadata: dict[str, Any]) -> tuple[Vec, Vec]:
    """(position, axes) in MuJoCo's frame of the camera that took this event's picture."""
    agent = metadata["agent"]
    view = metadata.get("view") or {
        "rotation": agent["rotation"]["y"],
        "horizon": agent["cameraHorizon"],
    }
    return (
        from_thor(metadata["cameraPosition"]),
        camera_matrix(view["rotation"], view["horizon"]),
    )


def project(event: Event, xyz: dict[str, float] | Sequence[float]) -> tuple[float, float, float]:
    """Where a point of AI2-THOR space falls in the event's picture: (x_px, y_px, depth_m).

    Pixel coordinates have their origin at the top-left corner of the picture, so the centre of
    the first pixel is (0.5, 0.5); depth is along the optical axis and is negative behind the
    camera (x_px and y_px then mean nothing). ``fov`` is vertical, as in AI2-THOR.
    """
    point = xyz if isinstance(xyz, dict) else dict(zip("xyz", xyz, strict=True))
    meta = event.metadata
    position, axes = camera_pose(meta)
    right, up, back = (from_thor(point) - position) @ axes
    depth = float(-back)
    width, height = meta["screenWidth"], meta["screenHeight"]
    focal = 0.5 * height / math.tan(math.radians(meta["fov"]) / 2)
    safe = depth if abs(depth) > 1e-9 else 1e-9
    return (
        float(width / 2 + focal * right / safe),
        float(height / 2 - focal * up / safe),
        depth,
    )
