"""Homes built in MuJoCo and drawn by mujoco-warp: a simulator that needs only pip packages.

``RoomSimulator`` speaks the actions, metadata and failure messages of AI2-THOR 5.x. Start with
``simulator.py``. ``catalog``, ``furniture`` and ``objects`` say what things are and look like;
``rooms`` and ``layout`` build homes; ``stage`` and ``render`` draw them; ``rules``, ``place`` and
``navigate`` are the actions; ``metadata`` writes Events; ``axes`` is where coordinate frames meet.
"""

from seestep.world.room.axes import project
from seestep.world.room.picture import png_bytes
from seestep.world.room.render import is_warm, warm_up
from seestep.world.room.simulator import RoomSimulator

__all__ = ["RoomSimulator", "is_warm", "png_bytes", "project", "warm_up"]
