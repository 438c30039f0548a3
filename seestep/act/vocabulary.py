"""The closed sets of the household domain: verbs, predicates, object types, what holds what.

Verbs and predicates are those of the thought schema (xcot/1). Action names, object types and the
rules for receptacles are those of AI2-THOR 5.x; the compatibility table is written from its rules
and from what is observed in its rooms, grouped by kind of thing instead of listed pair by pair.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# verb -> (fewest, most) arguments. ``put`` names the receptacle, or the held thing and the
# receptacle; clean, heat and cool may name the appliance after the thing.
VERBS: Final[dict[str, tuple[int, int]]] = {
    "find": (1, 1),
    "goto": (1, 1),
    "pick": (1, 1),
    "put": (1, 2),
    "open": (1, 1),
    "close": (1, 1),
    "turn_on": (1, 1),
    "turn_off": (1, 1),
    "slice": (1, 1),
    "clean": (1, 2),
    "heat": (1, 2),
    "cool": (1, 2),
    "pour": (0, 1),
    "push": (1, 1),
    "look": (0, 1),
    "point": (1, 1),
    "done": (0, 0),
}

# predicate -> number of arguments; "!" before the name negates.
PREDICATES: Final[dict[str, int]] = {
    "visible": 1,
    "near": 1,
    "holding": 1,
    "hand_empty": 0,
    "open": 1,
    "closed": 1,
    "on": 2,
    "in": 2,
    "is_on": 1,
    "is_off": 1,
    "clean": 1,
    "hot": 1,
    "cold": 1,
    "sliced": 1,
    "reachable": 1,
    "clear": 1,
}

# What a verb becomes in AI2-THOR 5.x. "goto" (and "find") is a teleport to the first pose of
# GetInteractablePoses; "look", "point" and "done" change nothing. clean, heat and cool are short
# programs over the others: see ``executor.routine``.
ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    "find": ("GetInteractablePoses", "TeleportFull"),
    "goto": ("GetInteractablePoses", "TeleportFull"),
    "pick": ("PickupObject",),
    "put": ("PutObject",),
    "open": ("OpenObject",),
    "close": ("CloseObject",),
    "turn_on": ("ToggleObjectOn",),
    "turn_off": ("ToggleObjectOff",),
    "slice": ("SliceObject",),
    "clean": ("PutObject", "ToggleObjectOn", "ToggleObjectOff", "PickupObject"),
    "heat": (
        "OpenObject",
        "PutObject",
        "CloseObject",
        "ToggleObjectOn",
        "ToggleObjectOff",
        "OpenObject",
        "PickupObject",
        "CloseObject",
    ),
    "cool": (
        "OpenObject",
        "PutObject",
        "CloseObject",
        "OpenObject",
        "PickupObject",
        "CloseObject",
    ),
    "pour": ("EmptyLiquidFromObject",),
    "push": ("PushObject",),
    "look": (),
    "point": (),
    "done": ("Done",),
}

# --- object types -----------------------------------------------------------------------------


def _types(names: str) -> frozenset[str]:
    return frozenset(names.split())


SLICEABLE: Final = frozenset({"Apple", "Bread", "Egg", "Lettuce", "Potato", "Tomato"})
KNIVES: Final = frozenset({"Knife", "ButterKnife"})
BASINS: Final = frozenset({"Sink", "SinkBasin", "Bathtub", "BathtubBasin"})
FAUCETS: Final = frozenset({"Faucet", "ShowerHead"})
HEATERS: Final = frozenset({"Microwave", "StoveBurner", "Toaster", "CoffeeMachine"})
COOLERS: Final = frozenset({"Fridge"})
LAMPS: Final = frozenset({"DeskLamp", "FloorLamp"})
OPENABLE: Final = _types(
    "Blinds Book Box Cabinet Drawer Fridge Kettle Laptop LaundryHamper Microwave Safe "
    "ShowerCurtain ShowerDoor Toilet"
)
TOGGLEABLE: Final = _types(
    "Candle CellPhone CoffeeMachine DeskLamp Faucet FloorLamp Laptop LightSwitch Microwave "
    "ShowerHead StoveKnob Television Toaster"
)
# Only these shut things in; a toilet's lid, for one, can be put on while closed.
SHUTS: Final = _types("Box Cabinet Drawer Fridge LaundryHamper Microwave Safe")
MUST_BE_OFF_TO_OPEN: Final = frozenset({"Microwave", "Laptop"})
MUST_BE_CLOSED_TO_TURN_ON: Final = frozenset({"Microwave"})
DIRTYABLE: Final = _types("Bed Bowl Cloth Cup Mirror Mug Pan Plate Pot")

# Things are *in* these and *on* every other receptacle.
CONTAINERS: Final = _types(
    "BathtubBasin Bathtub Bowl Box Cabinet Cup Drawer Fridge GarbageCan LaundryHamper Microwave "
    "Mug Pan Pot Safe Sink SinkBasin Toaster"
)

_FOOD = _types(
    "Apple AppleSliced Bread BreadSliced Egg EggCracked Lettuce LettuceSliced Potato PotatoSliced "
    "Tomato TomatoSliced"
)
_CROCKERY = _types("Bowl Cup Mug Plate")
_COOKWARE = _types("Kettle Pan Pot")
_CUTLERY = _types("ButterKnife Fork Knife Ladle Spatula Spoon")
_BOTTLES = _types("Bottle GlassBottle SoapBottle SprayBottle WineBottle")
_KITCHEN = _types("DishSponge PaperTowelRoll PepperShaker SaltShaker AluminumFoil")
_BATH = _types("Cloth ScrubBrush SoapBar TissueBox ToiletPaper ToiletPaperRoll Candle")
_DESK = _types(
    "AlarmClock Book CD CellPhone CreditCard KeyChain Newspaper Pen Pencil RemoteControl Watch"
)
_BULKY = _types("BaseballBat BasketBall Box Laptop Pillow TeddyBear TennisRacket")
_DECOR = _types("Statue Vase")
_SMALL = _FOOD | _CROCKERY | _COOKWARE | _CUTLERY | _BOTTLES | _KITCHEN | _BATH | _DESK | _DECOR

PICKUPABLE: Final = (
    _SMALL | _BULKY | _types("Boots Dumbbell Footstool HandTowel Plunger TableTopDecor Towel")
)

_SURFACES = _types(
    "CoffeeTable CounterTop Desk DiningTable Dresser Shelf ShelvingUnit SideTable TVStand"
)
_SEATS = _types("ArmChair Bed Chair Ottoman Sofa Stool")

# receptacle type -> types it takes. What is not listed is not a receptacle of AI2-THOR.
HOLDS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(_SURFACES, _SMALL | _BULKY),
    **dict.fromkeys(_SEATS, _BULKY | _DESK | frozenset({"Cloth"})),
    "Bathtub": _BATH | frozenset({"DishSponge", "HandTowel"}),
    "BathtubBasin": _BATH | frozenset({"DishSponge", "HandTowel"}),
    "Bowl": _FOOD | _CUTLERY | _DESK - frozenset({"Book", "Newspaper"}) | frozenset({"DishSponge"}),
    "Box": _SMALL | _BULKY - frozenset({"Box"}),
    "Cabinet": _SMALL | frozenset({"Box", "Plunger"}),
    "Cart": _BATH | _BOTTLES | _DECOR | frozenset({"HandTowel", "Plunger"}),
    "CoffeeMachine": frozenset({"Mug"}),
    "Cup": _CUTLERY | frozenset({"Pen", "Pencil"}),
    "Drawer": _SMALL - _COOKWARE,
    "Floor": PICKUPABLE,
    "Fridge": _FOOD | _CROCKERY | _COOKWARE | _BOTTLES - frozenset({"SoapBottle", "SprayBottle"}),
    "GarbageCan": _SMALL - _COOKWARE,
    "HandTowelHolder": frozenset({"HandTowel"}),
    "LaundryHamper": frozenset({"Cloth", "HandTowel", "Towel"}),
    "Microwave": _FOOD | _CROCKERY,
    "Mug": _CUTLERY | frozenset({"Pen", "Pencil"}),
    "Pan": _FOOD | _CUTLERY,
    "Plate": _FOOD | _CUTLERY | frozenset({"Mug", "Cup"}),
    "Pot": _FOOD | _CUTLERY,
    "Safe": _SMALL - _COOKWARE,
    "Sink": _SMALL - _DESK - _DECOR,
    "SinkBasin": _SMALL - _DESK - _DECOR,
    "StoveBurner": _COOKWARE,
    "Toaster": frozenset({"BreadSliced"}),
    "Toilet": _BATH | frozenset({"HandTowel", "Newspaper"}),
    "ToiletPaperHanger": frozenset({"ToiletPaper", "ToiletPaperRoll"}),
    "TowelHolder": frozenset({"Towel"}),
}


def holds(receptacle_type: str, object_type: str) -> bool:
    """True if AI2-THOR lets a thing of ``object_type`` be put in or on ``receptacle_type``."""
    return object_type in HOLDS.get(receptacle_type, frozenset())


def arity_problem(do: tuple[str, ...]) -> str:
    """Why ``do`` is not a verb with the right number of arguments; "" if it is."""
    if not do or do[0] not in VERBS:
        return f"{do[0] if do else ''!r} is not one of the {len(VERBS)} verbs"
    least, most = VERBS[do[0]]
    if not least <= len(do) - 1 <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        return f"{do[0]} takes {wanted} arguments, got {len(do) - 1}"
    return ""


@lru_cache(maxsize=1024)
def words(object_type: str) -> str:
    """An object type in plain words: "CounterTop" is "counter top"; sliced things say so first."""
    if object_type.endswith("Sliced") and object_type != "Sliced":
        return "sliced " + words(object_type.removesuffix("Sliced"))
    out = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", object_type)
    return out.lower() if not object_type.isupper() else object_type


_PLURALS: Final = {"knife": "knives", "shelf": "shelves"}


def plural(noun: str) -> str:
    """ "mug" -> "mugs", "box" -> "boxes", "tomato" -> "tomatoes"."""
    head, _, last = noun.rpartition(" ")
    if last in _PLURALS:
        last = _PLURALS[last]
    elif last.endswith(("s", "x", "ch", "sh", "ato")):
        last += "es"
    else:
        last += "s"
    return f"{head} {last}".strip()
