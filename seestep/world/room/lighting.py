"""The lights of a home."""

from __future__ import annotations

import numpy as np

from seestep.world.room.home import Home
from seestep.world.room.render import Lights
from seestep.world.room.stage import LIGHTS


def lights_of(home: Home) -> Lights:
    """The lamp on the ceiling, a fill light, and the lamps of the home that are on."""
    pos = np.tile(np.array([0.0, 0.0, 2.5]), (LIGHTS, 1))
    way = np.tile(np.array([0.0, 0.0, -1.0]), (LIGHTS, 1))
    diffuse, ambient = np.zeros((LIGHTS, 3)), np.zeros((LIGHTS, 3))
    warm = np.array(home.warmth) * home.brightness
    pos[0] = home.light
    diffuse[0], ambient[0] = 0.52 * warm, 0.34 * warm
    way[1] = np.array([0.35, -0.5, -0.6]) / np.linalg.norm([0.35, -0.5, -0.6])
    diffuse[1] = 0.2 * warm
    lamps = [t for t in home.things.values() if t.type.endswith("Lamp") and t.toggled]
    for i, lamp in enumerate(lamps[: LIGHTS - 2]):
        low, high = lamp.bounds()
        pos[2 + i] = (low + high) / 2
        pos[2 + i][2] = high[2] + 0.25
        diffuse[2 + i] = np.array([0.4, 0.34, 0.2])
    return Lights(pos, way, diffuse, ambient)
