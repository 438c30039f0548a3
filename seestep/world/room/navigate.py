"""Where the agent can stand, what it can reach from there, and the shortest way."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seestep.world.room.axes import Vec, camera_matrix
from seestep.world.room.home import Home
from seestep.world.room.thing import Thing

GRID = 0.25  # metres between standing places
RADIUS = 0.2  # of the agent
EYE = 1.5759983  # height of the camera above the floor, as in AI2-THOR
AGENT_Y = 0.9009983  # height of the agent's own position, as in AI2-THOR
HORIZONS = (-30.0, 60.0)  # looking up and down, degrees

# furniture without a front: the agent may stand on any side of it
_ALL_AROUND = frozenset(
    ("DiningTable", "CoffeeTable", "HousePlant", "GarbageCan", "FloorLamp", "Chair", "DeskLamp")
)
_ABOVE_HEAD = 0.95  # furniture whose underside is higher than this does not block the way


@dataclass
class Agent:
    """Feet at (x, y) of MuJoCo's frame; rotation and horizon are AI2-THOR's degrees."""

    x: float
    y: float
    rotation: float = 0.0
    horizon: float = 0.0

    @property
    def eye(self) -> Vec:
        return np.array([self.x, self.y, EYE])


class Floor:
    """Free space of a home; furniture blocks as it stood when the home was built."""

    def __init__(self, home: Home) -> None:
        self.size = home.size
        self.blocks: list[tuple[str, float, float, float, float]] = []
        for part in home.fixtures:
            (x, y, _), (half_x, half_y, _) = part.pos, part.size
            self.blocks.append(("Stove", x - half_x, y - half_y, x + half_x, y + half_y))
        for thing in home.things.values():
            low, high = thing.bounds()
            if low[2] < _ABOVE_HEAD and not thing.parent:
                x0, y0, x1, y1 = (float(v) for v in (*low[:2], *high[:2]))
                self.blocks.append((thing.id, x0, y0, x1, y1))
        self.reachable = self._flood()

    def blocker(self, x: float, y: float) -> str:
        """Name of what stands in the way of an agent at (x, y), "" if nothing does."""
        w, d = self.size
        if abs(x) > w / 2 - RADIUS or abs(y) > d / 2 - RADIUS:
            return "Wall"
        for name, x0, y0, x1, y1 in self.blocks:
            dx, dy = max(x0 - x, 0.0, x - x1), max(y0 - y, 0.0, y - y1)
            if dx * dx + dy * dy < RADIUS * RADIUS:
                return name
        return ""

    def _flood(self) -> list[tuple[float, float]]:
        """The largest connected set of free grid points, in reading order."""
        w, d = self.size
        nx, ny = int(w / 2 / GRID), int(d / 2 / GRID)
        free = {
            (i, j)
            for i in range(-nx, nx + 1)
            for j in range(-ny, ny + 1)
            if not self.blocker(i * GRID, j * GRID)
        }
        best: set[tuple[int, int]] = set()
        left = set(free)
        while left:
            start = min(left)
            seen, todo = {start}, deque([start])
            while todo:
                i, j = todo.popleft()
                for step in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                    if step in left and step not in seen:
                        seen.add(step)
                        todo.append(step)
            left -= seen
            if len(seen) > len(best):
                best = seen
        return [(i * GRID, j * GRID) for i, j in sorted(best)]

    def way(self, start: tuple[float, float], goal: tuple[float, float]) -> int | None:
        """Number of grid steps from the point nearest to ``start`` to ``goal``; None if cut off."""
        points = {(round(x / GRID), round(y / GRID)) for x, y in self.reachable}
        end = (round(goal[0] / GRID), round(goal[1] / GRID))
        first = min(points, key=lambda p: math.dist((p[0] * GRID, p[1] * GRID), start))
        steps = {first: 0}
        todo = deque([first])
        while todo:
            at = todo.popleft()
            if at == end:
                return steps[at]
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                to = (at[0] + dx, at[1] + dy)
                if to in points and to not in steps:
                    steps[to] = steps[at] + 1
                    todo.append(to)
        return None


def distance_to(agent: Agent, thing: Thing) -> float:
    """Metres over the floor from the agent to the nearest point of the thing's box."""
    low, high = thing.bounds()
    dx = max(low[0] - agent.x, 0.0, agent.x - high[0])
    dy = max(low[1] - agent.y, 0.0, agent.y - high[1])
    return float(math.hypot(dx, dy))


def distances_to(agent: Agent, lows: Vec, highs: Vec) -> Vec:
    """(n,) ``distance_to`` for boxes with corners (n, 3)."""
    at = np.array([agent.x, agent.y])
    gaps = np.maximum(np.maximum(lows[:, :2] - at, at - highs[:, :2]), 0.0)
    out: Vec = np.hypot(gaps[:, 0], gaps[:, 1])
    return out


def boxes_of(things: Sequence[Thing]) -> tuple[Vec, Vec]:
    """Lowest and highest corners (n, 3) of the things' boxes."""
    bounds = [thing.bounds() for thing in things]
    return np.array([low for low, _ in bounds]), np.array([high for _, high in bounds])


def in_view(position: Vec, axes: Vec, thing: Thing, fov: float, aspect: float = 1.0) -> bool:
    """True if the middle of the thing, the point of it nearest to the eye, or the point half way
    between the two is in the frame."""
    low, high = thing.bounds()
    return bool(in_views(position[None], axes[None], low, high, fov, aspect)[0])


def in_views(
    eyes: Vec, axes: Vec, low: Vec, high: Vec, fov: float, aspect: float
) -> NDArray[np.bool_]:
    """(n,) ``in_view``; eyes (n or 1, 3), camera axes (n or 1, 3, 3), boxes (n, 3) or (3,)."""
    middle = (low + high) / 2
    nearest = np.clip(eyes, low, high)
    points = np.stack([np.broadcast_to(middle, nearest.shape), nearest, (nearest + middle) / 2], 1)
    axes = np.broadcast_to(axes, (len(points), 3, 3))
    seen = np.einsum("npi,nij->npj", points - eyes[:, None], axes)
    depth = -seen[..., 2]
    half = math.tan(math.radians(fov) / 2) * depth
    inside = (depth > 0.05) & (np.abs(seen[..., 1]) <= half)
    out: NDArray[np.bool_] = np.any(inside & (np.abs(seen[..., 0]) <= half * aspect), axis=1)
    return out


def poses(
    floor: Floor, thing: Thing, reach: float, fov: float, aspect: float, *, exact: bool
) -> list[Agent]:
    """Poses from which the thing can be acted on, the best first.

    The best stand about 0.6 m away, or 0.9 m squarely in front of furniture. ``exact`` turns the
    agent to face the thing (to 5 degrees); else rotations are multiples of 90 and horizons of 30,
    as AI2-THOR's GetInteractablePoses gives.
    """
    low, high = thing.bounds()
    middle = (low + high) / 2
    fronted = bool(thing.dims[0]) and thing.type not in _ALL_AROUND
    wished = 0.9 if thing.dims[0] else 0.6
    agents, costs = [], []
    for x, y in floor.reachable:
        if not (low[0] - reach < x < high[0] + reach and low[1] - reach < y < high[1] + reach):
            continue
        agent = Agent(x, y)
        gap = distance_to(agent, thing)
        side = thing.reach_deg(agent.eye) if fronted else 0.0
        if gap > reach - 1e-6 or side > 85.0:
            continue
        flat = math.dist((x, y), middle[:2])
        facing = math.degrees(math.atan2(middle[0] - x, middle[1] - y))
        down = math.degrees(math.atan2(EYE - middle[2], flat))
        for rotation, horizon in _turns(facing, down, exact):
            turn = abs((facing - rotation + 180.0) % 360.0 - 180.0)
            cost = abs(gap - wished) + (side + turn + abs(down - horizon)) / 90.0
            agents.append(Agent(x, y, rotation, horizon))
            costs.append((round(cost, 6), x, y, rotation, horizon))
    if not agents:
        return []
    eyes = np.array([(a.x, a.y, EYE) for a in agents])
    turns = {(a.rotation, a.horizon) for a in agents}
    known = {turn: _axes(*turn) for turn in turns}
    axes = np.array([known[a.rotation, a.horizon] for a in agents])
    good = in_views(eyes, axes, low, high, fov, aspect)
    return [agents[i] for i in sorted(np.flatnonzero(good), key=lambda i: costs[i])]


@lru_cache(maxsize=4096)
def _axes(rotation: float, horizon: float) -> Vec:
    return camera_matrix(rotation, horizon)


def _turns(facing: float, down: float, exact: bool) -> list[tuple[float, float]]:
    if not exact:
        return [(r, h) for r in (0.0, 90.0, 180.0, 270.0) for h in (-30.0, 0.0, 30.0, 60.0)]
    low, high = HORIZONS
    rotation = round(facing / 5) * 5 % 360
    return [(float(rotation), float(min(high, max(low, round(down / 5) * 5))))]
