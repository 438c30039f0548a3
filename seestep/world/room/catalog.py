"""Every type of thing: its properties in AI2-THOR's words, its colours, and what it looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seestep.world.room.furniture import BUILDERS as FURNITURE
from seestep.world.room.objects import BUILDERS as SMALL
from seestep.world.room.objects import stains
from seestep.world.room.shapes import SCALES, Part
from seestep.world.room.thing import Thing

VIVID = ("red", "green", "blue", "yellow", "purple", "orange", "white")
PLAIN = ("white", "black", "gray", "brown")


@dataclass(frozen=True, slots=True)
class Kind:
    """Properties of a type, named as in AI2-THOR's metadata."""

    colors: tuple[str, ...] = VIVID
    sizes: tuple[str, ...] = ("small", "large")
    pickupable: bool = False
    moveable: bool = False
    receptacle: bool = False
    openable: bool = False
    toggleable: bool = False
    sliceable: bool = False
    cookable: bool = False
    breakable: bool = False
    dirtyable: bool = False
    fillable: bool = False
    heat_source: bool = False
    cold_source: bool = False
    mass: float = 0.0
    materials: tuple[str, ...] = ()


def _ware(mass: float = 0.5, **more: Any) -> Kind:
    return Kind(
        pickupable=True, dirtyable=True, breakable=True, mass=mass, materials=("Ceramic",), **more
    )


def _food(*colors: str, sizes: tuple[str, ...] = ("small", "large"), cookable: bool = True,
          sliceable: bool = True) -> Kind:  # fmt: skip
    return Kind(colors, sizes, pickupable=True, sliceable=sliceable, cookable=cookable, mass=0.2,
                materials=("Food",))  # fmt: skip


def _item(*colors: str, mass: float = 0.3, sizes: tuple[str, ...] = ("small", "large"),
          **more: Any) -> Kind:  # fmt: skip
    return Kind(colors or VIVID, sizes, pickupable=True, mass=mass, materials=("Plastic",), **more)


def _fixed(*colors: str, **more: Any) -> Kind:
    return Kind(colors or PLAIN, ("large",), **more)


KINDS: dict[str, Kind] = {
    "Mug": _ware(receptacle=True, fillable=True),
    "Cup": _ware(receptacle=True, fillable=True),
    "Bowl": _ware(receptacle=True, fillable=True),
    "Plate": _ware(receptacle=True),
    "Bottle": Kind(pickupable=True, breakable=True, fillable=True, mass=0.5, materials=("Glass",)),
    "Vase": Kind(pickupable=True, breakable=True, mass=1.0, materials=("Glass",)),
    "Pan": _item(receptacle=True, dirtyable=True, mass=1.0),
    "Pot": _item(receptacle=True, dirtyable=True, fillable=True, mass=1.0),
    "Kettle": _item(fillable=True, mass=0.8),
    "Apple": _food("red", "green", "yellow"),
    "Tomato": _food("red", "yellow", "orange"),
    "Potato": _food("brown", "yellow"),
    "Bread": _food("brown"),
    "Lettuce": _food("green", cookable=False),
    "Egg": _food("white", "brown", sizes=("small",)),
    "Knife": _item("black", "red", "blue", "green", mass=0.1),
    "Spoon": _item("gray", "yellow", "red", "blue", mass=0.1, dirtyable=True),
    "Book": _item(mass=0.5),
    "Laptop": _item("gray", "black", "white", "blue", mass=1.5, openable=True, toggleable=True,
                    sizes=("large",)),
    "CellPhone": _item("black", "white", "red", "blue", mass=0.2, toggleable=True),
    "RemoteControl": _item("black", "white", "gray"),
    "SoapBar": _item("pink", "white", "green", "yellow", "blue"),
    "SoapBottle": _item("pink", "green", "blue", "yellow", "orange", "purple"),
    "Box": _item("brown", "red", "green", "blue", "yellow", "purple", "white", receptacle=True,
                 openable=True, mass=0.5),
    "AlarmClock": _item("red", "black", "white", "blue", "yellow"),
    "Candle": _item("white", "red", "yellow", "purple", "green", toggleable=True),
    "TissueBox": _item("blue", "green", "pink", "white", "purple"),
    "Pillow": _item("red", "green", "blue", "yellow", "purple", "orange", "white", "pink"),
    "BasketBall": _item("orange", "red", "blue", "green", "yellow"),
    "DeskLamp": Kind(VIVID, ("large",), moveable=True, toggleable=True, mass=2.0),
    # furniture
    "CounterTop": _fixed("white", "gray", "brown", "black", receptacle=True),
    "DiningTable": _fixed("brown", "white", "gray", receptacle=True, moveable=True),
    "CoffeeTable": _fixed("brown", "white", "black", receptacle=True, moveable=True),
    "SideTable": _fixed("brown", "white", "black", receptacle=True, moveable=True),
    "Desk": _fixed("brown", "white", "gray", receptacle=True, moveable=True),
    "TVStand": _fixed("brown", "white", "black", receptacle=True, moveable=True),
    "Dresser": _fixed("brown", "white", "gray", receptacle=True, moveable=True),
    "Shelf": _fixed("brown", "white", "black", receptacle=True),
    "Sofa": _fixed("red", "blue", "green", "gray", "brown", receptacle=True, moveable=True),
    "ArmChair": _fixed("red", "blue", "green", "yellow", "gray", receptacle=True, moveable=True),
    "Bed": _fixed("blue", "red", "green", "white", "purple", receptacle=True, moveable=True),
    "Chair": _fixed("brown", "white", "black", "red", receptacle=True, moveable=True),
    "GarbageCan": _fixed("black", "gray", "red", "green", "blue", receptacle=True, moveable=True),
    "Fridge": _fixed("white", "gray", "red", receptacle=True, openable=True, cold_source=True),
    "Microwave": _fixed("black", "white", "gray", "red", receptacle=True, openable=True,
                        toggleable=True, heat_source=True, moveable=True),
    "Cabinet": _fixed("white", "brown", "gray", receptacle=True, openable=True),
    "Drawer": _fixed("white", "brown", "gray", receptacle=True, openable=True),
    "SinkBasin": _fixed("gray", "white", receptacle=True),
    "Faucet": _fixed("gray", toggleable=True),
    "StoveBurner": _fixed("black", receptacle=True, heat_source=True),
    "StoveKnob": _fixed("gray", toggleable=True),
    "Television": _fixed("black", toggleable=True, moveable=True),
    "FloorLamp": _fixed("white", "yellow", "red", "black", toggleable=True, moveable=True),
    "HousePlant": _fixed("green", moveable=True),
    "Painting": _fixed("red", "green", "blue", "yellow", "purple", "orange"),
    "Window": _fixed("white"),
}  # fmt: skip

OBJECTS = tuple(name for name, kind in KINDS.items() if kind.pickupable)


def build(thing: Thing) -> list[Part]:
    """All parts of a thing in its present state, in its own frame."""
    if thing.type in FURNITURE:
        return FURNITURE[thing.type](thing)
    parts = SMALL[thing.type](thing, SCALES[thing.size])
    if thing.dirty:
        return [*parts, *stains(thing, SCALES[thing.size])]
    return parts
