"""One renderer a session: its kernel is compiled once a machine, then read from warp's cache."""

from collections.abc import Callable

import pytest

from seestep.world.protocol import Event
from seestep.world.room import RoomSimulator, warm_up


@pytest.fixture(scope="session")
def eyes() -> RoomSimulator:
    """A simulator that renders 96 x 96 pictures."""
    warm_up(quiet=True)
    return RoomSimulator(96, 96)


@pytest.fixture
def kitchen() -> RoomSimulator:
    """Home 0, a kitchen, without pictures."""
    simulator = RoomSimulator(96, 96, render=False)
    simulator.reset(0)
    return simulator


@pytest.fixture
def first(kitchen: RoomSimulator) -> Callable[[str], str]:
    """Id of the kitchen's first object of a type."""

    def find(kind: str) -> str:
        return next(t.id for t in kitchen.things.values() if t.type == kind)

    return find


@pytest.fixture
def go(kitchen: RoomSimulator) -> Callable[..., Event]:
    """Walk to a thing and act on it."""

    def act(action: str, target: str, **more: object) -> Event:
        assert kitchen.step("NavigateTo", objectId=target)
        return kitchen.step(action, objectId=target, **more)

    return act
