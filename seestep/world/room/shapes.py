"""Parts that things are made of, and the meshes turned on the lathe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from seestep.world.room.axes import Vec

Rgb = tuple[float, float, float]

#: Colours a referring expression may use, with a reference RGB each.
COLORS: dict[str, Rgb] = {
    "red": (0.82, 0.10, 0.09),
    "green": (0.12, 0.58, 0.17),
    "blue": (0.10, 0.25, 0.82),
    "yellow": (0.95, 0.80, 0.10),
    "purple": (0.48, 0.13, 0.62),
    "orange": (0.96, 0.45, 0.05),
    "white": (0.94, 0.94, 0.93),
    "black": (0.06, 0.06, 0.07),
    "brown": (0.42, 0.25, 0.12),
    "gray": (0.48, 0.49, 0.51),
    "pink": (0.95, 0.50, 0.65),
}
METAL: Rgb = (0.66, 0.67, 0.70)
DARK: Rgb = (0.09, 0.09, 0.10)
_EYE = np.eye(3)


@dataclass(frozen=True, slots=True)
class Part:
    """One geom of a thing, in the thing's own frame (base centre at the origin, front at +y).

    ``size`` holds half extents along the part's axes; a round part (sphere, ellipsoid,
    cylinder) is as wide as its bounding box. Meshes are named and already in metres.
    """

    shape: str  # box | cylinder | sphere | ellipsoid | mesh name
    pos: tuple[float, float, float]
    size: tuple[float, float, float]
    rgb: Rgb
    look: str = "plain"  # material of the stage
    turn: Vec | None = None  # 3x3, None for upright

    @property
    def rotation(self) -> Vec:
        return _EYE if self.turn is None else self.turn


def box(
    x0: float,
    x1: float,
    y0: float,
    y1: float,
    z0: float,
    z1: float,
    rgb: Rgb,
    look: str = "plain",
) -> Part:
    """A box by its edges."""
    return Part(
        "box",
        ((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2),
        (abs(x1 - x0) / 2, abs(y1 - y0) / 2, abs(z1 - z0) / 2),
        rgb,
        look,
    )


def rod(
    x: float, y: float, z0: float, z1: float, radius: float, rgb: Rgb, look: str = "plain"
) -> Part:
    """An upright cylinder."""
    return Part("cylinder", (x, y, (z0 + z1) / 2), (radius, radius, (z1 - z0) / 2), rgb, look)


# Profiles are (radius, height) from the outer bottom centre round to the inner bottom centre,
# in metres at size "small".
PROFILES: dict[str, tuple[tuple[float, float], ...]] = {
    "mug": ((0, 0), (0.05, 0), (0.054, 0.008), (0.054, 0.115), (0.047, 0.115), (0.046, 0.013),
            (0, 0.013)),
    "cup": ((0, 0), (0.036, 0), (0.04, 0.006), (0.054, 0.15), (0.048, 0.15), (0.035, 0.012),
            (0, 0.012)),
    "lip": ((0.0515, 0.114), (0.0555, 0.152), (0.0465, 0.152), (0.0435, 0.114), (0.0515, 0.114)),
    "bowl": ((0, 0), (0.05, 0), (0.055, 0.008), (0.092, 0.045), (0.112, 0.1), (0.104, 0.1),
             (0.084, 0.05), (0.047, 0.014), (0, 0.014)),
    "plate": ((0, 0), (0.08, 0), (0.135, 0.018), (0.135, 0.024), (0.08, 0.008), (0, 0.008)),
    "bottle": ((0, 0), (0.042, 0), (0.045, 0.008), (0.045, 0.155), (0.036, 0.19), (0.017, 0.215),
               (0.017, 0.265), (0, 0.265)),
    "pan": ((0, 0), (0.1, 0), (0.115, 0.045), (0.108, 0.045), (0.094, 0.008), (0, 0.008)),
    "pot": ((0, 0), (0.098, 0), (0.102, 0.006), (0.102, 0.125), (0.094, 0.125), (0.094, 0.012),
            (0, 0.012)),
    "kettle": ((0, 0), (0.09, 0), (0.1, 0.03), (0.09, 0.1), (0.05, 0.145), (0.03, 0.15),
               (0, 0.15)),
    "vase": ((0, 0), (0.042, 0), (0.075, 0.05), (0.082, 0.09), (0.04, 0.17), (0.034, 0.19),
             (0.055, 0.225), (0.048, 0.225), (0.026, 0.188), (0.02, 0.12), (0, 0.12)),
    "candle": ((0, 0.018), (0.036, 0.018), (0.034, 0.19), (0, 0.19)),
    "shade": ((0.105, 0), (0.06, 0.13), (0.055, 0.13), (0.1, 0), (0.105, 0)),
    "planter": ((0, 0), (0.1, 0), (0.14, 0.24), (0.125, 0.24), (0.12, 0.2), (0, 0.2)),
    "bin": ((0, 0), (0.13, 0), (0.165, 0.42), (0.152, 0.42), (0.12, 0.015), (0, 0.015)),
    "soap_bottle": ((0, 0), (0.04, 0), (0.042, 0.01), (0.042, 0.12), (0.014, 0.145),
                    (0.014, 0.165), (0, 0.165)),
}  # fmt: skip
SCALES = {"small": 1.0, "large": 1.45}


@cache
def lathe(name: str, scale: float, segments: int = 20) -> tuple[Vec, NDArray[np.int32]]:
    """Vertices (n, 3) and faces (m, 3) of a profile turned about z; normals point outwards."""
    profile = np.array(PROFILES[name]) * scale
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    vertices = np.concatenate(
        [np.column_stack([ring * r, np.full(segments, z)]) for r, z in profile]
    )
    faces = []
    for i in range(len(profile) - 1):
        for j in range(segments):
            a, b = i * segments + j, i * segments + (j + 1) % segments
            c, d = a + segments, b + segments
            if profile[i][0] > 0:
                faces.append((a, b, d if profile[i + 1][0] > 0 else c))
            if profile[i + 1][0] > 0:
                faces.append((a, d, c))
    return vertices, np.array(faces, dtype=np.int32)


def turned(name: str, size: str, rgb: Rgb, z: float = 0.0, look: str = "glazed") -> Part:
    """The part that is one lathe mesh, standing at height ``z``."""
    profile = np.array(PROFILES[name]) * SCALES[size]
    radius, height = float(profile[:, 0].max()), float(profile[:, 1].max())
    return Part(f"{name}:{size}", (0.0, 0.0, z), (radius, radius, height / 2), rgb, look)


def turn_about(axis: int, degrees: float) -> Vec:
    """3x3 rotation about one axis (0 x, 1 y, 2 z)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    out = np.eye(3)
    out[i, i], out[i, j], out[j, i], out[j, j] = c, -s, s, c
    return out
