"""Homes built in MuJoCo and drawn by mujoco-warp: a simulator that needs only pip packages.

``RoomSimulator`` speaks the actions, metadata and failure messages of AI2-THOR 5.x. Start with
``simulator.py``; the map of the room is: ``catalog`` and ``furniture`` (what things look like),
``layout`` (homes), ``stage`` and ``render`` (pictures), ``rules`` and ``navigate`` (actions),
``metadata`` (Events), ``axes`` (the one place where coordinate frames meet).
"""

from seestep.world.room.axes import project
from seestep.world.room.picture import png_bytes
from seestep.world.room.simulator import RoomSimulator, warm_up

__all__ = ["RoomSimulator", "png_bytes", "project", "warm_up"]
