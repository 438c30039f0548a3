"""RoomSimulator: AI2-THOR's actions and Events over a home of ours."""

from __future__ import annotations

import math
import pickle
from functools import lru_cache
from typing import Any

import numpy as np

from seestep.act import executor as words
from seestep.errors import DataError
from seestep.world.protocol import Event
from seestep.world.room import rules
from seestep.world.room.axes import Vec, camera_matrix, from_thor, to_thor
from seestep.world.room.home import Home
from seestep.world.room.layout import build_home, scene_arguments
from seestep.world.room.lighting import lights_of
from seestep.world.room.metadata import concealed, event_metadata, object_entry, whereabouts
from seestep.world.room.navigate import (
    AGENT_Y,
    GRID,
    HORIZONS,
    Agent,
    Floor,
    boxes_of,
    distance_to,
    distances_to,
    in_view,
    in_views,
    poses,
)
from seestep.world.room.render import Shot, render, warm_up
from seestep.world.room.stage import fill
from seestep.world.room.thing import Thing

__all__ = ["RoomSimulator", "warm_up"]

_MOVES = {"MoveAhead": 0.0, "MoveRight": 90.0, "MoveBack": 180.0, "MoveLeft": 270.0}


class RoomSimulator:
    """A home to act in; implements ``world.protocol.Simulator``.

    ``visible`` in the metadata: with pictures, the thing covers at least 1/1000 of the picture;
    without, the thing is in the frame and not shut away (walls and furniture are not tested). For
    the agent's own view it must also be within ``visibility_distance``, measured over the floor to
    the thing's box; a camera placed by LookAt has no such limit.

    ``isInteractable`` is what actions go by, the same with and without pictures: within
    ``visibility_distance`` of the agent, in its frame, not shut away. ``forceAction=True`` skips
    that check, as in AI2-THOR. What the agent holds is always within reach.

    ``fov`` is vertical, in degrees. ``supersample`` draws n times finer and averages.
    """

    def __init__(
        self,
        width: int = 192,
        height: int = 192,
        *,
        render: bool = True,
        supersample: int = 1,
        fov: float = 60.0,
        visibility_distance: float = 1.5,
    ) -> None:
        self.width, self.height, self.fov = width, height, fov
        self.supersample, self.render = supersample, render
        self.visibility_distance = visibility_distance
        self._event: Event | None = None
        self._shot: Shot | None = None

    # --- the protocol -------------------------------------------------------------------------

    @property
    def last_event(self) -> Event:
        if self._event is None:
            raise DataError("no scene is loaded yet", hint="call reset first")
        return self._event

    @property
    def capabilities(self) -> frozenset[str]:
        return (
            frozenset(name.removeprefix("_do_") for name in dir(self) if name.startswith("_do_"))
            | frozenset(rules.ON_OBJECTS)
            | frozenset(_MOVES)
        )

    def reset(self, scene: str | int | dict[str, Any], *, seed: int = 0) -> Event:
        """Build a home and return its first Event.

        ``scene``: a seed; a name ("home-7", "home-7-kitchen"); a kind ("kitchen") to be built
        with ``seed``; or a dict with any of "seed", "kind" and "clutter" (times as many things).
        Raises DataError for anything else.
        """
        laid_out, self.floor = _built(tuple(sorted(scene_arguments(scene, seed).items())))
        self.home: Home = pickle.loads(laid_out)
        self.things: dict[str, Thing] = self.home.things
        self.agent = self._start()
        self.view: tuple[Vec, float, float] | None = None
        rules.consequences(self.things)
        return self._finish("Reset", "", None)

    def step(self, action: str, **arguments: Any) -> Event:
        """Do one action named as in AI2-THOR. A failed action is an Event, never an exception."""
        last = self.last_event  # raises when nothing is loaded
        value: Any = None
        if action in rules.ON_OBJECTS:
            reason = self._on_object(action, arguments)
        elif action in _MOVES:
            reason = self._move(action, arguments)
        elif hasattr(self, f"_do_{action}"):
            reason, value = getattr(self, f"_do_{action}")(arguments)
        else:
            reason = f"Invalid action: {action}"
        del last
        return self._finish(action, reason, value)

    def close(self) -> None:
        """Nothing to let go of."""
        self._event = None

    # --- actions on things --------------------------------------------------------------------

    def _target(self, arguments: dict[str, Any]) -> Thing | None:
        return self.things.get(str(arguments.get("objectId", "")))

    def _on_object(self, action: str, arguments: dict[str, Any]) -> str:
        thing = self._target(arguments)
        if thing is None and action == "EmptyLiquidFromObject":
            thing = rules.held_thing(self.things)
        if thing is None:
            return words.UNKNOWN
        if not arguments.get("forceAction"):
            reason = self.unreachable(thing)
            if reason:
                return reason
        reason = rules.ON_OBJECTS[action](self.things, thing, arguments)
        if not reason:
            rules.consequences(self.things)
        return reason

    def unreachable(self, thing: Thing) -> str:
        """Why the agent cannot act on the thing from where it stands; "" if it can."""
        if thing.held:
            return ""
        if concealed(self.things, thing):
            return words.UNSEEN
        if distance_to(self.agent, thing) > self.visibility_distance + 1e-6:
            return f"{thing.id} is too far away to be interacted with"
        agent = self.agent
        axes = camera_matrix(agent.rotation, agent.horizon)
        if not in_view(agent.eye, axes, thing, self.fov, self.width / self.height):
            return words.UNSEEN
        return ""

    # --- moving -------------------------------------------------------------------------------

    def _move(self, action: str, arguments: dict[str, Any]) -> str:
        length = float(arguments.get("moveMagnitude", GRID))
        turn = math.radians(self.agent.rotation + _MOVES[action])
        x, y = self.agent.x + length * math.sin(turn), self.agent.y + length * math.cos(turn)
        blocker = self.floor.blocker(x, y)
        if blocker:
            return f"{blocker} is blocking Agent 0 from moving {_MOVES[action]:.0f}"
        self.agent.x, self.agent.y, self.view = x, y, None
        return ""

    def _do_RotateRight(self, arguments: dict[str, Any]) -> tuple[str, None]:
        self.agent.rotation = (self.agent.rotation + float(arguments.get("degrees", 90.0))) % 360.0
        self.view = None
        return "", None

    def _do_RotateLeft(self, arguments: dict[str, Any]) -> tuple[str, None]:
        return self._do_RotateRight({"degrees": -float(arguments.get("degrees", 90.0))})

    def _do_LookDown(self, arguments: dict[str, Any]) -> tuple[str, None]:
        horizon = self.agent.horizon + float(arguments.get("degrees", 30.0))
        if horizon > HORIZONS[1] + 1e-6:
            return "can't look down beyond 60 degrees below the forward horizon", None
        if horizon < HORIZONS[0] - 1e-6:
            return "can't look up beyond 30 degrees above the forward horizon", None
        self.agent.horizon, self.view = horizon, None
        return "", None

    def _do_LookUp(self, arguments: dict[str, Any]) -> tuple[str, None]:
        return self._do_LookDown({"degrees": -float(arguments.get("degrees", 30.0))})

    def _do_TeleportFull(self, arguments: dict[str, Any]) -> tuple[str, None]:
        place = dict(arguments.get("position") or {})
        for key in ("x", "y", "z"):
            if key in arguments:
                place[key] = arguments[key]
        rotation = arguments.get("rotation", self.agent.rotation)
        if isinstance(rotation, dict):
            rotation = rotation["y"]
        horizon = float(arguments.get("horizon", self.agent.horizon))
        x = float(place.get("x", self.agent.x))
        y = float(place.get("z", self.agent.y))
        blocker = self.floor.blocker(x, y)
        if blocker and not arguments.get("forceAction"):
            return f"Collided with: {blocker} while attempting teleport.", None
        if not HORIZONS[0] - 1e-6 <= horizon <= HORIZONS[1] + 1e-6:
            return f"horizon must be within {HORIZONS[0]:.0f} to {HORIZONS[1]:.0f} degrees", None
        self.agent = Agent(x, y, float(rotation) % 360.0, horizon)
        self.view = None
        return "", None

    def _do_Teleport(self, arguments: dict[str, Any]) -> tuple[str, None]:
        return self._do_TeleportFull(arguments)

    def _do_GetReachablePositions(self, _: dict[str, Any]) -> tuple[str, list[dict[str, float]]]:
        return "", [to_thor((x, y, AGENT_Y)) for x, y in self.floor.reachable]

    def _do_GetInteractablePoses(
        self, arguments: dict[str, Any]
    ) -> tuple[str, list[dict[str, Any]] | None]:
        """Where the agent could act on the thing, the best pose first.

        Rotations and horizons are multiples of 90 and 30 degrees; ``exact=True`` gives one pose a
        place, turned to face the thing.
        """
        thing = self._target(arguments)
        if thing is None:
            return words.UNKNOWN, None
        found = self._poses(thing, exact=bool(arguments.get("exact", False)))
        return "", [
            {
                **to_thor((a.x, a.y, AGENT_Y)),
                "rotation": a.rotation,
                "standing": True,
                "horizon": a.horizon,
            }
            for a in found
        ]

    def _poses(self, thing: Thing, *, exact: bool) -> list[Agent]:
        aspect = self.width / self.height
        return poses(self.floor, thing, self.visibility_distance, self.fov, aspect, exact=exact)

    def _do_NavigateTo(self, arguments: dict[str, Any]) -> tuple[str, int | None]:
        """Walk to the thing and face it; actionReturn is the number of grid steps on the way."""
        thing = self._target(arguments)
        if thing is None:
            return words.UNKNOWN, None
        if thing.held:
            return "", 0
        found = self._poses(thing, exact=True)
        if not found:
            return f"{thing.id} cannot be reached from anywhere in {self.home.name}", None
        best = found[0]
        steps = self.floor.way((self.agent.x, self.agent.y), (best.x, best.y))
        if steps is None:
            return f"there is no way to {thing.id}", None
        self.agent, self.view = best, None
        return "", steps

    def _do_Done(self, _: dict[str, Any]) -> tuple[str, None]:
        return "", None

    def _do_Pass(self, _: dict[str, Any]) -> tuple[str, None]:
        return "", None

    # --- cameras ------------------------------------------------------------------------------

    def _do_LookAt(self, arguments: dict[str, Any]) -> tuple[str, None]:
        """Place a free camera that looks at a thing (or ``position``); the agent stays put.

        ``eye`` puts the camera at a point of AI2-THOR space. Without it:
        ``distance`` metres away (default 1.3), ``azimuth`` degrees clockwise from the thing's
        front (default 0), ``elevation`` degrees above the horizontal (default 40). For furniture
        the camera looks at the middle of the surface on top. It is kept inside the room.
        The view lasts until the agent moves, or until ``LookAt`` without arguments.
        """
        thing = self._target(arguments)
        if thing is None and "objectId" in arguments:
            return words.UNKNOWN, None
        if thing is None and "position" not in arguments:
            self.view = None
            return "", None
        if thing is not None:
            low, high = thing.bounds()
            target = (low + high) / 2
            front = thing.yaw if thing.dims[0] else self._front_of(thing)
            if thing.type in _TOPS:
                target = thing.world((0.0, 0.0, thing.dims[2] + 0.05))
        else:
            target, front = from_thor(arguments["position"]), 180.0
        if "eye" in arguments:
            self._aim(from_thor(arguments["eye"]), target)
            return "", None
        distance = float(arguments.get("distance", 1.3))
        up = math.radians(float(arguments.get("elevation", 40.0)))
        turn = math.radians(front - float(arguments.get("azimuth", 0.0)))
        away = np.array(
            [-math.sin(turn) * math.cos(up), math.cos(turn) * math.cos(up), math.sin(up)]
        )
        self._aim(target + distance * away, target)
        return "", None

    def _aim(self, eye: Vec, target: Vec) -> None:
        """Free camera at ``eye``, drawn into the room if need be, that looks at ``target``."""
        w, d = self.home.size
        low, high = (
            np.array([0.1 - w / 2, 0.1 - d / 2, 0.15]),
            np.array([w / 2 - 0.1, d / 2 - 0.1, 2.6]),
        )
        eye = np.clip(eye, low, high)
        gaze = target - eye
        rotation = math.degrees(math.atan2(gaze[0], gaze[1])) % 360.0
        horizon = -math.degrees(math.atan2(gaze[2], math.hypot(gaze[0], gaze[1])))
        self.view = (eye, rotation, horizon)

    def _front_of(self, thing: Thing) -> float:
        """Yaw of the furniture a small thing stands on; its own if it stands on none."""
        return self.things[thing.parent].yaw if thing.parent else thing.yaw

    def camera(self) -> tuple[Vec, float, float]:
        """Position (MuJoCo's frame), rotation and horizon (AI2-THOR's degrees) of the camera."""
        if self.view is not None:
            return self.view
        return self.agent.eye, self.agent.rotation, self.agent.horizon

    # --- events -------------------------------------------------------------------------------

    def _start(self) -> Agent:
        """A seeded place to start from, looking at the middle of the room."""
        seed = int(self.home.name.split("-")[1])
        rng = np.random.default_rng([seed, 9])
        places = self.floor.reachable
        far = sorted(places, key=lambda p: (-math.hypot(*p), p))[: max(1, len(places) // 4)]
        x, y = far[int(rng.integers(len(far)))]
        rotation = round(math.degrees(math.atan2(-x, -y)) / 90) * 90 % 360
        return Agent(x, y, float(rotation), 0.0)

    def _finish(self, action: str, reason: str, value: Any) -> Event:
        held = rules.held_thing(self.things)
        position, rotation, horizon = self.camera()
        axes = camera_matrix(rotation, horizon)
        if held is not None:
            self._carry(held)
        ids = tuple(self.things)
        agent = self.agent
        if not self.render:
            self._shot = None
        elif self._shot is None or not (reason or action in _STILL):
            self._shot = self._draw(position, axes)
        shot = self._shot  # after a failure or a question the last picture still holds
        seen, usable = self._seen(shot, position, axes)
        objects = [
            object_entry(
                self.things,
                thing,
                agent,
                visible=thing.id in seen,
                interactable=thing.id in usable,
            )
            for thing in self.things.values()
        ]
        metadata = event_metadata(
            objects, agent, self.home.size, name=self.home.name, kind=self.home.kind,
            held=held, camera=(position, rotation, horizon, self.view is not None), fov=self.fov,
            screen=(self.width, self.height), action=action, reason=reason, value=value,
        )  # fmt: skip
        self._event = Event(
            metadata,
            shot.rgb if shot else None,
            shot.depth if shot else None,
            shot.owner if shot else None,
            ids,
        )
        return self._event

    def _carry(self, held: Thing) -> None:
        """The held thing hangs before the agent, a little below its eyes."""
        before = held.pos.copy()
        forward = -camera_matrix(self.agent.rotation, 0.0)[:, 2]
        held.pos = self.agent.eye + forward * 0.45 + np.array([0.0, 0.0, -0.3])
        for inner in rules.contents(self.things, held):
            inner.pos = inner.pos + (held.pos - before)

    def _draw(self, position: Vec, axes: Vec) -> Shot:
        placed: list[Any] = [(0, np.zeros(3), 0.0, self.home.building + self.home.fixtures)]
        hidden = self.view is not None
        for i, thing in enumerate(self.things.values()):
            if thing.held and hidden:
                continue
            if concealed(self.things, thing):
                continue
            placed.append((i + 1, thing.pos, thing.yaw, thing.parts()))
        return render(
            fill(placed),
            lights_of(self.home),
            position,
            axes,
            width=self.width,
            height=self.height,
            fov=self.fov,
            supersample=self.supersample,
        )

    def _seen(self, shot: Shot | None, position: Vec, axes: Vec) -> tuple[set[str], set[str]]:
        """Ids of what is visible, and of what the agent could act on, all things at once."""
        things = list(self.things.values())
        lows, highs = boxes_of(things)
        held = np.array([t.held for t in things])
        open_to_view = ~np.array([concealed(self.things, t) for t in things])
        near = distances_to(self.agent, lows, highs) <= self.visibility_distance + 1e-6
        aspect = self.width / self.height
        eye, turn = self.agent.eye[None], camera_matrix(self.agent.rotation, self.agent.horizon)
        ahead = in_views(eye, turn[None], lows, highs, self.fov, aspect)
        usable = held | (open_to_view & near & ahead)
        if shot is not None:
            pixels = np.bincount(shot.owner.ravel(), minlength=len(things) + 1)[1:]
            seen = pixels >= max(4.0, 0.001 * self.width * self.height)
        elif self.view is not None:
            framed = in_views(position[None], axes[None], lows, highs, self.fov, aspect)
            seen = open_to_view & framed & ~held
        else:
            seen = open_to_view & ahead
        if self.view is None:
            seen = seen & (held | near)
        return (
            {t.id for t, yes in zip(things, seen, strict=True) if yes},
            {t.id for t, yes in zip(things, usable, strict=True) if yes},
        )


@lru_cache(maxsize=4)
def _built(arguments: tuple[tuple[str, Any], ...]) -> tuple[bytes, Floor]:
    """The home of these arguments, pickled, and its floor: playing a task starts it anew often."""
    home = build_home(**dict(arguments))
    floor = Floor(home)
    for thing in home.things.values():
        whereabouts(thing)  # the thing keeps what it has measured
    return pickle.dumps(home), floor


_STILL = frozenset(("GetReachablePositions", "GetInteractablePoses", "Done", "Pass"))
# fmt: off
_TOPS = frozenset((
    "CounterTop", "DiningTable", "CoffeeTable", "SideTable", "Desk", "TVStand", "Dresser", "Shelf",
    "SinkBasin", "Bed",
))
# fmt: on
